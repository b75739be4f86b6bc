"""What stands above the rows of a stored result, as JSON, and back."""

from __future__ import annotations

import dataclasses
from typing import Any

import pandas as pd

from sci_batch.report import AlsoTotal, Provenance, Report, Totals, UnitTotal
from sci_batch.result import Result
from sci_batch.schema import TIME, Column, check


def report_of(head: dict[str, Any], rows: pd.DataFrame) -> Report:
    """The report that was written.

    Raises
    ------
    ValueError, KeyError, TypeError, AttributeError
        It is none of ours.
    """
    made = provenance_of(head["provenance"])
    result = typed(rows, made.columns)
    check(result, made.columns)
    return Report(
        rows=Result.of(result),
        totals=totals_of(head["totals"]),
        provenance=made,
        flag_counts={flag: int(count["rows"]) for flag, count in head["flags"].items()},
    )


def provenance_of(values: dict[str, Any]) -> Provenance:
    """The provenance, without fields of a later version of the tool."""
    return Provenance(**_fields(Provenance, values))


def totals_of(values: dict[str, Any]) -> Totals:
    """The totals, without fields of a later version of the tool."""
    units = tuple(UnitTotal(**_fields(UnitTotal, unit)) for unit in values.get("units", ()))
    also = tuple(AlsoTotal(**_fields(AlsoTotal, other)) for other in values.get("also", ()))
    return Totals(**_fields(Totals, {**values, "units": units, "also": also}))


def _fields(cls: type[Any], values: dict[str, Any]) -> dict[str, Any]:
    """Arguments of a dataclass; lists become tuples."""
    names = {field.name for field in dataclasses.fields(cls)}
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in values.items()
        if name in names
    }


def typed(rows: pd.DataFrame, columns: tuple[Column, ...]) -> pd.DataFrame:
    """The columns in their order and types."""
    return pd.DataFrame({column.name: _cells(rows[column.name], column.dtype) for column in columns})


def _cells(cells: pd.Series, dtype: str) -> pd.Series:
    if dtype == TIME:
        return pd.to_datetime(cells, utc=True).dt.as_unit("us")
    return cells.astype("float64") if dtype == "float64" else cells.astype("str")
