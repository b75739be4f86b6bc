"""Totals, books and provenance of a run."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from sci_batch import __version__, embodied
from sci_batch.functional_unit import Served
from sci_batch.grid import Grid
from sci_batch.intensity import Intensity
from sci_batch.provenance import fingerprint
from sci_batch.report import AlsoTotal, Provenance, Totals
from sci_batch.schema import also_column
from sci_batch.settings import Settings
from sci_batch.source import Source
from sci_batch.sums import known_sum, mean_coverage, of_rows
from sci_batch.windows import rfc3339


def totals(
    result: pd.DataFrame,
    served: Mapping[str, Served],
    book: pd.DataFrame,
    left_out: pd.DataFrame,
    policy: str,
    grid: Grid,
    length_ms: pd.Series,
) -> Totals:
    """Sums of the rows shown, and of the books of all nodes.

    `served` is the R of each functional unit, `left_out` the pods that `--namespace` leaves out, `policy`
    that of `--unattributed`, `grid` what stands beside the chosen intensity, `length_ms` the length of
    each window by its number: a window in which no node was seen has no row, and lowers the coverage.
    """
    known = book[book["node_kwh"].notna()]
    dropped = book["unattributed_kwh"] if policy == "drop" else book["unattributed_kwh"].iloc[:0]
    hidden = {"--namespace": left_out["energy_kwh"], "--unattributed drop": dropped}
    return Totals(
        **of_rows(result, {name: r.total for name, r in served.items()}),
        also=tuple(_also(result, name, grid.sources[name]) for name in grid.also),
        coverage=mean_coverage(result) * float(length_ms[_seen(book, length_ms)].sum() / length_ms.sum()),
        node_energy_kwh=known_sum(book["node_kwh"]),
        pods_kwh=known_sum(book["pods_kwh"]),
        unattributed_kwh=known_sum(book["unattributed_kwh"]),
        residual_kwh=known_sum(book["residual_kwh"]),
        open_books=int((~known["closed"]).sum()),
        books=len(known),
        not_shown_kwh=known_sum(pd.concat([*hidden.values()], ignore_index=True)),
        not_shown_by=tuple(flag for flag, energy_kwh in hidden.items() if known_sum(energy_kwh)),
    )


def _seen(book: pd.DataFrame, length_ms: pd.Series) -> np.ndarray:
    """Whether any node was seen in each window."""
    return np.asarray(length_ms.index.isin(book["window"].unique()))


def silent(book: pd.DataFrame, windows_ms: np.ndarray) -> tuple[str, ...]:
    """A note on windows in which no node was seen."""
    seen = np.isin(np.arange(len(windows_ms) - 1), book["window"].unique())
    if seen.all():
        return ()
    first = rfc3339(int(windows_ms[:-1][~seen][0]))
    count = int((~seen).sum())
    return (f"{count} of {len(seen)} windows have no data of Kepler and no rows, the first from {first}",)


def seen_end_ms(book: pd.DataFrame, windows_ms: np.ndarray) -> int:
    """End of the newest window in which a node was seen [Unix ms]."""
    return int(windows_ms[int(book["window"].max()) + 1])


def _also(result: pd.DataFrame, name: str, source: Intensity) -> AlsoTotal:
    grams = known_sum(result[also_column(name).name])
    return AlsoTotal(
        source=name, kind=source.kind, basis=source.basis, sources=source.source, operational_gco2e=grams
    )


def by_day(
    result: pd.DataFrame,
    served: Mapping[str, Served],
    book: pd.DataFrame,
    left_out: pd.DataFrame,
    policy: str,
    grid: Grid,
    length_ms: pd.Series,
    windows_ms: np.ndarray,
) -> dict[str, Totals]:
    """The totals of each day in UTC in which windows start, such as `2026-03-01`; none where it is one day.

    The parameters are those of `totals`.
    """
    day = windows_ms[:-1].astype("datetime64[ms]").astype("datetime64[D]")
    of_rows = result["window_start"].dt.tz_convert(None).to_numpy().astype("datetime64[D]")
    days = np.unique(of_rows)
    return {
        str(one): totals(
            result[of_rows == one],
            {name: _of_windows(r, np.flatnonzero(day == one)) for name, r in served.items()},
            book[day[book["window"].to_numpy()] == one],
            left_out[day[left_out["window"].to_numpy()] == one],
            policy,
            grid,
            length_ms[day == one],
        )
        for one in (days if len(days) > 1 else ())
    }


def _of_windows(served: Served, windows: np.ndarray) -> Served:
    return replace(served, total=known_sum(served.by_window[served.by_window.index.isin(windows)]))


def _words(source: Intensity) -> list[str]:
    return sorted(source.slots["source"].unique().tolist())


def method(settings: Settings, source: Source) -> dict[str, Any]:
    """Every choice that changes numbers."""
    grid = source.grid
    return {
        "power_domains": sorted(settings.power_domains),
        "pull": source.inputs.pull,
        "max_gap_seconds": settings.max_gap_seconds,
        "max_node_watts": settings.max_node_watts,
        "unattributed": settings.unattributed,
        "node_energy": settings.node_energy,
        "overhead_ratio": settings.overhead_ratio,
        "intensity": None if grid is None else str(grid.chosen),
        "intensity_source": () if grid is None else _words(grid.sources[str(grid.chosen)]),
        "intensity_asked": None if grid is None else dataclasses.asdict(grid.asked),
        "intensity_kind": None if grid is None else grid.sources[str(grid.chosen)].kind,
        "intensity_basis": None if grid is None else grid.sources[str(grid.chosen)].basis,
        "pue": None if grid is None else grid.pue.source,
        "embodied": embodied.described(settings.embodied.pairs if settings.embodied else ()),
        "share": settings.share,
        "lifespan_seconds": settings.lifespan_seconds,
        "functional_units": [str(unit) for unit in source.units],
    }


def provenance(
    settings: Settings, source: Source, hardware: embodied.Hardware, known: tuple[str, ...],
    notes: tuple[str, ...],
) -> Provenance:  # fmt: skip
    """How this result was made; ask when all counters have been read."""
    chosen = method(settings, source)
    windows = source.windows
    return Provenance(
        tool_version=__version__,
        fingerprint=fingerprint(chosen),
        method=chosen,
        source=source.name,
        start=rfc3339(windows.start_ms),
        end=rfc3339(windows.end_ms),
        window=windows.label,
        tz=windows.tz,
        group_by=settings.group_by,
        functional_unit=source.units[0].name if source.units else None,
        further_units=tuple(unit.name for unit in source.units[1:]),
        also_intensity=source.grid.also if source.grid else (),
        known=known,
        namespace=settings.namespace,
        cluster=settings.cluster_label[1] if settings.cluster_label else "",
        queries=source.queries(),
        intensity_digest=source.grid.sources[str(source.grid.chosen)].digest if source.grid else "",
        hardware=embodied.kinds(hardware.facts, hardware.nodes),
        notes=(*source.inputs.notes, *notes, *source.warnings()),
    )
