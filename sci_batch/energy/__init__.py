"""Counters to energy per window. Energy is conserved: what a counter rose by is what its windows hold.

Rules (`docs/method.md`; Kepler `internal/monitor`, Prometheus `promql/functions.go`):

- a fall means a restart of the counter: the new value is what was used since;
- the first value of a pod's counter counts if the node was seen before it, bounded by what the node used;
- the first value of a node's counter never counts: it is the age-old register;
- between two samples energy is spread evenly; a window gets its overlap;
- a range begins with each counter's last value before it and ends with its last value inside, so that
  ranges that follow each other add up, whatever the scrapes' moments.
"""

from __future__ import annotations

import numpy as np

from sci_batch.counters import Counters, composite
from sci_batch.energy.clock import Carry, NodeClock, without_shadow
from sci_batch.energy.intervals import Booked, Intervals, Kinds, book, book_seen, join, joined, of_keys
from sci_batch.energy.rises import Samples, Shown, node_rises, of_nodes, parts, pod_rises
from sci_batch.energy.steps import Steps, in_windows
from sci_batch.energy.totals import Energy, total

__all__ = ["Booked", "Carry", "Energy", "Steps", "in_windows", "per_window", "total"]

ROWS_AT_ONCE = 1 << 16
"""Samples worked on at a time: columns of this length stay in the processor's cache."""


def per_window(
    counters: Counters,
    carry: Carry,
    edges_ms: np.ndarray,
    *,
    max_node_watts: float,
    created_ms: np.ndarray | None = None,
) -> tuple[Booked, Carry]:
    """Book one stretch of counters into windows.

    Parameters
    ----------
    counters
        The stretch; stretches come in order of time.
    carry
        `Carry()` for the first stretch, then what the previous call returned.
    edges_ms
        Window edges [Unix ms], ascending.
    max_node_watts
        No counter may rise faster than this; it is the bound where the node's own counter is missing [W].
    created_ms
        When each key's pod was created [Unix ms], -1 where unknown: a first value is no older.

    Returns
    -------
    The energy booked, and the carry for the next stretch.
    """
    if created_ms is None:
        created_ms = np.full(len(counters.keys), -1)
    start_ms = int(edges_ms[0])
    kinds = Kinds.of(counters.keys)
    node_intervals, restarts = node_rises(of_nodes(counters, kinds, carry), max_node_watts)
    clock = NodeClock(counters, carry, restarts, node_intervals)
    booked, last = [], []
    # containers of a pod share its time, so they must stay together
    together = kinds.is_container.any()
    for part in parts(counters, kinds, carry, len(counters.key) if together else ROWS_AT_ONCE):
        shown = Shown.at(part, clock)
        of_pods = pod_rises(part, clock, shown, created_ms, start_ms=start_ms, max_node_watts=max_node_watts)
        rises = join(of_keys(node_intervals, part.key), of_pods)
        if clock.has_shadow:
            rises = without_shadow(
                rises, _shadow_from(rises, part, clock, shown), clock.shadow_upto(rises.key, rises.to_ms)
            )
        if rises.from_ms.min(initial=start_ms) < start_ms:
            late = rises.to_ms > start_ms
            rises.from_ms = np.where(late, np.maximum(rises.from_ms, start_ms), rises.from_ms)
        booked.append(book(rises, edges_ms, kinds))
        last.append(_last(part, shown))
    return Booked(rises=joined(booked), seen=book_seen(counters, edges_ms)), _carry(clock, last)


def _shadow_from(rises: Intervals, read: Samples, clock: NodeClock, shown: Shown) -> np.ndarray:
    """Shadow at the start of each interval: as it was known there, which may be stretches ago."""
    carry, old = read.carry, read.old
    code = composite(np.append(carry.key[old], read.key), np.append(carry.time_ms[old], read.time_ms))
    known = np.append(carry.shadow_ms[old], shown.shadow_ms)
    order = np.argsort(code, kind="stable")
    asked = composite(rises.key, rises.from_ms)
    at = order.take(np.searchsorted(code, asked, sorter=order), mode="clip")
    return np.where(code[at] == asked, known[at], clock.shadow_upto(rises.key, rises.from_ms))


def _last(part: Samples, shown: Shown) -> tuple[np.ndarray, ...]:
    """The columns of the carry, for the keys of one part: their newest samples, which may be the old ones."""
    carry, old, end = part.carry, part.old, part.end
    columns = (
        (carry.key[old], part.key), (carry.time_ms[old], part.time_ms), (carry.joules[old], part.joules),
        (shown.carried_used, shown.used), (carry.restarts[old], shown.restarts),
        (carry.shadow_ms[old], shown.shadow_ms),
    )  # fmt: skip
    stays = ~np.isin(old, part.known)
    order = np.argsort(np.append(carry.key[old[stays]], part.key[end]), kind="stable")
    return tuple(np.append(was[stays], new[end])[order] for was, new in columns)


def _carry(clock: NodeClock, parts: list[tuple[np.ndarray, ...]]) -> Carry:
    names = ("key", "time_ms", "joules", "used", "restarts", "shadow_ms") if parts else ()
    columns = zip(*parts, strict=True)
    return Carry(
        **{name: np.concatenate(column) for name, column in zip(names, columns, strict=True)},
        node_seen_ms=clock.node_seen_ms(), node_restarts=clock.node_restarts(),
        node_shadow_ms=clock.node_shadow_ms(), use=clock.use,
    )  # fmt: skip
