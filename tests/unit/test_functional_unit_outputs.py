"""Two functional units side by side: columns, totals, tables, files, limits, and the list of presets."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from sci_batch import gate, schema
from sci_batch.cli.main import main
from sci_batch.errors import UsageError
from sci_batch.report import Report, UnitTotal
from sci_batch.result import Result
from sci_batch.settings.presets import PRESETS
from sci_batch.sinks import SINKS, SinkOptions
from sci_batch.sinks import csv as csv_sink
from sci_batch.sinks.table import page, per_group
from sci_batch.verdict import breaches
from tests.cli import handmade

USERS = {"web": [10.0, 0.0], "db": [5.0, 5.0]}


def two_units() -> Report:
    """The handmade report, with users beside its requests: R of `USERS`, 20 in the whole."""
    one = handmade.report()
    frame = one.result
    number = frame.groupby("workload").cumcount()
    r = pd.Series(
        [USERS[name][index] for name, index in zip(frame["workload"], number, strict=True)], frame.index
    )
    at = list(frame.columns).index("sci_gco2e_per_unit") + 1
    result = frame.copy()
    result.insert(at, "functional_units:user", r)
    result.insert(at + 1, "sci_gco2e_per_unit:user", frame["carbon_gco2e"] / r.where(r > 0))
    units = (
        UnitTotal(name="request", functional_units=2000.0, sci_gco2e_per_unit=1.0),
        UnitTotal(name="user", functional_units=20.0, sci_gco2e_per_unit=100.0),
    )
    return dataclasses.replace(
        one,
        rows=Result.of(result),
        totals=dataclasses.replace(one.totals, units=units),
        provenance=dataclasses.replace(one.provenance, further_units=("user",)),
    )


def test_columns_stand_behind_the_first_score() -> None:
    report = two_units()
    schema.check(report.result, report.provenance.columns)
    names = [column.name for column in schema.result_columns(("node",), ("user", "order line"))]
    at = names.index("sci_gco2e_per_unit")
    assert names[at - 1 : at + 6] == [
        "functional_units", "sci_gco2e_per_unit", "functional_units:user", "sci_gco2e_per_unit:user",
        "functional_units:order line", "sci_gco2e_per_unit:order line", "intensity_gco2e_per_kwh",
    ]  # fmt: skip
    without = [column.name for column in schema.result_columns(("node",))]
    assert [name for name in names if ":" not in name] == without


def test_files_give_them_back(tmp_path: Path) -> None:
    report = two_units()
    for name in ("csv", "parquet", "json", "jsonl", "wide"):
        SINKS[name](report, tmp_path / name, SinkOptions())
    back, shape = csv_sink.read(tmp_path / "csv")
    assert shape.further_units == ("user",)
    pd.testing.assert_frame_equal(back, report.result)
    stored = pq.read_table(tmp_path / "parquet")
    assert (
        stored.column("functional_units:user").to_pylist() == report.result["functional_units:user"].tolist()
    )
    assert stored.schema.field("sci_gco2e_per_unit:user").metadata[b"unit"] == b"gCO2e/unit"
    told = json.loads((tmp_path / "json").read_text())
    assert told["totals"]["units"] == [
        {"name": "request", "functional_units": 2000.0, "sci_gco2e_per_unit": 1.0},
        {"name": "user", "functional_units": 20.0, "sci_gco2e_per_unit": 100.0},
    ]
    assert told["rows"][0]["functional_units:user"] == 10.0
    assert told["provenance"]["further_units"] == ["user"]
    lines = [json.loads(line) for line in (tmp_path / "jsonl").read_text().splitlines()]
    assert lines == told["rows"]
    assert "sci_gco2e_per_unit:user" in (tmp_path / "wide").read_text()


def test_the_table_has_both_scores_and_both_totals() -> None:
    text = page(two_units(), SinkOptions()).text()
    assert "ΣR = 2,000 request" in text
    assert "ΣR = 20 user" in text
    assert "SCI = ΣC / ΣR = 1 gCO2e per request" in text
    # of 2000 g, 1200 g are in the web's second hour, without users
    assert "SCI = ΣC / ΣR = 100 gCO2e per user; ΣC holds 1.2 kgCO2e of rows without R" in text
    heads = text.split("total")[0]
    assert heads.count("/request") == heads.count("/user") == 1


@pytest.mark.parametrize("width", [60, 70, 80, 120])
def test_the_first_score_stays_on_a_narrow_terminal(width: int) -> None:
    text = page(two_units(), SinkOptions(width=width)).text()
    heads = text.split("total")[0]
    assert "/request" in heads
    assert ("/user" in heads) == (width >= 70)
    assert max(map(len, heads.splitlines())) <= width


def test_sums_over_windows_are_ratios_of_sums() -> None:
    web, db = per_group(two_units().result, handmade.GROUP_BY).to_dict("records")
    assert (web["functional_units:user"], db["functional_units:user"]) == (10.0, 10.0)
    assert web["sci_gco2e_per_unit:user"] == (400 + 1200) / 10
    assert db["sci_gco2e_per_unit:user"] == (200 + 200) / 10
    assert web["sci_gco2e_per_unit"] == 1600 / 2000


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("sci:user>99", "sci:user>99: sci_gco2e_per_unit of the total is 100"),
        ("sci:user>100", ""),
        ("sci:request>0.9", "sci:request>0.9: sci_gco2e_per_unit of the total is 1"),
        ("sci>0.9", "sci>0.9: sci_gco2e_per_unit of the total is 1"),
        ("functional_units:user<21", "functional_units:user<21: functional_units of the total is 20"),
        ("sci:nobody>0", "sci:nobody>0: sci_gco2e_per_unit of the total is not known"),
        ("row.sci:user>50", ""),
        ("row.sci:user>=40", "row.sci:user>=40: 3 of 4 rows, the furthest 40"),
        ("row.sci:request>1", "row.sci:request>1: 1 of 4 rows, the furthest 1.2"),
        ("row.sci:nobody>1", "row.sci:nobody>1: sci_gco2e_per_unit:nobody is not known in any row"),
    ],
)
def test_limits_on_a_named_unit(text: str, told: str) -> None:
    found = breaches(gate.verdicts([gate.parse(text)], two_units()))
    assert len(found) == bool(told)
    assert all(sentence.startswith(told) for sentence in found)


def test_a_limit_names_a_unit_only_where_there_is_one() -> None:
    made = gate.parse("row.sci: order line >= 1e3")
    assert (made.unit, made.measure, made.rows, made.limit) == (
        "order line",
        "sci_gco2e_per_unit",
        True,
        1000,
    )
    with pytest.raises(UsageError, match="carbon_gco2e is no measure of a functional unit"):
        gate.parse("carbon_gco2e:user>5")


def test_presets_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["functional-units"]) == 0
    text = capsys.readouterr().out
    assert main(["functional-units", "--format", "json"]) == 0
    facts = {fact["preset"]: fact for fact in json.loads(capsys.readouterr().out)}
    assert main(["functional-units", "-f", "markdown"]) == 0
    table = capsys.readouterr().out.splitlines()
    assert set(facts) == set(PRESETS) >= {"http", "nginx-ingress", "istio", "knative", "kafka", "jobs"}
    assert len(table) == 2 + len(PRESETS)
    for name, preset in PRESETS.items():
        assert f"\n{name} " in f"\n{text}" and preset.promql() in text
        assert facts[name]["labels"] == list(preset.labels)
        assert any(line.startswith(f"| `{name}` | {preset.unit} |") for line in table)
    assert main(["functional-units", "-f", "yaml"]) == UsageError.exit_code
