"""Azure: the default credential of its library, for Azure Monitor workspaces."""

from __future__ import annotations

import logging

from azure.core.exceptions import AzureError, ClientAuthenticationError, ServiceRequestError
from azure.identity import DefaultAzureCredential

from sci_batch.errors import AuthError, SourceError
from sci_batch.prometheus.cloud_bearer import Bearer
from sci_batch.prometheus.problems import TransientError

SCOPE = "https://prometheus.monitor.azure.com/.default"
_CURE = (
    "Use workload or managed identity, set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or run "
    "`az login`; the role is Monitoring Data Reader on the workspace."
)


class Azure:
    """Tokens; the library keeps them and renews them some minutes before they end."""

    def __init__(self) -> None:
        # It warns of every place without an identity, at length and with what the service said.
        logging.getLogger("azure").setLevel(logging.ERROR)
        self._credential = DefaultAzureCredential()

    def proof(self) -> Bearer:
        """The token; raises as `cloud.Source.proof`."""
        try:
            return Bearer(self._credential.get_token(SCOPE).token)
        except ClientAuthenticationError:
            # The same for an identity that is missing and one that is refused. Its words list all the places
            # that were tried, and repeat the service's answers.
            raise AuthError("Azure gives no token: no identity is found, or it is refused.", _CURE) from None
        except ServiceRequestError:
            raise TransientError(
                SourceError("The token service of Azure cannot be reached.", "Check HTTPS_PROXY.")
            ) from None
        except AzureError as failed:
            what = f"The token service of Azure gave no token ({type(failed).__name__})."
            raise TransientError(SourceError(what, "Try again later.")) from None
