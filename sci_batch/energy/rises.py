"""By how much each counter rose between two samples: births, restarts, bounds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sci_batch.counters import FLAG_BITS, Counters, composite, run_ends, run_starts
from sci_batch.energy.clock import Carry, NodeClock, count_upto
from sci_batch.energy.intervals import Intervals, Kinds, join
from sci_batch.units import MS_PER_SECOND

BIRTH_SLACK = 1e-6
"""Relative room for float noise when a birth is held against its node."""
CLAMP_SLACK, CLAMP_SLACK_JOULES = 0.01, 5.0
"""Room for honest rounding in the meters (legacy rounds parts up) before a rise is called absurd."""


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples of all counters, ordered by key and time, each key's last known one in front.

    `carried` is the row in the carry of such a known one, -1 for a new sample.
    """

    kinds: Kinds
    key: np.ndarray
    time_ms: np.ndarray
    joules: np.ndarray
    alive: np.ndarray
    flags: np.ndarray
    carried: np.ndarray

    @property
    def first(self) -> np.ndarray:
        """Whether a sample is the first one known of its key."""
        return run_starts(self.key)

    @property
    def last(self) -> np.ndarray:
        """Whether a sample is the newest of its key."""
        return run_ends(self.key)

    @property
    def of_node(self) -> np.ndarray:
        """Whether a sample is of a node's own counter."""
        return np.asarray(self.kinds.is_node[self.key])


def parts(counters: Counters, kinds: Kinds, carry: Carry, rows: int) -> Iterator[Samples]:
    """The stretch's samples, each key's behind the one that was carried to it, about this many at a time.

    A part has all of a key; together they are all keys, also those that were only carried, in order.
    """
    begin, whole = 0, len(counters.key)
    old = 0
    while begin < whole or old < len(carry.key):
        end, old_end = whole, len(carry.key)
        if begin + rows < whole:
            end, old_end = (
                int(np.searchsorted(keys, counters.key[begin + rows - 1], side="right"))
                for keys in (counters.key, carry.key)
            )
        yield _samples(counters, kinds, carry, slice(begin, end), slice(old, old_end))
        begin, old = end, old_end


def of_nodes(counters: Counters, kinds: Kinds, carry: Carry) -> Samples:
    """The same of the nodes' own counters, all at once."""
    new, old = (np.flatnonzero(kinds.is_node[key]) for key in (counters.key, carry.key))
    return _samples(counters, kinds, carry, new, old)


def _samples(
    counters: Counters, kinds: Kinds, carry: Carry, wanted: slice | np.ndarray, old: slice | np.ndarray
) -> Samples:
    """Stretches follow each other in time, and both are in order: the old ones only need their places."""
    key, old_key = counters.key[wanted], carry.key[old]
    place = np.searchsorted(key, old_key) + np.arange(len(old_key))
    is_new = np.ones(len(key) + len(old_key), bool)
    is_new[place] = False
    columns = (
        (old_key, key),
        (carry.time_ms[old], counters.time_ms[wanted]),
        (carry.joules[old], counters.joules[wanted]),
        (1.0, counters.alive[wanted]),
        (0, counters.flags[wanted]),
        (np.arange(len(carry.key))[old], -1),
    )
    return Samples(kinds, *(_in_places(place, is_new, *parts) for parts in columns))


def _in_places(
    place: np.ndarray, is_new: np.ndarray, old: np.ndarray | float, new: np.ndarray | float
) -> np.ndarray:
    """One column of both parts: the old values at their places, the new ones between."""
    new = np.asarray(new)
    out = np.empty(len(is_new), np.float64 if new.dtype == np.float64 else np.int64)
    if new.size and not any(new.strides):
        out.fill(new.flat[0])  # one value stands for all
    else:
        out[is_new] = new
    out[place] = old
    return out


def node_rises(read: Samples, max_node_watts: float) -> tuple[Intervals, np.ndarray]:
    """Rises of the nodes' own counters, and where their Kepler restarted (node id, time), composite.

    The idle counter of the rewrite starts at the register's absolute value, so after a restart its
    step is not energy, whether it falls or jumps.
    """
    at = np.flatnonzero(~read.first)
    before = at - 1
    key, from_ms, to_ms = read.key[at], read.time_ms[before], read.time_ms[at]
    kind, generation, node_id = (
        read.kinds.keys[name].to_numpy()[key] for name in ("kind", "generation", "node_id")
    )
    step = read.joules[at] - read.joules[before]
    fell = step < 0
    restarted = fell & (kind == "active")
    marks = np.unique(composite(node_id[restarted], to_ms[restarted]))

    rise = np.where(fell, read.joules[at], step)
    register = (generation == "rewrite") & (kind == "idle")
    crossed = count_upto(marks, node_id, to_ms) > count_upto(marks, node_id, from_ms)
    rise = np.where(register & (fell | crossed), 0.0, rise)

    limit = max_node_watts * (to_ms - from_ms) / MS_PER_SECOND
    flags = np.where(rise > limit, FLAG_BITS["clamped"], 0)
    return Intervals(key, from_ms, to_ms, np.minimum(rise, limit), np.ones(len(at)), flags), marks


