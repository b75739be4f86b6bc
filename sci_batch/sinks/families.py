"""RESULT as Prometheus metrics: base units, one series per group, nothing where a value is unknown.

Pushgateway, remote write and the two text formats show the same names (`metrics.py`) and labels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sci_batch.errors import SinkError
from sci_batch.report import Report
from sci_batch.result import Result
from sci_batch.schema import LABEL_KEY_PREFIX, label_column, of_unit
from sci_batch.sinks.access import JOB, Push, group_name
from sci_batch.sinks.metrics import (
    INFO,
    LAST_SUCCESS,
    OF_ROWS,
    OF_UNITS,
    WINDOW_END,
    WINDOW_START,
    Metric,
)
from sci_batch.units import JOULES_PER_KWH, MS_PER_SECOND

Labels = tuple[tuple[str, str], ...]
_SIZES = {"energy_kwh": JOULES_PER_KWH}
"""Columns of RESULT that are in another unit than their metric, and how many of it one is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """All samples of one metric, ordered by series, then by time."""

    metric: Metric
    labels: tuple[Labels, ...]
    """Label names and values of each series, sorted by name, without empty ones."""
    series: np.ndarray
    """Place in `labels` of each sample."""
    time_ms: np.ndarray
    """End of the window of each sample [ms since the Unix epoch]."""
    value: np.ndarray

    def samples(self) -> Iterator[tuple[Labels, int, float]]:
        """Labels, time [ms] and value, one sample after the other."""
        columns = (self.series.tolist(), self.time_ms.tolist(), self.value.tolist())
        for series, time_ms, value in zip(*columns, strict=True):
            yield self.labels[series], time_ms, value


@dataclass(frozen=True, slots=True)
class _Rows:
    """Where the rows of RESULT go: their series, the labels of each series, and their times."""

    series: np.ndarray
    labels: tuple[Labels, ...]
    time_ms: np.ndarray


def common_labels(report: Report, push: Push, *, job: bool) -> dict[str, str]:
    """Labels of every series: `group`, `cluster` where known and, where no scrape gives it, `job`."""
    made = report.provenance
    found = {"job": JOB} if job else {}
    if made.cluster:
        found["cluster"] = made.cluster
    return {**found, "group": group_name(push, made.group_by, made.namespace)}


def newest(report: Report) -> Report:
    """The report with the rows of its newest window only; runs compute whole windows, so it is complete."""
    start = max(frame["window_start"].max() for frame in report.rows.frames())
    last = [frame[frame["window_start"] == start] for frame in report.rows.frames()]
    return replace(report, rows=Result.of(pd.concat(last, ignore_index=True)))


def of_report(report: Report, common: dict[str, str]) -> list[Family]:
    """Every metric that has a sample, without the time of this run.

    Parameters
    ----------
    common
        Labels of every series.

    Raises
    ------
    SinkError
        Two group keys become the same label name.
    """
    result = report.result
    rows = _rows(result, report.provenance.group_by, common)
    found = [
        _family(metric, rows, result[column].to_numpy() * _SIZES.get(column, 1))
        for column, metric in OF_ROWS.items()
    ]
    found += _per_unit(report, rows)
    found += _of_windows(report, common)
    return [family for family in found if len(family.value)]


def last_success(common: dict[str, str], now_ms: int) -> Family:
    """When a run published last: the alert on a job that stays away asks for it."""
    return _single(LAST_SUCCESS, common, np.array([now_ms], np.int64), np.array([now_ms / MS_PER_SECOND]))


def count(families: list[Family]) -> int:
    """Series of all metrics together."""
    return sum(len(np.unique(family.series)) for family in families)


def check_count(families: list[Family], push: Push) -> None:
    """Refuse more series than the server is meant to take.

    Raises
    ------
    SinkError
        Nothing has been published then.
    """
    if (found := count(families)) > push.max_series:
        raise SinkError(
            f"{found} series are more than --push-max-series {push.max_series}; nothing is published",
            "Group coarser (--group-by namespace), select (--namespace), or raise --push-max-series.",
        )


def label_names(group_by: tuple[str, ...]) -> dict[str, str]:
    """Group key to label name: `label:app.kubernetes.io/name` is `label_app_kubernetes_io_name`.

    Raises
    ------
    SinkError
        Two keys become the same name.
    """
    names: dict[str, str] = {}
    for key in group_by:
        name = label_column(key) if key.startswith(LABEL_KEY_PREFIX) else key
        if name in names.values():
            raise SinkError(f"two keys of --group-by are the Prometheus label {name}", "Leave out one.")
        names[key] = name
    return names


def _rows(result: pd.DataFrame, group_by: tuple[str, ...], common: dict[str, str]) -> _Rows:
    names = {**label_names(group_by), "workload_kind": "workload_kind"}
    keys = list(names)
    series = result.groupby(keys, sort=False, dropna=False).ngroup().to_numpy()
    first = result[keys].iloc[np.unique(series, return_index=True)[1]]
    labels = (
        _labels({**common, **dict(zip(names.values(), row, strict=True))})
        for row in first.itertuples(index=False, name=None)
    )
    return _Rows(series, tuple(labels), _milliseconds(result["window_end"]))


def _labels(pairs: dict[str, str]) -> Labels:
    # To Prometheus, an empty label is an absent one.
    return tuple(sorted((name, text) for name, text in pairs.items() if text))


def _milliseconds(times: pd.Series) -> np.ndarray:
    return np.asarray(times.dt.as_unit("ms").astype("int64"), np.int64)


def _per_unit(report: Report, rows: _Rows) -> list[Family]:
    """R and SCI with the label `functional_unit`, all units of work in one family."""
    units = report.provenance.units
    if not units:
        return []
    each = range(len(units))
    labels = (_labels({**dict(pairs), "functional_unit": unit}) for unit in units for pairs in rows.labels)
    series = np.concatenate([rows.series + number * len(rows.labels) for number in each])
    every = _Rows(series, tuple(labels), np.tile(rows.time_ms, len(units)))

    def values(column: str) -> np.ndarray:
        return np.concatenate(
            [report.result[of_unit(column, units[number], number)].to_numpy() for number in each]
        )

    return [_family(metric, every, values(column)) for column, metric in OF_UNITS.items()]


def _of_windows(report: Report, common: dict[str, str]) -> list[Family]:
    """What is the same for all rows of a window: its start and end, and how it was made."""
    windows = report.result[["window_start", "window_end"]].drop_duplicates()
    start, end = _milliseconds(windows["window_start"]), _milliseconds(windows["window_end"])
    made = report.provenance
    how = {**common, "version": made.tool_version, "fingerprint": made.fingerprint}
    # A result read from a CSV file does not know how it was made.
    info = [_single(INFO, how, end, np.ones(len(end)))] if made.fingerprint else []
    return [
        _single(WINDOW_START, common, end, start / MS_PER_SECOND),
        _single(WINDOW_END, common, end, end / MS_PER_SECOND),
        *info,
    ]


def _single(metric: Metric, labels: dict[str, str], time_ms: np.ndarray, value: np.ndarray) -> Family:
    rows = _Rows(np.zeros(len(time_ms), np.int64), (_labels(labels),), time_ms)
    return _family(metric, rows, value)


def _family(metric: Metric, rows: _Rows, value: np.ndarray) -> Family:
    known = np.flatnonzero(~np.isnan(value))
    order = known[np.lexsort((rows.time_ms[known], rows.series[known]))]
    return Family(
        metric=metric, labels=rows.labels, series=rows.series[order], time_ms=rows.time_ms[order],
        value=value[order],
    )  # fmt: skip
