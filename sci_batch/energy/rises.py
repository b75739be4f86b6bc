"""By how much each counter rose between two samples: births, restarts, bounds."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sci_batch.counters import FLAG_BITS, composite
from sci_batch.energy.clock import NodeClock, count_upto
from sci_batch.energy.intervals import Intervals, join
from sci_batch.units import MS_PER_SECOND

BIRTH_SLACK = 1e-6
"""Relative room for float noise when a birth is held against its node."""
CLAMP_SLACK, CLAMP_SLACK_JOULES = 0.01, 5.0
"""Room for honest rounding in the meters (legacy rounds parts up) before a rise is called absurd."""


def node_rises(
    keys: pd.DataFrame, key: np.ndarray, time_ms: np.ndarray, joules: np.ndarray,
    first: np.ndarray, node_rows: np.ndarray, max_node_watts: float,
) -> tuple[Intervals, np.ndarray]:  # fmt: skip
    """Rises of the nodes' own counters, and where their Kepler restarted (node id, time), composite.

    The idle counter of the rewrite starts at the register's absolute value, so after a restart its
    step is not energy, whether it falls or jumps.
    """
    at = np.flatnonzero(node_rows & ~first)
    before = at - 1
    step = joules[at] - joules[before]
    fell = step < 0
    kind = keys["kind"].to_numpy()[key[at]]
    generation = keys["generation"].to_numpy()[key[at]]
    node_id = keys["node_id"].to_numpy()[key[at]]
    restarted = fell & (kind == "active")
    marks = np.unique(composite(node_id[restarted], time_ms[at][restarted]))

    rise = np.where(fell, joules[at], step)
    register = (generation == "rewrite") & (kind == "idle")
    crossed = count_upto(marks, node_id, time_ms[at]) > count_upto(marks, node_id, time_ms[before])
    rise = np.where(register & (fell | crossed), 0.0, rise)

    limit = max_node_watts * (time_ms[at] - time_ms[before]) / MS_PER_SECOND
    absurd = rise > limit
    flags = np.where(absurd, FLAG_BITS["clamped"], 0)
    rise = np.where(absurd, limit, rise)
    return Intervals(key[at], time_ms[before], time_ms[at], rise, np.ones(len(at)), flags), marks


def pod_rises(
    key: np.ndarray, time_ms: np.ndarray, joules: np.ndarray, alive: np.ndarray, flags: np.ndarray,
    first: np.ndarray, later: np.ndarray, carried: np.ndarray, *,
    clock: NodeClock, bound: np.ndarray, restarts: np.ndarray, start_ms: int, max_node_watts: float,
) -> Intervals:  # fmt: skip
    """Rises of pod and container counters: births, resets, and rises held against the node's."""
    born = np.flatnonzero(first & (carried < 0))
    seen_ms = clock.seen_before(key[born], time_ms[born])
    proven = seen_ms >= 0
    unknown = born[~proven]
    flags = flags.copy()
    late = time_ms[unknown] > start_ms
    flags[unknown[late & (joules[unknown] > 0)]] |= FLAG_BITS["unknown-start"]
    born, seen_ms = born[proven], seen_ms[proven]

    at = np.flatnonzero(later)
    before = at - 1
    row = np.concatenate([born, at])
    from_ms = np.concatenate([seen_ms, time_ms[before]])
    from_bound = np.concatenate([clock.bound_at(key[born], seen_ms), bound[before]])
    limit = clock.bound_after(key[row], time_ms[row]) - from_bound
    by_power = max_node_watts * (time_ms[row] - from_ms) / MS_PER_SECOND
    limit = np.where(np.isnan(limit), by_power, np.minimum(limit, by_power))

    is_birth = np.arange(len(row)) < len(born)
    step = joules[at] - joules[before]
    # after a restart of Kepler the new value is all new, even where it has overtaken the old one
    restarted = (restarts[at] > restarts[before]) & (joules[at] <= limit[len(born) :] * (1 + BIRTH_SLACK))
    rise = np.concatenate([joules[born], np.where((step < 0) | restarted, joules[at], step)])

    too_much_born = is_birth & (rise > limit * (1 + BIRTH_SLACK))
    absurd = ~is_birth & (rise > limit * (1 + CLAMP_SLACK) + CLAMP_SLACK_JOULES)
    flag = np.where(too_much_born, FLAG_BITS["birth-capped"], 0) | np.where(absurd, FLAG_BITS["clamped"], 0)
    rise = np.where(too_much_born | absurd, np.maximum(limit, 0.0), rise)
    known = Intervals(key[row], from_ms, time_ms[row], rise, alive[row], flags[row] | flag)
    marker = unknown[time_ms[unknown] > start_ms]
    nothing = Intervals(  # 1 ms, so that the flag finds its window
        key[marker],
        time_ms[marker] - 1,
        time_ms[marker],
        np.zeros(len(marker)),
        np.zeros(len(marker)),
        flags[marker],
    )
    return join(known, nothing)
