"""A result read back from a CSV file: the rows, and what follows from them.

Books, factors, method and the total of R are not in such a file. Where rows share one R, nothing in it says
so: a sum over the rows might count it twice.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sci_batch.errors import UsageError
from sci_batch.report import Provenance, Report, Totals
from sci_batch.result import Result
from sci_batch.schema import check
from sci_batch.sinks.csv import read as read_csv
from sci_batch.sums import by_window, coverage, flag_counts, of_windows
from sci_batch.windows import duration_text

NOTE = (
    "a CSV file holds rows alone: method, factors, books and the total of R are not known; "
    "-o parquet=FILE and -o json=FILE keep them"
)


def read(path: Path, unit: str | None, cluster: str) -> Report:
    """The report, as far as the rows tell.

    Parameters
    ----------
    unit, cluster
        Name of the first functional unit, and the cluster: not in the file either.

    Raises
    ------
    UsageError
        There are units of work and nobody says what they are called, or there are no rows.
    ValueError
        The file is no result of ours.
    """
    result, shape = read_csv(path)
    check(result, shape.columns)
    if result.empty:
        raise UsageError(f"{path} holds no rows", "Give a result with rows.")
    if unit is None and result["functional_units"].notna().any():
        raise UsageError(
            f"{path} does not say what its functional unit is called: a CSV file has no place for it",
            "Give --unit-name request with the name it was computed with, or a Parquet or JSON result.",
        )
    provenance = Provenance(
        tool_version="", fingerprint="", method={}, source=str(path),
        start=f"{result['window_start'].min():%Y-%m-%dT%H:%M:%SZ}",
        end=f"{result['window_end'].max():%Y-%m-%dT%H:%M:%SZ}",
        window=_length(result), tz="UTC", group_by=shape.group_by, functional_unit=unit, queries=(),
        notes=(NOTE,), further_units=shape.further_units, also_intensity=shape.also_intensity,
        known=shape.known, cluster=cluster,
    )  # fmt: skip
    return Report(
        rows=Result.of(result),
        totals=_totals(result, provenance.units),
        provenance=provenance,
        flag_counts=flag_counts(result["flags"]),
    )


def _totals(result: pd.DataFrame, units: tuple[str, ...]) -> Totals:
    windows = by_window(result)
    return Totals(
        **of_windows(windows, dict.fromkeys(units)),
        coverage=coverage(windows),
        node_energy_kwh=None, pods_kwh=None, unattributed_kwh=None, residual_kwh=None, open_books=0, books=0,
    )  # fmt: skip


def _length(result: pd.DataFrame) -> str:
    """Length of the windows, such as `1h`; days in a zone of their own may have several."""
    found = (result["window_end"] - result["window_start"]).unique()
    seconds = sorted(int(length.total_seconds()) for length in found)
    return " to ".join(map(duration_text, dict.fromkeys((seconds[0], seconds[-1]))))
