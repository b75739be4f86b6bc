"""What was measured, as medians and ratios."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from tests.bench.bars import Bar, Finding
from tests.bench.cluster import Size
from tests.bench.measure import Cost

MIB = 1024 * 1024
LIMITS = {"edges": (2.0, 250.0), "raw": (1.5, 400.0), "raw-json": (1.5, 400.0)}
"""By pull method: wall time beside curl's, and peak memory [MiB]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One pull method beside curl with the same queries, in turn."""

    pull: str
    tool: Sequence[Cost]
    floor: Sequence[Cost]
    """curl, one request after the other."""
    at_once: Sequence[Cost]
    """curl with as many requests at once as the tool has."""
    requests: int
    answer_bytes: int

    def beside(self, floor: Sequence[Cost]) -> float:
        """Wall time of the tool / that of its neighbour: the median, as a machine's speed drifts."""
        pairs = zip(self.tool, floor, strict=True)
        return median(ours.wall_seconds / theirs.wall_seconds for ours, theirs in pairs)

    def finding(self) -> Finding:
        """The bars of this pull method."""
        wall, mib = LIMITS[self.pull]
        bars = [
            Bar(
                what="wall / that of curl with the same queries", measured=self.beside(self.floor), limit=wall
            ),
            Bar(what="peak memory", measured=middle(self.tool).peak_mib, limit=mib, unit="MiB"),
        ]
        return Finding(name=self.pull, bars=bars, figures=self.document())

    def document(self) -> dict[str, Any]:
        """For `bench.json`."""
        return {
            "wall_ratio": self.beside(self.floor),
            "wall_ratio_at_once": self.beside(self.at_once),
            "requests": self.requests,
            "answer_bytes": self.answer_bytes,
            "sci_batch": {**asdict(middle(self.tool)), "runs": [asdict(run) for run in self.tool]},
            "curl": {**asdict(middle(self.floor)), "runs": [asdict(run) for run in self.floor]},
            "curl_at_once": {**asdict(middle(self.at_once)), "runs": [asdict(run) for run in self.at_once]},
        }


def middle(runs: Sequence[Cost]) -> Cost:
    """Median of each quantity."""
    return Cost(
        wall_seconds=median(run.wall_seconds for run in runs),
        cpu_seconds=median(run.cpu_seconds for run in runs),
        peak_mib=median(run.peak_mib for run in runs),
    )


def table(size: Size, found: Sequence[Compared]) -> str:
    """Three lines for each pull method: medians, and how the tool's time stands to each of curl's."""
    lines = [
        f"{size.pods:,} pods x 2 power domains x {size.hours} h at 30 s: {size.pod_samples:,} pod samples",
        f"{'pull':8} {'process':14} {'wall s':>7} {'(min .. max)':>17} {'CPU s':>7} {'peak MiB':>9} "
        f"{'tool / it':>9}  queries",
    ]
    for one in found:
        asked = f"{one.requests} requests, {one.answer_bytes / MIB:.1f} MiB"
        lines.append(_line(one.pull, "sci-batch", one.tool, ""))
        lines.append(_line("", "curl", one.floor, f"{one.beside(one.floor):.2f}") + f"  {asked}")
        lines.append(_line("", "curl, 2 at once", one.at_once, f"{one.beside(one.at_once):.2f}"))
    return "\n".join(lines)


def _line(pull: str, process: str, runs: Sequence[Cost], ratio: str) -> str:
    of = middle(runs)
    walls = [run.wall_seconds for run in runs]
    spread = f"({min(walls):.2f} .. {max(walls):.2f})"
    return (
        f"{pull:8} {process:14} {of.wall_seconds:7.2f} {spread:>17} {of.cpu_seconds:7.2f} {of.peak_mib:9.0f} "
        f"{ratio:>9}"
    )
