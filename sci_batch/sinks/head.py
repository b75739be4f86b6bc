"""What stands above the rows of a stored result, as JSON, and back."""

from __future__ import annotations

import math
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import pandas as pd

from sci_batch.report import AlsoTotal, Provenance, Report, Totals, UnitTotal
from sci_batch.result import Result
from sci_batch.schema import TIME, Column, check
from sci_batch.sinks.rows import RFC3339
from sci_batch.windows import parse_time, time_zone


def report_of(head: dict[str, Any], rows: pd.DataFrame) -> Report:
    """The report that was written.

    Raises
    ------
    ValueError, KeyError, TypeError, AttributeError
        It is none of ours.
    """
    made = provenance_of(head["provenance"])
    time_zone(made.tz)
    for text in (made.start, made.end):
        parse_time(text, 0)
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
    kinds = get_type_hints(cls)
    found = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in values.items()
        if name in kinds
    }
    for name, value in found.items():
        if value is None and kinds[name] is float:
            found[name] = math.nan  # JSON has none
        elif not _fits(value, kinds[name]):
            raise TypeError(f"{name} is of another kind")
    return found


def _fits(value: object, kind: Any) -> bool:
    """Whether a value is of the kind of its field; numbers are finite."""
    if get_origin(kind) is UnionType:
        return any(_fits(value, one) for one in get_args(kind))
    if get_origin(kind) is tuple:
        return isinstance(value, tuple) and all(_fits(part, get_args(kind)[0]) for part in value)
    if kind in (int, float):
        numbers = (int, float) if kind is float else (int,)
        return isinstance(value, numbers) and not isinstance(value, bool) and math.isfinite(value)
    return isinstance(value, get_origin(kind) or kind)


def typed(rows: pd.DataFrame, columns: tuple[Column, ...]) -> pd.DataFrame:
    """The columns in their order and types."""
    return pd.DataFrame({column.name: _cells(rows[column.name], column.dtype) for column in columns})


def _cells(cells: pd.Series, dtype: str) -> pd.Series:
    """A column in its type; a text is no number and a number no text."""
    if dtype == TIME:
        if not pd.api.types.is_datetime64_any_dtype(cells):
            cells = pd.to_datetime(_all(cells, str), utc=True, format=RFC3339)
        times: pd.Series = cells.dt.tz_convert("UTC").dt.as_unit("us")
        return times
    if dtype != "float64":
        return _all(cells, str).astype("str")
    if pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_bool_dtype(cells):
        return cells.astype("float64")
    return _all(cells, int, float, type(None)).astype("float64")


def _all(cells: pd.Series, *kinds: type) -> pd.Series:
    if not set(map(type, cells.astype(object))) <= set(kinds):
        raise TypeError(f"{cells.name} holds a value of another kind")
    return cells
