"""The storage account of Azure from the variables that Azure's own tools read."""

from __future__ import annotations

from collections.abc import Mapping

from sci_batch.errors import UsageError
from sci_batch.prometheus.http import split_url

_CURE = (
    "Set AZURE_STORAGE_ACCOUNT, and AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN where no workload identity "
    "logs in; or AZURE_STORAGE_CONNECTION_STRING."
)


def account(environ: Mapping[str, str]) -> dict[str, str]:
    """Arguments of pyarrow's `AzureFileSystem`; without a key it logs in by the identity of the machine.

    Raises
    ------
    UsageError
        No account is named.
    """
    text = environ.get("AZURE_STORAGE_CONNECTION_STRING")
    found = _of_string(text) if text else _of_variables(environ)
    if not found.get("account_name"):
        raise UsageError("the environment names no storage account of Azure", _CURE)
    return {name: value for name, value in found.items() if value}


def _of_variables(environ: Mapping[str, str]) -> dict[str, str]:
    return {
        "account_name": environ.get("AZURE_STORAGE_ACCOUNT", ""),
        "account_key": environ.get("AZURE_STORAGE_KEY", ""),
        "sas_token": environ.get("AZURE_STORAGE_SAS_TOKEN", ""),
    }


def _of_string(text: str) -> dict[str, str]:
    """`AccountName=...;AccountKey=...;BlobEndpoint=http://127.0.0.1:10000/name`, in any order."""
    parts = dict(part.split("=", 1) for part in text.split(";") if "=" in part)
    found = {
        "account_name": parts.get("AccountName", ""),
        "account_key": parts.get("AccountKey", ""),
        "sas_token": parts.get("SharedAccessSignature", ""),
        "blob_storage_scheme": parts.get("DefaultEndpointsProtocol", ""),
    }
    if endpoint := parts.get("BlobEndpoint"):
        url = split_url(endpoint)
        found |= {"blob_storage_scheme": url.scheme, "blob_storage_authority": url.netloc}
        if not found["account_name"]:
            found["account_name"] = url.path.strip("/") or url.netloc.partition(".")[0]
        # An emulator answers for both services at one address.
        if url.path.strip("/"):
            found |= {"dfs_storage_scheme": url.scheme, "dfs_storage_authority": url.netloc}
        else:
            found["blob_storage_authority"] = f".{url.netloc.partition('.')[2]}"
    return found
