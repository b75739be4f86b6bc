"""What follows from the rows of a result: sums, scores, coverage and flags of all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from sci_batch.report import UnitTotal
from sci_batch.schema import FLAGS


def of_rows(result: pd.DataFrame, functional_units: Mapping[str, float | None]) -> dict[str, Any]:
    """The fields of `Totals` that rows and R of every functional unit tell; books and coverage are not there.

    SCI is the ratio of the sums, never a mean of ratios.
    """
    grams = known_sum(result["carbon_gco2e"])
    units = tuple(
        UnitTotal(
            name=name, functional_units=r, sci_gco2e_per_unit=grams / r if grams is not None and r else None
        )
        for name, r in functional_units.items()
    )
    return {
        "rows": len(result),
        "energy_kwh": known_sum(result["energy_kwh"]),
        "operational_gco2e": known_sum(result["operational_gco2e"]),
        "embodied_gco2e": known_sum(result["embodied_gco2e"]),
        "carbon_gco2e": grams,
        "functional_units": units[0].functional_units if units else None,
        "sci_gco2e_per_unit": units[0].sci_gco2e_per_unit if units else None,
        "units": units,
    }


def known_sum(values: pd.Series) -> float | None:
    """Sum of what is known; None when nothing is, as unknown is not zero."""
    total = values.sum(min_count=1)
    return None if np.isnan(total) else float(total)


def mean_coverage(result: pd.DataFrame) -> float:
    """Coverage of all rows together, weighted by energy; the plain mean where no energy is known."""
    weight = result["energy_kwh"].fillna(0.0).to_numpy()
    coverage = result["coverage"].to_numpy()
    mean = float(np.average(coverage, weights=weight)) if weight.sum() > 0 else float(coverage.mean())
    return min(max(mean, float(coverage.min())), float(coverage.max()))


def flag_counts(flags: pd.Series) -> dict[str, int]:
    """Rows per flag, most frequent first; `flags` is the column of the result."""
    texts = flags.value_counts()
    counts = {
        name: int(texts[[name in str(text).split(",") for text in texts.index]].sum()) for name in FLAGS
    }
    return dict(sorted(((name, count) for name, count in counts.items() if count), key=lambda pair: -pair[1]))
