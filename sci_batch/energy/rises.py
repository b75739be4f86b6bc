"""By how much each counter rose between two samples: births, restarts, bounds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sci_batch.counters import FLAG_BITS, Counters, composite, run_starts
from sci_batch.energy.clock import Carry, NodeClock, count_upto
from sci_batch.energy.intervals import Intervals, Kinds, join
from sci_batch.units import MS_PER_SECOND

BIRTH_SLACK = 1e-6
"""Relative room for float noise when a birth is held against its node."""
CLAMP_SLACK, CLAMP_SLACK_JOULES = 0.01, 5.0
"""Room for honest rounding in the meters (legacy rounds parts up) before a rise is called absurd."""


@dataclass(frozen=True, slots=True)
class Samples:
    """New samples of some counters, ordered by key and time, and what was known of these before."""

    kinds: Kinds
    carry: Carry
    old: np.ndarray
    """Rows in the carry of all of these keys, also of those without a new sample."""
    key: np.ndarray
    time_ms: np.ndarray
    joules: np.ndarray
    alive: np.ndarray
    flags: np.ndarray
    start: np.ndarray
    """Row of each key's first sample."""
    known: np.ndarray
    """Row in the carry of the sample before each of these; -1 where there is none."""

    @classmethod
    def of(
        cls, counters: Counters, kinds: Kinds, carry: Carry, new: slice | np.ndarray, old: np.ndarray
    ) -> Samples:
        """Of these rows of the stretch and of the carry."""
        key, old_key = counters.key[new], carry.key[old]
        start = np.flatnonzero(run_starts(key))
        at = np.searchsorted(old_key, key[start])
        known = np.full(len(start), -1)
        here = np.flatnonzero(old_key.take(at, mode="clip") == key[start]) if len(old) else known[:0]
        known[here] = old[at[here]]
        return cls(
            kinds, carry, old, key, counters.time_ms[new], counters.joules[new], counters.alive[new],
            counters.flags[new], start, known,
        )  # fmt: skip

    @property
    def end(self) -> np.ndarray:
        """Row of each key's last sample."""
        return np.append(self.start[1:], len(self.key))[: len(self.start)] - 1

    @property
    def of_node(self) -> np.ndarray:
        """Which of the keys are nodes' own counters."""
        return np.asarray(self.kinds.is_node[self.key[self.start]])

    def rows(self, which: np.ndarray) -> np.ndarray:
        """The chosen keys' samples, as a mask."""
        return np.repeat(which, self.end - self.start + 1)

    def before(self, column: np.ndarray, carried: np.ndarray) -> np.ndarray:
        """Of each sample the value of the one before it, which may be `carried`; else its own."""
        out = np.empty(len(column), column.dtype)
        out[1:] = column[:-1]
        out[self.start] = column[self.start]
        known = np.flatnonzero(self.known >= 0)
        out[self.start[known]] = carried[self.known[known]]
        return out


def parts(counters: Counters, kinds: Kinds, carry: Carry, rows: int) -> Iterator[Samples]:
    """The stretch's samples, each key's with the one that was carried to it, about this many at a time.

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
        yield Samples.of(counters, kinds, carry, slice(begin, end), np.arange(old, old_end))
        begin, old = end, old_end


def of_nodes(counters: Counters, kinds: Kinds, carry: Carry) -> Samples:
    """The same of the nodes' own counters, all at once."""
    new, old = (np.flatnonzero(kinds.is_node[key]) for key in (counters.key, carry.key))
    return Samples.of(counters, kinds, carry, new, old)


