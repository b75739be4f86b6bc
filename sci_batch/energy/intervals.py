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


@dataclass(slots=True)
class Intervals:
    """Two neighbouring samples of one key, and what happened between them."""

    key: np.ndarray
    from_ms: np.ndarray
    to_ms: np.ndarray
    joules: np.ndarray
    alive: np.ndarray
    flags: np.ndarray


def join(one: Intervals, other: Intervals) -> Intervals:
    """Both, one after the other."""
    if not len(other.key):
        return one
    return Intervals(
        *(
            np.concatenate([getattr(one, name), getattr(other, name)])
            for name in ("key", "from_ms", "to_ms", "joules", "alive", "flags")
        )
    )


def spread(
    from_ms: np.ndarray, to_ms: np.ndarray, edges_ms: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut the intervals `(from_ms, to_ms]` at the window edges.

    Returns, per piece, the interval's row, the window's number and the share of the interval [0..1].
    Pieces outside all windows are left out; the shares of an interval that lies inside add up to 1.
    """
    first = np.searchsorted(edges_ms, from_ms, side="right") - 1
    last = np.searchsorted(edges_ms, to_ms, side="left") - 1
    pieces = last - first + 1
    row = np.repeat(np.arange(len(from_ms)), pieces)
    window = np.arange(len(row)) - np.repeat(np.cumsum(pieces) - pieces, pieces) + first[row]
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
    reach = pd.Series(to_ms[order]).groupby(owner[order]).cummax().groupby(owner[order]).shift()
    begin = np.fmax(from_ms[order], reach.to_numpy())
    out = np.empty(len(from_ms), np.int64)
    out[order] = begin
    return out, out < to_ms


def meter_numbers(keys: pd.DataFrame) -> np.ndarray:
    """A number per pod, power domain and mode: its containers share it."""
    names = ["node", "namespace", "pod", "pod_uid", "power_domain", "kind"]
    return np.asarray(keys.groupby(names, dropna=False).ngroup())


def lived_seconds(intervals: Intervals, keys: pd.DataFrame) -> np.ndarray:
    """Time in which each interval's pod lived [s]; of containers, time that no other one has counted.

    The legacy goes on showing containers that ended, flat: only intervals with a rise count there.
    """
    flat_is_dead = (keys["generation"] == "legacy").to_numpy() & (keys["level"] != "node").to_numpy()
    dead = flat_is_dead[intervals.key] & (intervals.joules <= 0)
    length = np.where(dead, 0, intervals.to_ms - intervals.from_ms)
    container = (keys["level"] == "container").to_numpy()
    mine = np.flatnonzero(container[intervals.key] & ~dead)
    if len(mine):
        owner, to_ms = meter_numbers(keys)[intervals.key[mine]], intervals.to_ms[mine]
        begin, _ = without_overlap(owner, intervals.from_ms[mine], to_ms)
        length[mine] = np.maximum(to_ms - begin, 0)
    return np.asarray(length * intervals.alive / MS_PER_SECOND)


def book(intervals: Intervals, edges_ms: np.ndarray, keys: pd.DataFrame) -> pd.DataFrame:
    """Intervals into windows: one row per key and window."""
    row, window, share = spread(intervals.from_ms, intervals.to_ms, edges_ms)
    lived = lived_seconds(intervals, keys)
    cell = intervals.key[row] * (len(edges_ms) - 1) + window
    order = np.argsort(cell, kind="stable")
    cell, row, share = cell[order], row[order], share[order]
    start = np.flatnonzero(run_starts(cell))
    empty = not len(cell)
    return pd.DataFrame(
        {
            "key": cell[start] // (len(edges_ms) - 1),
            "window": cell[start] % (len(edges_ms) - 1),
            "joules": np.empty(0) if empty else np.add.reduceat(intervals.joules[row] * share, start),
            "seconds": np.empty(0) if empty else np.add.reduceat(lived[row] * share, start),
            "flags": np.empty(0, np.int64) if empty else np.bitwise_or.reduceat(intervals.flags[row], start),
        }
    )


def book_seen(counters: Counters, edges_ms: np.ndarray) -> pd.DataFrame:
    """Watched intervals into windows: seconds per node and window; two generations at once count once."""
    name = pd.factorize(counters.nodes["node"])[0][counters.observed_node]
    from_ms, fresh = without_overlap(name, counters.observed_from_ms, counters.observed_to_ms)
    node, from_ms, to_ms = counters.observed_node[fresh], from_ms[fresh], counters.observed_to_ms[fresh]
    row, window, share = spread(from_ms, to_ms, edges_ms)
    length = (to_ms - from_ms) / MS_PER_SECOND
    frame = pd.DataFrame({"node": node[row], "window": window, "seconds": length[row] * share})
    return frame.groupby(["node", "window"], as_index=False).agg(seconds=("seconds", "sum"))
