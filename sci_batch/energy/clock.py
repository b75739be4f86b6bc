"""What is known of each node at each moment: seen when, used how much, restarted how often."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from sci_batch.counters import FLAG_BITS, TIME_BITS, Counters, composite, run_ends, run_starts
from sci_batch.energy.intervals import Intervals


def _ints() -> np.ndarray:
    return np.empty(0, np.int64)


def _floats() -> np.ndarray:
    return np.empty(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Carry:
    """What one stretch of time hands to the next.

    One entry per key: its last sample, and what its node's clock showed then. One entry per node: the
    clock itself.
    """

    key: np.ndarray = field(default_factory=_ints)
    time_ms: np.ndarray = field(default_factory=_ints)
    joules: np.ndarray = field(default_factory=_floats)
    used: np.ndarray = field(default_factory=_floats)
    """Cumulative node use [J]; NaN where unknown."""
    restarts: np.ndarray = field(default_factory=_ints)
    shadow_ms: np.ndarray = field(default_factory=_floats)

    node_seen_ms: np.ndarray = field(default_factory=_ints)
    """Newest mark of each node; -1 where none."""
    node_restarts: np.ndarray = field(default_factory=_ints)
    node_shadow_ms: np.ndarray = field(default_factory=_floats)
    use: NodeUse | None = None


@dataclass(frozen=True, slots=True)
class NodeUse:
    """Cumulative use of each (node, power domain), as a step function of time.

    It is what the pods of the node are held against: active energy of the rewrite, dynamic and idle of
    the legacy (whose pods carry both).
    """

    ids: dict[tuple[int, str], int]
    of_key: np.ndarray
    """Id of each key's node and power domain; -1 where the node shows no counter of its own."""
    code: np.ndarray
    """(id, time), composite, ordered."""
    joules: np.ndarray

    @classmethod
    def of(cls, keys: pd.DataFrame, rises: Intervals, before: NodeUse | None) -> NodeUse:
        """Go on from the last points of `before` with the rises of the nodes' own counters."""
        counts = is_use(keys)
        ids = dict(before.ids) if before else {}
        for pair in _pairs(keys[counts]):
            ids.setdefault(pair, len(ids))
        of_key = np.array([ids.get(pair, -1) for pair in _pairs(keys)], dtype=np.int64)
        use = counts[rises.key]
        owner, rise = of_key[rises.key[use]], rises.joules[use]
        old_code, old_joules = before._last_points() if before else (_ints(), _floats())
        fresh = np.setdiff1d(owner, old_code >> TIME_BITS)
        begin = np.full(len(ids), np.iinfo(np.int64).max)
        np.minimum.at(begin, owner, rises.from_ms[use])
        begin = begin[fresh]
        code = np.concatenate([old_code, composite(fresh, begin), composite(owner, rises.to_ms[use])])
        amount = np.concatenate([old_joules, np.zeros(len(fresh)), rise])
        code, where = np.unique(code, return_inverse=True)
        step = np.bincount(where, weights=amount, minlength=len(code))
        return cls(ids, of_key, code, _cumsum_by(code >> TIME_BITS, step))

    def _last_points(self) -> tuple[np.ndarray, np.ndarray]:
        last = run_ends(self.code >> TIME_BITS)
        return self.code[last], self.joules[last]

    def upto(self, key: np.ndarray, time_ms: np.ndarray) -> np.ndarray:
        """Use [J] at the last point at or before each time; NaN where unknown."""
        owner = self.of_key[key]
        at = np.searchsorted(self.code, composite(np.maximum(owner, 0), time_ms), side="right") - 1
        return self._take(owner, at)

    def around(self, key: np.ndarray, time_ms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Use [J] at the last point at or before each time, and at the first one not before; NaN: unknown.

        Quick where the samples of a key are in order and come when its node's do, as of one scrape.
        """
        if not len(self.code):
            return np.full(len(key), np.nan), np.full(len(key), np.nan)
        start = np.flatnonzero(run_starts(key))
        length = np.diff(start, append=len(key))
        owner = self.of_key[key[start]]
        known = np.maximum(owner, 0)
        asked = np.repeat(composite(known, np.zeros_like(known)), length) + time_ms
        # where they would be, if each key asked for one point after the other
        at = np.repeat(np.searchsorted(self.code, asked[start]) - start, length)
        at += np.arange(len(key))
        there = self.code.take(at, mode="clip") == asked
        if (owner < 0).any():
            there &= np.repeat(owner >= 0, length)
        used = self.joules.take(at, mode="clip")
        other = np.flatnonzero(~there)
        if not len(other):
            return used, used
        used_next = used.copy()
        behind = np.searchsorted(self.code, asked[other], side="right")
        owner = self.of_key[key[other]]
        used[other] = self._take(owner, behind - 1)
        behind -= self.code.take(behind - 1, mode="clip") == asked[other]  # a point at that time is both
        used_next[other] = self._take(owner, behind)
        return used, used_next

    def _take(self, owner: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Use at the points `at` that are of this owner; there may be none at such a place."""
        if not len(self.code):
            return np.full(len(owner), np.nan)
        mine = (at >= 0) & (at < len(self.code)) & (owner >= 0)
        mine &= (self.code >> TIME_BITS).take(at, mode="clip") == owner
        return np.where(mine, self.joules.take(at, mode="clip"), np.nan)


def is_use(keys: pd.DataFrame) -> np.ndarray:
    """Which keys are node counters that hold what the node's pods may have used."""
    whole = (keys["kind"] == "active") | (keys["generation"] == "legacy")
    return np.asarray(whole & (keys["level"] == "node"))


def _pairs(keys: pd.DataFrame) -> list[tuple[int, str]]:
    return list(zip(keys["node_id"].tolist(), keys["power_domain"].tolist(), strict=True))


def _cumsum_by(owner: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Running sum within each owner; `owner` is ordered."""
    return np.asarray(pd.Series(step).groupby(owner).cumsum())


class NodeClock:
    """The nodes' clock: marks, restarts, use and shadow, all as functions of time.

    It lives for one stretch of counters; everything it returns is an array, one entry per sample asked.
    """

    def __init__(self, counters: Counters, carry: Carry, restart_marks: np.ndarray, rises: Intervals) -> None:
        self._node_of_key = counters.keys["node_id"].to_numpy()
        self._n_nodes = len(counters.nodes)
        self._restart_marks = restart_marks
        self._restarts_before = _grown(carry.node_restarts, self._n_nodes, 0)
        self._seen_before = _grown(carry.node_seen_ms, self._n_nodes, -1)
        seen = self._seen_before >= 0
        self._marks = np.unique(
            np.concatenate(
                [
                    composite(np.flatnonzero(seen), self._seen_before[seen]),
                    composite(counters.mark_node, counters.mark_ms),
                ]
            )
        )
        self.use = NodeUse.of(counters.keys, rises, carry.use)
        self._shadow_before = _grown(carry.node_shadow_ms, self._n_nodes, 0.0)
        self._shadows = _shadows(counters)

    def used_upto(self, key: np.ndarray, time_ms: np.ndarray) -> np.ndarray:
        """Node use [J] at the node's last sample at or before each time; NaN where unknown."""
        return self.use.upto(key, time_ms)

    def used_around(self, key: np.ndarray, time_ms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The same, and node use [J] at the node's first sample at or after each time."""
        return self.use.around(key, time_ms)

    def restarts_upto(self, key: np.ndarray, time_ms: np.ndarray) -> np.ndarray:
        """Restarts of the node's Kepler at or before each time."""
        if not self.has_restarts:
            return np.broadcast_to(np.int64(0), len(key))
        node = self._node_of_key[key]
        return np.asarray(count_upto(self._restart_marks, node, time_ms) + self._restarts_before[node])

    def seen_before(self, key: np.ndarray, time_ms: np.ndarray) -> np.ndarray:
        """The node's last mark strictly before each time; -1 where it has none."""
        node = self._node_of_key[key]
        at = np.searchsorted(self._marks, composite(node, time_ms), side="left") - 1
        out = np.full(len(key), -1, np.int64)
        inside = at >= 0
        same = np.zeros(len(key), bool)
        same[inside] = (self._marks[at[inside]] >> TIME_BITS) == node[inside]
        out[same] = self._marks[at[same]] - (node[same].astype(np.int64) << TIME_BITS)
        return out

    def shadow_upto(self, key: np.ndarray, time_ms: np.ndarray) -> np.ndarray:
        """Time [ms] up to each moment in which the node's newer Kepler measured as well."""
        if not self.has_shadow:
            return np.broadcast_to(np.float64(0), len(key))
        node = self._node_of_key[key]
        out: np.ndarray = self._shadow_before[node].astype(np.float64)
        for node_id, (at_ms, covered_ms) in self._shadows.items():  # nodes that change generation
            mine = node == node_id
            out[mine] += np.interp(time_ms[mine], at_ms, covered_ms)
        return out

    @property
    def has_restarts(self) -> bool:
        """Whether the Kepler of any node has restarted so far."""
        return bool(len(self._restart_marks)) or bool(self._restarts_before.any())

    @property
    def has_shadow(self) -> bool:
        """Whether any node shows both generations."""
        return bool(self._shadows) or bool(self._shadow_before.any())

    def node_seen_ms(self) -> np.ndarray:
        """Newest mark of each node [ms]; -1 where none."""
        out = self._seen_before.copy()
        node = (self._marks >> TIME_BITS).astype(np.int64)
        np.maximum.at(out, node, self._marks - (node << TIME_BITS))
        return out

    def node_restarts(self) -> np.ndarray:
        """Restarts of each node's Kepler so far."""
        node = (self._restart_marks >> TIME_BITS).astype(np.int64)
        return np.asarray(self._restarts_before + np.bincount(node, minlength=self._n_nodes))

    def node_shadow_ms(self) -> np.ndarray:
        """Shadow of each node so far [ms]."""
        out = self._shadow_before.copy()
        for node_id, (_, covered_ms) in self._shadows.items():
            out[node_id] += covered_ms[-1]
        return out


def count_upto(marks: np.ndarray, ids: np.ndarray, time_ms: np.ndarray) -> np.ndarray:
    """How many marks of this id lie at or before this time."""
    if not len(marks):
        return np.zeros(len(ids), np.int64)
    upto = np.searchsorted(marks, composite(ids, time_ms), side="right")
    start = np.searchsorted(marks, composite(ids, np.zeros_like(time_ms)), side="left")
    return np.asarray(upto - start)


def without_shadow(intervals: Intervals, from_shadow: np.ndarray, to_shadow: np.ndarray) -> Intervals:
    """Take out of legacy intervals the time in which the rewrite measured the same node.

    Both generations count the same joules; the newer one is kept.
    """
    length = intervals.to_ms - intervals.from_ms
    left = 1.0 - np.clip((to_shadow - from_shadow) / length, 0.0, 1.0)
    flags = np.where((left < 1.0) & (intervals.joules > 0), FLAG_BITS["two-generations"], 0)
    return Intervals(
        intervals.key, intervals.from_ms, intervals.to_ms,
        intervals.joules * left, intervals.alive * left, intervals.flags | flags,
    )  # fmt: skip


def _shadows(counters: Counters) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """For each legacy node that also has a rewrite twin: covered time of the twin, piecewise linear."""
    nodes = counters.nodes
    rewrite = (nodes["generation"] == "rewrite").to_numpy()
    twin = dict(zip(nodes["node"][rewrite].tolist(), np.flatnonzero(rewrite).tolist(), strict=True))
    shadows = {}
    for node_id, name in zip(
        np.flatnonzero(~rewrite).tolist(), nodes["node"][~rewrite].tolist(), strict=True
    ):
        mine = counters.observed_node == twin.get(name, -1)
        if mine.any():
            shadows[node_id] = _covered(counters.observed_from_ms[mine], counters.observed_to_ms[mine])
    return shadows


def _grown(values: np.ndarray, size: int, fill: float) -> np.ndarray:
    """A carried per-node array, long enough for nodes that appeared since."""
    out = np.full(size, fill, values.dtype)
    out[: len(values)] = values
    return out


def _covered(from_ms: np.ndarray, to_ms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Piecewise linear: covered time up to each point, for intervals that may touch or overlap."""
    points = np.unique(np.concatenate([from_ms, to_ms]))
    order = np.argsort(from_ms, kind="stable")
    reach = np.maximum.accumulate(to_ms[order])
    at = np.searchsorted(from_ms[order], points[:-1], side="right") - 1
    inside = (at >= 0) & (reach[np.maximum(at, 0)] >= points[1:])
    return points, np.concatenate([[0.0], np.cumsum(np.where(inside, np.diff(points), 0))])
