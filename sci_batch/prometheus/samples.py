"""What a server answered: the labels of each series, flat arrays of samples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

LabelSet = tuple[tuple[str, str], ...]
"""Names and values of one series, ordered by name, without empty values: they are as good as no label."""


def label_set(labels: Mapping[str, str]) -> LabelSet:
    """Labels as they are compared.

    >>> label_set({"zone": "dram", "pod": "a", "job": ""})
    (('pod', 'a'), ('zone', 'dram'))
    """
    if "" in labels.values():
        labels = {name: value for name, value in labels.items() if value}
    return tuple(sorted(labels.items()))


def columns(sets: Iterable[LabelSet], names: Iterable[str]) -> dict[str, list[str]]:
    """These labels of every series, empty where absent, as in PromQL.

    >>> columns([(("pod", "a"),), ()], ["pod", "zone"])
    {'pod': ['a', ''], 'zone': ['', '']}
    """
    known = [dict(one) for one in sets]
    return {name: [one.get(name, "") for one in known] for name in names}


@dataclass(frozen=True, slots=True)
class Samples:
    """The series of one answer and their samples.

    `sets` has the labels of each series, `__name__` included. `series` [int32, place in `sets`], `time_ms`
    [int64, Unix milliseconds] and `value` [float64] have one entry per sample, ordered by series, then time.

    Made and put in order without pandas: a run asks while that is still being loaded.
    """

    sets: Sequence[LabelSet]
    series: np.ndarray
    time_ms: np.ndarray
    value: np.ndarray

    def __len__(self) -> int:
        return len(self.value)

    @property
    def names(self) -> list[str]:
        """The names of all labels, sorted."""
        return sorted({name for one in self.sets for name, _ in one})

    @property
    def labels(self) -> pd.DataFrame:
        """One row per series (default index 0..n-1) and one `str` column per name, sorted; made anew."""
        return self.table(self.names)

    def table(self, names: Iterable[str]) -> pd.DataFrame:
        """The same with the columns of these names, empty where absent."""
        import pandas as pd

        table = {name: pd.Series(of, dtype="str") for name, of in columns(self.sets, names).items()}
        return pd.DataFrame(table, index=pd.RangeIndex(len(self.sets)))

    def texts(self, name: str) -> list[str]:
        """One label of every series, empty where absent."""
        return columns(self.sets, [name])[name]

    def label(self, name: str) -> pd.Series:
        """The same as a column."""
        return self.table([name])[name]


def empty() -> Samples:
    """No series at all."""
    return Samples((), np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, np.float64))


def concat(parts: list[Samples]) -> Samples:
    """Put answers of the same query for different times or matchers together.

    Series with equal labels become one; equal (series, time) pairs are kept once (the last wins).
    """
    parts = [part for part in parts if len(part.sets)]
    if not parts:
        return empty()
    if len(parts) == 1:
        return parts[0]
    whole = _joined(parts)
    keep = np.ones(len(whole), bool)
    keep[:-1] = ~_repeats(whole)
    return Samples(whole.sets, whole.series[keep], whole.time_ms[keep], whole.value[keep])


def once(samples: Samples) -> Samples:
    """Series with equal labels as one, and equal samples once: what a proxy has doubled counts once.

    Samples that differ in nothing but their value all stay, in their order.
    """
    if _rising(samples) and len(set(samples.sets)) == len(samples.sets):
        return samples
    whole = _joined([samples])
    keep = np.ones(len(whole), bool)
    keep[:-1] = ~(_repeats(whole) & (np.diff(whole.value) == 0))
    return Samples(whole.sets, whole.series[keep], whole.time_ms[keep], whole.value[keep])


def contradicts(samples: Samples) -> bool:
    """Whether one series has two values at one time; of samples that `once` went over."""
    return bool(_repeats(samples).any())


def in_order(samples: Samples) -> Samples:
    """Series sorted by their labels, samples by time, whatever order the server chose."""
    sets = samples.sets
    order = sorted(range(len(sets)), key=sets.__getitem__)
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    ordered = replace(samples, sets=[sets[number] for number in order], series=rank[samples.series])
    if _rising(ordered):
        return ordered
    by_time = np.lexsort((ordered.time_ms, ordered.series))
    return Samples(ordered.sets, ordered.series[by_time], samples.time_ms[by_time], samples.value[by_time])


def _rising(samples: Samples) -> bool:
    """Whether samples come by series and time, each time once."""
    step = np.diff(samples.series)
    return bool(((step > 0) | ((step == 0) & (np.diff(samples.time_ms) > 0))).all())


def _repeats(samples: Samples) -> np.ndarray:
    """Whether each sample but the last has the series and time of the next one."""
    return np.asarray((np.diff(samples.series) == 0) & (np.diff(samples.time_ms) == 0))


def _joined(parts: list[Samples]) -> Samples:
    """Series with equal labels as one, all samples by series, time, and part."""
    numbers: dict[LabelSet, int] = {}
    series = [
        np.array([numbers.setdefault(one, len(numbers)) for one in part.sets], np.int32)[part.series]
        for part in parts
    ]
    number = np.concatenate(series)
    time_ms = np.concatenate([part.time_ms for part in parts])
    value = np.concatenate([part.value for part in parts])
    order = np.lexsort((time_ms, number))  # stable: the later part comes last among equals
    return Samples([*numbers], number[order], time_ms[order], value[order])