@dataclass(frozen=True, slots=True)
class Shown:
    """What the nodes' clock showed at each sample, and what use [J] it showed at the node's next one."""

    used: np.ndarray
    restarts: np.ndarray
    shadow_ms: np.ndarray
    used_next: np.ndarray

    @classmethod
    def at(cls, read: Samples, clock: NodeClock, carry: Carry) -> Shown:
        """Of a carried sample, what the clock showed when it was new."""
        used, used_next = clock.used_around(read.key, read.time_ms)
        restarts = clock.restarts_upto(read.key, read.time_ms)
        shadow_ms = clock.shadow_upto(read.key, read.time_ms)
        old = np.flatnonzero(read.carried >= 0)
        for column, before in ((used, carry.used), (restarts, carry.restarts), (shadow_ms, carry.shadow_ms)):
            was = before[read.carried[old]]
            # a node with one scrape so far has no use yet: this stretch tells it from the same moment on
            column[old] = np.where(np.isnan(was), column[old], was)
        return cls(used, restarts, shadow_ms, used_next)


def pod_rises(
    read: Samples,
    clock: NodeClock,
    shown: Shown,
    created_ms: np.ndarray,
    *,
    start_ms: int,
    max_node_watts: float,
) -> Intervals:
    """Rises of pod and container counters: births, resets, each held against its node.

    Each sample is taken together with the one before it; where that is another key's, the sample is a birth,
    or tells nothing and is left out at the end.
    """
    pod, first = ~read.of_node, read.first
    born = np.flatnonzero(pod & first & (read.carried < 0))
    seen_ms = clock.seen_before(read.key[born], read.time_ms[born])
    unknown = born[seen_ms < 0]
    born, seen_ms = born[seen_ms >= 0], seen_ms[seen_ms >= 0]

    from_ms, used, old = (_before(column) for column in (read.time_ms, shown.used, read.joules))
    from_ms[born] = _born_ms(read, born, seen_ms, created_ms)
    used[born], old[born] = clock.used_upto(read.key[born], seen_ms), 0.0
    limit = shown.used_next - used
    by_power = max_node_watts * (read.time_ms - from_ms) / MS_PER_SECOND
    limit = np.where(np.isnan(limit), by_power, np.clip(limit, 0.0, by_power))

    is_birth = np.zeros(len(first), bool)
    is_birth[born] = True
    # after a restart of Kepler the new value is all new, even where it has overtaken the old one
    restarted = (shown.restarts > _before(shown.restarts)) & ~is_birth
    afresh = (read.joules < old) | (restarted & (read.joules <= limit * (1 + BIRTH_SLACK)))
    rise = np.where(afresh, read.joules, read.joules - old)

    capped = is_birth & (rise > limit * (1 + BIRTH_SLACK))
    absurd = ~is_birth & (rise > limit * (1 + CLAMP_SLACK) + CLAMP_SLACK_JOULES)
    rise = np.where(capped | absurd, limit, rise)
    flags = np.where(capped, FLAG_BITS["birth-capped"], 0) | np.where(absurd, FLAG_BITS["clamped"], 0)

    row = np.flatnonzero(pod & (is_birth | ~first))
    columns = (read.key, from_ms, read.time_ms, rise, read.alive, read.flags | flags)
    known = Intervals(*(column[row] for column in columns))
    return join(known, _of_unknown_age(read, unknown[read.time_ms[unknown] > start_ms]))


def _before(column: np.ndarray) -> np.ndarray:
    """Of each sample the value of the one before it; of the very first its own."""
    out = np.empty_like(column)
    out[:1], out[1:] = column[:1], column[:-1]
    return out


def _born_ms(read: Samples, born: np.ndarray, seen_ms: np.ndarray, created_ms: np.ndarray) -> np.ndarray:
    """Since when a first value was used: the node's mark before it, or the pod's creation after that.

    Not where the pod's life is told by `alive` already.
    """
    created = created_ms[read.key[born]]
    later = (created > seen_ms) & (created < read.time_ms[born]) & (read.alive[born] == 1.0)
    return np.where(later, created, seen_ms)


def _of_unknown_age(read: Samples, row: np.ndarray) -> Intervals:
    """First values that do not count: 1 ms of nothing each, so that the flag finds its window."""
    nothing = np.zeros(len(row))
    flags = np.where(read.joules[row] > 0, FLAG_BITS["unknown-start"], 0) | read.flags[row]
    return Intervals(read.key[row], read.time_ms[row] - 1, read.time_ms[row], nothing, nothing, flags)
