"""The same table as many programs write it: understood where it is clear, refused with its line where not."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from pathlib import Path

import pytest

from sci_batch.embodied import file_rows
from sci_batch.errors import UsageError
from sci_batch.intensity.file import read as read_intensity
from sci_batch.intensity.frame import Request
from sci_batch.source import unit_file

EDGES_MS = (1_772_323_200_000, 1_772_326_800_000, 1_772_330_400_000)
FIRST, SECOND, THIRD = (f"2026-03-01T0{hour}:00:00Z" for hour in range(3))


def intensity(path: Path) -> list[float]:
    rows = read_intensity(path, Request(start_ms=0, end_ms=1)).rows
    return [float(value) for value in rows["gco2e_per_kwh"]]


def units(path: Path) -> list[float]:
    table, _ = unit_file.read(path, EDGES_MS)
    return [float(value) for value in table["functional_units"]]


def embodied(path: Path) -> list[float]:
    return [row.embodied_kgco2e for row in file_rows.read(path)]


Reader = Callable[[Path], list[float]]
FILES: dict[str, tuple[Reader, str]] = {
    "intensity": (
        intensity,
        f"start_utc,end_utc,gco2e_per_kwh\n{FIRST},{SECOND},380.5\n{SECOND},{THIRD},390\n",
    ),
    "units": (units, f"start_utc,end_utc,functional_units\n{FIRST},{SECOND},380.5\n{SECOND},{THIRD},390\n"),
    "embodied": (embodied, "node,lifespan,embodied_kgco2e\nworker-1,4y,380.5\nworker-2,4y,390\n"),
}
UNDERSTOOD: dict[str, Callable[[bytes], bytes]] = {
    "as it is": lambda text: text,
    "a byte-order mark": lambda text: codecs.BOM_UTF8 + text,
    "CRLF": lambda text: text.replace(b"\n", b"\r\n"),
    "semicolons": lambda text: text.replace(b",", b";"),
    "tabs": lambda text: text.replace(b",", b"\t"),
    "no line feed at the end": lambda text: text.rstrip(b"\n"),
    "blank lines": lambda text: text.replace(b"\n", b"\n\n") + b"\n\n",
    "lines of separators": lambda text: text + b",,\n",
    "space around cells": lambda text: text.replace(b",", b" , "),
    "quotes": lambda text: b"\n".join(
        b",".join(b'"' + cell + b'"' for cell in line.split(b",")) for line in text.splitlines()
    ),
    "mark, CRLF, semicolons": lambda text: codecs.BOM_UTF8 + text.replace(b"\n", b"\r\n").replace(b",", b";"),
}
REFUSED: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda _: b"",
    "blanks alone": lambda _: b"\n \n\n",
    "a head alone": lambda text: text.splitlines()[0] + b"\n",
    "UTF-16": lambda text: text.decode().encode("utf-16"),
    "UTF-16 without a mark": lambda text: text.decode().encode("utf-16-le"),
    "UTF-32": lambda text: text.decode().encode("utf-32"),
    "Latin-1": lambda text: text.replace(b"390", b"390\xb5"),
    "a NUL byte": lambda text: text.replace(b"390", b"39\x000"),
    "NUL bytes alone": lambda _: bytes(100),
    "a head that stands twice": lambda text: text + text,
    "a column that stands twice": lambda text: text.replace(b"end_utc", b"start_utc").replace(
        b"lifespan", b"node"
    ),
    "decimal commas": lambda text: text.replace(b"380.5", b"380,5"),
    "a cell too many": lambda text: text.replace(b"390", b"390,1"),
    "a cell too few": lambda text: text.replace(b",390", b""),
    "cut in a quote": lambda text: text.replace(b"390", b'"390'),
    "no separators": lambda text: text.replace(b",", b" "),
    "bars": lambda text: text.replace(b",", b"|"),
    "a page of a proxy": lambda _: b"<html><body>Log in</body></html>",
    "JSON": lambda _: b'[{"node": "a"}]',
    "the second row again": lambda text: text + text.splitlines()[2] + b"\n",
}


@pytest.mark.parametrize("change", UNDERSTOOD)
@pytest.mark.parametrize("name", FILES)
def test_understood(name: str, change: str, tmp_path: Path) -> None:
    read, text = FILES[name]
    path = tmp_path / "table.csv"
    path.write_bytes(UNDERSTOOD[change](text.encode()))
    assert read(path) == [380.5, 390.0]


@pytest.mark.parametrize("change", REFUSED)
@pytest.mark.parametrize("name", FILES)
def test_refused(name: str, change: str, tmp_path: Path) -> None:
    read, text = FILES[name]
    path = tmp_path / "table.csv"
    path.write_bytes(REFUSED[change](text.encode()))
    with pytest.raises(UsageError) as caught:
        read(path)
    assert str(path) in caught.value.what
    assert caught.value.what.isprintable(), caught.value.what
    assert caught.value.cure


@pytest.mark.parametrize("name", FILES)
def test_old_macintosh_lines_are_no_silent_loss(name: str, tmp_path: Path) -> None:
    """Lines that end in a carriage return alone: all rows, or a refusal."""
    read, text = FILES[name]
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode().replace(b"\n", b"\r"))
    try:
        assert read(path) == [380.5, 390.0]
    except UsageError as error:
        assert error.cure
