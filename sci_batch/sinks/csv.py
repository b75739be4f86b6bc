"""CSV by RFC 4180, with lines that end in a line feed: UTF-8, one header line, nulls empty.

Times are RFC 3339, numbers are written so that reading gives the same bits. A text cell that begins
with `=`, `+`, `-`, `@`, tab or carriage return (or with apostrophes before it) gets an apostrophe in
front, because spreadsheets would run it as a formula; Kubernetes names and label values never begin so.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sci_batch.report import Report
from sci_batch.schema import TIME, WHERE_KNOWN, WINDOW, Column, result_columns
from sci_batch.sinks import SinkOptions
from sci_batch.sinks.rows import RFC3339, slices
from sci_batch.sinks.target import opened

FORMULA_STARTS = r"^(?='*[=+\-@\t\r])"
_GUARDED = r"^'(?='*[=+\-@\t\r])"
_FURTHER = "functional_units:"
_ALSO = "operational_gco2e:"


def write(report: Report, path: Path | None, options: SinkOptions) -> None:
    """All rows, without totals."""
    made = report.provenance
    columns = made.columns
    texts = [column.name for column in columns if column.dtype == "str"]
    with opened(path, no_clobber=options.no_clobber) as stream:
        for index, part in enumerate(slices(report.rows)):
            safe = {name: part[name].str.replace(FORMULA_STARTS, "'", regex=True) for name in texts}
            # Python's writer does not see that a lone carriage return needs quotes.
            returns = any(cells.str.contains("\r", regex=False).any() for cells in safe.values())
            text = part.assign(**safe).to_csv(
                index=False,
                header=index == 0,
                lineterminator="\n",
                quoting=csv.QUOTE_ALL if returns else csv.QUOTE_MINIMAL,
            )
            stream.write(text.encode())


def read(path: Path) -> tuple[pd.DataFrame, Shape]:
    """RESULT of a CSV file that `write` made, bit for bit, and what its header tells.

    Raises
    ------
    ValueError
        The file is none of ours.
    """
    texts = pd.read_csv(path, dtype="str", keep_default_na=False, lineterminator="\n", encoding="utf-8")
    found = shape(list(texts.columns))
    return pd.DataFrame({item.name: _parsed(texts[item.name], item.dtype) for item in found.columns}), found


@dataclass(frozen=True, slots=True)
class Shape:
    """What the names of the columns tell of a result; the fields are those of `Provenance`."""

    group_by: tuple[str, ...]
    further_units: tuple[str, ...]
    also_intensity: tuple[str, ...]
    known: tuple[str, ...]

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns, in order."""
        return result_columns(self.group_by, self.further_units, self.also_intensity, self.known)


def shape(names: Sequence[str]) -> Shape:
    """The inverse of `schema.result_columns`.

    Raises
    ------
    ValueError
        These are not the columns of a result.
    """
    first, last = len(WINDOW), names.index("workload_kind")
    found = Shape(
        group_by=tuple(names[first:last]),
        further_units=tuple(name.removeprefix(_FURTHER) for name in names if name.startswith(_FURTHER)),
        also_intensity=tuple(name.removeprefix(_ALSO) for name in names if name.startswith(_ALSO)),
        known=tuple(column.name for column in WHERE_KNOWN if column.name in names),
    )
    if [column.name for column in found.columns] != list(names):
        raise ValueError("not the columns of a result")
    return found


def _parsed(cells: pd.Series, dtype: str) -> pd.Series:
    if dtype == TIME:
        return pd.to_datetime(cells, utc=True, format=RFC3339).dt.as_unit("us")
    if dtype == "float64":
        # Through Python's float: the fast parsers of CSV readers may miss the last bit.
        return cells.astype(object).replace("", "nan").astype("float64")
    return cells.str.replace(_GUARDED, "", regex=True)
