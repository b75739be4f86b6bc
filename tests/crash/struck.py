"""The command line in processes that kill themselves, or are killed, at a chosen moment.

`python -m tests.crash.struck` loads the tool once. Each line of its standard input is a run, done in a
fork of it; each line of its standard output says how that ended.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests import forge as forges
from tests.cli.process import environment

_CHANGES = {"open": 0, "os.rename": 1, "os.remove": 0, "os.mkdir": 0, "os.rmdir": 0}
"""Events of Python in which the file system is changed, and the argument that is the path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blow:
    """When a run is killed: so many seconds after its begin, or just before a change of its files."""

    after_seconds: float | None = None
    at_change: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A command, the folder in which changes are counted, and stretches of so few values."""

    argv: Sequence[str]
    folder: str
    environ: Mapping[str, str] = field(default_factory=dict)
    edge_budget: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """Exit code (-9: killed), what was said, how long it took, and the changes of files until then."""

    code: int
    said: str
    seconds: float
    changes: int

    @property
    def killed(self) -> bool:
        return self.code == -signal.SIGKILL


class Forge:
    """The process that has loaded the tool."""

    def __init__(self, forge: forges.Forge) -> None:
        self._forge = forge

    def run(self, run: Run, blow: Blow | None = None) -> End:
        """Do a run, whole or killed."""
        return End(**self._forge.ask([asdict(run), asdict(blow or Blow())]))


@contextmanager
def forge() -> Iterator[Forge]:
    """Start it, and end it with the block."""
    made = forges.Forge("tests.crash.struck", environ=environment())
    yield Forge(made)
    made.end()


def _answer(asked: list[dict[str, Any]]) -> dict[str, Any]:
    return asdict(_in_a_fork(Run(**asked[0]), Blow(**asked[1])))


def _in_a_fork(run: Run, blow: Blow) -> End:
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as counted:
        began = time.monotonic()
        child = forges.forked(lambda: _run(run, blow, counted.fileno()), said.fileno(), said.fileno())
        timer = threading.Timer(blow.after_seconds or 0.0, os.kill, (child, signal.SIGKILL))
        if blow.after_seconds is not None:
            timer.start()
        # The child stays a zombie until it is waited for, so that nobody else is killed in its place.
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        seconds = time.monotonic() - began
        timer.cancel()
        _, status = os.waitpid(child, 0)
        said.seek(0)
        words = said.read().decode(errors="replace")
        return End(
            code=os.waitstatus_to_exitcode(status), said=words, seconds=seconds,
            changes=os.fstat(counted.fileno()).st_size,
        )  # fmt: skip


def _run(run: Run, blow: Blow, counted: int) -> None:
    from sci_batch.asking import plan
    from sci_batch.cli.main import main

    os.environ.update(run.environ)
    if run.edge_budget is not None:
        plan.EDGE_BUDGET = run.edge_budget
    changes = 0

    def watch(event: str, given: tuple[Any, ...]) -> None:
        nonlocal changes
        if event not in _CHANGES or (event == "open" and not _writes(given)):
            return
        if str(given[_CHANGES[event]]).startswith(run.folder):
            changes += 1
            os.write(counted, b".")
            if changes == blow.at_change:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    code = 1
    try:
        code = main(list(run.argv))
        sys.stdout.flush()
    finally:
        os._exit(code)


def _writes(given: tuple[Any, ...]) -> bool:
    return bool(given[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its name there."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


if __name__ == "__main__":
    forges.serve(_answer)
