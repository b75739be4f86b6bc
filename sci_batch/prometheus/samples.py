"""What a server answered: one row of labels per series, flat arrays of samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True, slots=True)
class Samples:
    """The series of one answer and their samples.

    `labels` has one row per series (default index 0..n-1) and one `str` column per label name,
    `__name__` included; a label that a series does not have is the empty string, as in PromQL.
    `series` [int32, row number in `labels`], `time_ms` [int64, Unix milliseconds] and `value`
    [float64] have one entry per sample, ordered by series, then time.
    """

    labels: pd.DataFrame
    series: np.ndarray
    time_ms: np.ndarray
    value: np.ndarray

    def __len__(self) -> int:
        return len(self.value)

    def label(self, name: str) -> pd.Series:
        """One label of every series, empty where absent."""
        if name in self.labels:
            return self.labels[name]
        return pd.Series("", index=self.labels.index, dtype="str")


def empty() -> Samples:
    """No series at all."""
    return Samples(
        labels=pd.DataFrame(index=pd.RangeIndex(0)),
        series=np.empty(0, np.int32),
        time_ms=np.empty(0, np.int64),
        value=np.empty(0, np.float64),
    )


def concat(parts: list[Samples]) -> Samples:
    """Put answers of the same query for different times or matchers together.

    Series with equal labels become one; equal (series, time) pairs are kept once (the last wins).
    """
    parts = [part for part in parts if len(part.labels)]
    if not parts:
        return empty()
    if len(parts) == 1:
        return parts[0]
    whole = _joined(parts)
    keep = np.ones(len(whole), bool)
    keep[:-1] = ~_repeats(whole)
    return Samples(whole.labels, whole.series[keep], whole.time_ms[keep], whole.value[keep])


def once(samples: Samples) -> Samples:
    """Series with equal labels as one, and equal samples once: what a proxy has doubled counts once.

    Samples that differ in nothing but their value all stay, in their order.
    """
    step = np.diff(samples.series)
    rising = ((step > 0) | ((step == 0) & (np.diff(samples.time_ms) > 0))).all()
    if rising and (
        len(samples.labels) < 2 or (len(samples.labels.columns) and not samples.labels.duplicated().any())
    ):
        return samples
    whole = _joined([samples])
    keep = np.ones(len(whole), bool)
    keep[:-1] = ~(_repeats(whole) & (np.diff(whole.value) == 0))
    return Samples(whole.labels, whole.series[keep], whole.time_ms[keep], whole.value[keep])


def contradicts(samples: Samples) -> bool:
    """Whether one series has two values at one time; of samples that `once` went over."""
    return bool(_repeats(samples).any())


def _repeats(samples: Samples) -> np.ndarray:
    """Whether each sample but the last has the series and time of the next one."""
    return np.asarray((np.diff(samples.series) == 0) & (np.diff(samples.time_ms) == 0))


def _joined(parts: list[Samples]) -> Samples:
    """Series with equal labels as one, all samples by series, time, and part."""
    stacked = pd.concat([part.labels for part in parts], ignore_index=True).fillna("").astype("str")
    names = sorted(stacked.columns)
    if names:
        group = stacked.groupby(names, sort=False, dropna=False).ngroup().to_numpy()
    else:  # sum(...) has no label at all
        group = np.zeros(len(stacked), np.int64)
    first = pd.Series(group).drop_duplicates().index
    labels = stacked.iloc[first].reset_index(drop=True)
    offsets = np.cumsum([0] + [len(part.labels) for part in parts[:-1]])
    series = np.concatenate(
        [group[part.series + offset] for part, offset in zip(parts, offsets, strict=True)]
    ).astype(np.int32)
    time_ms = np.concatenate([part.time_ms for part in parts])
    value = np.concatenate([part.value for part in parts])
    order = np.lexsort((time_ms, series))  # stable: the later part comes last among equals
    return Samples(labels, series[order], time_ms[order], value[order])
