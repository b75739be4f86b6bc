"""How one number came about: from the meters to the score, in the order of the pipeline."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sci_batch import pipeline
from sci_batch.engine import Process
from sci_batch.errors import UsageError
from sci_batch.explain.meters import Meters
from sci_batch.explain.row import Explanation, chosen, explained
from sci_batch.inputs import Progress
from sci_batch.report import Report
from sci_batch.settings import Settings
from sci_batch.source import Source, opened
from sci_batch.summary import Part
from sci_batch.windows import Windows, parse_time, rfc3339

__all__ = ["Explanation", "of_result", "of_source", "run"]


def run(settings: Settings, name: str, *, at: str | None, now_ms: int, progress: Progress) -> Explanation:
    """Compute once more, and take the row `name` apart.

    Parameters
    ----------
    name
        `api`, `shop/api`, `shop/Deployment/api`: the last group key, behind others or the kind.
    at
        A time in the window that is meant (`windows.parse_time`); None: the newest.

    Raises
    ------
    SciBatchError
        As `pipeline.run`; or there is no such row or window.
    """
    with opened(settings, now_ms, progress) as source:
        return of_source(source, name, at=at, now_ms=now_ms)


def of_source(source: Source, name: str, *, at: str | None, now_ms: int) -> Explanation:
    """The same of inputs that are open already."""
    edges_ms = source.windows.edges_ms
    number = _window(source.windows, at, now_ms)
    meters = Meters(edges_ms[number], edges_ms[number + 1], np.array(source.plan.energy_edges_ms))
    found: list[pipeline.Work] = []

    def keep(part: Part) -> None:
        if isinstance(part, pipeline.Work) and (part.book["window"] == number).any():
            found.append(part)

    report = pipeline.compute(source, source.settings, workers=Process(meters), worked=keep)
    return explained(report, found, meters, name, number, edges_ms)


def _window(windows: Windows, at: str | None, now_ms: int) -> int:
    if at is None:
        return len(windows.edges_ms) - 2
    moment_ms = parse_time(at, now_ms, windows.tz)
    number = int(np.searchsorted(windows.edges_ms, moment_ms, side="right")) - 1
    if not 0 <= number < len(windows.edges_ms) - 1:
        raise UsageError(
            f"{at} lies outside of the range, {rfc3339(windows.start_ms)} to {rfc3339(windows.end_ms)}",
            "Give --since or --start and --end so that it lies inside.",
        )
    return number


def of_result(report: Report, name: str, *, at: str | None, now_ms: int) -> Explanation:
    """What a stored result alone can tell of a row.

    Raises
    ------
    SciBatchError
        There is no such row or window.
    """
    starts = report.result["window_start"]
    start = starts.max()
    if at is not None:
        moment = pd.Timestamp(parse_time(at, now_ms, report.provenance.tz), unit="ms", tz="UTC")
        here = report.result[(starts <= moment) & (moment < report.result["window_end"])]
        if here.empty:
            raise UsageError(f"no window of this result holds {at}", "Give the start of one of its windows.")
        start = here["window_start"].iloc[0]
    return Explanation(
        row=chosen(report.result, report.provenance.group_by, name, start), provenance=report.provenance
    )
