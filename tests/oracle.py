"""The energy rules once more: slow, obvious, plain Python. Written from the rules, not from the code.

- A counter's samples in order of time: a fall is a restart, and the new value is the rise.
- The first value of a pod's counter counts when its node (same generation of Kepler) was scraped before
  it: it is energy of the time since that scrape (or since the pod was created), at most what the node
  used meanwhile.
- Node counters never count their first value. The idle counter of the rewrite is an age-old register: where
  it fell, or the node's active counter did, the interval counts nothing.
- Energy is spread evenly over its interval and cut at the window edges. An interval that began before the
  range begins with the range.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

NodeId = tuple[str, str]
"""Generation and name."""
PodId = tuple[str, str, str, str]
"""Node, namespace, name, uid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """One counter: of a node when `pod` is None."""

    node: str
    generation: str = "rewrite"
    domain: str = "package"
    kind: str = "use"
    """Node: active or idle. Pod: use; of the legacy dynamic or idle."""
    part: str = ""
    pod: tuple[str, str, str] | None = None
    """Namespace, name, uid."""
    container: str = ""
    samples: tuple[tuple[int, float], ...]
    """Unix ms, cumulative joules; ordered."""
    alive: tuple[float, ...] = ()
    """Share of the interval that ends in each sample; empty: all 1."""
    created_ms: int = -1
    """When the pod was created, -1 where Kubernetes does not say."""

    @property
    def node_id(self) -> NodeId:
        return self.generation, self.node


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything there is to see."""

    meters: tuple[Meter, ...]
    scrapes: Mapping[NodeId, tuple[int, ...]]
    edges_ms: tuple[int, ...]
    max_node_watts: float = 10_000.0
    max_gap_ms: int = 180_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    from_ms: int
    to_ms: int
    joules: float
    alive: float = 1.0
    flags: frozenset[str] = frozenset()


@dataclass(slots=True)
class Row:
    """One pod or node in one window; coverage is of nodes."""

    joules: float = 0.0
    seconds: float = 0.0
    coverage: float = 0.0
    flags: set[str] = field(default_factory=set)


def rise(before: float, after: float) -> float:
    return after if after < before else after - before


def pairs(meter: Meter) -> Iterator[tuple[int, float, int, float]]:
    for (t0, v0), (t1, v1) in zip(meter.samples, meter.samples[1:], strict=False):
        yield t0, v0, t1, v1


def watt_limit(world: World, from_ms: int, to_ms: int) -> float:
    return world.max_node_watts * (to_ms - from_ms) / 1000


def restarts(world: World, node_id: NodeId) -> list[int]:
    """When an active counter of the node was first seen lower than before."""
    return [
        t1
        for meter in world.meters
        if meter.pod is None and meter.node_id == node_id and meter.kind == "active"
        for _, v0, t1, v1 in pairs(meter)
        if v1 < v0
    ]


def node_intervals(world: World, meter: Meter) -> list[Interval]:
    found = []
    for t0, v0, t1, v1 in pairs(meter):
        joules = rise(v0, v1)
        if meter.generation == "rewrite" and meter.kind == "idle":
            restarted = any(t0 < t <= t1 for t in restarts(world, meter.node_id))
            if restarted or v1 < v0:
                joules = 0.0
        limit = watt_limit(world, t0, t1)
        flags = frozenset({"clamped"}) if joules > limit else frozenset[str]()
        found.append(Interval(from_ms=t0, to_ms=t1, joules=min(joules, limit), flags=flags))
    return found


def node_use(world: World, pod: Meter, from_ms: int, to_ms: int) -> float | None:
    """What the node used, from its sample at or before to that at or after; None where it has none."""
    mine = [
        meter
        for meter in world.meters
        if meter.pod is None and meter.node_id == pod.node_id and meter.domain == pod.domain
        if meter.generation == "legacy" or meter.kind == "active"
    ]
    times = sorted({t for meter in mine for t, _ in meter.samples})
    before = [t for t in times if t <= from_ms]
    after = [t for t in times if t >= to_ms]
    if not before or not after:
        return None
    left, right = before[-1], after[0]
    intervals = [interval for meter in mine for interval in node_intervals(world, meter)]
    return sum(interval.joules for interval in intervals if left < interval.to_ms <= right)


def bound(world: World, pod: Meter, from_ms: int, to_ms: int) -> float:
    use = node_use(world, pod, from_ms, to_ms)
    limit = watt_limit(world, from_ms, to_ms)
    return limit if use is None else min(use, limit)


def birth(world: World, meter: Meter) -> Interval | None:
    if not meter.samples:
        return None
    at, joules = meter.samples[0]
    alive = meter.alive[0] if meter.alive else 1.0
    earlier = [mark for mark in world.scrapes.get(meter.node_id, ()) if mark < at]
    if not earlier:
        if at <= world.edges_ms[0]:
            return None
        flags = frozenset({"unknown-start"}) if joules > 0 else frozenset[str]()
        return Interval(from_ms=at - 1, to_ms=at, joules=0.0, alive=0.0, flags=flags)
    seen = earlier[-1]
    # no value is older than its pod; where `alive` tells of the pod's life, that is known already
    since = meter.created_ms if seen < meter.created_ms < at and alive == 1.0 else seen
    use = node_use(world, meter, seen, at)
    limit = watt_limit(world, since, at) if use is None else min(use, watt_limit(world, since, at))
    if joules > limit * (1 + 1e-6):
        flags = frozenset({"birth-capped"})
        return Interval(from_ms=since, to_ms=at, joules=limit, alive=alive, flags=flags)
    return Interval(from_ms=since, to_ms=at, joules=joules, alive=alive)


def pod_intervals(world: World, meter: Meter) -> list[Interval]:
    born = birth(world, meter)
    found = [] if born is None else [born]
    for number, (t0, v0, t1, v1) in enumerate(pairs(meter), start=1):
        limit = bound(world, meter, t0, t1)
        joules = rise(v0, v1)
        restarted = any(t0 < t <= t1 for t in restarts(world, meter.node_id))
        if restarted and v1 <= limit * (1 + 1e-6):
            joules = v1
        flags: frozenset[str] = frozenset()
        if joules > limit * 1.01 + 5:
            joules, flags = limit, frozenset({"clamped"})
        alive = meter.alive[number] if meter.alive else 1.0
        found.append(Interval(from_ms=t0, to_ms=t1, joules=joules, alive=alive, flags=flags))
    return found


def watched(world: World, node_id: NodeId) -> list[tuple[int, int]]:
    """Intervals between scrapes without a hole; one that is open at the range's end is closed there."""
    marks = sorted(set(world.scrapes.get(node_id, ())))
    end = world.edges_ms[-1]
    if marks and marks[-1] < end:
        marks.append(end)
    return [(a, b) for a, b in itertools.pairwise(marks) if b - a <= world.max_gap_ms]


