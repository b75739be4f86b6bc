"""Worlds of the oracle as COUNTERS, and strategies that make up worlds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from sci_batch.counters import FLAG_BITS, Counters
from sci_batch.energy import Booked, Carry, Energy, per_window, total
from sci_batch.units import JOULES_PER_KWH
from tests.oracle import Meter, NodeId, PodId, Row, World, watched

SECOND = 1000
HOUR = 3600 * SECOND
START = 1_700_000_400_000
"""Start of every range: a multiple of ten minutes."""
_NAME = [
    "generation", "node", "namespace", "pod", "pod_uid", "container_id", "kind", "power_domain", "part",
]  # fmt: skip


def _keys(meters: Sequence[Meter], node_ids: Sequence[NodeId]) -> pd.DataFrame:
    rows = []
    for meter in meters:
        namespace, pod, uid = meter.pod or ("", "", "")
        level = "node" if meter.pod is None else "container" if meter.generation == "legacy" else "pod"
        rows.append(
            (
                meter.generation, level, meter.node, namespace, pod, uid, meter.container, meter.kind,
                meter.domain,
                meter.part, "rapl", node_ids.index(meter.node_id),
            )
        )  # fmt: skip
    names = [
        "generation", "level", "node", "namespace", "pod", "pod_uid", "container_id", "kind", "power_domain",
        "part", "source", "node_id",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=names).astype(dict.fromkeys(names[:-1], "str") | {"node_id": "int64"})


def stretches(world: World, cuts: Sequence[int] = ()) -> Iterator[Counters]:
    """COUNTERS of a world, cut at some times; keys and nodes are listed as they are met."""
    times = [t for meter in world.meters for t, _ in meter.samples]
    first = min([*times, world.edges_ms[0]]) - 1
    last = max([*times, world.edges_ms[-1]])
    edges = [first, *sorted({cut for cut in cuts if first < cut < last}), last]

    def met(meter: Meter) -> int:
        return next(
            n
            for n, end in enumerate(edges[1:])
            if any(t <= end for t, _ in meter.samples) or n == len(edges) - 2
        )

    meters = sorted(world.meters, key=met)
    node_ids = list(dict.fromkeys(meter.node_id for meter in meters))
    for number, (start, end) in enumerate(pairwise(edges)):
        known = [meter for meter in meters if met(meter) <= number]
        yield _stretch(world, known, node_ids, start, end, last=end == edges[-1])


def _stretch(
    world: World, meters: Sequence[Meter], node_ids: Sequence[NodeId], start: int, end: int, *, last: bool
) -> Counters:
    known_nodes = list(dict.fromkeys(meter.node_id for meter in meters))
    samples = [
        (key, t, joules, meter.alive[n] if meter.alive else 1.0)
        for key, meter in enumerate(meters)
        for n, (t, joules) in enumerate(meter.samples)
        if start < t <= end
    ]
    marks = sorted(
        (node, t)
        for node, name in enumerate(known_nodes)
        for t in set(world.scrapes.get(name, ()))
        if start < t <= end
    )
    seen = [
        (node, a, b)
        for node, name in enumerate(known_nodes)
        for a, b in watched(world, name)
        if start < b <= end or (last and b > end)
    ]
    return Counters(
        start_ms=start, end_ms=end, keys=_keys(meters, node_ids),
        nodes=pd.DataFrame(known_nodes, columns=["generation", "node"]).astype("str"),
        key=np.array([s[0] for s in samples], np.int64), time_ms=np.array([s[1] for s in samples], np.int64),
        joules=np.array([s[2] for s in samples], np.float64), alive=np.array([s[3] for s in samples],
        np.float64),
        flags=np.zeros(len(samples), np.int64),
        mark_node=np.array([m[0] for m in marks], np.int64), mark_ms=np.array([m[1] for m in marks],
        np.int64),
        observed_node=np.array([s[0] for s in seen], np.int64),
        observed_from_ms=np.array([s[1] for s in seen], np.int64),
        observed_to_ms=np.array([s[2] for s in seen], np.int64),
    )  # fmt: skip


def _run(world: World, cuts: Sequence[int]) -> tuple[list[Booked], Counters]:
    carry, parts = Carry(), []
    stretch: Counters | None = None
    created = {_name(meter): meter.created_ms for meter in world.meters}
    for stretch in stretches(world, cuts):
        of_key = [created[tuple(row)] for row in stretch.keys[_NAME].to_numpy().tolist()]
        part, carry = per_window(
            stretch, carry, np.array(world.edges_ms, np.int64), max_node_watts=world.max_node_watts,
            created_ms=np.array(of_key, np.int64),
        )  # fmt: skip
        parts.append(part)
    assert stretch is not None
    return parts, stretch


def energy(world: World, cuts: Sequence[int] = ()) -> Energy:
    """ENERGY by the code under test."""
    parts, last = _run(world, cuts)
    return total(parts, last.keys, last.nodes, np.array(world.edges_ms, np.int64))


def booked(world: World, cuts: Sequence[int] = ()) -> dict[tuple[int, int], Row]:
    """What the code under test books, in the form of `oracle.booked`."""
    parts, last = _run(world, cuts)
    names = [_name(meter) for meter in world.meters]
    number = [names.index(tuple(row)) for row in last.keys[_NAME].to_numpy().tolist()]
    rows: dict[tuple[int, int], Row] = {}
    for part in parts:
        frame = part.rises
        for key, window, joules, seconds, flags in zip(
            *(frame[name].tolist() for name in ("key", "window", "joules", "seconds", "flags")), strict=True
        ):
            row = rows.setdefault((window, number[key]), Row())
            row.joules += joules
            row.seconds += seconds
            row.flags |= words(flags)
    return rows


def _name(meter: Meter) -> tuple[str, ...]:
    pod = meter.pod or ("", "", "")
    return meter.generation, meter.node, *pod, meter.container, meter.kind, meter.domain, meter.part


def words(bits: int) -> set[str]:
    return {name for name, bit in FLAG_BITS.items() if bits & bit}


def pod_rows(found: Energy) -> dict[tuple[int, PodId], Row]:
    """The pods of ENERGY in the oracle's form."""
    frame = found.pods
    places = zip(
        frame["window"], frame["node"], frame["namespace"], frame["pod"], frame["pod_uid"], strict=True
    )
    values = zip(frame["active_kwh"], frame["seconds"], frame["flags"], strict=True)
    return {
        (int(window), (node, namespace, pod, uid)): Row(
            joules=kwh * JOULES_PER_KWH, seconds=seconds, flags=words(int(bits))
        )
        for (window, node, namespace, pod, uid), (kwh, seconds, bits) in zip(places, values, strict=True)
    }


