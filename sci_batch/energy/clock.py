"""What is known of each node at each moment: seen when, used how much, restarted how often."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sci_batch.counters import FLAG_BITS, TIME_BITS, Counters, composite
from sci_batch.energy.intervals import Intervals


@dataclass(frozen=True, slots=True, kw_only=True)
class Carry:
    """What one stretch of time hands to the next: one entry per key, node and bound."""

    key: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    time_ms: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    joules: np.ndarray = field(default_factory=lambda: np.empty(0))
    bound: np.ndarray = field(default_factory=lambda: np.empty(0))
    """Cumulative node use [J] at each key's last sample; NaN where unknown."""
    restarts: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    """Kepler restarts of the node up to each key's last sample."""
    shadow_ms: np.ndarray = field(default_factory=lambda: np.empty(0))
    """Time during which the other generation was observed, up to each key's last sample."""
    node_mark_ms: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    """Last time each node was seen; -1 where never."""
    node_restarts: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    node_shadow_ms: np.ndarray = field(default_factory=lambda: np.empty(0))
    bound_ids: dict[tuple[int, str], int] = field(default_factory=dict)
    bound_ms: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    bound_joules: np.ndarray = field(default_factory=lambda: np.empty(0))


class NodeClock:
    """What is known of each node at each moment: seen when, used how much, restarted how often.

    It lives for one stretch of counters; everything it returns is an array, one entry per sample asked.
    """

    def __init__(self, counters: Counters, carry: Carry, restart_marks: np.ndarray, rises: Intervals) -> None:
        self._node_of_key = counters.keys["node_id"].to_numpy()
        self._n_nodes = len(counters.nodes)
        self._restart_marks = restart_marks
        self._base_restarts = grown(carry.node_restarts, self._n_nodes, 0)
        self._marks_before = grown(carry.node_mark_ms, self._n_nodes, -1)
        seen = self._marks_before >= 0
        self._marks = np.unique(
            np.concatenate(
                [
                    composite(np.flatnonzero(seen), self._marks_before[seen]),
                    composite(counters.mark_node, counters.mark_ms),
                ]
            )
        )
        self._build_bounds(counters, carry, rises)
        self._build_shadow(counters, carry)

    def _build_bounds(self, counters: Counters, carry: Carry, rises: Intervals) -> None:
        """Cumulative use of each (node, power domain): active of the rewrite, all of the legacy."""
        keys = counters.keys
        counts = ((keys["kind"] == "active") | (keys["generation"] == "legacy")) & (keys["level"] == "node")
        self.bound_ids = dict(carry.bound_ids)
        pairs = list(zip(keys["node_id"].tolist(), keys["power_domain"].tolist(), strict=True))
        for pair, holds in zip(pairs, counts.tolist(), strict=True):
            if holds and pair not in self.bound_ids:
                self.bound_ids[pair] = len(self.bound_ids)
        self._bound_of_key = np.array([self.bound_ids.get(pair, -1) for pair in pairs], dtype=np.int64)
        n_bounds = len(self.bound_ids)
        base_ms = grown(carry.bound_ms, n_bounds, -1)
        base_joules = grown(carry.bound_joules, n_bounds, 0.0)
        use = counts.to_numpy()[rises.key]
        ids, at, rise = self._bound_of_key[rises.key[use]], rises.to_ms[use], rises.joules[use]
        # the point where a bound begins: its carried end, else the start of its first interval
        begin = np.where(base_ms >= 0, base_ms, np.iinfo(np.int64).max >> 2)
        np.minimum.at(begin, ids, np.where(base_ms[ids] >= 0, base_ms[ids], rises.from_ms[use]))
        known = np.flatnonzero(begin < np.iinfo(np.int64).max >> 2)
        code = np.concatenate([composite(known, begin[known]), composite(ids, at)])
        amount = np.concatenate([np.zeros(len(known)), rise])
        self._bound_code, where = np.unique(code, return_inverse=True)
        step = (
            np.bincount(where, weights=amount, minlength=len(self._bound_code)) if len(where) else np.empty(0)
        )
        owner = self._bound_code >> TIME_BITS
        running = np.cumsum(step)
        start = np.searchsorted(owner, np.arange(n_bounds), side="left")
        before = np.concatenate([[0.0], running])[start]
        self._bound_cum = running - before[owner] + base_joules[owner]
        last = np.searchsorted(owner, np.arange(n_bounds), side="right") - 1
        has = np.isin(np.arange(n_bounds), owner)
        self.bound_last_ms = base_ms.copy()
        self.bound_last_joules = base_joules.copy()
        self.bound_last_ms[has] = self._bound_code[last[has]] - (np.flatnonzero(has) << TIME_BITS)
        self.bound_last_joules[has] = self._bound_cum[last[has]]

    def _build_shadow(self, counters: Counters, carry: Carry) -> None:
        """For each legacy node that also has a rewrite twin: when the twin was observed."""
        nodes = counters.nodes
        self._base_shadow = grown(carry.node_shadow_ms, self._n_nodes, 0.0)
        rewrite = nodes["generation"] == "rewrite"
        twin = dict(zip(nodes["node"][rewrite].tolist(), np.flatnonzero(rewrite).tolist(), strict=True))
        self._shadows: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        for node_id in np.flatnonzero(~rewrite.to_numpy()).tolist():
            other = twin.get(nodes["node"].iat[node_id])
            mine = counters.observed_node == other
            if other is not None and mine.any():
                self._shadows[node_id] = _covered(
                    counters.observed_from_ms[mine], counters.observed_to_ms[mine]
                )

    def bound_at(self, key: np.ndarray, time_ms: np.ndarray) -> np.ndarray:
        """Node use [J] up to the last node sample at or before each time; NaN where unknown."""
        return self._bound(key, time_ms, side="right", shift=-1)

    def bound_after(self, key: np.ndarray, time_ms: np.ndarray) -> np.ndarray:
        """Node use [J] up to the first node sample at or after each time; NaN where unknown."""
        return self._bound(key, time_ms, side="left", shift=0)

    def _bound(self, key: np.ndarray, time_ms: np.ndarray, *, side: str, shift: int) -> np.ndarray:
        ids = self._bound_of_key[key]
        code = composite(np.maximum(ids, 0), time_ms)
        at = np.searchsorted(self._bound_code, code, side="left" if side == "left" else "right") + shift
        inside = (at >= 0) & (at < len(self._bound_code)) & (ids >= 0)
        out = np.full(len(key), np.nan)
        at = at[inside]
        same = (self._bound_code[at] >> TIME_BITS) == ids[inside]
        out[np.flatnonzero(inside)[same]] = self._bound_cum[at[same]]
        return out

    def restarts_at(self, key: np.ndarray, time_ms: np.ndarray) -> np.ndarray:
        node = self._node_of_key[key]
        return np.asarray(count_upto(self._restart_marks, node, time_ms) + self._base_restarts[node])

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

    def shadow_at(self, key: np.ndarray, time_ms: np.ndarray) -> np.ndarray:
        """Time [ms] during which the node's newer generation was observed, up to each time."""
        out = np.zeros(len(key))
        if not self._shadows and not self._base_shadow.any():
            return out
        node = self._node_of_key[key]
        out += self._base_shadow[node]
        for node_id, (at_ms, covered_ms) in self._shadows.items():
            mine = node == node_id
            out[mine] += np.interp(time_ms[mine], at_ms, covered_ms)
        return out

    def without_shadow(
        self, intervals: Intervals, key: np.ndarray, time_ms: np.ndarray, shadow: np.ndarray
    ) -> Intervals:
        """Take out of legacy intervals the time in which the rewrite measured the same node.

        Both generations count the same joules; the newer one is kept.
        """
        if not self._shadows and not self._base_shadow.any():
            return intervals
        code = composite(key, time_ms)
        to_shadow = shadow[np.searchsorted(code, composite(intervals.key, intervals.to_ms))]
        at = np.searchsorted(code, composite(intervals.key, intervals.from_ms))
        exact = (at < len(code)) & (
            code[np.minimum(at, len(code) - 1)] == composite(intervals.key, intervals.from_ms)
        )
        from_shadow = np.where(
            exact, shadow[np.minimum(at, len(code) - 1)], self.shadow_at(intervals.key, intervals.from_ms)
        )
        length = intervals.to_ms - intervals.from_ms
        left = 1.0 - np.clip((to_shadow - from_shadow) / length, 0.0, 1.0)
        flags = np.where((left < 1.0) & (intervals.joules > 0), FLAG_BITS["two-generations"], 0)
        intervals.joules = intervals.joules * left
        intervals.alive = intervals.alive * left
        intervals.flags = intervals.flags | flags
        return intervals

    def last_marks(self) -> np.ndarray:
        out = self._marks_before.copy()
        node = (self._marks >> TIME_BITS).astype(np.int64)
        np.maximum.at(out, node, self._marks - (node << TIME_BITS))
        return out

    def total_restarts(self) -> np.ndarray:
        node = (self._restart_marks >> TIME_BITS).astype(np.int64)
        return np.asarray(self._base_restarts + np.bincount(node, minlength=self._n_nodes))

    def total_shadow(self) -> np.ndarray:
        out = self._base_shadow.copy()
        for node_id, (_, covered_ms) in self._shadows.items():
            out[node_id] += covered_ms[-1]
        return out


def count_upto(marks: np.ndarray, ids: np.ndarray, time_ms: np.ndarray) -> np.ndarray:
    """How many marks of this id lie at or before this time."""
    upto = np.searchsorted(marks, composite(ids, time_ms), side="right")
    start = np.searchsorted(marks, composite(ids, np.zeros_like(time_ms)), side="left")
    return np.asarray(upto - start)


def grown(values: np.ndarray, size: int, fill: float) -> np.ndarray:
    """A carried per-node array, long enough for nodes that appeared since."""
    dtype = values.dtype if len(values) or isinstance(fill, float) else np.int64
    out = np.full(size, fill, dtype)
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
