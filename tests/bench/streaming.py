"""Large clusters and long ranges: memory that stays flat, and a cost that grows with the values alone."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.bench.bars import Bar, Finding
from tests.bench.cluster import START_SECONDS
from tests.bench.measure import Cost, cost

DAY_SECONDS = 86_400
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """A cluster and how long it is looked at."""

    pods: int
    days: int

    def __str__(self) -> str:
        return f"{self.pods:,} pods x 2 zones x {self.days} d"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of the tool."""

    load: Load
    cost: Cost
    values: int
    """Received, those of kube-state-metrics included."""
    body_bytes: int
    queries: int

    def nanoseconds(self, nothing: Cost) -> float:
        """CPU time of each value, without what a run costs that receives next to none [ns]."""
        return (self.cost.cpu_seconds - nothing.cpu_seconds) / self.values * 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Loads:
    """What is compared with what."""

    tiny: Load
    fewer: Load
    """As long as `whole`, with a hundredth of its pods."""
    shorter: Load
    """As many pods as `whole`, for a day."""
    week: Load
    whole: Load


FULL = Loads(
    tiny=Load(pods=1, days=1), fewer=Load(pods=100, days=30), shorter=Load(pods=10_000, days=1),
    week=Load(pods=10_000, days=7), whole=Load(pods=10_000, days=30),
)  # fmt: skip
QUICK = Loads(
    tiny=Load(pods=1, days=1), fewer=Load(pods=20, days=6), shorter=Load(pods=500, days=1),
    week=Load(pods=500, days=2), whole=Load(pods=500, days=6),
)  # fmt: skip


def streaming(loads: Loads, runs: int) -> list[Finding]:
    """Run the tool with every load, several times with those that take a moment."""
    nothing, fewer = _in_turn(loads.tiny, loads.fewer, runs)
    shorter, week, whole = (run(load) for load in (loads.shorter, loads.week, loads.whole))
    per_value = {one.load: one.nanoseconds(nothing.cost) for one in (fewer, shorter, week, whole)}
    stream = [
        Bar(what=f"peak memory, {whole.load}", measured=whole.cost.peak_mib, limit=600, unit="MiB"),
        Bar(what=f"peak memory, {whole.load} / {week.load.days} d",
            measured=whole.cost.peak_mib / week.cost.peak_mib, limit=1.15),
        Bar(what=f"CPU time per value, {whole.load} / {week.load.days} d",
            measured=_ratio(per_value[whole.load], per_value[week.load]), limit=1.15),
    ]  # fmt: skip
    growth = [
        Bar(what=f"CPU time per value, {whole.load} / {small.load}",
            measured=_ratio(per_value[whole.load], per_value[small.load]), limit=1.3)
        for small in (fewer, shorter)
    ]  # fmt: skip
    return [
        Finding(name="stream", bars=stream, lines=[_line(one, nothing.cost) for one in (week, whole)],
                figures=_figures((week, whole), nothing)),
        Finding(name="growth", bars=growth, lines=[_line(one, nothing.cost) for one in (fewer, shorter)],
                figures=_figures((fewer, shorter, whole), nothing)),
    ]  # fmt: skip


def _in_turn(tiny: Load, fewer: Load, runs: int) -> tuple[Run, Run]:
    """Both in turn, as a machine's speed drifts: of all pairs the one with the median cost of a value."""
    pairs = [(run(tiny), run(fewer)) for _ in range(runs)]
    ordered = sorted(pairs, key=lambda pair: pair[1].nanoseconds(pair[0].cost))
    return ordered[len(ordered) // 2]


def _ratio(large: float, small: float) -> float:
    """NaN, which meets no bar, where the small run is lost in what every run costs."""
    return large / small if large > 0 and small > 0 else math.nan


def _line(one: Run, nothing: Cost) -> str:
    return (
        f"  {one.load!s:32} {one.values / 1e6:6.2f} M values in {one.queries} queries, "
        f"{one.body_bytes / MIB:6.0f} MiB: {one.cost.wall_seconds:6.1f} s wall  "
        f"{one.cost.cpu_seconds:6.1f} s CPU  {one.cost.peak_mib:6.0f} MiB  "
        f"{one.nanoseconds(nothing):6.0f} ns a value"
    )


def _figures(of: Sequence[Run], nothing: Run) -> dict[str, Any]:
    return {
        "nothing": asdict(nothing.cost),
        "runs": [{**asdict(one), "cpu_ns_per_value": one.nanoseconds(nothing.cost)} for one in of],
    }


def run(load: Load) -> Run:
    """One run of the tool against a server of its own."""
    print(f"measuring {load}", flush=True)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, server(load.pods) as url:
        of = cost(_compute(url, load, Path(folder)))
        with urllib.request.urlopen(f"{url}/sent", timeout=30) as answer:
            sent = json.load(answer)
    return Run(load=load, cost=of, **sent)


def _compute(url: str, load: Load, folder: Path) -> list[str]:
    return [
        sys.executable, "-m", "sci_batch", "compute", "--pull", "edges", "-p", url, "--intensity", "380",
        "--start", str(START_SECONDS), "--end", str(START_SECONDS + load.days * DAY_SECONDS),
        "--window", "1h", "--quiet", "-o", f"parquet={folder / 'result.parquet'}",
    ]  # fmt: skip


@contextmanager
def server(pods: int) -> Iterator[str]:
    """The address of a server in a process of its own; it ends when its standard input does."""
    command = [sys.executable, "-m", "tests.bench.streaming_server", str(pods)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()
            process.wait()
