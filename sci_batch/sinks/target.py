"""Where bytes go: standard output, or a file that appears whole or not at all."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from sci_batch.errors import SinkError


def same(path: Path | None, other: Path | None) -> bool:
    """Whether both are given, and lead to one file."""
    return path is not None and other is not None and path.resolve() == other.resolve()


@contextmanager
def opened(path: Path | None, *, no_clobber: bool = False) -> Iterator[BinaryIO]:
    """Binary stream to `path` (None: standard output).

    A file is written beside its target and renamed over it at the end; missing folders are made.
    When anything fails the old file stays as it was. Devices and pipes are written directly.

    Raises
    ------
    SinkError
        The target cannot be written, or exists under `no_clobber`.
    BrokenPipeError
        Nobody reads standard output any more.
    """
    try:
        with _stream(path, no_clobber) as stream:
            yield stream
    except BrokenPipeError:
        if path is None:
            raise
        raise SinkError(f"{path} could not be written: nobody reads this pipe", "Check --output.") from None
    except OSError as error:
        name = "standard output" if path is None else str(path)
        raise SinkError(
            f"{name} could not be written: {error.strerror or error}",
            "Check the path of --output, its rights and space.",
        ) from error


@contextmanager
def _stream(path: Path | None, no_clobber: bool) -> Iterator[BinaryIO]:
    if path is None:
        if sys.stdout is None:
            raise OSError(9, "it is closed")
        sys.stdout.flush()
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    elif path.exists() and not path.is_file() and not path.is_dir():
        with path.open("wb") as stream:
            yield stream
    else:
        with _replacing(path.resolve(), no_clobber) as stream:
            yield stream


@contextmanager
def _replacing(target: Path, no_clobber: bool) -> Iterator[BinaryIO]:
    if target.is_dir():
        raise IsADirectoryError(21, "it is a folder")
    _refuse(target, no_clobber)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name[:200]}.{uuid.uuid4().hex[:12]}.tmp")
    try:
        with temporary.open("xb") as stream:
            yield stream
        _refuse(target, no_clobber)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _refuse(target: Path, no_clobber: bool) -> None:
    if no_clobber and target.exists():
        raise FileExistsError(17, "it exists, and --no-clobber is given")
