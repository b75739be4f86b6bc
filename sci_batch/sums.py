"""What follows from the rows of a result: sums, scores, coverage and flags of all of them.

Everything is added up window by window first, so that a total does not depend on how many windows were in
memory at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from sci_batch.report import UnitTotal
from sci_batch.schema import FLAGS, also_column

MEASURES = ("energy_kwh", "operational_gco2e", "embodied_gco2e", "carbon_gco2e")


def by_window(result: pd.DataFrame, also: tuple[str, ...] = ()) -> pd.DataFrame:
    """WINDOWS: the sums of each window, by `window_start`, in order of time.

    Columns: rows; `MEASURES` and `operational_gco2e:SOURCE` of `also` [null where nothing is known];
    weight [kWh] and covered [kWh x coverage], seen [sum of coverage], least and most coverage.
    """
    starts = result["window_start"].dt.tz_convert(None).to_numpy()  # with a time zone they were objects
    order = np.argsort(starts, kind="stable")
    starts = starts[order]
    first = np.flatnonzero(np.append(True, starts[1:] != starts[:-1])[: len(starts)])

    def added(values: np.ndarray) -> np.ndarray:
        return np.asarray(np.add.reduceat(values[order], first))

    def known(values: pd.Series) -> np.ndarray:
        numbers, there = values.fillna(0.0).to_numpy(), values.notna().to_numpy().astype(np.int64)
        return np.where(added(there) > 0, added(numbers), np.nan)

    coverage = result["coverage"].to_numpy()
    weight = result["energy_kwh"].fillna(0.0).to_numpy()
    names = (*MEASURES, *(also_column(source).name for source in also))
    index = pd.DatetimeIndex(starts[first], tz="UTC", name="window_start")
    return pd.DataFrame(
        {
            "rows": added(np.ones(len(result), np.int64)),
            **{name: known(result[name]) for name in names},
            "weight": added(weight), "covered": added(weight * coverage), "seen": added(coverage),
            "least": np.minimum.reduceat(coverage[order], first),
            "most": np.maximum.reduceat(coverage[order], first),
        },
        index=index,
    )  # fmt: skip


def of_windows(windows: pd.DataFrame, functional_units: Mapping[str, float | None]) -> dict[str, Any]:
    """The fields of `Totals` that WINDOWS and R of every functional unit tell: no books, no coverage.

    SCI is the ratio of the sums, never a mean of ratios.
    """
    sums = {name: known_sum(windows[name]) for name in MEASURES}
    grams = sums["carbon_gco2e"]
    units = tuple(
        UnitTotal(
            name=name, functional_units=r, sci_gco2e_per_unit=grams / r if grams is not None and r else None
        )
        for name, r in functional_units.items()
    )
    return {
        "rows": int(windows["rows"].sum()),
        **sums,
        "functional_units": units[0].functional_units if units else None,
        "sci_gco2e_per_unit": units[0].sci_gco2e_per_unit if units else None,
        "units": units,
    }


def of_rows(result: pd.DataFrame, functional_units: Mapping[str, float | None]) -> dict[str, Any]:
    """The same of RESULT."""
    return of_windows(by_window(result), functional_units)


def known_sum(values: pd.Series) -> float | None:
    """Sum of what is known; None when nothing is, as unknown is not zero."""
    known = values.dropna()
    return math.fsum(known.tolist()) if len(known) else None


def coverage(windows: pd.DataFrame) -> float:
    """Coverage of all rows of WINDOWS, weighted by energy; the plain mean where no energy is known."""
    weight = math.fsum(windows["weight"])
    if weight > 0:
        mean = math.fsum(windows["covered"]) / weight
    else:
        mean = math.fsum(windows["seen"]) / float(windows["rows"].sum())
    return min(max(mean, float(windows["least"].min())), float(windows["most"].max()))


def mean_coverage(result: pd.DataFrame) -> float:
    """The same of RESULT."""
    return coverage(by_window(result))


def flag_counts(flags: pd.Series) -> dict[str, int]:
    """Rows per flag, most frequent first; `flags` is the column of the result."""
    texts = flags.value_counts()
    counts = {
        name: int(texts[[name in str(text).split(",") for text in texts.index]].sum()) for name in FLAGS
    }
    return _most_first(counts)


def together(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """`flag_counts` of several frames as those of all rows."""
    parts = list(counts)
    return _most_first({name: sum(part.get(name, 0) for part in parts) for name in FLAGS})


def _most_first(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(((name, count) for name, count in counts.items() if count), key=lambda pair: -pair[1]))