def overlap(a: tuple[int, int], b: tuple[int, int]) -> int:
    return max(0, min(a[1], b[1]) - max(a[0], b[0]))


def without_shadow(world: World, meter: Meter, interval: Interval) -> Interval:
    """The legacy gives way while the rewrite watches the same node: they count the same joules."""
    if meter.generation != "legacy":
        return interval
    span = (interval.from_ms, interval.to_ms)
    hidden = sum(overlap(span, other) for other in watched(world, ("rewrite", meter.node)))
    left = 1 - hidden / (span[1] - span[0])
    flags = {"two-generations"} if hidden and interval.joules > 0 else set()
    return Interval(
        from_ms=interval.from_ms, to_ms=interval.to_ms, joules=interval.joules * left,
        alive=interval.alive * left, flags=interval.flags | flags,
    )  # fmt: skip


def cut(world: World, interval: Interval) -> Iterator[tuple[int, float]]:
    """Window and share of the interval that lies in it; nothing of it is lost to the range's start."""
    start = world.edges_ms[0]
    if interval.to_ms <= start:
        return
    span = (max(interval.from_ms, start), interval.to_ms)
    for window, edges in enumerate(zip(world.edges_ms, world.edges_ms[1:], strict=False)):
        inside = overlap(span, edges)
        if inside:
            yield window, inside / (span[1] - span[0])


def seconds_lived(meter: Meter, interval: Interval, start_ms: int) -> float:
    if meter.generation == "legacy" and meter.pod and interval.joules <= 0:
        return 0.0  # dead containers stay exported, flat
    return (interval.to_ms - max(interval.from_ms, start_ms)) / 1000 * interval.alive


def booked(world: World) -> dict[tuple[int, int], Row]:
    """Joules, seconds lived and flags by window and counter (its place in `meters`)."""
    rows: dict[tuple[int, int], Row] = {}
    for number, meter in enumerate(world.meters):
        for whole in node_intervals(world, meter) if meter.pod is None else pod_intervals(world, meter):
            interval = without_shadow(world, meter, whole)
            for window, share in cut(world, interval):
                row = rows.setdefault((window, number), Row())
                row.joules += interval.joules * share
                row.seconds += seconds_lived(meter, interval, world.edges_ms[0]) * share
                row.flags |= interval.flags
    return rows


def energy(world: World) -> tuple[dict[tuple[int, PodId], Row], dict[tuple[int, str], Row]]:
    """Joules, seconds lived and flags of each pod, joules and coverage of each node, by window."""
    pods: dict[tuple[int, PodId], Row] = {}
    nodes: dict[tuple[int, str], Row] = {}
    for (window, number), part in booked(world).items():
        meter = world.meters[number]
        if meter.pod is None:
            row = nodes.setdefault((window, meter.node), Row(coverage=coverage(world, meter.node, window)))
        else:
            row = pods.setdefault((window, (meter.node, *meter.pod)), Row())
            row.seconds = max(row.seconds, part.seconds)
        row.joules += part.joules
        row.flags |= part.flags
    # old Kepler shows containers that ended long ago: nothing to tell of them
    return {place: row for place, row in pods.items() if row.joules or row.seconds or row.flags}, nodes


def coverage(world: World, node: str, window: int) -> float:
    """Seconds in which any Kepler of the node was watched / window."""
    edges = world.edges_ms[window], world.edges_ms[window + 1]
    spans = [span for generation in ("legacy", "rewrite") for span in watched(world, (generation, node))]
    points = sorted({t for span in (*spans, edges) for t in span if edges[0] <= t <= edges[1]})
    seen = sum(b - a for a, b in itertools.pairwise(points) if any(overlap((a, b), span) for span in spans))
    return seen / (edges[1] - edges[0])


def total(rows: Iterable[Row]) -> float:
    return sum(row.joules for row in rows)