def node_rows(found: Energy) -> dict[tuple[int, str], Row]:
    """The nodes of ENERGY, those without counters of their own left out."""
    frame = found.nodes[found.nodes["node_kwh"].notna()]
    return {
        (int(window), node): Row(joules=kwh * JOULES_PER_KWH, coverage=coverage, flags=words(int(bits)))
        for window, node, kwh, coverage, bits in zip(
            frame["window"], frame["node"], frame["node_kwh"], frame["coverage"], frame["flags"], strict=True
        )
    }


# --- strategies ---

STEPS = st.sampled_from([5, 15, 30, 30, 30, 60, 61, 170, 200, 700])
"""Seconds between scrapes; above 180 a gap."""
RISES = st.sampled_from([40, 0, 1, 333, 900, 2500])
LEVELS = st.sampled_from([0, 1, 7, 50, 400, 3000, 20_000])
"""Where a counter stands after a restart."""


@st.composite
def edges(draw: st.DrawFn) -> tuple[int, ...]:
    """1 to 4 windows, of equal or unequal length."""
    widths = draw(st.lists(st.sampled_from([60, 90, 300, 900, 1000]), min_size=1, max_size=4))
    return tuple(START + SECOND * at for at in accumulate([0, *widths]))


@st.composite
def scrapes(draw: st.DrawFn) -> tuple[int, ...]:
    """Scrape times that begin before, at or after the range's start."""
    first = draw(st.sampled_from([-100, -400, -30, -1, 0, 5, 100]))
    steps = draw(st.lists(STEPS, min_size=3, max_size=12))
    return tuple(START + SECOND * at for at in accumulate([first, *steps]))


