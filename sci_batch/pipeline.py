"""The story: fetch, energy, workloads, share, carbon, score, report.

I/O stands at the two ends: `source` opens a server or a recording, the sinks write. All between are
plain functions over DataFrames, applied to some windows at a time: memory does not grow with the range.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sci_batch import attribution, engine, functional_unit, rows, score, sharing, summary
from sci_batch.embodied import Hardware
from sci_batch.emissions import emissions, hardware
from sci_batch.energy import Steps, in_windows
from sci_batch.engine import Engine, Process
from sci_batch.errors import NoDataError, UsageError
from sci_batch.functional_unit import Units
from sci_batch.grid import Grid
from sci_batch.inputs import Inputs, Progress
from sci_batch.ledger import Ledger, Span
from sci_batch.report import Report
from sci_batch.result import Result
from sci_batch.settings import Settings
from sci_batch.source import Source, opened
from sci_batch.spill import Spill

if TYPE_CHECKING:
    from sci_batch.prometheus.client import Client

ROWS_IN_MEMORY = 200_000
"""Rows of the result that do not go to a temporary file, at some 400 bytes each."""


def run(settings: Settings, *, now_ms: int, progress: Progress, begun: Client | None = None) -> Report:
    """Fetch and compute; `begun` is a client of these settings that is being asked already.

    Raises
    ------
    SciBatchError
        Any expected failure; nothing has been written then.
    """
    with (
        opened(settings, now_ms, progress, begun=begun) as source,
        engine.chosen(settings, progress) as workers,
    ):
        return compute(source, source.settings, workers=workers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What all windows of a run share."""

    inputs: Inputs
    """Without the counters."""
    settings: Settings
    grid: Grid
    steps_ms: np.ndarray
    """Edges at which energy is told: of windows, and where the intensity changes."""
    windows_ms: np.ndarray
    owners: pd.DataFrame
    """POD_WORKLOADS."""
    hardware: Hardware
    units: dict[str, Units]


@dataclass(frozen=True, slots=True, kw_only=True)
class Work(summary.Part):
    """Some windows, and the tables on the way to them, for a reader who asks how a number came about."""

    basis: Basis
    pods: pd.DataFrame
    """Each pod of the rows in each window: group keys, E, O, M and C, and what they were made of."""
    all_pods: pd.DataFrame
    """The same, with those that `--namespace` leaves out."""
    steps: Steps | None
    """How energy lies inside the windows; None where the intensity does not change inside them."""


def compute(
    source: Source, settings: Settings, *, workers: Engine | None = None,
    worked: Callable[[summary.Part], None] | None = None,
) -> Report:  # fmt: skip
    """From inputs to a report: no clock, no network but the reading of the counters.

    `worked` is told of each part of the work.
    """
    workers = workers or Process()
    if source.grid is None:
        raise UsageError("no grid intensity is given", "Give --intensity, for example --intensity 380.")
    steps_ms = np.array(source.plan.energy_edges_ms, np.int64)
    windows_ms = np.array(source.windows.edges_ms, np.int64)

    owners = attribution.owners(source.inputs)  # before the counters, which may still be under way
    ledger = workers.read(source, steps_ms, windows_ms, settings)
    met = ledger.met
    basis = Basis(
        inputs=replace(source.inputs, counters=iter(())), settings=settings, grid=source.grid,
        steps_ms=steps_ms, windows_ms=windows_ms, owners=owners,
        hardware=hardware(met["node"], source.inputs.kube, settings),
        units=score.units_of_work(source, owners, met, settings, windows_ms),
    )  # fmt: skip
    found, sums = Spill(ROWS_IN_MEMORY, by=None), summary.Sums(settings.unattributed, source.grid, windows_ms)
    for part in workers.parts(ledger, work, basis):
        sums.add(part)
        found.add(part.result)
        if worked is not None:
            worked(part)
    if sums.empty:
        raise NoDataError("no energy in the namespaces chosen", "Check -n/--namespace.")
    return _report(found, sums, source, ledger, basis)


def work(span: Span, basis: Basis) -> Work:
    """The rows of some windows: the arithmetic of each row is here, from energy to score."""
    inputs, settings, grid, windows_ms = basis.inputs, basis.settings, basis.grid, basis.windows_ms

    spent = attribution.used(span.energy(), inputs, basis.steps_ms, settings)
    spent, steps = in_windows(spent, basis.steps_ms, windows_ms)
    owned = attribution.owned(spent.pods, basis.owners, inputs)
    book = sharing.books(owned, spent.nodes)
    shared = sharing.share(owned, book, settings.unattributed)
    emitted = emissions(shared, steps, windows_ms, grid, basis.hardware.nodes, settings)
    pods = attribution.grouped_by(emitted, inputs, settings)
    wanted = rows.select(pods["namespace"], settings.namespace)
    grouped = rows.group(pods[wanted], settings.group_by, grid.also)
    served = {name: functional_unit.join(grouped, units) for name, units in basis.units.items()}
    result = score.scored(grouped, served, settings, grid.also, windows_ms)

    return Work(
        result=result, served=served, book=book, left_out=pods.loc[~wanted, ["window", "energy_kwh"]],
        basis=basis, pods=pods[wanted], all_pods=pods, steps=steps,
    )  # fmt: skip


def _report(found: Spill, sums: summary.Sums, source: Source, ledger: Ledger, basis: Basis) -> Report:
    settings = basis.settings
    words = (*score.notes(basis.units, sums.units(), settings), *summary.silent(sums.seen, basis.windows_ms))
    notes = (*basis.hardware.notes, *basis.grid.notes, *words)
    provenance = summary.provenance(settings, source, ledger, basis.hardware, sums.known, notes)
    names = [column.name for column in provenance.columns]
    return Report(
        rows=Result(lambda: (frame[names] for frame in found.all())),
        totals=sums.totals(), days=sums.by_day(), provenance=provenance, flag_counts=sums.flag_counts,
        seen_end_ms=summary.seen_end_ms(sums.seen, basis.windows_ms),
    )  # fmt: skip
