"""What will be asked: the range, its stretches, the meters that exist."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from itertools import pairwise
from typing import TYPE_CHECKING

from sci_batch.kepler import Labels, Meter

if TYPE_CHECKING:
    import pandas as pd

SEED_MS = 15 * 60 * 1000
"""How far before the range the last known value of a counter is looked for."""
LONGEST_STEP_MS = 3_600_000
EDGE_BUDGET = 600_000
"""Values in one answer of the edges pull."""
RAW_BUDGET = 1_100_000
"""Samples in one stretch of the raw pull. Three are in memory (worked on, waiting, being fetched), at some 90
bytes a sample. Shorter ones cost more: chunks of 120 samples come whole, each stretch has its labels."""
SHORTEST_EDGES_MS = 5 * 60 * 1000
"""Below this window an edge per window saves nothing over the samples themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """`(start_ms, end_ms]`, cut into steps of `step_ms`."""

    start_ms: int
    end_ms: int
    step_ms: int
    seed: bool = False
    """It lies before the range: for the values that counters have at its start."""

    @property
    def grid(self) -> tuple[int, int, int]:
        """First edge, last one, and what lies between: those of a range query."""
        return self.start_ms + self.step_ms, self.end_ms, self.step_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that decides which queries are sent."""

    edges_ms: tuple[int, ...]
    """Edges of the result's windows."""
    pull: str
    power_domains: tuple[str, ...]
    cluster: tuple[str, ...]
    """Matchers for every query (`--cluster-label`)."""
    max_gap_ms: int
    labels: Labels = field(default_factory=Labels)
    kube_labels: dict[str, str] = field(default_factory=dict)
    label_keys: tuple[str, ...] = ()
    """Pod or namespace labels to group by."""
    node_label_keys: tuple[str, ...] = ()
    """Node labels that select hardware, beyond type, region, zone and architecture."""
    sockets: bool = False
    """Ask Kepler for the processor sockets of the nodes."""

    platform: bool = False
    """Whether the servers' own power (Redfish) is asked for."""
    cut_ms: tuple[int, ...] = ()
    """Moments between at which the grid's intensity changes."""

    @property
    def energy_edges_ms(self) -> tuple[int, ...]:
        """Edges at which energy is told: the finer of windows and intensity."""
        inside = {at for at in self.cut_ms if self.start_ms < at < self.end_ms}
        return tuple(sorted(inside.union(self.edges_ms)))

    @property
    def start_ms(self) -> int:
        """Start of the range."""
        return self.edges_ms[0]

    @property
    def end_ms(self) -> int:
        """End of the range, exclusive."""
        return self.edges_ms[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Where a metric was seen: on a node, or (old containers) at the `instance` of their target."""

    generation: str
    level: str
    metric: str
    node: str
    power_domain: str
    series: float
    """At once, at most."""
    mean: float
    """Series over the range."""
    first_ms: int
    last_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """Which meters hold something, and how much."""

    meters: tuple[Meter, ...]
    series: int
    """Pod and node series at once, at most."""
    node_names: dict[str, str]
    """Legacy: target `instance` to node name."""
    seen: tuple[Seen, ...] = ()
    notes: tuple[str, ...] = ()
    node_pairs: tuple[tuple[str, str], ...] = ()
    """Legacy: each target with each name that it had, where `node_names` has the last one."""
    samples_per_second: float | None = None
    """Of a series, by which the raw pull cuts its stretches; None before it is asked."""

    @property
    def presence(self) -> pd.DataFrame:
        """`seen` as a table, a column for each field; made anew."""
        import pandas as pd

        columns = {one.name: [getattr(seen, one.name) for seen in self.seen] for one in fields(Seen)}
        texts = ("generation", "level", "metric", "node", "power_domain")
        return pd.DataFrame(columns).astype(dict.fromkeys(texts, "str"))


def step_ms(edges_ms: tuple[int, ...]) -> int:
    """Step of the edges pull: the window, or the longest part of it up to one hour.

    Windows of unequal length (days with a clock change) share the hour.
    """
    widths = {right - left for left, right in pairwise(edges_ms)}
    common = math.gcd(*widths)
    parts = 1
    while common // parts > LONGEST_STEP_MS or common % (parts * 1000):
        parts += 1
        if common // parts < SHORTEST_EDGES_MS:
            return min(LONGEST_STEP_MS, common)
    return common // parts


def pull(plan: Plan) -> tuple[str, tuple[str, ...]]:
    """The pull method to use: edges save nothing where the windows are short."""
    if plan.pull == "edges" and step_ms(plan.energy_edges_ms) < SHORTEST_EDGES_MS:
        return "raw", ("windows below 5 minutes: raw samples are pulled instead of edges",)
    return plan.pull, ()


def edge_stretches(plan: Plan, series: int, done_ms: int | None = None) -> Iterator[Stretch]:
    """The seed before the range, then stretches of whole steps within the budget of values.

    `done_ms`: up to where they have been read before, the seed as well.
    """
    if done_ms is None:
        yield _seed(plan)
    step = step_ms(plan.energy_edges_ms)
    steps = max(1, min(10_000, EDGE_BUDGET // max(series, 1)))
    at = plan.start_ms if done_ms is None else done_ms
    whole_end = plan.start_ms + (plan.end_ms - plan.start_ms) // step * step
    while at < whole_end:
        end = min(at + steps * step, whole_end)
        yield Stretch(start_ms=at, end_ms=end, step_ms=step)
        at = end
    if at < plan.end_ms:
        yield Stretch(start_ms=whole_end, end_ms=plan.end_ms, step_ms=plan.end_ms - whole_end)


def _seed(plan: Plan) -> Stretch:
    return Stretch(start_ms=plan.start_ms - SEED_MS, end_ms=plan.start_ms, step_ms=SEED_MS, seed=True)


def raw_stretches(
    plan: Plan, series: int, samples_per_second: float, done_ms: int | None = None
) -> Iterator[Stretch]:
    """The same for raw samples: equally long stretches of whole minutes, the last one the rest."""
    if done_ms is None:
        yield _seed(plan)
    rate = max(series * samples_per_second, 1e-6)
    longest = max(60_000, int(RAW_BUDGET / rate) // 60 * 60_000)
    whole = max(plan.end_ms - plan.start_ms, 1)
    length = -(-whole // -(-whole // longest) // 60_000) * 60_000
    at = plan.start_ms if done_ms is None else done_ms
    while at < plan.end_ms:
        end = min(at + length, plan.end_ms)
        yield Stretch(start_ms=at, end_ms=end, step_ms=end - at)
        at = end
