"""Google: application default credentials, for Google Cloud Managed Service for Prometheus."""

from __future__ import annotations

import logging
from typing import Any

import google.auth
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError, TransportError
from google.auth.transport.requests import Request

from sci_batch.errors import AuthError, SourceError, UsageError
from sci_batch.prometheus.cloud_bearer import Bearer
from sci_batch.prometheus.problems import TransientError

SCOPE = "https://www.googleapis.com/auth/monitoring.read"
_CURE = (
    "Use workload identity, name a key file in GOOGLE_APPLICATION_CREDENTIALS, or run "
    "`gcloud auth application-default login`; the role is monitoring.viewer."
)


class Google:
    """Tokens; the library calls one ended some minutes before it ends."""

    def __init__(self) -> None:
        # It warns of what is no concern here, such as a project without a name.
        logging.getLogger("google.auth").setLevel(logging.ERROR)
        self._credentials: Any = None
        self._request = Request()

    def proof(self) -> Bearer:
        """The token, renewed if need be; raises as `cloud.Source.proof`."""
        try:
            if self._credentials is None:
                self._credentials, _ = google.auth.default(scopes=[SCOPE])
            if not self._credentials.valid:
                self._credentials.refresh(self._request)
        # Their words may repeat an answer of the token service: only the kind is shown.
        except DefaultCredentialsError:
            raise UsageError("--google finds no credentials, or they cannot be used.", _CURE) from None
        except TransportError:
            raise TransientError(
                SourceError("The token service of Google cannot be reached.", "Check HTTPS_PROXY.")
            ) from None
        except GoogleAuthError as failed:
            what = f"The token service of Google gave no token ({type(failed).__name__})."
            if failed.retryable:
                raise TransientError(SourceError(what, "Try again later.")) from None
            raise AuthError(what, _CURE) from None
        return Bearer(str(self._credentials.token))
