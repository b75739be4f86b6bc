"""Small JSON files that a later run reads: whole or not there, with a version and a kind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sci_batch.errors import SinkError, UsageError
from sci_batch.files import contents
from sci_batch.sinks.target import opened
from sci_batch.windows import parse_time, rfc3339

VERSION = 1
"""Rises when an older sci-batch would misread the file."""
_VERSION_KEY = "schema_version"
_LARGEST_BYTES = 64 * 1024**2


def read(path: Path, kind: str, flag: str) -> dict[str, Any] | None:
    """What a run wrote; None where there is no file.

    Raises
    ------
    UsageError
        The file is none of ours, of another kind, newer than this version, or cannot be read.
    """
    cure = f"Give {flag} another path, or delete the file to begin anew."
    try:
        found = json.loads(contents(path, _LARGEST_BYTES))
    except UsageError:  # too large, or a device that never ends
        raise UsageError(f"{path} is no state of sci-batch", cure) from None
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}", f"Check {flag}.") from None
    except (ValueError, RecursionError):  # no JSON, no UTF-8
        raise UsageError(f"{path} is no state of sci-batch: it is not JSON", cure) from None
    version = found.get(_VERSION_KEY) if isinstance(found, dict) else None
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise UsageError(f"{path} is no state of sci-batch", cure)
    if version > VERSION:
        raise UsageError(f"{path} was written by a newer sci-batch", "Update sci-batch.")
    if found.get("kind") != kind:
        raise UsageError(f"{path} is not of the kind {kind}, but {found.get('kind')!r}", cure)
    return dict(found)


def write(path: Path, kind: str, content: dict[str, Any], flag: str) -> None:
    """Put the file in place as a whole, also across a power cut.

    Raises
    ------
    SinkError
        It cannot be written; the old one stays.
    """
    text = json.dumps({_VERSION_KEY: VERSION, "kind": kind, **content}, indent=1, ensure_ascii=False)
    try:
        with opened(path) as stream:
            stream.write(f"{text}\n".encode())
    except SinkError as error:
        raise SinkError(error.what, f"Check {flag}, its rights and space.") from None


def time_ms(value: object, path: Path, flag: str) -> int:
    """A time of the file [ms since the Unix epoch]."""
    try:
        found = parse_time(str(value), now_ms=0)
        if rfc3339(found) == value:  # as we write it: neither `now` nor a local time
            return found
    except UsageError:
        pass
    raise UsageError(
        f"{path} is no state of sci-batch: {value!r} is not a time",
        f"Give {flag} another path, or delete the file to begin anew.",
    )
