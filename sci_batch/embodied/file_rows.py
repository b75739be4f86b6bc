"""Rows of `nodes.csv` and `nodes.toml`, checked; errors name the file and the line."""

from __future__ import annotations

import csv
import hashlib
import io
import math
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from sci_batch.embodied.quantity import kgco2e, number
from sci_batch.errors import UsageError
from sci_batch.files import contents
from sci_batch.files import text as text_of
from sci_batch.windows import parse_lifespan

WHOM = ("node", "selector", "instance_type")
NUMBERS = ("embodied_kgco2e", "low_kgco2e", "high_kgco2e", "gpu_kgco2e", "gpus")
KEYS = (*WHOM, *NUMBERS, "lifespan", "note")
TABLES = "nodes"
_HEADER = re.compile(r"^[ \t]*\[\[[ \t]*nodes[ \t]*\]\]", re.MULTILINE)
_LABEL_KEY = re.compile(r"([A-Za-z0-9.-]+/)?[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row: whom it is for (one of the three), and what it says."""

    line: int
    node: str = ""
    selector: tuple[tuple[str, str], ...] = ()
    """Node labels that must all be there: key, value."""
    instance_type: str = ""
    embodied_kgco2e: float
    low_kgco2e: float = math.nan
    high_kgco2e: float = math.nan
    gpu_kgco2e: float = 0.0
    """Added for each GPU."""
    gpus: float = math.nan
    """NaN: as many as the node shows."""
    lifespan_seconds: float = math.nan
    """NaN: `--lifespan`."""

    @property
    def whom(self) -> tuple[object, ...]:
        """What makes the row unique."""
        return self.node, frozenset(self.selector), self.instance_type.lower()


def read(path: Path) -> tuple[Row, ...]:
    """Read a file.

    Raises
    ------
    UsageError
        Not readable, not UTF-8, another suffix, no rows, unknown columns, bad values, or two rows for the
        same nodes.
    """
    text = _text(path)
    if path.suffix.lower() == ".toml":
        found = _toml(path, text)
    elif path.suffix.lower() == ".csv":
        found = _csv(path, text)
    else:
        raise UsageError(
            f"{path} is neither .csv nor .toml", "--embodied file: takes nodes.csv or nodes.toml."
        )
    rows = tuple(_row(path, line, fields) for line, fields in found)
    if not rows:
        raise UsageError(
            f"{path} holds no rows",
            f"Give a [[{TABLES}]] table, or a line under the header, for each kind of node.",
        )
    _check_twice(path, rows)
    return rows


def digest(path: Path) -> str:
    """Twelve characters that change with the file's content."""
    return hashlib.sha256(_bytes(path)).hexdigest()[:12]


def _bytes(path: Path) -> bytes:
    try:
        return contents(path)
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: OSError) -> UsageError:
    return UsageError(
        f"{path} cannot be read: {error.strerror or error}", "Check the path after --embodied file:."
    )


def _text(path: Path) -> str:
    try:
        return text_of(path).replace("\r\n", "\n")
    except OSError as error:
        raise _unreadable(path, error) from None


def _csv(path: Path, text: str) -> Iterator[tuple[int, dict[str, str]]]:
    header_line = text.lstrip("\n").partition("\n")[0]
    separator = max(",;\t", key=header_line.count)  # a decimal comma goes with semicolons
    reader = csv.reader(io.StringIO(text), delimiter=separator, strict=True)
    header: list[str] = []
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise UsageError(f"{path}, line {line}: {error}", "Check its quotes.") from None
        if cells is None:
            return
        if not any(cell.strip() for cell in cells):
            continue
        if not header:
            header = [cell.strip().lower() for cell in cells]
            _check_names(path, line, header)
            continue
        if len(cells) != len(header):
            raise UsageError(
                f"{path}, line {line}: {len(cells)} values under {len(header)} columns",
                "Quote values that hold the separator.",
            )
        yield line, {name: cell.strip() for name, cell in zip(header, cells, strict=True) if cell.strip()}


