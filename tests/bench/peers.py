"""The tool beside libraries that pull the same samples into DataFrames, and compute nothing."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import mean

from tests.bench.bars import Bar, Finding
from tests.bench.cluster import START_SECONDS, Size
from tests.bench.measure import Cost, cost
from tests.servers import ServerError

PYTHON = Path(sys.prefix) / "peers" / "bin" / "python"
PULL = Path(__file__).with_name("peer_pull.py")
LIBRARIES = ("prometheus-api-client", "prometheus-pandas")
BARS = {"edges": 20.0, "raw": 10.0}


def peers(url: str, size: Size, ours: Mapping[str, Sequence[str]]) -> Finding:
    """One run of each library, which takes a minute, and our commands before and behind it.

    Raises
    ------
    ServerError
        The libraries are not installed.
    """
    if not PYTHON.is_file():
        raise ServerError("the libraries to compare with are not installed.\nRun: make peers")
    times = [str(START_SECONDS), str(size.end_seconds)]
    runs: dict[str, list[Cost]] = {pull: [cost(command)] for pull, command in ours.items()}
    lines, bars, figures = [], [], {}
    for library in LIBRARIES:
        print(f"measuring {library}", flush=True)
        theirs = cost([str(PYTHON), str(PULL), library, url, *times])
        figures[library] = asdict(theirs)
        lines.append(_line(library, theirs))
        for pull, command in ours.items():
            runs[pull].append(cost(command))
            beside = mean(run.wall_seconds for run in runs[pull][-2:])
            lines.append(_line(f"sci-batch --pull {pull}", runs[pull][-1]))
            bars.append(Bar(
                what=f"wall of {library} / ours, --pull {pull}", at_least=True, limit=BARS[pull],
                measured=theirs.wall_seconds / beside,
            ))  # fmt: skip
    return Finding(name="peers", bars=bars, lines=lines, figures=figures)


def _line(what: str, of: Cost) -> str:
    return f"  {what:22} {of.wall_seconds:7.1f} s wall  {of.cpu_seconds:7.1f} s CPU  {of.peak_mib:6.0f} MiB"
