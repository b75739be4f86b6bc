"""What the modules log, said as notes.

They log detours that change no number, at level `INFO`: waits before a request is tried again, ways that a
server does not offer. `--verbose` says all of it. What people should know although they asked for nothing, as
a server answers oddly, is marked `extra={"tell": True}`: it is said once for each kind, unless `--quiet`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import sci_batch
from sci_batch.cli.log import say


class _Notes(logging.Handler):
    def __init__(self, *, verbose: bool) -> None:
        super().__init__()
        self._verbose = verbose
        self._told: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        if not self._verbose:
            if not getattr(record, "tell", False) or record.msg in self._told:
                return
            self._told.add(record.msg)
        say(f"note: {record.getMessage()}")


@contextmanager
def notes(*, quiet: bool, verbose: bool) -> Iterator[None]:
    """Say them while a command runs."""
    if quiet:
        yield
        return
    log, handler = logging.getLogger(sci_batch.__name__), _Notes(verbose=verbose)
    before = log.level
    log.setLevel(logging.INFO)
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(before)
