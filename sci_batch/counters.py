"""COUNTERS: what the meters showed, in one form for every generation and every pull method."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sci_batch.schema import FLAGS

FLAG_BITS = {name: 1 << position for position, name in enumerate(FLAGS)}
"""Flags as bits, so that they can be joined by column operations."""

KEY_COLUMNS = (
    "generation", "level", "node", "namespace", "pod", "pod_uid",
    "container_id", "kind", "power_domain", "part",
)  # fmt: skip
"""What makes two series the same counter. Not in it: `state`, and the target's labels, which
change with a restart of Kepler (`instance`, `pod`) or between two scrapers (`job`, `replica`)."""
NODE_COLUMNS = ("generation", "node")

TIME_BITS = 44
"""Milliseconds since 1970 fit in 41 bits: (id << 44) + time orders by id, then time."""


def composite(ids: np.ndarray, time_ms: np.ndarray) -> np.ndarray:
    """One sortable number for (id, time)."""
    return np.asarray((ids.astype(np.int64) << TIME_BITS) + time_ms)


def run_starts(values: np.ndarray) -> np.ndarray:
    """Whether each entry is the first of a run of equal ones.

    >>> run_starts(np.array([7, 7, 9])).tolist()
    [True, False, True]
    """
    out = np.ones(len(values), bool)
    out[1:] = values[1:] != values[:-1]
    return out


def run_ends(values: np.ndarray) -> np.ndarray:
    """Whether each entry is the last of a run of equal ones.

    >>> run_ends(np.array([7, 7, 9])).tolist()
    [False, True, True]
    """
    out = np.ones(len(values), bool)
    out[:-1] = values[1:] != values[:-1]
    return out


def window_of_step(steps_ms: np.ndarray, windows_ms: np.ndarray) -> np.ndarray:
    """Number of the window that holds each step; both are given by their edges [Unix ms].

    >>> window_of_step(np.array([0, 5, 10, 15]), np.array([0, 10, 15])).tolist()
    [0, 0, 1]
    """
    return np.asarray(np.searchsorted(windows_ms, steps_ms[:-1], side="right") - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """One stretch of time `(start_ms, end_ms]` of every counter, each sample once.

    `keys` has one row per counter known so far (columns `KEY_COLUMNS`, `source`, `node_id`); a key's row
    number is its name in all stretches. `nodes` likewise (columns `NODE_COLUMNS`): a node that changes
    its Kepler generation has two rows.

    Samples, ordered by key and time: `key` [int64], `time_ms` [int64], `joules` [float64, cumulative, as
    read], `alive` [0..1, share of the interval that ends here in which the pod lived], `flags` [bits].

    `mark_node`, `mark_ms`: when each node's Kepler was seen, ordered. `observed_*`: the intervals in which
    it was scraped without a hole longer than `--max-gap`.
    """

    start_ms: int
    end_ms: int
    keys: pd.DataFrame
    nodes: pd.DataFrame
    key: np.ndarray
    time_ms: np.ndarray
    joules: np.ndarray
    alive: np.ndarray
    flags: np.ndarray
    mark_node: np.ndarray
    mark_ms: np.ndarray
    observed_node: np.ndarray
    observed_from_ms: np.ndarray
    observed_to_ms: np.ndarray


def flag_words(bits: int) -> str:
    """The flags of a row as text, in the order of `schema.FLAGS`."""
    return ",".join(name for name, bit in FLAG_BITS.items() if bits & bit)


def flags_text(bits: np.ndarray) -> np.ndarray:
    """`flag_words` of many rows; only distinct combinations are spelled out."""
    distinct, where = np.unique(bits, return_inverse=True)
    return np.array([flag_words(int(value)) for value in distinct], dtype=object)[where]


def any_flag(group: np.ndarray, bits: np.ndarray, size: int) -> np.ndarray:
    """All flags of each group; `group` numbers the rows' groups from 0."""
    out = np.zeros(size, np.int64)
    np.bitwise_or.at(out, group, bits.astype(np.int64))
    return out


def added_up(group: np.ndarray, values: np.ndarray, size: int) -> np.ndarray:
    """Sum of each group, in the order of the rows; NaN where all of a group are.

    pandas adds in an order that depends on how rows and columns lie in memory: the last bits would as well.

    >>> added_up(np.array([0, 0, 1, 2]), np.array([1.0, np.nan, 2.0, np.nan]), 3)
    array([ 1.,  2., nan])
    """
    known = ~np.isnan(values)
    total = np.bincount(group, np.where(known, values, 0.0), size)
    return np.where(np.bincount(group, known, size) > 0, total, np.nan)


def weighted_mean(
    group: np.ndarray, values: np.ndarray, weight: np.ndarray, size: int, otherwise: np.ndarray | None = None
) -> np.ndarray:
    """Mean by weight in each group; by the other weight, or the plain mean, where nothing weighs.

    A mean of equal values is that value, to the last bit.

    >>> values, weight = np.array([1.0, 4.0, 2.0, 6.0]), np.array([2.0, 1.0, 0.0, 0.0])
    >>> weighted_mean(np.array([0, 0, 1, 1]), values, weight, 2)
    array([2., 4.])
    """
    spare = np.ones(len(values)) if otherwise is None else otherwise
    total = np.bincount(group, weight, size)
    mass = np.where(total[group] > 0, weight, spare)
    mean = np.bincount(group, mass * values, size) / np.bincount(group, mass, size)
    low, high = np.full(size, np.inf), np.full(size, -np.inf)
    np.minimum.at(low, group, values)
    np.maximum.at(high, group, values)
    return np.clip(mean, low, high)


def by_uid_else_name(pods: pd.DataFrame, by_uid: pd.Series, by_name: pd.DataFrame) -> np.ndarray:
    """What is known of each pod [float64]; NaN where nothing is.

    `pods`: namespace, pod, pod_uid. `by_uid`: indexed by uid. `by_name`: namespace, pod, and a column that is
    named as `by_uid` is; only looked at where the uid tells nothing.
    """
    found = pods["pod_uid"].map(by_uid).to_numpy(dtype=np.float64, na_value=np.nan).copy()
    unknown = np.isnan(found)
    if unknown.any():
        key = ["namespace", "pod"]
        named = pods.loc[unknown, key].merge(by_name, on=key, how="left", validate="m:1")
        found[unknown] = named[by_uid.name].to_numpy(dtype=np.float64)
    return found


def joined_words(group: np.ndarray, words: pd.Series, size: int) -> pd.Series:
    """The distinct words of each group, joined by `+`; blank only where nothing else is there.

    A word may be several already: `rapl` and `gpu+rapl` are `gpu+rapl`.
    """
    distinct = words.unique()
    if len(distinct) == 1:
        return (
            pd.Series([str(distinct[0])], dtype="str").take(np.zeros(size, np.int64)).reset_index(drop=True)
        )
    pairs = pd.DataFrame({"group": group, "word": words.to_numpy()}).drop_duplicates()
    pairs = pairs[pairs["word"] != ""].sort_values(["group", "word"])
    joined = pairs.groupby("group")["word"].agg("+".join).reindex(range(size), fill_value="").astype("str")
    once = {text: "+".join(dict.fromkeys(text.split("+"))) for text in joined.unique()}
    return joined.map(once).astype("str")
