"""The real command line in a process of its own; the pipeline alone is replaced.

`python -m tests.cli.process SCENARIO ARGUMENT...` runs `sci-batch ARGUMENT...` with a pipeline that
returns the report made by hand, or fails as the scenario says; `real`: with the real one.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).parents[2]
COMPUTE = ("compute", "--demo", "--intensity", "380")


def sci_batch(
    *arguments: str, scenario: str = "report", environ: dict[str, str] | None = None, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end."""
    given = {"capture_output": True, "text": True, "timeout": 60, **options}
    return subprocess.run(
        command(scenario, *arguments), env=environment(environ), cwd=ROOT, check=False, **given
    )


def command(scenario: str, *arguments: str) -> list[str]:
    """The command of a scenario."""
    return [sys.executable, "-m", "tests.cli.process", scenario, *arguments]


def environment(more: dict[str, str] | None = None) -> dict[str, str]:
    """The environment without settings of ours."""
    kept = {
        name: text
        for name, text in os.environ.items()
        if not name.startswith(("SCI_BATCH_", "PROMETHEUS_URL"))
    }
    return {**kept, "COLUMNS": "120", **(more or {})}


def _pretend(scenario: str) -> None:
    """Put a pipeline in place that needs neither a server nor, before it runs, pandas."""
    from sci_batch import errors

    def run(settings: Any, *, now_ms: int, progress: Any) -> Any:
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
    sys.modules[pipeline.__name__] = pipeline


if __name__ == "__main__":
    from sci_batch.cli.main import run as run_command_line

    if (scenario := sys.argv.pop(1)) != "real":
        _pretend(scenario)
    run_command_line()
