"""Where bytes go: standard output, or a file that appears whole or not at all."""

from __future__ import annotations

import fcntl
import os
import re
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from sci_batch.errors import SinkError

_LONGEST_STEM = 200
"""Bytes: file systems allow names of 255."""


def same(path: Path | None, other: Path | None) -> bool:
    """Whether both are given, and lead to one file."""
    return path is not None and other is not None and path.resolve() == other.resolve()


@contextmanager
def opened(path: Path | None, *, no_clobber: bool = False) -> Iterator[BinaryIO]:
    """Binary stream to `path` (None: standard output).

    A file is written beside its target, and renamed over it when all of it is on the disk; missing folders
    are made. When anything fails the old file stays as it was; what a killed run left beside it is removed.
    Devices and pipes are written directly.

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
    _sweep(target)
    temporary, opened_file = _beside(target)
    try:
        with opened_file as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
            _refuse(target, no_clobber)
            temporary.replace(target)  # before the lock is gone, so that nobody takes it for a leftover
    finally:
        temporary.unlink(missing_ok=True)


def _beside(target: Path) -> tuple[Path, BinaryIO]:
    """A new file in the folder of the target, locked as long as it is open."""
    while True:
        path = target.with_name(f".{_stem(target)}.{uuid.uuid4().hex[:12]}.tmp")
        stream = path.open("xb")
        with suppress(OSError):  # a file system without locks: then nobody sweeps there either
            fcntl.flock(stream, fcntl.LOCK_EX)
        if path.exists():  # else swept in the moment before the lock
            return path, stream
        stream.close()


def _sweep(target: Path) -> None:
    """Remove what killed runs left of this file. One that is still being written is locked."""
    ours = re.compile(rf"\.{re.escape(_stem(target))}\.[0-9a-f]{{12}}\.tmp")
    with suppress(OSError):  # no right to look: no reason to fail
        for path in [found for found in target.parent.iterdir() if ours.fullmatch(found.name)]:
            _remove_unless_locked(path)


def _remove_unless_locked(path: Path) -> None:
    with suppress(OSError):
        handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
        finally:
            os.close(handle)


def _stem(target: Path) -> str:
    return os.fsencode(target.name)[:_LONGEST_STEM].decode(errors="ignore")


def _refuse(target: Path, no_clobber: bool) -> None:
    if no_clobber and target.exists():
        raise FileExistsError(17, "it exists, and --no-clobber is given")
