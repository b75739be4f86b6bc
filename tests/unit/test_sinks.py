"""Files: what stands in them, that they come back the same, and that they appear whole or not at all."""

from __future__ import annotations

import csv
import errno
import json
import math
import os
import stat
import threading
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sci_batch import schema
from sci_batch.errors import SinkError
from sci_batch.sinks import SINKS, SinkOptions
from sci_batch.sinks.csv import read
from sci_batch.sinks.target import opened
from tests.cli import handmade

FILE_FORMATS = ("csv", "json", "jsonl", "parquet", "table", "wide", "impact-framework", "sci-yaml")
OPTIONS = SinkOptions()


def written(name: str, folder: Path, **changes: Any) -> Path:
    path = folder / f"result.{name}"
    SINKS[name](handmade.report(**changes), path, OPTIONS)
    return path


def test_csv_by_hand(tmp_path: Path) -> None:
    lines = written("csv", tmp_path).read_bytes().decode().split("\n")
    assert lines[0] == (
        "window_start,window_end,namespace,workload,workload_kind,active_kwh,shared_kwh,energy_kwh,"
        "operational_gco2e,embodied_gco2e,carbon_gco2e,functional_units,"
        "sci_gco2e_per_unit,intensity_gco2e_per_kwh,coverage,"
        "energy_source,intensity_source,embodied_source,flags"
    )
    assert lines[1] == (
        "2026-03-01T00:00:00Z,2026-03-01T01:00:00Z,shop,web,Deployment,0.75,0.25,1.0,380.0,20.0,400.0,1000.0,0.4,380.0,"
        "1.0,rapl,constant,kg:1216,"
    )
    assert ",10.0,200.0,,,380.0," in lines[2]  # unknown is empty, not 0
    assert lines[3].endswith(',"gap,inferred-owner"')
    assert lines[5:] == [""]


def test_csv_comes_back_the_same(tmp_path: Path) -> None:
    pd.testing.assert_frame_equal(read(written("csv", tmp_path))[0], handmade.result())


def test_parquet_comes_back_the_same(tmp_path: Path) -> None:
    frame = pd.read_parquet(written("parquet", tmp_path))
    pd.testing.assert_frame_equal(frame, handmade.result())
    schema.check(frame, schema.result_columns(handmade.GROUP_BY))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    numbers=st.lists(st.floats(allow_infinity=False, allow_nan=True), min_size=4, max_size=4),
    names=st.lists(
        st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6).filter(
            lambda text: text[:1] not in "=+-@"
        ),
        min_size=4,
        max_size=4,
        unique=True,
    ),
)
def test_any_number_and_name_comes_back(tmp_path: Path, numbers: list[float], names: list[str]) -> None:
    frame = handmade.result().assign(energy_kwh=numbers, workload=pd.Series(names, dtype="str"))
    pd.testing.assert_frame_equal(read(written("csv", tmp_path, frame=frame))[0], frame, check_exact=True)
    pd.testing.assert_frame_equal(
        pd.read_parquet(written("parquet", tmp_path, frame=frame)), frame, check_exact=True
    )
    rows = json.loads(written("json", tmp_path, frame=frame).read_text(encoding="utf-8"))["rows"]
    assert [row["workload"] for row in rows] == names
    known = [math.nan if row["energy_kwh"] is None else row["energy_kwh"] for row in rows]
    assert known == pytest.approx(numbers, rel=0, abs=0, nan_ok=True)


@pytest.mark.parametrize("name", ["NA", "null", "nan", "None", "007", "1e5", "true", 'a"b', "a,b", "a\nb"])
def test_names_that_look_like_something_else(tmp_path: Path, name: str) -> None:
    frame = handmade.result().assign(workload=pd.Series([name, "b", "c", "d"], dtype="str"))
    assert read(written("csv", tmp_path, frame=frame))[0]["workload"].tolist() == [
        name,
        "b",
        "c",
        "d",
    ]
    assert pd.read_parquet(written("parquet", tmp_path, frame=frame))["workload"].tolist() == [
        name,
        "b",
        "c",
        "d",
    ]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\n=x", "\uff1d1", "'=x", "''@"])
def test_no_cell_is_a_formula(tmp_path: Path, name: str) -> None:
    frame = handmade.result().assign(
        workload=pd.Series([name, "a=b", "a-b", "x"], dtype="str"), shared_kwh=-0.5
    )
    with written("csv", tmp_path, frame=frame).open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["workload"] for row in rows] == ["'" + name, "a=b", "a-b", "x"]
    assert rows[0]["shared_kwh"] == "-0.5"  # a number stays a number
    assert read(tmp_path / "result.csv")[0]["workload"].tolist() == [name, "a=b", "a-b", "x"]


def test_json(tmp_path: Path) -> None:
    text = written("json", tmp_path, residual_kwh=math.nan, node_energy_kwh=None).read_text(encoding="utf-8")
    document = json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    assert list(document) == ["schema_version", "provenance", "totals", "flags", "rows"]
    assert document["schema_version"] == 1
    assert document["provenance"]["fingerprint"] == "0123456789abcdef"
    assert document["provenance"]["method"]["power_domains"] == ["package", "dram"]
    assert document["totals"]["sci_gco2e_per_unit"] == 1.0
    assert document["totals"]["residual_kwh"] is None
    assert document["totals"]["node_energy_kwh"] is None
    assert document["flags"]["gap"] == {"rows": 2, "meaning": schema.FLAGS["gap"]}
    assert len(document["rows"]) == 4
    assert document["rows"][0]["window_start"] == "2026-03-01T00:00:00Z"
    assert document["rows"][0]["sci_gco2e_per_unit"] == 0.4
    assert document["rows"][1]["sci_gco2e_per_unit"] is None
    assert list(document["rows"][0]) == [column.name for column in schema.result_columns(handmade.GROUP_BY)]


