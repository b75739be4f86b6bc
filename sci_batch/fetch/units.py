"""Units of work from Prometheus: one PromQL text, evaluated at the end of each window."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sci_batch.fetch.plan import Plan
from sci_batch.prometheus.client import Client
from sci_batch.prometheus.samples import Samples

PLACEHOLDER = "{window}"


def units(client: Client, plan: Plan, promql: str) -> pd.DataFrame:
    """UNITS: start_ms, end_ms, one column per label of the answer, functional_units.

    Windows of equal length share a range query; days with a clock change are asked one by one.
    """
    frames = []
    for first, last in _runs(np.diff(plan.edges_ms)):
        width = plan.edges_ms[first + 1] - plan.edges_ms[first]
        text = filled(promql, width)
        answer = client.range(text, plan.edges_ms[first + 1], plan.edges_ms[last + 1], width)
        frames.append(_frame(answer, width))
    return pd.concat(frames, ignore_index=True)


def filled(promql: str, width_ms: int) -> str:
    """The text with `{window}` as a PromQL duration."""
    return promql.replace(PLACEHOLDER, f"{width_ms // 1000}s")


def _runs(widths: np.ndarray) -> list[tuple[int, int]]:
    """First and last window of each run of equal widths."""
    starts = np.flatnonzero(np.concatenate([[True], widths[1:] != widths[:-1]]))
    ends = np.concatenate([starts[1:] - 1, [len(widths) - 1]])
    return list(zip(starts.tolist(), ends.tolist(), strict=True))


def _frame(answer: Samples, width_ms: int) -> pd.DataFrame:
    labels = (
        answer.labels.drop(columns="__name__", errors="ignore").iloc[answer.series].reset_index(drop=True)
    )
    return labels.assign(
        start_ms=answer.time_ms - width_ms, end_ms=answer.time_ms, functional_units=answer.value
    )
