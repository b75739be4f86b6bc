"""The real command line in a process of its own; the pipeline alone is replaced.

`python -m tests.cli.process SCENARIO ARGUMENT...` runs `sci-batch ARGUMENT...` with a pipeline that
returns the report made by hand, or fails as the scenario says; `real`: with the real one. Without words it
has the tool loaded, and runs what it is asked to in forks.
"""

from __future__ import annotations

import atexit
import io
import os
import signal
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.forge import Forge, forked, serve

ROOT = Path(__file__).parents[2]
LONGEST_SECONDS = 60
COMPUTE = ("compute", "--demo", "--intensity", "380")


def sci_batch(
    *arguments: str, scenario: str = "report", environ: dict[str, str] | None = None, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end, in a fork of a process that has it loaded.

    It gets a process of its own with `options` of `subprocess.run`, and where signals are what it is about.
    """
    words = command(scenario, *arguments)
    if options or scenario in ("interrupt", "terminate"):
        given = {"capture_output": True, "text": True, "timeout": LONGEST_SECONDS, **options}
        return subprocess.run(words, env=environment(environ), cwd=ROOT, check=False, **given)
    code, *told = _forge().ask([words[3:], environment(environ)])
    stdout, stderr = (io.TextIOWrapper(io.BytesIO(text.encode("latin-1"))).read() for text in told)
    return subprocess.CompletedProcess(words, code, stdout, stderr)


@cache
def _forge() -> Forge:
    """One for all tests of this process."""
    made = Forge("tests.cli.process", environ=environment())
    atexit.register(made.end)
    return made


def _answer(asked: tuple[list[str], dict[str, str]]) -> tuple[int, str, str]:
    """Exit code and the bytes of both outputs."""
    words, environ = asked

    def run() -> None:
        signal.alarm(LONGEST_SECONDS)
        os.environ.clear()
        os.environ.update(environ)
        sys.argv = [__file__, *words]
        _run()

    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        _, status = os.waitpid(forked(run, stdout.fileno(), stderr.fileno()), 0)
        told = [(file.seek(0), file.read().decode("latin-1"))[1] for file in (stdout, stderr)]
    return os.waitstatus_to_exitcode(status), told[0], told[1]


def command(scenario: str, *arguments: str) -> list[str]:
    """The command of a scenario."""
    return [sys.executable, "-m", "tests.cli.process", scenario, *arguments]


def environment(more: dict[str, str] | None = None, *, may_write: bool = True) -> dict[str, str]:
    """The environment without settings of ours; a process that may not write here measures no coverage."""
    ours = ("SCI_BATCH_", "PROMETHEUS_URL", *(() if may_write else ("COVERAGE_",)))
    kept = {name: text for name, text in os.environ.items() if not name.startswith(ours)}
    return {**kept, "COLUMNS": "120", **(more or {})}


def _pretend(scenario: str) -> None:
    """Put a pipeline in place that needs neither a server nor, before it runs, pandas."""
    import sci_batch
    from sci_batch import errors

    def run(settings: Any, *, now_ms: int, progress: Any, begun: Any) -> Any:
        from tests.cli import handmade

        progress("pulling counters, 1,234k values/s", 0.5)
        match scenario:
            case "interrupt":
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(30)
            case "terminate":
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(30)
            case "bug":
                raise ZeroDivisionError("a bug")
            case "open-books":
                return handmade.report(open_books=1, residual_kwh=-0.25)
            case "report":
                return handmade.report()
        raise getattr(errors, scenario)("it failed", "Try --other.")

    pipeline = ModuleType("sci_batch.pipeline")
    pipeline.run = run  # type: ignore[attr-defined]
    sys.modules[pipeline.__name__] = sci_batch.pipeline = pipeline  # type: ignore[attr-defined]


def _run() -> None:
    from sci_batch.cli.main import run as run_command_line

    if (scenario := sys.argv.pop(1)) != "real":
        _pretend(scenario)
    run_command_line()


if __name__ == "__main__":
    if sys.argv[1:]:
        _run()
    else:
        serve(_answer)
