"""Neighbouring samples of a counter, and their cut at the window edges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sci_batch.counters import Counters, run_starts
from sci_batch.units import MS_PER_SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """Energy of one stretch: `rises` [key, window, joules, seconds, flags], `seen` [node, window, seconds].

    A window may appear in several stretches; the parts add up.
    """

    rises: pd.DataFrame
    seen: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Kinds:
    """What each key is: worked out once for all that is done with its samples."""

    keys: pd.DataFrame
    is_node: np.ndarray
    is_container: np.ndarray
    flat_is_dead: np.ndarray
    """The legacy goes on showing containers that ended, flat."""

    @classmethod
    def of(cls, keys: pd.DataFrame) -> Kinds:
        """Of `Counters.keys`."""
        is_node, is_container = ((keys["level"] == level).to_numpy() for level in ("node", "container"))
        return cls(keys, is_node, is_container, (keys["generation"] == "legacy").to_numpy() & ~is_node)


@dataclass(slots=True)
class Intervals:
    """Two neighbouring samples of one key, and what happened between them."""

    key: np.ndarray
    from_ms: np.ndarray
    to_ms: np.ndarray
    joules: np.ndarray
    alive: np.ndarray
    flags: np.ndarray

    def where(self, chosen: np.ndarray | slice) -> Intervals:
        """Some of them."""
        return Intervals(*(getattr(self, name)[chosen] for name in COLUMNS))


COLUMNS = ("key", "from_ms", "to_ms", "joules", "alive", "flags")


def of_keys(ordered: Intervals, keys: np.ndarray) -> Intervals:
    """The intervals of keys from the first to the last of `keys`; both are ordered by key."""
    inside = np.searchsorted(ordered.key, (keys[0], keys[-1] + 1)) if len(keys) else (0, 0)
    return ordered.where(slice(*inside))


def join(one: Intervals, other: Intervals) -> Intervals:
    """Both, one after the other."""
    if not len(other.key):
        return one
    if not len(one.key):
        return other
    return Intervals(*(np.concatenate([getattr(one, name), getattr(other, name)]) for name in COLUMNS))


def window_from(edges_ms: np.ndarray, time_ms: np.ndarray) -> np.ndarray:
    """Number of the window that begins at or holds each time, -1 before all, their count behind.

    >>> window_from(np.array([0, 10, 20]), np.array([-1, 0, 9, 10, 20])).tolist()
    [-1, 0, 0, 1, 2]
    """
    count = len(edges_ms) - 1
    width = edges_ms[1] - edges_ms[0]
    if (np.diff(edges_ms) != width).any():
        return np.asarray(np.searchsorted(edges_ms, time_ms, side="right") - 1)
    return np.asarray(np.clip((time_ms - edges_ms[0]) // width, -1, count))  # the same, without a search


def window_to(edges_ms: np.ndarray, time_ms: np.ndarray) -> np.ndarray:
    """Number of the window that holds or ends at each time, otherwise the same.

    >>> window_to(np.array([0, 10, 20]), np.array([0, 1, 10, 20, 21])).tolist()
    [-1, 0, 0, 1, 2]
    """
    return window_from(edges_ms, time_ms - 1)


def spread(
    from_ms: np.ndarray, to_ms: np.ndarray, edges_ms: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut the intervals `(from_ms, to_ms]` at the window edges.

    Returns, per piece, the interval's row, the window's number and the share of the interval [0..1].
    Pieces outside all windows are left out; the shares of an interval that lies inside add up to 1.
    """
    first, last = window_from(edges_ms, from_ms), window_to(edges_ms, to_ms)
    pieces = last - first + 1
    row = np.repeat(np.arange(len(from_ms)), pieces)
    window = first[row] + np.arange(len(row)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    inside = (window >= 0) & (window < len(edges_ms) - 1)
    row, window = row[inside], window[inside]
    left = np.maximum(from_ms[row], edges_ms[window])
    right = np.minimum(to_ms[row], edges_ms[window + 1])
    return row, window, (right - left) / (to_ms[row] - from_ms[row])


def without_overlap(
    owner: np.ndarray, from_ms: np.ndarray, to_ms: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Let intervals of one owner begin where the earlier ones end, so that no time counts twice.

    Returns the new beginnings, and which intervals still have a length.
    """
    order = np.lexsort((to_ms, from_ms, owner))
    by, ends = owner[order], to_ms[order]
    if ((by[1:] != by[:-1]) | (from_ms[order[1:]] >= ends[:-1])).all():  # as most do
        return from_ms, from_ms < to_ms
    reach = pd.Series(ends).groupby(by).cummax().groupby(by).shift()
    begin = np.fmax(from_ms[order], reach.to_numpy())
    out = np.empty(len(from_ms), np.int64)
    out[order] = begin
    return out, out < to_ms


def meter_numbers(keys: pd.DataFrame) -> np.ndarray:
    """A number per pod, power domain and mode: its containers share it."""
    names = ["node", "namespace", "pod", "pod_uid", "power_domain", "kind"]
    return np.asarray(keys.groupby(names, dropna=False).ngroup())


def lived_seconds(intervals: Intervals, kinds: Kinds) -> np.ndarray:
    """Time in which each interval's pod lived [s]; of containers, time that no other one has counted.

    Where flat is dead, only intervals with a rise count.
    """
    length = intervals.to_ms - intervals.from_ms
    dead = np.zeros(len(length), bool)
    if kinds.flat_is_dead.any():
        dead = kinds.flat_is_dead[intervals.key] & (intervals.joules <= 0)
        length[dead] = 0
    if kinds.is_container.any():
        mine = np.flatnonzero(kinds.is_container[intervals.key] & ~dead)
        owner, to_ms = meter_numbers(kinds.keys)[intervals.key[mine]], intervals.to_ms[mine]
        begin, _ = without_overlap(owner, intervals.from_ms[mine], to_ms)
        length[mine] = np.maximum(to_ms - begin, 0)
    return np.asarray(length * intervals.alive / MS_PER_SECOND)


def book(intervals: Intervals, edges_ms: np.ndarray, kinds: Kinds) -> dict[str, np.ndarray]:
    """Intervals into windows: one row per key and window; the columns of `Booked.rises`."""
    count = len(edges_ms) - 1
    lived = lived_seconds(intervals, kinds)
    first, last = window_from(edges_ms, intervals.from_ms), window_to(edges_ms, intervals.to_ms)
    if first.min(initial=0) < 0 or last.max(initial=0) >= count:
        inside = (last >= 0) & (first < count)
        intervals, lived, first, last = intervals.where(inside), lived[inside], first[inside], last[inside]
    cut = np.flatnonzero(first != last)  # few: most lie in one window
    row, window, share = spread(intervals.from_ms[cut], intervals.to_ms[cut], edges_ms)
    row = cut[row]
    pieces = intervals.key[row] * count + window, intervals.joules[row] * share, lived[row] * share
    # their first piece lies where they do, so they may stay there with nothing
    joules = intervals.joules.copy()
    joules[cut] = lived[cut] = 0.0
    whole = _added_up(intervals.key * count + np.maximum(first, 0), joules, lived, intervals.flags)
    columns = zip(whole, (*pieces, intervals.flags[row]), strict=True)
    cell, joules, lived, flags = _added_up(*(np.concatenate(both) for both in columns))
    return {
        "key": cell // count, "window": cell % count, "joules": joules, "seconds": lived, "flags": flags,
    }  # fmt: skip


def _added_up(
    cell: np.ndarray, joules: np.ndarray, seconds: np.ndarray, flags: np.ndarray
) -> tuple[np.ndarray, ...]:
    """One entry for each cell, in order; of flags, all that any had."""
    if (cell[1:] < cell[:-1]).any():
        order = np.argsort(cell, kind="stable")  # quick: it is made of a few parts that are in order
        cell, joules, seconds, flags = cell[order], joules[order], seconds[order], flags[order]
    start = np.flatnonzero(run_starts(cell))
    return (
        cell[start], np.add.reduceat(joules, start), np.add.reduceat(seconds, start),
        np.bitwise_or.reduceat(flags, start),
    )  # fmt: skip


def joined(booked: list[dict[str, np.ndarray]]) -> pd.DataFrame:
    """`Booked.rises` of all parts."""
    none = {name: np.empty(0, np.int64) for name in ("key", "window", "flags")} | {
        name: np.empty(0) for name in ("joules", "seconds")
    }
    columns = ("key", "window", "joules", "seconds", "flags")
    return pd.DataFrame(
        {name: np.concatenate([part[name] for part in (booked or [none])]) for name in columns}
    )


def book_seen(counters: Counters, edges_ms: np.ndarray) -> pd.DataFrame:
    """Watched intervals into windows: seconds per node and window; two generations at once count once."""
    name = pd.factorize(counters.nodes["node"])[0][counters.observed_node]
    from_ms, fresh = without_overlap(name, counters.observed_from_ms, counters.observed_to_ms)
    node, from_ms, to_ms = counters.observed_node[fresh], from_ms[fresh], counters.observed_to_ms[fresh]
    row, window, share = spread(from_ms, to_ms, edges_ms)
    count = len(edges_ms) - 1
    cell, place = np.unique(node[row] * count + window, return_inverse=True)
    seconds = np.bincount(place, ((to_ms - from_ms) / MS_PER_SECOND)[row] * share, len(cell))
    return pd.DataFrame(
        {"node": cell // count, "window": cell % count, "seconds": seconds.astype(np.float64)}
    )