def test_jsonl(tmp_path: Path) -> None:
    lines = written("jsonl", tmp_path).read_text(encoding="utf-8").splitlines()
    rows = json.loads(written("json", tmp_path).read_text(encoding="utf-8"))["rows"]
    assert [json.loads(line) for line in lines] == rows


def test_parquet_says_what_it_holds(tmp_path: Path) -> None:
    path = written("parquet", tmp_path)
    file = pq.ParquetFile(path)
    metadata = json.loads(file.schema_arrow.metadata[b"sci_batch"])
    assert metadata["totals"]["carbon_gco2e"] == 2000.0
    assert metadata["provenance"]["queries"] == ["up"]
    for column in schema.result_columns(handmade.GROUP_BY):
        field = file.schema_arrow.field(column.name)
        assert field.metadata[b"unit"].decode() == column.unit
        assert field.metadata[b"meaning"].decode() == column.meaning
        assert field.nullable == column.nullable
        chunk = file.metadata.row_group(0).column(file.schema_arrow.get_field_index(column.name))
        assert chunk.compression == "ZSTD"
        assert ("RLE_DICTIONARY" in chunk.encodings) == (column.dtype == "str")
    assert str(file.schema_arrow.field("window_start").type) == "timestamp[us, tz=UTC]"


def test_no_rows_is_a_header(tmp_path: Path) -> None:
    empty = handmade.result().iloc[:0]
    assert written("csv", tmp_path, frame=empty).read_text(encoding="utf-8").count("\n") == 1
    assert json.loads(written("json", tmp_path, frame=empty).read_text(encoding="utf-8"))["rows"] == []
    assert written("jsonl", tmp_path, frame=empty).read_text(encoding="utf-8") == ""
    pd.testing.assert_frame_equal(pd.read_parquet(written("parquet", tmp_path, frame=empty)), empty)
    for name in ("table", "wide"):
        assert "workload" in written(name, tmp_path, frame=empty).read_text(encoding="utf-8")


def test_many_rows_are_written_in_slices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = {name: written(name, tmp_path).read_bytes() for name in ("csv", "json", "jsonl")}
    monkeypatch.setattr("sci_batch.sinks.rows.ROWS_AT_ONCE", 3)
    assert {name: written(name, tmp_path).read_bytes() for name in whole} == whole


@pytest.mark.parametrize("name", FILE_FORMATS)
def test_same_report_same_bytes(tmp_path: Path, name: str) -> None:
    assert written(name, tmp_path).read_bytes() == written(name, tmp_path).read_bytes()


@pytest.mark.parametrize("name", FILE_FORMATS)
def test_standard_output_gets_what_a_file_gets(
    tmp_path: Path, name: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    SINKS[name](handmade.report(), None, OPTIONS)
    assert capfdbinary.readouterr().out == written(name, tmp_path).read_bytes()


@pytest.mark.parametrize("name", FILE_FORMATS)
def test_missing_folders_are_made(tmp_path: Path, name: str) -> None:
    assert written(name, tmp_path / "a" / "b").stat().st_size > 0


@pytest.mark.parametrize("name", FILE_FORMATS)
def test_a_failed_rename_leaves_the_old_file(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"result.{name}"
    path.write_text("old", encoding="utf-8")

    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "replace", fail)
    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(SinkError, match="Input/output error") as caught:
        SINKS[name](handmade.report(), path, OPTIONS)
    assert str(path) in caught.value.what
    assert path.read_text(encoding="utf-8") == "old"
    assert [item.name for item in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("error", [ValueError("a bug"), KeyboardInterrupt(), SystemExit(143)])
def test_whatever_happens_no_half_file_stays(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "result.csv"
    with pytest.raises(type(error)), opened(path) as stream:
        stream.write(b"half")
        raise error
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="folder"):
        SINKS["csv"](handmade.report(), tmp_path, OPTIONS)
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(SinkError, match=r"file.*could not be written"):
        SINKS["csv"](handmade.report(), tmp_path / "file" / "x.csv", OPTIONS)
    assert sorted(item.name for item in tmp_path.iterdir()) == ["file"]


def test_a_name_that_is_too_long(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="too long"):
        SINKS["csv"](handmade.report(), tmp_path / ("x" * 300), OPTIONS)
    assert list(tmp_path.iterdir()) == []


def test_no_clobber(tmp_path: Path) -> None:
    path = written("csv", tmp_path)
    before = path.read_bytes()
    with pytest.raises(SinkError, match="--no-clobber"):
        SINKS["csv"](handmade.report(unit=None), path, SinkOptions(no_clobber=True))
    assert path.read_bytes() == before
    SINKS["csv"](handmade.report(), tmp_path / "new.csv", SinkOptions(no_clobber=True))
    assert (tmp_path / "new.csv").read_bytes() == before


def test_the_mode_of_a_new_file_follows_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        assert stat.S_IMODE(written("csv", tmp_path).stat().st_mode) == 0o640
    finally:
        os.umask(old)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text("old", encoding="utf-8")
    link = tmp_path / "result.csv"
    link.symlink_to("real.csv")
    written("csv", tmp_path)
    assert link.is_symlink()
    assert (tmp_path / "real.csv").read_text(encoding="utf-8").startswith("window_start")


def test_a_pipe_is_written_and_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "pipe.csv"
    os.mkfifo(path)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(path.read_bytes()), daemon=True)
    reader.start()
    SINKS["csv"](handmade.report(), path, OPTIONS)
    reader.join(timeout=10)
    assert stat.S_ISFIFO(path.stat().st_mode)
    assert got == [written("csv", tmp_path).read_bytes()]
