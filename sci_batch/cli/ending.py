"""How a run ends: which exit code an exception is, and the health file that tells it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sci_batch.cli.log import say
from sci_batch.cli.terminal import now_ms
from sci_batch.errors import SciBatchError, SinkError
from sci_batch.schedule import health
from sci_batch.windows import rfc3339

BUG = 1
INTERRUPTED = 130
TERMINATED = 143
STOPPED = {INTERRUPTED: "interrupted", TERMINATED: "terminated"}


@dataclass(slots=True)
class Followed:
    """What a run tells about itself as it goes on, for the health file."""

    start: str = ""
    """RFC 3339, UTC; empty while the range is not known."""
    end: str = ""
    words: str = ""
    """One line on what was done."""


def exit_code(error: BaseException) -> int:
    """Exit code of what ended a run."""
    if isinstance(error, SciBatchError):
        return error.exit_code
    if isinstance(error, BrokenPipeError):
        return 0
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    return BUG


@contextmanager
def followed(path: Path | None) -> Iterator[Followed]:
    """Write the health file (where there is one) at the end of what is done inside, however it ends.

    Raises
    ------
    SinkError
        All went well, but the health file cannot be written.
    """
    run = Followed()
    try:
        yield run
    except BaseException as error:
        code = exit_code(error)
        words = STOPPED.get(code) or (error.what if isinstance(error, SciBatchError) else _bug(error))
        try:
            _tell(path, run, code, run.words if code == 0 else words)
        except SinkError as failed:  # the first failure is the one to show
            say(f"warning: {failed.what}")
        raise
    _tell(path, run, 0, run.words)


def _bug(error: BaseException) -> str:
    return f"a bug in sci-batch: {type(error).__name__}"


def _tell(path: Path | None, run: Followed, code: int, words: str) -> None:
    if path is None:
        return
    finished = rfc3339(now_ms(os.environ))
    health.write(
        path,
        health.Outcome(finished=finished, exit_code=code, message=words, start=run.start, end=run.end),
    )
