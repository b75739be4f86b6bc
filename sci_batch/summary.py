"""Totals, books and provenance of a run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from sci_batch import __version__, embodied
from sci_batch.carbon import known_sum
from sci_batch.counters import FLAG_BITS
from sci_batch.provenance import fingerprint
from sci_batch.report import Provenance, Totals
from sci_batch.schema import FLAGS
from sci_batch.settings import Settings
from sci_batch.source import Source
from sci_batch.windows import rfc3339


def totals(result: pd.DataFrame, units: float | None, book: pd.DataFrame, left_out: pd.DataFrame) -> Totals:
    """Sums of the rows shown, and of the books of all nodes.

    `left_out` are the pods that `--namespace` leaves out.
    """
    grams = known_sum(result["carbon_gco2e"])
    score = grams / units if grams is not None and units else None
    weight = result["energy_kwh"].fillna(0.0).to_numpy()
    coverage = result["coverage"].to_numpy()
    mean = float(np.average(coverage, weights=weight)) if weight.sum() > 0 else float(coverage.mean())
    known = book[book["node_kwh"].notna()]
    return Totals(
        rows=len(result),
        energy_kwh=known_sum(result["energy_kwh"]),
        operational_gco2e=known_sum(result["operational_gco2e"]),
        embodied_gco2e=known_sum(result["embodied_gco2e"]),
        carbon_gco2e=grams,
        functional_units=units,
        sci_gco2e_per_unit=score,
        coverage=min(max(mean, float(coverage.min())), float(coverage.max())),
        node_energy_kwh=known_sum(book["node_kwh"]),
        pods_kwh=known_sum(book["pods_kwh"]),
        unattributed_kwh=known_sum(book["unattributed_kwh"]),
        residual_kwh=known_sum(book["residual_kwh"]),
        open_books=int((~known["closed"]).sum()),
        books=len(known),
        not_shown_kwh=known_sum(left_out["energy_kwh"]) if len(left_out) else None,
    )


def flag_counts(bits: np.ndarray) -> dict[str, int]:
    """Rows per flag, most frequent first."""
    counts = {name: int(((bits & FLAG_BITS[name]) != 0).sum()) for name in FLAGS}
    return dict(sorted(((name, count) for name, count in counts.items() if count), key=lambda pair: -pair[1]))


def method(settings: Settings, source: Source) -> dict[str, Any]:
    """Every choice that changes numbers."""
    unit = source.unit
    return {
        "power_domains": sorted(settings.power_domains),
        "pull": source.inputs.pull,
        "max_gap_seconds": settings.max_gap_seconds,
        "max_node_watts": settings.max_node_watts,
        "unattributed": settings.unattributed,
        "intensity": str(settings.intensity),
        "pue": settings.pue,
        "embodied": str(settings.embodied or f"kg:{embodied.DEFAULT_KGCO2E:g} (default)"),
        "lifespan_seconds": settings.lifespan_seconds,
        "functional_unit": None if unit is None else str(unit),
    }


def provenance(settings: Settings, source: Source, notes: tuple[str, ...]) -> Provenance:
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
        functional_unit=source.unit.name if source.unit else None,
        queries=source.queries(),
        notes=(*source.inputs.notes, *notes, *source.warnings()),
    )
