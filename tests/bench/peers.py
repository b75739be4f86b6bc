"""The tool beside libraries that pull the same samples into DataFrames, and compute nothing."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from tests.bench.bars import Bar, Finding
from tests.bench.cluster import START_SECONDS, Size
from tests.bench.measure import Cost, cost
from tests.servers import ServerError

PYTHON = Path(sys.prefix) / "peers" / "bin" / "python"
PULL = Path(__file__).with_name("peer_pull.py")
LIBRARIES = ("prometheus-api-client", "prometheus-pandas")
BARS = {"edges": 20.0, "raw": 10.0}


def peers(url: str, size: Size, tool: Mapping[str, Cost]) -> Finding:
    """One run of each library, which takes a minute, beside the medians of the tool by pull method.

    Raises
    ------
    ServerError
        The libraries are not installed.
    """
    if not PYTHON.is_file():
        raise ServerError("the libraries to compare with are not installed.\nRun: make peers")
    times = [str(START_SECONDS), str(size.end_seconds)]
    lines, bars, figures = [], [], {}
    for library in LIBRARIES:
        theirs = cost([str(PYTHON), str(PULL), library, url, *times])
        figures[library] = asdict(theirs)
        lines.append(
            f"  {library:22} {theirs.wall_seconds:7.1f} s wall  {theirs.cpu_seconds:7.1f} s CPU  "
            f"{theirs.peak_mib:6.0f} MiB"
        )
        bars += [
            Bar(what=f"wall of {library} / ours, --pull {pull}", at_least=True, limit=BARS[pull],
                measured=theirs.wall_seconds / ours.wall_seconds)
            for pull, ours in tool.items() if pull in BARS
        ]  # fmt: skip
    return Finding(name="peers", bars=bars, lines=lines, figures=figures)
