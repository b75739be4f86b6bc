"""Files of a data set, which appear whole or not at all: in a folder, or a bucket by pyarrow's file systems.

Logins come from where the makers of the stores look for them: environment, configuration file, or the
machine's role. What pyarrow does not read of that environment is read here.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sci_batch.errors import UsageError
from sci_batch.prometheus.http import CONNECT_TIMEOUT_SECONDS, split_url
from sci_batch.sinks.access import Push
from sci_batch.sinks.azure import account
from sci_batch.sinks.location import SCHEMES, Location
from sci_batch.sinks.storage_problems import told
from sci_batch.sinks.target import opened

if TYPE_CHECKING:
    from pyarrow import fs


_CLASSES = {"s3": "S3FileSystem", "gs": "GcsFileSystem", "az": "AzureFileSystem"}


class Storage(Protocol):
    """A folder of files; names are relative to it, with `/` between. Every method raises `SinkError`."""

    def files(self) -> list[str]:
        """Names of the files of partitions (in a bucket of all), sorted; none where there is no folder."""

    def read(self, name: str) -> bytes:
        """A whole file."""

    def write(self, name: str, content: bytes) -> None:
        """Put a file in place of the one of that name."""

    def alone(self) -> AbstractContextManager[None]:
        """Keep other runs on this machine from writing; a bucket has no such lock."""


class Folder:
    """A folder of this machine."""

    def __init__(self, location: Location) -> None:
        self._root = Path(location.path)
        self._location = location

    def files(self) -> list[str]:
        """See `Storage`."""
        with told(self._location):
            found = self._root.glob("date=*/cluster=*/*")  # not below: it may be a big folder of others
            return sorted(path.relative_to(self._root).as_posix() for path in found)

    def read(self, name: str) -> bytes:
        """See `Storage`."""
        with told(self._location):
            return (self._root / name).read_bytes()

    def write(self, name: str, content: bytes) -> None:
        """See `Storage`."""
        with opened(self._root / name) as stream:
            stream.write(content)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """See `Storage`."""
        with told(self._location):
            self._root.mkdir(parents=True, exist_ok=True)
            lock = os.open(self._root, os.O_RDONLY)
        try:
            with told(self._location):
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


class Bucket:
    """A bucket, or a part of one."""

    def __init__(self, location: Location, files: fs.FileSystem) -> None:
        self._location = location
        self._files = files

    def files(self) -> list[str]:
        """See `Storage`."""
        from pyarrow.fs import FileSelector, FileType

        root = self._location.path
        # All at once: pyarrow sees no folders in Google's store, and 1000 names cost one request.
        with told(self._location):
            found = self._files.get_file_info(FileSelector(root, allow_not_found=True, recursive=True))
        return sorted(item.path.removeprefix(f"{root}/") for item in found if item.type == FileType.File)

    def read(self, name: str) -> bytes:
        """See `Storage`."""
        with told(self._location), self._files.open_input_file(self._path(name)) as stream:
            return bytes(stream.read())

    def write(self, name: str, content: bytes) -> None:
        """See `Storage`; a store shows a file when all of it is in."""
        with told(self._location):
            self._put(name, content)

    def _put(self, name: str, content: bytes) -> None:
        with self._files.open_output_stream(self._path(name)) as stream:
            stream.write(content)

    def alone(self) -> AbstractContextManager[None]:
        """See `Storage`."""
        return nullcontext()

    def _path(self, name: str) -> str:
        return f"{self._location.path}/{name}"


class Container(Bucket):
    """A container of Azure: pyarrow empties a file before it writes, so it writes aside, and Azure copies."""

    def _put(self, name: str, content: bytes) -> None:
        folder, _, last = name.rpartition("/")
        aside = f"{folder}/_{last}.tmp"  # readers pass over names that begin with `_`
        super()._put(aside, content)
        self._files.copy_file(self._path(aside), self._path(name))
        self._files.delete_file(self._path(aside))


def check(location: Location, environ: Mapping[str, str] | None = None) -> None:
    """See without a network whether a store could be reached.

    Raises
    ------
    UsageError
        This pyarrow was built without that store, or the environment names no account of Azure.
    """
    if not location.scheme:
        return
    import pyarrow.fs

    try:
        getattr(pyarrow.fs, _CLASSES[location.scheme])
    except (ImportError, AttributeError):
        raise UsageError(
            f"the pyarrow that is installed was built without {SCHEMES[location.scheme]}",
            "Install the one of PyPI: pip install --force-reinstall pyarrow",
        ) from None
    if location.scheme == "az":
        account(os.environ if environ is None else environ)


def storage(location: Location, push: Push, environ: Mapping[str, str] | None = None) -> Storage:
    """The files at a location; nothing is asked of a bucket yet, but the region of one in S3.

    Parameters
    ----------
    location
        Folder of the data set.
    push
        Patience: `timeout_seconds`, `retries`.
    environ
        Where addresses and logins stand; None: the process's own.

    Raises
    ------
    SinkError
        The region cannot be found out, or the environment holds something unusable.
    """
    if not location.scheme:
        return Folder(location)
    environ = os.environ if environ is None else environ
    check(location, environ)
    with told(location):
        match location.scheme:
            case "s3":
                return Bucket(location, _s3(location, push, environ))
            case "gs":
                return Bucket(location, _google(push, environ))
            case _:
                return Container(location, _azure(environ))


def _s3(location: Location, push: Push, environ: Mapping[str, str]) -> fs.FileSystem:
    from pyarrow.fs import AwsStandardS3RetryStrategy, S3FileSystem, resolve_s3_region

    endpoint = environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL")
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    return S3FileSystem(
        region=region or (None if endpoint else resolve_s3_region(location.bucket)),
        endpoint_override=endpoint,
        tls_ca_file_path=environ.get("AWS_CA_BUNDLE"),
        connect_timeout=min(CONNECT_TIMEOUT_SECONDS, push.timeout_seconds),
        request_timeout=push.timeout_seconds,
        retry_strategy=AwsStandardS3RetryStrategy(max_attempts=push.retries + 1),
        # One PUT for a small file, instead of the three requests of an upload in parts.
        allow_delayed_open=True,
    )


def _google(push: Push, environ: Mapping[str, str]) -> fs.FileSystem:
    from pyarrow.fs import GcsFileSystem

    patience = timedelta(seconds=push.timeout_seconds)
    if emulator := environ.get("STORAGE_EMULATOR_HOST"):
        url = split_url(emulator)
        return GcsFileSystem(
            anonymous=True, scheme=url.scheme, endpoint_override=url.netloc, retry_time_limit=patience
        )
    return GcsFileSystem(retry_time_limit=patience)


def _azure(environ: Mapping[str, str]) -> fs.FileSystem:
    from pyarrow.fs import AzureFileSystem

    return AzureFileSystem(**account(environ))
