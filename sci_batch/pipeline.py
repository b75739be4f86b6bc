"""The story: fetch, energy, workloads, share, carbon, score, report.

I/O stands at the two ends: `source` opens a server or a recording, the sinks write. All between are
plain functions over DataFrames.
"""

from __future__ import annotations

import numpy as np

from sci_batch import rows, schema, sharing, summary
from sci_batch.attribution import grouped_by, owned, used
from sci_batch.emissions import emissions, hardware
from sci_batch.errors import NoDataError, UsageError
from sci_batch.fetch import Progress
from sci_batch.report import Report
from sci_batch.score import scored, units_of_work
from sci_batch.settings import Settings
from sci_batch.source import Source, opened


def run(settings: Settings, *, now_ms: int, progress: Progress) -> Report:
    """Fetch and compute.

    Raises
    ------
    SciBatchError
        Any expected failure; nothing has been written then.
    """
    with opened(settings, now_ms, progress) as source:
        return compute(source, source.settings)


def compute(source: Source, settings: Settings) -> Report:
    """From inputs to a report: no clock, no files, and no network but the reading of the counters."""
    inputs, grid = source.inputs, source.grid
    if grid is None:
        raise UsageError("no grid intensity is given", "Give --intensity, for example --intensity 380.")
    steps_ms = np.array(source.plan.energy_edges_ms, np.int64)
    windows_ms = np.array(source.windows.edges_ms, np.int64)

    energy = used(inputs, steps_ms, settings)
    pods = owned(energy.pods, inputs)
    book = sharing.books(pods, energy.nodes)
    shared = sharing.share(pods, book, settings.unattributed)
    made_of = hardware(shared["node"], inputs.kube, settings)
    emitted = emissions(shared, steps_ms, windows_ms, grid, made_of.nodes, settings)
    placed = grouped_by(rows.in_windows(emitted, book, steps_ms, windows_ms), inputs, settings)
    wanted = rows.select(placed["namespace"], settings.namespace)
    grouped = rows.group(placed[wanted], settings.group_by, grid.also)
    served, words = units_of_work(grouped, placed, source, settings, windows_ms)
    known = rows.known_columns(grouped)
    result = scored(grouped, served, settings, grid.also, known, windows_ms)

    if result.empty:
        raise NoDataError("no energy in the namespaces chosen", "Check -n/--namespace.")
    by_window = sharing.in_windows(book, steps_ms, windows_ms)
    summed = (result, served, by_window, placed[~wanted], settings.unattributed)
    provenance = summary.provenance(settings, source, known, (*made_of.notes, *grid.notes, *words))
    schema.check(result, provenance.columns)
    return Report(
        result=result,
        totals=summary.totals(*summed),
        days=summary.by_day(*summed, windows_ms),
        provenance=provenance,
        flag_counts=schema.flag_counts(result["flags"]),
    )
