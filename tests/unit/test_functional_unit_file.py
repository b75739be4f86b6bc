"""Files of units of work: what is read, and what is refused with its line."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pytest

from sci_batch.errors import UsageError
from sci_batch.source.unit_file import read
from sci_batch.windows import cut

FIXTURES = Path(__file__).parents[2] / "fixtures" / "units"
HOUR_MS = 3_600_000
DAY_MS = int(datetime(2026, 3, 2, tzinfo=UTC).timestamp()) * 1000
HOURS = tuple(DAY_MS + hour * HOUR_MS for hour in range(4))
HEAD = "start_utc,end_utc,namespace,functional_units\n"
FIRST = "2026-03-02T00:00:00Z,2026-03-02T01:00:00Z"
SECOND = "2026-03-02T01:00:00Z,2026-03-02T02:00:00Z"


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "units.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def refused(path: Path, edges_ms: tuple[int, ...] = HOURS) -> UsageError:
    with pytest.raises(UsageError) as caught:
        read(path, edges_ms)
    assert str(path) in caught.value.what
    assert caught.value.cure
    return caught.value


def test_what_a_spreadsheet_writes() -> None:
    units, notes = read(FIXTURES / "users-from-a-spreadsheet.csv", HOURS)
    assert notes == ()
    assert units.to_dict("list") == {
        "start_ms": [DAY_MS, DAY_MS + HOUR_MS, DAY_MS + 2 * HOUR_MS, DAY_MS],
        "end_ms": [DAY_MS + HOUR_MS, DAY_MS + 2 * HOUR_MS, DAY_MS + 3 * HOUR_MS, DAY_MS + HOUR_MS],
        "namespace": ["shop", "shop", "shop", "search"],
        "functional_units": [120.0, 80.5, 0.0, 40.0],
    }


def test_days_with_a_clock_change() -> None:
    windows = cut(
        int(datetime(2026, 3, 27, 23, tzinfo=UTC).timestamp()) * 1000,
        int(datetime(2026, 3, 30, 22, tzinfo=UTC).timestamp()) * 1000, "1d", "Europe/Paris",
    )  # fmt: skip
    units, notes = read(FIXTURES / "orders-per-day.csv", windows.edges_ms)
    assert notes == ()
    assert units["functional_units"].tolist() == [1000, 900, 1100]
    assert ((units["end_ms"] - units["start_ms"]) // HOUR_MS).tolist() == [24, 23, 24]
    assert (*units["start_ms"], units["end_ms"].iloc[-1]) == windows.edges_ms


def test_the_start_of_a_window_stands_for_the_window(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "window_start,functional_units\n2026-03-02T00:00:00Z,5\n2026-03-02T02:00:00Z,7\n2026-03-01T00:00:00Z,9\n",
    )
    units, _ = read(path, HOURS)
    assert units.to_numpy().tolist() == [[HOURS[0], HOURS[1], 5], [HOURS[2], HOURS[3], 7]]
    path.write_text("window_start,functional_units\n2026-03-02T00:00:00Z,5\n2026-03-02T00:30:00Z,7\n")
    assert "line 3: no window begins there" in refused(path).what


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_parquet_is_read_like_csv(tmp_path: Path, unit: Literal["s", "ms", "us", "ns"]) -> None:
    units, _ = read(FIXTURES / "users-from-a-spreadsheet.csv", HOURS)
    table = pd.DataFrame(
        {
            "end_utc": pd.to_datetime(units["end_ms"], unit="ms", utc=True).dt.as_unit(unit),
            # without a zone it is UTC, as its name says
            "start_utc": pd.to_datetime(units["start_ms"], unit="ms").dt.as_unit(unit),
            "functional_units": units["functional_units"],
            "namespace": units["namespace"].astype("category"),
            "tier": pd.Series(["gold", None, None, "x"], dtype="category"),
        }
    )
    path = tmp_path / "units.dat"  # the content counts, not the name
    table.to_parquet(path)
    found, _ = read(path, HOURS)
    assert found.pop("tier").tolist() == ["gold", "", "", "x"]
    pd.testing.assert_frame_equal(found, units, check_like=True)


def test_parquet_with_faults(tmp_path: Path) -> None:
    path = tmp_path / "units.parquet"
    start = pd.to_datetime(["2026-03-02T00:00", "2026-03-02T01:00"])
    base = {"window_start": start, "functional_units": [1.0, 2.0]}
    for changes, words in (
        ({"functional_units": [1.0, np.nan]}, "row 2: functional_units is not a finite number"),
        ({"functional_units": [1.0, -2.0]}, "row 2: functional_units is negative"),
        ({"functional_units": ["1", "x"]}, "row 2: 'x' in functional_units is no number"),
        ({"functional_units": [True, False]}, "row 1: 'True' in functional_units is no number"),
        ({}, "the times in window_start have no zone"),
        ({"window_start": [start[0].tz_localize("UTC"), None]}, "row 2: window_start is empty"),
    ):
        fixed = {"window_start": start.tz_localize("UTC")} if changes else {}
        pd.DataFrame({**base, **fixed, **changes}).to_parquet(path)
        assert words in refused(path).what
    path.write_bytes(path.read_bytes()[:60])
    assert "cannot be read" in refused(path).what


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (f"{FIRST},shop,12\n{SECOND},shop,x1", "line 3: 'x1' in functional_units is no number"),
        (f'{FIRST},shop,"1,5"', "line 2: '1,5' has a decimal comma"),
        (f'{FIRST},shop,"1.234,5"', "line 2: '1.234,5' has a decimal comma"),
        (f"{FIRST},shop,1,5", "line 2: 5 fields, the header has 4"),
        (f"{FIRST},shop,1\n\n{SECOND},shop,NaN", "line 4: 'NaN' in functional_units is no number"),
        (f"{FIRST},shop,inf", "line 2: 'inf' in functional_units is no number"),
        (f"{FIRST},shop,1e999", "line 2: functional_units is not a finite number"),
        (f"{FIRST},shop,1e308", "line 2: functional_units is neither 0 nor from 1e-12 to 1e+24"),
        (f"{FIRST},shop,1e-320", "line 2: functional_units is neither 0 nor from 1e-12 to 1e+24"),
        (f"{FIRST},shop,", "line 2: functional_units is empty"),
        (f"{FIRST},shop", "line 2: functional_units is empty"),
        (f"{FIRST},shop,-1\n{SECOND},shop,-2", "line 2: functional_units is negative (and in 1 more)"),
        (f"{FIRST},shop,1 000", "line 2: '1 000' in functional_units is no number"),
        ("01.03.2026 00:00,2026-03-02T01:00Z,shop,1", "line 2: '01.03.2026 00:00' in start_utc is no time"),
        ("2026-02-30,2026-03-02T01:00Z,shop,1", "line 2: '2026-02-30' in start_utc is no time"),
        (",2026-03-02T01:00Z,shop,1", "line 2: '' in start_utc is no time"),
        ("2026-03-02T01:00Z,2026-03-02T01:00Z,shop,1", "line 2: the span ends before it begins"),
        (f"{FIRST},shop,1\n{FIRST},ops,1\n{FIRST},shop,2", "line 4: its time is in line 2 already"),
        (
            "2026-03-02T00:00Z,2026-03-02T00:40Z,shop,1\n2026-03-02T00:30Z,2026-03-02T00:50Z,shop,1",
            "line 3: its time is in line 2 already",
        ),
        ("2026-03-02T00:30Z,2026-03-02T01:30Z,shop,1", "line 2: its time lies in more than one window"),
        ("2026-03-02,2026-03-02T03:00Z,shop,1", "line 2: its time lies in more than one window"),
    ],
)
def test_lines_that_cannot_be_counted(tmp_path: Path, lines: str, words: str) -> None:
    assert words in refused(written(tmp_path, HEAD + lines + "\n")).what
    assert words in refused(written(tmp_path, "\ufeff" + (HEAD + lines + "\n").replace("\n", "\r\n"))).what


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        (HEAD, "holds no rows"),
        ("start_utc,end_utc,units\n1,2,3\n", "no column functional_units; it has start_utc, end_utc, units"),
        ("functional_units\n1\n", "no column start_utc and no end_utc"),
        ("start_utc,functional_units\n1,2\n", "no column end_utc"),
        ("window_end,functional_units\n1,2\n", "no column window_start"),
        ("window_start,end_utc,functional_units\n1,2,3\n", "both start_utc and window_start"),
        (
            "start_utc,end_utc,team,team,functional_units\n1,2,3,4,5\n",
            "line 1: the column 'team' stands twice",
        ),
        (HEAD.encode() + b"2026-03-02,2026-03-03,caf\xe9,1\n", "is not UTF-8"),
        (HEAD + '"2026-03-02,2026-03-03,shop,1\n', "cannot be read"),
        (
            "window_start,functional_units\n2026-03-02T00:00:00,1\n",
            "'2026-03-02T00:00:00' in window_start is no time",
        ),
    ],
)
def test_files_that_are_none(tmp_path: Path, text: str | bytes, words: str) -> None:
    assert words in refused(written(tmp_path, text)).what


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    assert "No such file" in refused(tmp_path / "none.csv").what
    assert "directory" in refused(tmp_path).what


def test_rows_beyond_the_range_are_said(tmp_path: Path) -> None:
    path = written(
        tmp_path, HEAD + f"{FIRST},shop,1\n{SECOND},shop,2\n2026-03-02T02:00Z,2026-03-02T03:00Z,shop,3\n"
    )
    inner = (DAY_MS + HOUR_MS // 2, DAY_MS + 5 * HOUR_MS // 2)
    units, notes = read(path, inner)
    assert units["functional_units"].tolist() == [2]
    assert notes == (f"2 lines of {path} reach beyond this range and are not counted",)
    units, notes = read(path, tuple(edge + 24 * HOUR_MS for edge in HOURS))
    assert len(units) == 0
    assert notes == (
        f"{path} has no units of work in this range; it has 2026-03-02T00:00:00Z to 2026-03-02T03:00:00Z",
    )
