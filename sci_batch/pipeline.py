"""The story: fetch, energy, workloads, share, carbon, score, report.

I/O stands at the two ends: `source` opens a server or a recording, the sinks write. All between are
plain functions over DataFrames.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sci_batch import rows, schema, sharing, summary
from sci_batch.attribution import Listener, grouped_by, owned, used
from sci_batch.embodied import Hardware
from sci_batch.emissions import emissions, hardware
from sci_batch.energy import Steps, in_windows
from sci_batch.errors import NoDataError, UsageError
from sci_batch.fetch import Progress
from sci_batch.grid import Grid
from sci_batch.report import Report
from sci_batch.score import scored, units_of_work
from sci_batch.settings import Settings
from sci_batch.source import Source, opened
from sci_batch.sums import flag_counts


def run(settings: Settings, *, now_ms: int, progress: Progress) -> Report:
    """Fetch and compute.

    Raises
    ------
    SciBatchError
        Any expected failure; nothing has been written then.
    """
    with opened(settings, now_ms, progress) as source:
        return compute(source, source.settings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A report, and the tables on the way to it, for a reader who asks how a number came about."""

    report: Report
    pods: pd.DataFrame
    """Each pod of the rows in each window: group keys, E, O, M and C, and what they were made of."""
    all_pods: pd.DataFrame
    """The same, with those that `--namespace` leaves out."""
    book: pd.DataFrame
    """BOOKS."""
    steps: Steps | None
    """How energy lies inside the windows; None where the intensity does not change inside them."""
    hardware: Hardware
    grid: Grid


def compute(source: Source, settings: Settings) -> Report:
    """From inputs to a report: no clock, no files, and no network but the reading of the counters."""
    return work(source, settings).report


def work(source: Source, settings: Settings, listener: Listener | None = None) -> Work:
    """The same, with the tables on the way; a listener is told of the counters as they are read."""
    inputs, grid = source.inputs, source.grid
    if grid is None:
        raise UsageError("no grid intensity is given", "Give --intensity, for example --intensity 380.")
    steps_ms = np.array(source.plan.energy_edges_ms, np.int64)
    windows_ms = np.array(source.windows.edges_ms, np.int64)

    energy, steps = in_windows(used(inputs, steps_ms, settings, listener), steps_ms, windows_ms)
    owners = owned(energy.pods, inputs)
    book = sharing.books(owners, energy.nodes)
    shared = sharing.share(owners, book, settings.unattributed)
    made_of = hardware(shared["node"], inputs.kube, settings)
    emitted = emissions(shared, steps, windows_ms, grid, made_of.nodes, settings)
    pods = grouped_by(emitted, inputs, settings)
    wanted = rows.select(pods["namespace"], settings.namespace)
    grouped = rows.group(pods[wanted], settings.group_by, grid.also)
    served, words = units_of_work(grouped, pods, source, settings, windows_ms)
    known = rows.known_columns(grouped)
    result = scored(grouped, served, settings, grid.also, known, windows_ms)

    if result.empty:
        raise NoDataError("no energy in the namespaces chosen", "Check -n/--namespace.")
    length_ms = pd.Series(np.diff(windows_ms))
    summed = (result, served, book, pods[~wanted], settings.unattributed, grid, length_ms)
    words = (*words, *summary.silent(book, windows_ms))
    notes = (*made_of.notes, *grid.notes, *words)
    provenance = summary.provenance(settings, source, made_of, known, notes)
    schema.check(result, provenance.columns)
    report = Report(
        result=result,
        totals=summary.totals(*summed),
        days=summary.by_day(*summed, windows_ms),
        provenance=provenance,
        flag_counts=flag_counts(result["flags"]),
        seen_end_ms=summary.seen_end_ms(book, windows_ms),
    )
    return Work(
        report=report, pods=pods[wanted], all_pods=pods, book=book, steps=steps, hardware=made_of, grid=grid,
    )  # fmt: skip