def node_rises(read: Samples, max_node_watts: float) -> tuple[Intervals, np.ndarray]:
    """Rises of the nodes' own counters, and where their Kepler restarted (node id, time), composite.

    The idle counter of the rewrite starts at the register's absolute value, so after a restart its
    step is not energy, whether it falls or jumps.
    """
    follows = np.ones(len(read.key), bool)
    follows[read.start[read.known < 0]] = False
    key, to_ms, shown = read.key[follows], read.time_ms[follows], read.joules[follows]
    from_ms = read.before(read.time_ms, read.carry.time_ms)[follows]
    kind, generation, node_id = (
        read.kinds.keys[name].to_numpy()[key] for name in ("kind", "generation", "node_id")
    )
    step = shown - read.before(read.joules, read.carry.joules)[follows]
    fell = step < 0
    restarted = fell & (kind == "active")
    marks = np.unique(composite(node_id[restarted], to_ms[restarted]))

    rise = np.where(fell, shown, step)
    register = (generation == "rewrite") & (kind == "idle")
    crossed = count_upto(marks, node_id, to_ms) > count_upto(marks, node_id, from_ms)
    rise = np.where(register & (fell | crossed), 0.0, rise)

    limit = max_node_watts * (to_ms - from_ms) / MS_PER_SECOND
    flags = np.where(rise > limit, FLAG_BITS["clamped"], 0)
    return Intervals(key, from_ms, to_ms, np.minimum(rise, limit), np.ones(len(key)), flags), marks


@dataclass(frozen=True, slots=True)
class Shown:
    """What the nodes' clock showed at each sample, and at the one before it."""

    used: np.ndarray
    """By the node, at its last sample by then [J]."""
    used_next: np.ndarray
    """At the node's next sample."""
    used_before: np.ndarray
    restarts: np.ndarray
    shadow_ms: np.ndarray
    carried_used: np.ndarray
    """Of each row of `Samples.old`."""

    @classmethod
    def at(cls, read: Samples, clock: NodeClock) -> Shown:
        """Of a carried sample, what the clock showed when it was new."""
        used, used_next = clock.used_around(read.key, read.time_ms)
        carried = read.carry.used.copy()
        # a node with one scrape so far has no use yet: this stretch tells it from the same moment on
        unknown = read.old[np.isnan(carried[read.old])]
        carried[unknown] = clock.used_upto(read.carry.key[unknown], read.carry.time_ms[unknown])
        return cls(
            used, used_next, read.before(used, carried), clock.restarts_upto(read.key, read.time_ms),
            clock.shadow_upto(read.key, read.time_ms), carried[read.old],
        )  # fmt: skip


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

    Each sample is taken together with the one before it of its key; the first one ever is a birth, or tells
    nothing and is left out at the end.
    """
    pod = ~read.of_node
    born = read.start[pod & (read.known < 0)]
    seen_ms = clock.seen_before(read.key[born], read.time_ms[born])
    unknown = born[seen_ms < 0]
    born, seen_ms = born[seen_ms >= 0], seen_ms[seen_ms >= 0]

    from_ms, used = read.before(read.time_ms, read.carry.time_ms), shown.used_before
    old = read.before(read.joules, read.carry.joules)
    from_ms[born] = _born_ms(read, born, seen_ms, created_ms)
    used[born], old[born] = clock.used_upto(read.key[born], seen_ms), 0.0
    by_power = (read.time_ms - from_ms) * (max_node_watts / MS_PER_SECOND)
    limit = np.maximum(np.fmin(shown.used_next - used, by_power), 0.0)  # `fmin`: unknown use is no bound

    afresh = read.joules < old
    if clock.has_restarts:
        # after a restart of Kepler the new value is all new, even where it has overtaken the old one
        restarted = shown.restarts > read.before(shown.restarts, read.carry.restarts)
        restarted[born] = False
        afresh |= restarted & (read.joules <= limit * (1 + BIRTH_SLACK))
    rise = read.joules - old
    np.copyto(rise, read.joules, where=afresh)

    absurd = rise > limit * (1 + CLAMP_SLACK) + CLAMP_SLACK_JOULES
    absurd[born] = False
    capped = born[rise[born] > limit[born] * (1 + BIRTH_SLACK)]
    flags = read.flags
    if len(capped) or absurd.any():
        flags = flags | np.where(absurd, FLAG_BITS["clamped"], 0)
        flags[capped] |= FLAG_BITS["birth-capped"]
        absurd[capped] = True
        np.copyto(rise, limit, where=absurd)

    known = Intervals(read.key, from_ms, read.time_ms, rise, read.alive, flags)
    if len(unknown) or not pod.all():
        keep = read.rows(pod)
        keep[unknown] = False
        known = known.where(keep)
    return join(known, _of_unknown_age(read, unknown[read.time_ms[unknown] > start_ms]))


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
