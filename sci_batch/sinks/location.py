"""Where a data set lies: a folder here, or a bucket, told by its text alone."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sci_batch.errors import UsageError
from sci_batch.files import path_of

SCHEMES = {"s3": "S3", "gs": "Google Cloud Storage", "az": "Azure Blob Storage"}
"""Object stores by the scheme of their addresses."""
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_EXAMPLES = "parquet=s3://bucket/prefix, parquet=gs://bucket/prefix, parquet=az://container/prefix"


@dataclass(frozen=True, slots=True)
class Location:
    """Folder of a data set; `scheme` is empty for a folder of this machine."""

    scheme: str
    path: str
    """Of a bucket: its name, then the prefix, without slashes at the ends."""

    @property
    def bucket(self) -> str:
        """Name of the bucket or container."""
        return self.path.partition("/")[0]

    def __str__(self) -> str:
        """As a user would give it."""
        return f"{self.scheme}://{self.path}" if self.scheme else f"{self.path.rstrip('/')}/"


def names_folder(text: str) -> bool:
    """Whether a text names a folder, not a file: an address of any kind, or a slash at the end."""
    return text.endswith("/") or _SCHEME.fullmatch(text) is not None


def located(text: str) -> Location:
    """The folder that a text names; no message repeats an address that may hold a secret.

    >>> str(located("s3://bucket/energy/")), str(located("out/energy"))
    ('s3://bucket/energy', 'out/energy/')

    Raises
    ------
    UsageError
        Another scheme, no bucket, a login or parameters in the address, or the name of a file.
    """
    found = _SCHEME.fullmatch(text.strip())
    if found is None:
        return Location("", str(path_of(text)))
    scheme, rest = found[1].lower(), found[2].strip("/")
    if scheme not in SCHEMES:
        raise UsageError(f"{scheme}:// is no place for a data set", f"Give for example {_EXAMPLES}, or DIR/.")
    segments = rest.split("/")
    if "@" in segments[0] or re.search(r"[?#:]", rest):
        raise UsageError(
            f"the {scheme}:// address holds a login or parameters",
            "Give the bucket and the prefix alone; logins come from the environment, such as "
            "AWS_ACCESS_KEY_ID, GOOGLE_APPLICATION_CREDENTIALS or AZURE_STORAGE_ACCOUNT.",
        )
    if any(segment.strip() in ("", ".", "..") for segment in segments):
        raise UsageError(f"the {scheme}:// address has no bucket, or an empty part", f"Give {_EXAMPLES}.")
    if rest.endswith((".parquet", ".json")):
        raise UsageError(
            f"the {scheme}:// address names a file, and object storage holds a data set of many",
            f"Leave the file's name out: {_EXAMPLES}.",
        )
    return Location(scheme, rest)
