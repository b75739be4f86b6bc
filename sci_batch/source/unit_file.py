"""Units of work from a file: CSV or Parquet, one row per time span and labels, checked to the line."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sci_batch import parquet_file
from sci_batch.errors import UsageError
from sci_batch.files import text
from sci_batch.notation import CLOCK, DAY, NUMBER, OFFSET
from sci_batch.units import FEWEST_UNITS, MOST_UNITS
from sci_batch.windows import rfc3339

R = "functional_units"
START, END = "start_utc", "end_utc"
WINDOW_START, WINDOW_END = "window_start", "window_end"
_TIMES = (START, END, WINDOW_START, WINDOW_END)
_PARQUET = b"PAR1"
_DELIMITERS = (",", ";", "\t")
_INSTANT = rf"{DAY}(?:[T ]{CLOCK}(?P<offset>{OFFSET})?)?"
FORM = (
    f"A file of units has the columns {START}, {END} (or {WINDOW_START}), {R}, and any labels, such as "
    "namespace and workload."
)


@dataclass(frozen=True, slots=True)
class _Table:
    """The cells; their index is the line (CSV) or row (Parquet) in the file, from 1."""

    path: Path
    cells: pd.DataFrame
    word: str

    def refuse(self, wrong: pd.Series, what: str, cure: str) -> None:
        """Raise when a cell is wrong. `{}` in `what` stands for what the first one holds."""
        if wrong.any():
            bad = wrong.index[wrong]
            more = f" (and in {len(bad) - 1} more)" if len(bad) > 1 else ""
            raise UsageError(f"{self.path}, {self.word} {bad[0]}: {what}{more}", cure)


def read(path: Path, edges_ms: tuple[int, ...]) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """UNITS of a file (start_ms, end_ms, labels, functional_units), and notes.

    Rows outside the range are left out. With `window_start` alone, a row is for the window that begins
    there. A span inside the range must lie inside one window.

    Raises
    ------
    UsageError
        The file cannot be read, lacks a column, or has a line that cannot be counted: no time, no
        number, negative, said twice, or across an edge of the windows. The line is named.
    """
    table = _read(path)
    _check_columns(table)
    labels = [str(name) for name in table.cells if name not in (*_TIMES, R)]
    texts = table.cells[labels].astype("str").fillna("")
    spans = _spans(table, edges_ms).join(texts).assign(**{R: _numbers(table)})
    spans = spans[spans["end_ms"] >= 0]
    _refuse_overlaps(table, spans, labels)
    kept, notes = _in_range(table, spans, edges_ms)
    return kept[["start_ms", "end_ms", *labels, R]].reset_index(drop=True), notes


def _read(path: Path) -> _Table:
    try:
        with path.open("rb") as stream:
            first = stream.read(len(_PARQUET))
        if first == _PARQUET:
            frame, _ = parquet_file.read(path, path)
            table = _Table(path, frame.set_axis(range(1, len(frame) + 1)), "row")
        else:
            table = _Table(path, _csv(path), "line")
    except (OSError, ValueError) as error:  # pyarrow's and pandas' own errors are ValueErrors
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageError(f"{path} cannot be read: {reason}", f"Check --functional-unit. {FORM}") from None
    if table.cells.empty:
        raise UsageError(f"{path} holds no rows", FORM)
    return table


def _csv(path: Path) -> pd.DataFrame:
    """Cells as text, the header as the names; a BOM, CRLF and empty lines are no matter."""
    whole = text(path)
    header = whole.partition("\n")[0]
    try:
        cells = pd.read_csv(
            io.StringIO(whole), header=None, dtype="str", keep_default_na=False,
            skip_blank_lines=False, sep=max(_DELIMITERS, key=header.count),
        )  # fmt: skip
    except pd.errors.EmptyDataError:
        raise UsageError(f"{path} is empty", FORM) from None
    except pd.errors.ParserError as error:
        found = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error))
        if found is None:
            raise
        wanted, line, seen = found.groups()
        raise UsageError(
            f"{path}, line {line}: {seen} fields, the header has {wanted}",
            "Write numbers with a point, not with a comma; put quotes around texts that hold a comma.",
        ) from None
    cells = cells.fillna("").set_axis(range(1, len(cells) + 1))
    names = [name.strip() for name in cells.iloc[0].tolist()]
    if twice := [name for index, name in enumerate(names) if name in names[:index]]:
        raise UsageError(f"{path}, line 1: the column {twice[0]!r} stands twice", FORM)
    body = cells.iloc[1:].set_axis(names, axis=1)
    return body[(body != "").any(axis=1)]


def _check_columns(table: _Table) -> None:
    have = set(table.cells)
    spans, windows = {START, END} & have, {WINDOW_START, WINDOW_END} & have
    missing = [] if R in have else [R]
    if spans and windows:
        raise UsageError(f"{table.path} has both {START} and {WINDOW_START} columns", FORM)
    if not windows:
        missing += [name for name in (START, END) if name not in have]
    elif WINDOW_START not in have:
        missing.append(WINDOW_START)
    if missing:
        raise UsageError(
            f"{table.path} has no column {' and no '.join(missing)}; "
            f"it has {', '.join(map(str, table.cells))}",
            FORM,
        )


def _spans(table: _Table, edges_ms: tuple[int, ...]) -> pd.DataFrame:
    """start_ms, end_ms; -1 for rows of windows that are not asked for."""
    if START in table.cells:
        start, end = _instants(table, START), _instants(table, END)
    else:
        start = _instants(table, WINDOW_START)
        end = _instants(table, WINDOW_END) if WINDOW_END in table.cells else _ends(table, start, edges_ms)
    backwards = (end <= start) & (end >= 0)
    table.refuse(
        backwards, "the span ends before it begins", "Its end is not included, and comes after its start."
    )
    return pd.DataFrame({"start_ms": start, "end_ms": end})


def _ends(table: _Table, start: pd.Series, edges_ms: tuple[int, ...]) -> pd.Series:
    """End of the window that begins there."""
    edges = np.array(edges_ms, np.int64)
    window = np.searchsorted(edges, start.to_numpy(), side="right") - 1
    inside = (window >= 0) & (window < len(edges) - 1)
    window = np.clip(window, 0, len(edges) - 2)
    astray = pd.Series(inside & (edges[window] != start.to_numpy()), index=start.index)
    table.refuse(
        astray, "no window begins there",
        f"Take the --window of the file, or give {START} and {END} for spans of other lengths.",
    )  # fmt: skip
    return pd.Series(np.where(inside, edges[window + 1], -1), index=start.index)


def _instants(table: _Table, name: str) -> pd.Series:
    """Unix ms. Without an offset, a time is UTC where the column's name says so, else refused."""
    cells = table.cells[name]
    utc = name.endswith("_utc")
    cure = "Write 2026-03-01T00:00:00Z" + (", or leave out the Z." if utc else ", with Z or an offset.")
    if not pd.api.types.is_datetime64_any_dtype(cells):
        texts = cells.fillna("").astype("str").str.strip()
        parts = texts.str.extract(f"^(?P<whole>{_INSTANT})$")
        wrong = parts["whole"].isna() | (parts["offset"].isna() & (not utc))
        moments = pd.to_datetime(texts.mask(wrong), format="ISO8601", utc=True, errors="coerce")
        wrong |= moments.isna()
        table.refuse(wrong, f"{texts[wrong].iloc[0] if wrong.any() else ''!r} in {name} is no time", cure)
    else:
        if cells.dt.tz is None and not utc:
            raise UsageError(f"{table.path}: the times in {name} have no zone", cure)
        table.refuse(cells.isna(), f"{name} is empty", cure)
        moments = pd.to_datetime(cells, utc=True)
    return moments.dt.as_unit("ms").astype("int64")


