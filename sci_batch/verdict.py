"""What became of a limit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verdict:
    """One limit as the user wrote it, and the sentence that tells how it was passed; empty when kept."""

    limit: str
    breach: str
