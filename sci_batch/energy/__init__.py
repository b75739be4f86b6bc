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

from sci_batch.counters import Counters
from sci_batch.energy.clock import Carry, NodeClock
from sci_batch.energy.intervals import Booked, book, book_seen, join
from sci_batch.energy.rises import node_rises, pod_rises
from sci_batch.energy.totals import Energy, total

__all__ = ["Booked", "Carry", "Energy", "per_window", "total"]


def per_window(
    counters: Counters, carry: Carry, edges_ms: np.ndarray, *, max_node_watts: float
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

    Returns
    -------
    The energy booked, and the carry for the next stretch.
    """
    keys = counters.keys
    is_node = (keys["level"] == "node").to_numpy()
    key, time_ms, joules, alive, flags, carried = _with_carry(counters, carry)
    first = np.ones(len(key), bool)
    first[1:] = key[1:] != key[:-1]
    node_rows = is_node[key]

    node_intervals, restart_marks = node_rises(keys, key, time_ms, joules, first, node_rows, max_node_watts)
    clock = NodeClock(counters, carry, restart_marks, node_intervals)

    bound = _keep_carried(clock.bound_at(key, time_ms), carry.bound, carried)
    restarts = _keep_carried(clock.restarts_at(key, time_ms), carry.restarts, carried)
    shadow = _keep_carried(clock.shadow_at(key, time_ms), carry.shadow_ms, carried)

    pod_intervals = pod_rises(
        key, time_ms, joules, alive, flags, first & ~node_rows, ~first & ~node_rows, carried,
        clock=clock, bound=bound, restarts=restarts, start_ms=int(edges_ms[0]), max_node_watts=max_node_watts,
    )  # fmt: skip
    everything = join(node_intervals, pod_intervals)
    everything = clock.without_shadow(everything, key, time_ms, shadow)
    start_ms = edges_ms[0]
    late = everything.to_ms > start_ms
    everything.from_ms = np.where(late, np.maximum(everything.from_ms, start_ms), everything.from_ms)

    last = np.ones(len(key), bool)
    last[:-1] = key[1:] != key[:-1]
    after = Carry(
        key=key[last], time_ms=time_ms[last], joules=joules[last], bound=bound[last], restarts=restarts[last],
        shadow_ms=shadow[last], node_mark_ms=clock.last_marks(), node_restarts=clock.total_restarts(),
        node_shadow_ms=clock.total_shadow(), bound_ids=clock.bound_ids, bound_ms=clock.bound_last_ms,
        bound_joules=clock.bound_last_joules,
    )  # fmt: skip
    legacy_pod = (keys["generation"] == "legacy").to_numpy() & ~is_node
    return Booked(rises=book(everything, edges_ms, legacy_pod), seen=book_seen(counters, edges_ms)), after


def _with_carry(counters: Counters, carry: Carry) -> tuple[np.ndarray, ...]:
    """Samples with each key's last known one in front; `carried` is its row in the carry, else -1."""
    old, new = len(carry.key), len(counters.key)
    key = np.concatenate([carry.key, counters.key.astype(np.int64)])
    time_ms = np.concatenate([carry.time_ms, counters.time_ms])
    joules = np.concatenate([carry.joules, counters.joules])
    alive = np.concatenate([np.ones(old), counters.alive])
    flags = np.concatenate([np.zeros(old, np.int64), counters.flags.astype(np.int64)])
    carried = np.concatenate([np.arange(old), np.full(new, -1)])
    order = np.lexsort((time_ms, key))
    key, time_ms, joules, alive, flags, carried = (
        column[order] for column in (key, time_ms, joules, alive, flags, carried)
    )
    again = np.zeros(len(key), bool)
    again[1:] = (key[1:] == key[:-1]) & (time_ms[1:] == time_ms[:-1])
    return tuple(column[~again] for column in (key, time_ms, joules, alive, flags, carried))


def _keep_carried(now: np.ndarray, before: np.ndarray, carried: np.ndarray) -> np.ndarray:
    out = now.copy()
    old = carried >= 0
    out[old] = before[carried[old]]
    return out
