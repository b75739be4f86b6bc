"""CSV by RFC 4180, with lines that end in a line feed: UTF-8, one header line, nulls empty.

Times are RFC 3339, numbers are written so that reading gives the same bits. A text cell that begins
with `=`, `+`, `-`, `@`, tab or carriage return gets an apostrophe in front, because spreadsheets
would run it as a formula; Kubernetes names and label values never begin so.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd

from sci_batch.report import Report
from sci_batch.schema import TIME, result_columns
from sci_batch.sinks import SinkOptions
from sci_batch.sinks.rows import slices
from sci_batch.sinks.target import opened

FORMULA_STARTS = r"^(?=[=+\-@\t\r])"


def write(report: Report, path: Path | None, options: SinkOptions) -> None:
    """All rows, without totals."""
    made = report.provenance
    columns = made.columns
    texts = [column.name for column in columns if column.dtype == "str"]
    with opened(path, no_clobber=options.no_clobber) as stream:
        for index, part in enumerate(slices(report.result)):
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


def read(path: Path, group_by: tuple[str, ...], further_units: tuple[str, ...] = ()) -> pd.DataFrame:
    """RESULT of a CSV file that `write` made, bit for bit."""
    columns = result_columns(group_by, further_units)
    texts = pd.read_csv(path, dtype="str", keep_default_na=False, lineterminator="\n")
    return texts.assign(**{column.name: _parsed(texts[column.name], column.dtype) for column in columns})


def _parsed(cells: pd.Series, dtype: str) -> pd.Series:
    if dtype == TIME:
        return pd.to_datetime(cells, utc=True).dt.as_unit("us")
    if dtype == "float64":
        # Through Python's float: the fast parsers of CSV readers may miss the last bit.
        return cells.astype(object).replace("", "nan").astype("float64")
    return cells
