"""Logins by the identity that a machine has in a cloud: AWS signs each request, Google and Azure give tokens.

Where the identity comes from is left to the clouds' own libraries, each an optional extra.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

from sci_batch.prometheus.http import HttpSettings

if TYPE_CHECKING:
    import requests


class Proof(Protocol):
    """What goes with one request."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Texts in it that no message may show."""

    def prove(self, request: requests.PreparedRequest) -> None:
        """Add it to a request that is complete otherwise."""


class Source(Protocol):
    """Where proofs come from; keeps what it has and renews it before it ends."""

    def proof(self) -> Proof:
        """A proof of now.

        Raises
        ------
        UsageError
            No identity is found, or it is not what the flags say.
        AuthError, TransientError
            The cloud refused, or did not answer.
        """


class Identity:
    """Found at first use, then kept; safe for threads."""

    def __init__(self, settings: HttpSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._source: Source | None = None

    def proof(self) -> Proof | None:
        """A proof of now, None where no cloud is asked for; raises as `Source.proof`."""
        settings = self._settings
        if settings.sigv4_region is None and not settings.google and not settings.azure:
            return None
        with self._lock:
            if self._source is None:
                self._source = _source(settings)
            return self._source.proof()


def _source(settings: HttpSettings) -> Source:
    if settings.google:
        from sci_batch.prometheus.cloud_google import Google

        return Google()
    if settings.azure:
        from sci_batch.prometheus.cloud_azure import Azure

        return Azure()
    from sci_batch.prometheus.cloud_aws import Aws

    return Aws(settings)