def _numbers(table: _Table) -> pd.Series:
    """Units of work: numbers of at least 0."""
    cells = table.cells[R]
    if pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_bool_dtype(cells):
        values = cells.astype("float64")
    else:
        texts = cells.fillna("").astype("str").str.strip()
        comma = texts.str.fullmatch(r"[+-]?[0-9.]*,[0-9]+")
        first = texts[comma].iloc[0] if comma.any() else ""
        table.refuse(comma, f"{first!r} has a decimal comma", "Write numbers with a point: 1.5, 1234.")
        wrong = ~texts.str.fullmatch(NUMBER)
        first = texts[wrong].iloc[0] if wrong.any() else ""
        table.refuse(
            wrong & (texts == ""),
            f"{R} is empty",
            "Leave lines out when the number is not known; 0 is a number.",
        )
        table.refuse(wrong, f"{first!r} in {R} is no number", "Write numbers with a point: 1.5, 1234.")
        values = texts.astype("float64")
    table.refuse(
        values.isna() | values.isin([np.inf, -np.inf]),
        f"{R} is not a finite number",
        "Leave lines out when the number is not known.",
    )
    table.refuse(values < 0, f"{R} is negative", "Units of work are counted from 0.")
    table.refuse(
        (values > MOST_UNITS) | ((values > 0) & (values < FEWEST_UNITS)),
        f"{R} is neither 0 nor from {FEWEST_UNITS:g} to {MOST_UNITS:g}",
        "Check the number, or count in a larger or smaller unit.",
    )
    return values


def _refuse_overlaps(table: _Table, spans: pd.DataFrame, labels: list[str]) -> None:
    """The same time with the same labels would count twice."""
    ordered = spans.assign(_line=spans.index).sort_values([*labels, "start_ms", "end_ms"], kind="stable")
    group = ordered.groupby(labels, sort=False).ngroup() if labels else pd.Series(0, index=ordered.index)
    latest = ordered["end_ms"].groupby(group).cummax().groupby(group).shift(fill_value=-1)
    other = ordered["_line"].groupby(group).shift(fill_value=0)
    wrong = ordered["start_ms"] < latest
    first = other[wrong].iloc[0] if wrong.any() else 0
    table.refuse(
        wrong, f"its time is in {table.word} {first} already, with the same labels",
        "Say each time once for the same labels; add up what belongs together.",
    )  # fmt: skip


def _in_range(
    table: _Table, spans: pd.DataFrame, edges_ms: tuple[int, ...]
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    edges = np.array(edges_ms, np.int64)
    start, end = spans["start_ms"].to_numpy(), spans["end_ms"].to_numpy()
    touches = (end > edges[0]) & (start < edges[-1])
    inside = (start >= edges[0]) & (end <= edges[-1])
    window = np.clip(np.searchsorted(edges, start, side="right") - 1, 0, len(edges) - 2)
    across = pd.Series(inside & (end > edges[window + 1]), index=spans.index)
    table.refuse(
        across, "its time lies in more than one window",
        "Take a --window that holds the spans of the file whole, such as 1d.",
    )  # fmt: skip
    notes = []
    if not touches.any() and len(spans):
        held = f"{rfc3339(int(start.min()))} to {rfc3339(int(end.max()))}"
        notes.append(f"{table.path} has no units of work in this range; it has {held}")
    elif not touches.any():
        notes.append(f"{table.path} has no units of work in this range")
    if cut := int((touches & ~inside).sum()):
        notes.append(f"{cut} lines of {table.path} reach beyond this range and are not counted")
    return spans[inside], tuple(notes)
