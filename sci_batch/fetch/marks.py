"""When each node's Kepler was seen, and over which intervals it was watched without a hole."""

from __future__ import annotations

import numpy as np

from sci_batch import kepler
from sci_batch.counters import run_ends
from sci_batch.fetch.registry import Readings, Registry


def marks(read: Readings, registry: Registry) -> tuple[np.ndarray, np.ndarray]:
    """(node, time) of every scrape, distinct, ordered: by the node's own counters, else by its pods'."""
    node_of_series = registry.keys["node_id"].to_numpy()[read.key_of_series]
    use = speaking(read, registry)[read.row]
    return distinct(node_of_series[read.row][use], read.time_ms[use])


def speaking(read: Readings, registry: Registry) -> np.ndarray:
    """Which series speak for their node: its own counters, else those of its pods."""
    node_of_series = registry.keys["node_id"].to_numpy()[read.key_of_series]
    is_node = (read.series["level"] == kepler.NODE).to_numpy()
    return np.asarray(is_node | ~np.isin(node_of_series, np.unique(node_of_series[is_node])))


def distinct(node: np.ndarray, time_ms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each (node, time) once, ordered."""
    order = np.lexsort((time_ms, node))
    node, time_ms = node[order], time_ms[order]
    keep = np.ones(len(node), bool)
    keep[1:] = (node[1:] != node[:-1]) | (time_ms[1:] != time_ms[:-1])
    return node[keep], time_ms[keep]


def observed_between(
    node: np.ndarray, mark_ms: np.ndarray, last_mark: dict[int, int], max_gap_ms: int, *, end_ms: int | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Intervals between neighbouring marks of a node that are no longer than the allowed gap.

    `last_mark` carries each node's newest mark from stretch to stretch and is brought up to date.
    `end_ms`, in the last stretch, closes the range: a node seen within the gap before it counts as seen.

    Returns node, from [ms], to [ms].
    """
    known = np.array(list(last_mark), dtype=np.int64)
    known_ms = np.array(list(last_mark.values()), dtype=np.int64)
    node, mark_ms = distinct(np.concatenate([known, node]), np.concatenate([known_ms, mark_ms]))
    newest = run_ends(node)
    last_mark.update(zip(node[newest].tolist(), mark_ms[newest].tolist(), strict=True))
    if end_ms is not None:
        open_ = newest & (mark_ms < end_ms)
        node, mark_ms = distinct(
            np.concatenate([node, node[open_]]), np.concatenate([mark_ms, np.full(int(open_.sum()), end_ms)])
        )
    near = (node[1:] == node[:-1]) & (mark_ms[1:] - mark_ms[:-1] <= max_gap_ms)
    return node[:-1][near], mark_ms[:-1][near], mark_ms[1:][near]
