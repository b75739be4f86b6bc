"""A CSV file as texts with their lines, so that a wrong cell can be named."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pandas as pd

from sci_batch.errors import UsageError
from sci_batch.files import text
from sci_batch.notation import CLOCK, DAY, NUMBER, OFFSET

_SHOWN = 40
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")
_INSTANT = rf"{DAY}(?:[T ]{CLOCK}(?:{OFFSET})?)?"
LINE = "line"
"""Column with the number of the line, from 1."""


def read_csv(path: Path) -> pd.DataFrame:
    """All cells as texts without surrounding space, and `line`; blank lines are left out.

    Byte-order marks, CRLF, and `;` or tabs between cells are understood.

    Raises
    ------
    UsageError
        Not readable, not UTF-8, no rows, or a line with more or fewer cells than the first; names the line.
    """
    try:
        lines = text(path).splitlines()
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror}", "Check the path in --intensity."
        ) from None
    if not lines or not lines[0].strip():
        raise UsageError(f"{path} line 1: there is no head with the names of the columns", "Add it.")
    delimiter = max(",;\t", key=lines[0].count)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        rows = list(reader)
    except csv.Error as error:
        raise UsageError(f"{path} line {reader.line_num}: {error}", "Check its quotes.") from None
    head = [name.strip() for name in rows[0]]
    _same_width(path, head, rows, delimiter)
    cells = zip(*(row or [""] * len(head) for row in rows[1:]), strict=True)
    columns = dict(zip(head, cells, strict=False))
    frame = pd.DataFrame({name: pd.Series(columns.get(name, ()), dtype="str").str.strip() for name in head})
    frame = frame.assign(**{LINE: np.arange(2, len(frame) + 2)})
    filled = (frame[head] != "").any(axis=1).to_numpy()
    frame = frame.loc[filled].reset_index(drop=True)
    if frame.empty:
        raise UsageError(f"{path} has a head and no rows", "Check how it was made.")
    return frame


def _same_width(path: Path, head: list[str], rows: list[list[str]], delimiter: str) -> None:
    twice = [name for index, name in enumerate(head) if name in head[:index]]
    if twice:
        raise UsageError(f"{path} line 1: the column {twice[0]!r} stands twice", "Keep one of them.")
    width = np.fromiter(map(len, rows), np.int64, len(rows))
    wrong = np.flatnonzero((width != len(head)) & (width > 0))
    if len(wrong):
        line = int(wrong[0])
        comma = delimiter == "," and width[line] > len(head)
        cure = "Write numbers with a decimal point." if comma else "Was the file cut off?"
        raise UsageError(
            f"{path} line {line + 1}: {width[line]} cells, and the head has {len(head)}"
            f"{': a decimal comma?' if comma else ''}",
            cure,
        )


def numbers(path: Path, frame: pd.DataFrame, column: str, *, blank: bool = False) -> np.ndarray:
    """A column as numbers; NaN for blank cells if they may be.

    Raises
    ------
    UsageError
        A cell is no number; names the line.
    """
    cells = frame[column].fillna("")
    plain = cells.where(cells.str.fullmatch(NUMBER), None)
    values = pd.to_numeric(plain, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    wrong = ~np.isfinite(values) & ~(blank & (cells == "").to_numpy())
    if wrong.any():
        cell = str(cells[wrong].iloc[0])
        comma = bool(_DECIMAL_COMMA.fullmatch(cell))
        words = "it has a decimal comma" if comma else "it is blank" if not cell else "it is no number"
        raise at(path, frame, wrong, column, words, "Write it with a decimal point, without a unit.")
    return values


def at(path: Path, frame: pd.DataFrame, wrong: np.ndarray, column: str, why: str, cure: str) -> UsageError:
    """The error for the first wrong row."""
    row = frame[wrong].iloc[0]
    return UsageError(f"{path} line {row[LINE]}: {column} is {str(row[column])[:_SHOWN]!r}: {why}", cure)


def times(path: Path, frame: pd.DataFrame, column: str) -> np.ndarray:
    """A column of ISO 8601 times as Unix ms; without an offset they are UTC.

    Raises
    ------
    UsageError
        A cell is no time; names the line.
    """
    whole = frame[column].where(frame[column].str.fullmatch(_INSTANT))
    parsed = pd.to_datetime(whole, utc=True, format="ISO8601", errors="coerce")
    wrong = parsed.isna().to_numpy()
    if wrong.any():
        cure = "Write UTC as 2026-01-10T00:00:00Z."
        raise at(path, frame, wrong, column, "it is no time", cure)
    return parsed.dt.as_unit("ms").astype("int64").to_numpy()


def yes_no(path: Path, frame: pd.DataFrame, column: str) -> np.ndarray:
    """A column of true/false, yes/no, 1/0; blank is no.

    Raises
    ------
    UsageError
        Another word; names the line.
    """
    cells = frame[column].fillna("").str.lower()
    yes, no = cells.isin(["true", "yes", "1", "t", "y"]), cells.isin(["false", "no", "0", "f", "n", ""])
    wrong = (~(yes | no)).to_numpy()
    if wrong.any():
        raise at(path, frame, wrong, column, "it is neither true nor false", "Write true or false.")
    return yes.to_numpy()