def _toml(path: Path, text: str) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also a whole number of thousands of digits
        raise UsageError(f"{path}: {str(error)[:200]}", "Correct the TOML.") from None
    tables = document.get(TABLES)
    if set(document) - {TABLES} or not isinstance(tables, list):
        raise UsageError(
            f"{path} holds {', '.join(document) or 'nothing'}, not [[{TABLES}]] alone",
            f"Write one [[{TABLES}]] table for each kind of node.",
        )
    lines = [text.count("\n", 0, match.start()) + 1 for match in _HEADER.finditer(text)]
    for index, table in enumerate(tables):
        line = lines[index] if len(lines) == len(tables) else index + 1
        if not isinstance(table, dict):
            raise UsageError(f"{path}, line {line}: not a table", f"Write [[{TABLES}]].")
        _check_names(path, line, list(table))
        odd = [name for name, value in table.items() if isinstance(value, bool | list | dict)]
        if odd:
            raise UsageError(f"{path}, line {line}: {odd[0]} is not one value", "Give a text or a number.")
        yield line, {name: str(value).strip() for name, value in table.items() if str(value).strip()}


def _check_names(path: Path, line: int, names: list[str]) -> None:
    for index, name in enumerate(names):
        if name not in KEYS:
            near = get_close_matches(name, KEYS, n=1)
            raise UsageError(
                f"{path}, line {line}: {name or 'an empty column'} is not known",
                f"Did you mean {near[0]}?" if near else f"Known: {', '.join(KEYS)}.",
            )
        if name in names[:index]:
            raise UsageError(f"{path}, line {line}: {name} stands twice", "Keep one of the columns.")
    if not set(names) & set(WHOM) or "embodied_kgco2e" not in names:
        raise UsageError(
            f"{path}, line {line}: it does not say for which nodes, or how much",
            f"Give one of {', '.join(WHOM)}, and embodied_kgco2e.",
        )


def _row(path: Path, line: int, fields: dict[str, str]) -> Row:
    try:
        return _checked(line, fields)
    except UsageError as error:
        raise UsageError(f"{path}, line {line}: {error.what}", error.cure) from None


def _checked(line: int, fields: dict[str, str]) -> Row:
    whom = [name for name in WHOM if name in fields]
    if len(whom) != 1:
        raise UsageError(
            f"{' and '.join(whom) or 'nothing'} says which nodes are meant",
            f"Give exactly one of {', '.join(WHOM)} in each row.",
        )
    values = {name: _number(name, fields[name]) for name in NUMBERS if name in fields}
    if "embodied_kgco2e" not in values:
        raise UsageError("embodied_kgco2e is empty", "Give the kgCO2e of one node.")
    for name, value in values.items():
        if name.endswith("_kgco2e") and name != "gpu_kgco2e":
            kgco2e(value)
        elif value < 0:
            raise UsageError(f"{name} is below 0", "Give 0 or more.")
    te = values["embodied_kgco2e"]
    if values.get("low_kgco2e", te) > te or values.get("high_kgco2e", te) < te:
        raise UsageError(
            "embodied_kgco2e does not lie between low_kgco2e and high_kgco2e", "Put the three in order."
        )
    return Row(
        line=line, node=fields.get("node", ""), instance_type=fields.get("instance_type", ""),
        selector=_selector(fields["selector"]) if "selector" in fields else (),
        lifespan_seconds=float(parse_lifespan(fields["lifespan"])) if "lifespan" in fields else math.nan,
        **values,
    )  # fmt: skip


def _number(name: str, text: str) -> float:
    try:
        return number(text)
    except UsageError as error:
        raise UsageError(f"{name}: {error.what}", error.cure) from None


def _selector(text: str) -> tuple[tuple[str, str], ...]:
    """`pool=gpu,zone=a`: labels that must all be there."""
    pairs: list[tuple[str, str]] = []
    for part in text.split(","):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not _LABEL_KEY.fullmatch(key) or not re.fullmatch(r"[A-Za-z0-9._-]*", value):
            raise UsageError(f"selector {text!r} is not key=value", "Give for example node-pool=gpu.")
        pairs.append((key, value))
    return tuple(pairs)


def _check_twice(path: Path, rows: tuple[Row, ...]) -> None:
    seen: dict[tuple[object, ...], int] = {}
    for row in rows:
        if row.whom in seen:
            raise UsageError(
                f"{path}, lines {seen[row.whom]} and {row.line} are for the same nodes", "Keep one of them."
            )
        seen[row.whom] = row.line
