"""One run at a time: a lock that the kernel takes away from a process that is gone, however it went.

The lock file stays, empty: to delete it would open a gap in which two runs hold two files of one name.
"""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from sci_batch.errors import LockedError, SinkError

SUFFIX = ".lock"


def beside(path: Path) -> Path:
    """The lock file of a state file or a folder of results."""
    return path.with_name(path.name + SUFFIX)


@contextmanager
def held(paths: Iterable[Path]) -> Iterator[None]:
    """Hold the locks beside all of these, or none.

    Raises
    ------
    LockedError
        Another run holds one.
    SinkError
        A lock file cannot be written, or its file system knows no locks.
    """
    with ExitStack() as stack:
        for path in sorted({beside(path.resolve()) for path in paths}):
            stack.enter_context(_held(path))
        yield


@contextmanager
def _held(path: Path) -> Iterator[None]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise SinkError(
            f"{path} could not be written: {error.strerror or error}",
            "Check the rights of this folder, or choose another one.",
        ) from None
    try:
        _take(handle, path)
        _tell(handle, f"process {os.getpid()} on {socket.gethostname()}\n")
        try:
            yield
        finally:
            _tell(handle, "")
    finally:
        os.close(handle)  # and with it the lock


def _tell(handle: int, words: str) -> None:
    """Who holds the lock, for people: a full disk is no reason to fail."""
    with suppress(OSError):
        os.truncate(handle, 0)
        os.pwrite(handle, words.encode(), 0)


def _take(handle: int, path: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(handle, 300, 0).decode(errors="replace").strip()
        who = f" ({holder})" if holder.isprintable() and holder else ""
        raise LockedError(
            f"another run{who} is at work on {path.with_name(path.name.removesuffix(SUFFIX))}; "
            "nothing was done",
            "Wait until it has ended; in a CronJob set concurrencyPolicy: Forbid.",
        ) from None
    except OSError as error:
        raise SinkError(
            f"{path} cannot be locked: {error.strerror or error}", "Choose a file system that knows locks."
        ) from None
