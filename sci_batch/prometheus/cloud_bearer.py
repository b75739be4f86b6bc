"""A token of a cloud in the header `Authorization`."""

from __future__ import annotations

from dataclasses import dataclass, field

import requests


@dataclass(frozen=True, slots=True)
class Bearer:
    """One token."""

    token: str = field(repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The token."""
        return (self.token,)

    def prove(self, request: requests.PreparedRequest) -> None:
        """Set the header."""
        request.headers["Authorization"] = f"Bearer {self.token}"
