"""Results read back from our own files: the same bits, or a sentence that says what is wrong."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sci_batch import stored
from sci_batch.errors import UsageError
from sci_batch.report import Report, UnitTotal
from sci_batch.sinks import SINKS, SinkOptions
from tests.cli import handmade

FORMATS = ["parquet", "json"]


def written(name: str, folder: Path, report: Report) -> Path:
    path = folder / f"result.{name}"
    SINKS[name](report, path, SinkOptions())
    return path


def rich_report() -> Report:
    """Two functional units, odd numbers and names, values that are unknown, a known extra column."""
    frame = handmade.result().assign(
        energy_kwh=[0.1 + 0.2, 1e-300, 1 / 3, math.nan],
        workload=pd.Series(["1e5", 'a"b', "null", ""], dtype="str"),
    )
    place = list(frame.columns).index("energy_kwh") + 1
    frame.insert(place, "gpu_kwh", [1.0, math.nan, 2.0, math.nan])
    place = list(frame.columns).index("sci_gco2e_per_unit") + 1
    frame.insert(place, "functional_units:user", [1.0, math.nan, 3.0, 0.0])
    frame.insert(place + 1, "sci_gco2e_per_unit:user", [400.0, math.nan, 400.0, math.nan])
    units = (
        UnitTotal(name="request", functional_units=2000.0, sci_gco2e_per_unit=1.0),
        UnitTotal(name="user", functional_units=4.0, sci_gco2e_per_unit=None),
    )
    made = handmade.report(frame=frame, units=units, node_energy_kwh=None)
    provenance = dataclasses.replace(
        made.provenance, further_units=("user",), known=("gpu_kwh",), cluster="eu", notes=("a", "ü")
    )
    return dataclasses.replace(made, provenance=provenance)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("report", [handmade.report(), rich_report()], ids=["plain", "rich"])
def test_a_result_comes_back_the_same(name: str, report: Report, tmp_path: Path) -> None:
    found = stored.read(written(name, tmp_path, report))
    pd.testing.assert_frame_equal(found.result, report.result, check_exact=True)
    assert found.totals == report.totals
    assert found.provenance == report.provenance
    assert found.flag_counts == report.flag_counts


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_written_again_is_the_same_file(name: str, tmp_path: Path) -> None:
    first = written(name, tmp_path, rich_report())
    again = tmp_path / "again"
    again.mkdir()
    assert written(name, again, stored.read(first)).read_bytes() == first.read_bytes()


def test_a_folder_named_like_a_partition_adds_no_column(tmp_path: Path) -> None:
    folder = tmp_path / "namespace=other" / "date=2026-03-01"
    folder.mkdir(parents=True)
    found = stored.read(written("parquet", folder, handmade.report()))
    pd.testing.assert_frame_equal(found.result, handmade.result())


@pytest.mark.parametrize("name", FORMATS)
def test_a_coverage_that_is_not_known_comes_back(name: str, tmp_path: Path) -> None:
    found = stored.read(written(name, tmp_path, handmade.report(coverage=math.nan)))
    assert math.isnan(found.totals.coverage)


def changed(path: Path, **head: Any) -> Path:
    """The JSON file with other members."""
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **head}), encoding="utf-8")
    return path


def test_members_of_a_later_version_are_left_out(tmp_path: Path) -> None:
    path = written("json", tmp_path, handmade.report())
    totals = json.loads(path.read_text(encoding="utf-8"))["totals"]
    found = stored.read(changed(path, totals={**totals, "later": 1}, later="x"))
    assert found.totals == handmade.TOTALS


def csv_file(folder: Path, report: Report | None = None) -> Path:
    return written("csv", folder, report or handmade.report())


def test_rows_of_a_csv_file_come_back_the_same(tmp_path: Path) -> None:
    report = rich_report()
    found = stored.read(csv_file(tmp_path, report), "request", "eu")
    pd.testing.assert_frame_equal(found.result, report.result, check_exact=True)
    assert found.flag_counts == report.flag_counts
    made = found.provenance
    for name in (
        "start",
        "end",
        "window",
        "group_by",
        "functional_unit",
        "further_units",
        "known",
        "cluster",
    ):
        assert getattr(made, name) == getattr(report.provenance, name), name
    assert found.provenance.columns == report.provenance.columns


def test_sums_of_a_csv_file_by_hand(tmp_path: Path) -> None:
    sums = stored.read(csv_file(tmp_path), "request").totals
    # (1 + 0.5) kWh seen whole, (3 + 0.5) kWh seen half of the time
    assert sums.coverage == pytest.approx((1.5 * 1.0 + 3.5 * 0.5) / 5)
    found = (sums.rows, sums.energy_kwh, sums.operational_gco2e, sums.embodied_gco2e, sums.carbon_gco2e)
    assert found == (4, 5.0, 1900.0, 100.0, 2000.0)
    # Two rows may share one R: a sum could count it twice.
    assert (sums.functional_units, sums.sci_gco2e_per_unit, sums.node_energy_kwh) == (None, None, None)


def test_a_csv_file_does_not_know_the_name_of_its_unit(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not say what its functional unit is called") as caught:
        stored.read(csv_file(tmp_path))
    assert "--unit-name request" in caught.value.cure
    without = handmade.result().assign(functional_units=math.nan, sci_gco2e_per_unit=math.nan)
    found = stored.read(csv_file(tmp_path, handmade.report(frame=without, unit=None)))
    assert found.provenance.units == ()


def test_a_csv_file_of_other_keys_and_sources(tmp_path: Path) -> None:
    frame = handmade.result().rename(columns={"namespace": "label:team", "workload": "node"})
    frame.insert(list(frame.columns).index("embodied_gco2e"), "operational_gco2e:zone:DE", 1.0)
    made = dataclasses.replace(
        handmade.report().provenance, group_by=("label:team", "node"), also_intensity=("zone:DE",)
    )
    report = dataclasses.replace(handmade.report(frame=frame), provenance=made)
    found = stored.read(csv_file(tmp_path, report), "request").provenance
    assert (found.group_by, found.also_intensity) == (("label:team", "node"), ("zone:DE",))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.replace("coverage", "seen"), "is no result"),
        (lambda text: text.replace("0.75", "x"), "is no result"),
        (lambda text: text.replace("2026-03-01T00:00:00Z", "March 1"), "is no result"),
        (lambda text: text[: len(text) // 2], "is no result"),  # cut off in the middle of a row
        (lambda text: text + text.splitlines()[1], "is no result"),  # a row twice
        (lambda text: text.splitlines()[0] + "\n", "holds no rows"),
    ],
)
def test_csv_files_that_are_changed_or_cut(change: Any, words: str, tmp_path: Path) -> None:
    path = csv_file(tmp_path)
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(UsageError, match=words):
        stored.read(path, "request")


def foreign_parquet(path: Path) -> None:
    pq.write_table(pa.table({"a": [1]}), path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is no result of sci-batch"),
        (b"window_start,window_end\n", "is no result of sci-batch"),
        (b"[1]", "is no result of sci-batch"),
        (b'{"rows": []}', "is no result of sci-batch"),
        (b'{"window_start": "2026-03-01T00:00:00Z"}\n{"window_start": "x"}\n', "is no result of sci-batch"),
        (b"PAR1 and nothing more", "is no result of sci-batch"),
        (b"\xff\xfe\x00", "is no result of sci-batch"),
    ],
)
def test_other_files_are_refused(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=words):
        stored.read(path)


def test_parquet_of_others_is_refused(tmp_path: Path) -> None:
    foreign_parquet(tmp_path / "file")
    with pytest.raises(UsageError, match="is no result of sci-batch"):
        stored.read(tmp_path / "file")


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file") as caught:
        stored.read(tmp_path / "none.parquet")
    assert "-o parquet=FILE" in caught.value.cure
    with pytest.raises(UsageError, match="holds no data set"):
        stored.read(tmp_path)


def test_a_newer_form_and_missing_parts(tmp_path: Path) -> None:
    path = written("json", tmp_path, handmade.report())
    with pytest.raises(UsageError, match="newer sci-batch"):
        stored.read(changed(path, schema_version=2))
    with pytest.raises(UsageError, match="not whole"):
        stored.read(changed(path, schema_version=1, rows=[{"window_start": "2026-03-01T00:00:00Z"}]))
    path = written("json", tmp_path, handmade.report())
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
    with pytest.raises(UsageError, match="are not a key"):
        stored.read(changed(path, rows=[rows[0], rows[0]]))
    with pytest.raises(UsageError, match="not whole"):
        stored.read(changed(path, provenance={}))