@st.composite
def values(draw: st.DrawFn, size: int, *, restart_at: frozenset[int] = frozenset()) -> list[float]:
    """A counter of that many readings, whole joules, that restarts where told and sometimes by itself."""
    rises = draw(st.lists(RISES, min_size=size, max_size=size))
    alone = draw(st.sets(st.integers(1, max(size - 1, 1)), max_size=1))
    at, found = float(draw(LEVELS)), []
    for n, step in enumerate(rises):
        if n:
            at = float(draw(LEVELS)) if n in restart_at or n in alone else at + step
        found.append(at)
    return found


@st.composite
def node_meters(
    draw: st.DrawFn, node: str, generation: str, times: tuple[int, ...], restart_at: frozenset[int]
) -> list[Meter]:
    domains = draw(st.sampled_from([("package",), ("package", "dram")]))
    found = []
    for domain in domains:
        for kind in ("active", "idle"):
            read = draw(values(len(times), restart_at=restart_at))
            if kind == "active" or draw(st.booleans()):
                found.append(
                    Meter(
                        node=node, generation=generation, domain=domain, kind=kind,
                        samples=tuple(zip(times, read, strict=True)),
                    )
                )  # fmt: skip
    return found


@st.composite
def pod_meters(
    draw: st.DrawFn, node: str, generation: str, name: str, times: tuple[int, ...], restart_at: frozenset[int]
) -> list[Meter]:
    """A pod that lives from one scrape to another, with some readings lost inside."""
    first = draw(st.integers(0, len(times) - 1))
    last = draw(st.integers(first, len(times) - 1))
    lost = draw(st.sets(st.integers(first + 1, max(first + 1, last - 1)), max_size=2))
    kept = [n for n in range(first, last + 1) if n not in lost]
    name = f"{name}{node}"
    uid = "" if generation == "legacy" else f"uid-{name}"
    kinds = draw(st.sampled_from([("dynamic",), ("dynamic", "idle")])) if generation == "legacy" else ("use",)
    found = []
    age = draw(st.sampled_from([None, 1, 20, 100, 2000]))  # seconds before its first reading
    for domain in draw(st.sampled_from([("package",), ("package", "dram")])):
        for kind in kinds:
            inside = frozenset(n - first for n in restart_at if n > first)
            read = draw(values(last - first + 1, restart_at=inside))
            shares = draw(st.sampled_from([(), (1.0, 0.5, 0.25), (0.5, 1.0, 0.25)]))
            found.append(
                Meter(
                    node=node, generation=generation, domain=domain, kind=kind, pod=("shop", name, uid),
                    container="c1" if generation == "legacy" else "",
                    samples=tuple((times[n], read[n - first]) for n in kept),
                    alive=tuple(shares[n % 3] for n in range(len(kept))) if shares else (),
                    created_ms=-1 if age is None else times[first] - age * SECOND,
                )
            )  # fmt: skip
    return found


@st.composite
def worlds(draw: st.DrawFn, *, generations: Sequence[str] = ("rewrite", "legacy")) -> World:
    """Up to three nodes of random counters: anything a meter could show."""
    meters: list[Meter] = []
    marks: dict[NodeId, tuple[int, ...]] = {}
    for node in ("n1", "n2", "n3")[: draw(st.integers(1, 3))]:
        generation = draw(st.sampled_from(generations))
        times = draw(scrapes())
        restart_at = frozenset(draw(st.sets(st.integers(1, len(times) - 1), max_size=2)))
        own = draw(node_meters(node, generation, times, restart_at)) if draw(st.integers(0, 3)) else []
        pods = [
            meter
            for name in ("a", "b")[: draw(st.sampled_from([2, 1, 0] if own else [2, 1]))]
            for meter in draw(pod_meters(node, generation, name, times, restart_at))
        ]
        meters += own + pods
        seen = {t for meter in own or pods for t, _ in meter.samples}
        marks[generation, node] = tuple(sorted(seen))
    return World(
        meters=tuple(meters), scrapes=marks, edges_ms=draw(edges()),
        max_node_watts=float(draw(st.sampled_from([20, 100, 10_000]))),
    )  # fmt: skip


