"""Units of work from Prometheus: one PromQL text, evaluated at the end of each window."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sci_batch.asking.plan import Plan
from sci_batch.counters import run_starts
from sci_batch.prometheus.client import Client
from sci_batch.prometheus.samples import Samples

PLACEHOLDER = "{window}"


def units(client: Client, plan: Plan, promql: str) -> pd.DataFrame:
    """UNITS: start_ms, end_ms, one column per label of the answer, functional_units.

    Windows of equal length share a range query; days with a clock change are asked one by one.
    """
    frames = []
    for first_ms, last_ms, width in equal_windows(plan.edges_ms):
        answer = client.range(filled(promql, width), first_ms + width, last_ms, width)
        frames.append(_frame(answer, width))
    table = pd.concat(frames, ignore_index=True)
    labels = [name for name in table if name not in ("start_ms", "end_ms", "functional_units")]
    return table.fillna(dict.fromkeys(labels, ""))


def filled(promql: str, width_ms: int) -> str:
    """The text with `{window}` as a PromQL duration."""
    return promql.replace(PLACEHOLDER, f"{width_ms // 1000}s")


def equal_windows(edges_ms: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """Start, end and width of the windows [ms] of each run of windows of equal width.

    >>> equal_windows((0, 10, 20, 25))
    [(0, 20, 10), (20, 25, 5)]
    """
    widths = np.diff(edges_ms)
    starts = np.flatnonzero(run_starts(widths))
    ends = [*starts[1:].tolist(), len(widths)]
    return [
        (edges_ms[first], edges_ms[last], edges_ms[first + 1] - edges_ms[first])
        for first, last in zip(starts.tolist(), ends, strict=True)
    ]


def _frame(answer: Samples, width_ms: int) -> pd.DataFrame:
    labels = (
        answer.labels.drop(columns="__name__", errors="ignore").iloc[answer.series].reset_index(drop=True)
    )
    return labels.assign(
        start_ms=answer.time_ms - width_ms, end_ms=answer.time_ms, functional_units=answer.value
    )
