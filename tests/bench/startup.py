"""How long the program takes to begin, beside the smallest program with typer and rich."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

from tests.bench.bars import Bar, Finding
from tests.bench.measure import Cost, cost
from tests.bench.result import middle

FLOOR = Path(__file__).with_name("two_commands.py")
TOOL = [sys.executable, "-m", "sci_batch"]
COMMANDS = {
    "floor": [sys.executable, str(FLOOR), "--help"],
    "--help": [*TOOL, "--help"],
    "--version": [*TOOL, "--version"],
    "compute --help": [*TOOL, "compute", "--help"],
    "compute --demo": [*TOOL, "compute", "--demo", "--quiet", "-o", "table"],
}


def startup(runs: int) -> Finding:
    """Each command in turn, several times."""
    costs: dict[str, list[Cost]] = {name: [] for name in COMMANDS}
    for turn in range(runs + 1):  # the first reads the disk and compiles
        for name, command in COMMANDS.items():
            measured = cost(command)
            if turn:
                costs[name].append(measured)
    medians = {name: middle(runs) for name, runs in costs.items()}
    floor = medians["floor"]
    lines = [
        f"  {name:16} {of.wall_seconds:6.3f} s wall  {of.cpu_seconds:6.3f} s CPU  {of.peak_mib:5.0f} MiB"
        for name, of in medians.items()
    ]
    bars = [
        Bar(what=f"{name}, wall, beside a two-command typer program's --help", limit=1.5,
            measured=medians[name].wall_seconds / floor.wall_seconds)
        for name in ("--help", "--version")
    ]  # fmt: skip
    demo = Bar(
        what="compute --demo, wall", measured=medians["compute --demo"].wall_seconds, limit=2.0, unit="s"
    )
    figures = {name: asdict(of) for name, of in medians.items()}
    return Finding(name="startup", bars=[*bars, demo], lines=lines, figures=figures)