@st.composite
def upgrades(draw: st.DrawFn) -> World:
    """One node with the legacy and the rewrite, one after the other or both at once for a while."""
    meters: list[Meter] = []
    marks: dict[NodeId, tuple[int, ...]] = {}
    for generation in ("legacy", "rewrite"):
        times = draw(scrapes())
        restart_at = frozenset(draw(st.sets(st.integers(1, len(times) - 1), max_size=1)))
        meters += draw(node_meters("n1", generation, times, restart_at))
        meters += draw(pod_meters("n1", generation, "a", times, restart_at))
        marks[generation, "n1"] = times
    return World(meters=tuple(meters), scrapes=marks, edges_ms=draw(edges()))


@st.composite
def true_worlds(draw: st.DrawFn, *, restarts: int = 2) -> tuple[World, dict[str, float]]:
    """A rewrite node metered from known power, and the joules truly used since the first scrape.

    Two pods and host processes draw whole watts that change at every scrape. Kepler restarts up to
    `restarts` times, always with a lower active counter: a restart that has overtaken the old value does
    not show. A pod's counter may drop to 0 in mid-life. Every scrape is stored.
    """
    times = draw(scrapes())
    watts = {
        name: draw(st.lists(st.integers(0, 90), min_size=len(times), max_size=len(times)))
        for name in ("a", "b", "host", "idle")
    }
    kepler = draw(st.sets(st.integers(1, len(times) - 1), max_size=restarts))
    drops = {
        name: draw(st.sets(st.integers(1, len(times) - 1), max_size=min(restarts, 1) * 2))
        for name in ("a", "b")
    }
    born = draw(st.integers(0, len(times) - 1))
    base = {"a": 1000.0, "b": 1000.0, "host": 0.0, "idle": 50_000.0}
    read: dict[str, list[float]] = {name: [] for name in (*base, "active")}
    counter, active, truth = dict(base), 10_000_000.0, dict.fromkeys(("a", "b", "active", "idle"), 0.0)
    for n, t in enumerate(times):
        used = {
            name: watts[name][n] * (t - times[n - 1]) // SECOND if n else 0
            for name in ("a", "b", "host", "idle")
        }
        if n < born:
            used["b"] = 0
        if n == born:
            counter["b"] = 0.0
        left = draw(st.integers(0, 4)) if n in kepler else 0
        fresh = sum(used[name] * left // 4 for name in ("a", "b", "host"))
        if n in kepler and fresh < active:  # what was used before it, in this interval, no counter holds
            for name in ("a", "b"):
                counter[name] = float(used[name] * left // 4)
            active = fresh
            counter["idle"] = 90_000.0 + n
        else:
            for name in ("a", "b"):
                counter[name] = counter[name] + used[name]
                if n in drops[name]:
                    counter[name] = 0.0
            active += used["a"] + used["b"] + used["host"]
            counter["idle"] += used["idle"]
        for name in ("a", "b", "idle"):
            read[name].append(counter[name])
        read["active"].append(float(active))
        for name in ("a", "b", "idle"):
            truth[name] += used[name]
        truth["active"] += used["a"] + used["b"] + used["host"]
    meters = [
        Meter(node="n1", kind=kind, samples=tuple(zip(times, read[kind], strict=True)))
        for kind in ("active", "idle")
    ]
    meters.append(
        Meter(node="n1", pod=("shop", "a", "uid-a"), samples=tuple(zip(times, read["a"], strict=True)))
    )
    late = slice(born, None)
    meters.append(
        Meter(
            node="n1",
            pod=("shop", "b", "uid-b"),
            samples=tuple(zip(times[late], read["b"][late], strict=True)),
        )
    )
    span = (min(times[0], START), times[-1] + 60 * SECOND)
    world = World(meters=tuple(meters), scrapes={("rewrite", "n1"): times}, edges_ms=span)
    return world, truth


def with_edges(world: World, edges_ms: Sequence[int]) -> World:
    return replace(world, edges_ms=tuple(edges_ms))
