"""`sci-batch what-if` gives what `compute` gives with that choice, on the bundled recording."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sci_batch import stored
from sci_batch.cli.main import main
from sci_batch.report import Report
from sci_batch.sinks import SINKS, SinkOptions
from tests.cli import handmade
from tests.docs.generate import NOW

DAY = ("compute", "--demo", "--since", "24h", "-q")
HOURS = [182, 197, 228, 275, 337, 401, 452, 390, 310, 264, 250, 241, 233, 228, 225, 260, 300, 350]


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCI_BATCH_NOW", NOW)


@cache
def _results(folder: Path, flags: tuple[str, ...]) -> Path:
    path = folder / f"{abs(hash(flags))}.parquet"
    assert main([*DAY, *flags, "-o", f"parquet={path}"]) == 0
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("results")


def computed(folder: Path, *flags: str) -> tuple[Path, Report]:
    path = _results(folder, flags)
    return path, stored.read(path)


def asked(capsys: pytest.CaptureFixture[str], path: Path, *flags: str) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["what-if", str(path), *flags, "-o", "json", "-q"]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def series(path: Path, *, moved_hours: int = 0) -> Path:
    """An hourly series around the demo's day; `moved_hours`: each hour has the figure of a later one."""
    first = datetime.fromisoformat("2026-11-22T00:00:00+00:00")
    lines = ["zone,start_utc,end_utc,gco2e_per_kwh"]
    for hour in range(96):
        start, end = (first + timedelta(hours=hour + more) for more in (0, 1))
        value = HOURS[(hour + moved_hours) % len(HOURS)]
        lines.append(f"X,{start:%Y-%m-%dT%H:%M:%S},{end:%Y-%m-%dT%H:%M:%S},{value}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def same(found: dict[str, Any], truth: Report) -> None:
    """Rows and totals of a what-if against a result that was computed so."""
    sums = truth.result.groupby(["namespace", "workload"]).agg(
        operational_gco2e=("operational_gco2e", "sum"), embodied_gco2e=("embodied_gco2e", "sum"),
        carbon_gco2e=("carbon_gco2e", "sum"), functional_units=("functional_units", "sum"),
    )  # fmt: skip
    assert len(found["rows"]) == len(sums) > 5
    for row in found["rows"]:
        wanted = sums.loc[(row["namespace"], row["workload"])]
        for name in ("operational_gco2e", "embodied_gco2e", "carbon_gco2e"):
            assert row[f"now_{name}"] == pytest.approx(wanted[name], rel=1e-11), (row["workload"], name)
        if wanted["functional_units"]:
            score = wanted["carbon_gco2e"] / wanted["functional_units"]
            assert row["now_sci_gco2e_per_unit"] == pytest.approx(score, rel=1e-11)
    totals = truth.totals
    assert found["total"]["now_carbon_gco2e"] == pytest.approx(totals.carbon_gco2e, rel=1e-12)
    assert found["total"]["now_sci_gco2e_per_unit"] == pytest.approx(totals.sci_gco2e_per_unit, rel=1e-12)
    assert found["total"]["effect_energy_gco2e"] == pytest.approx(0.0, abs=1e-9)
    assert found["total"]["change_gco2e"] != 0.0


@pytest.mark.parametrize(
    "flags",
    [
        ("--intensity", "zone:FR"),
        ("--pue", "1.4"),
        ("--pue", "aws"),
        ("--lifespan", "6y"),
        ("--intensity", "region:aws:eu-north-1", "--pue", "1.1", "--lifespan", "5y"),
    ],
    ids=" ".join,
)
def test_the_same_as_computed_with_that_choice(
    flags: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, base = computed(folder)
    found = asked(capsys, path, *flags)
    same(found, computed(folder, *flags)[1])
    assert found["total"]["base_carbon_gco2e"] == base.totals.carbon_gco2e
    method = found["now"]["method"]
    assert method == json.loads(json.dumps(computed(folder, *flags)[1].provenance.method))


def test_other_hardware(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, _ = computed(folder, "--embodied", "kg:1216")
    found = asked(capsys, path, "--embodied", "kg:800")
    same(found, computed(folder, "--embodied", "kg:800")[1])
    assert found["total"]["effect_intensity_gco2e"] == pytest.approx(0.0, abs=1e-9)
    both = asked(capsys, path, "--embodied", "kg:800", "--lifespan", "6y")
    same(both, computed(folder, "--embodied", "kg:800", "--lifespan", "6y")[1])


BY_NODE = ("--group-by", "namespace,workload,node")


@pytest.mark.parametrize(
    ("stored_by", "flags"),
    [
        ("catalogue", ("--embodied", "kg:800")),
        ("catalogue", ("--embodied", "model:ssd=2", "--lifespan", "6y")),
        ("kg:1216", ("--embodied", "catalogue")),
        ("catalogue", ("--embodied", "file:{nodes},catalogue", "--lifespan", "5y")),
        ("file:{nodes},model", ("--embodied", "catalogue", "--lifespan", "5y")),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_rows_by_node_tell_other_hardware(
    stored_by: str, flags: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One kind of node by a file, with bounds and a lifespan of its own."""
    nodes = folder / "nodes.toml"
    nodes.write_text(
        '[[nodes]]\ninstance_type = "m5.12xlarge"\nembodied_kgco2e = 900\nlow_kgco2e = 700\n'
        'high_kgco2e = 1300\nlifespan = "7y"\n',
        encoding="utf-8",
    )
    flags = tuple(flag.format(nodes=nodes) for flag in flags)
    path, _ = computed(folder, "--embodied", stored_by.format(nodes=nodes), *BY_NODE)
    truth = computed(folder, *flags, *BY_NODE)[1]
    found = asked(capsys, path, *flags)
    sums = truth.result.groupby([*truth.provenance.group_by])["carbon_gco2e"].sum()
    assert len(found["rows"]) == len(sums) > 20
    for row in found["rows"]:
        wanted = sums.loc[(row["namespace"], row["workload"], row["node"])]
        assert row["now_carbon_gco2e"] == pytest.approx(wanted, rel=1e-11)
    assert found["total"]["now_embodied_gco2e"] == pytest.approx(truth.totals.embodied_gco2e, rel=1e-12)
    assert found["total"]["effect_intensity_gco2e"] == pytest.approx(0.0, abs=1e-9)
    assert found["now"]["method"] == json.loads(json.dumps(truth.provenance.method))
    assert any("energy stays as it was measured" in note for note in found["notes"])


def test_rows_by_node_keep_the_pue_of_their_node(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, _ = computed(folder, "--pue", "1.3", "--group-by", "namespace,workload,node")
    found = asked(capsys, path, "--intensity", "100")
    truth = computed(folder, "--pue", "1.3", "--intensity", "100")[1]
    assert found["total"]["now_carbon_gco2e"] == pytest.approx(truth.totals.carbon_gco2e, rel=1e-12)


@pytest.mark.parametrize("hours", [3, -5])
def test_an_hour_shift(hours: int, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    as_it_was = series(tmp_path / "ci.csv")
    path, base = computed(folder, "--intensity", f"file:{as_it_was}")
    content = hashlib.sha256(as_it_was.read_bytes()).hexdigest()
    assert base.provenance.intensity_digest == content[:12]
    found = asked(capsys, path, "--intensity", f"file:{as_it_was}", f"--shift={hours}h")
    moved = series(tmp_path / "moved.csv", moved_hours=hours)
    same(found, computed(folder, "--intensity", f"file:{moved}")[1])
    assert found["what_if"][1] == ("all work 3 h later" if hours > 0 else "all work 5 h earlier")
    assert found["notes"] == []


def test_work_that_waits_by_a_slow_loop(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Row by row, hour by hour: active energy at the lowest of seven hours, idle energy where it was."""
    csv = series(tmp_path / "ci.csv")
    path, base = computed(folder, "--intensity", f"file:{csv}", "--pue", "1.2")
    found = asked(capsys, path, "--intensity", f"file:{csv}", "--flexible", "Cron*", "--within", "6h")
    first = pd.Timestamp("2026-11-22T00:00:00Z")
    waiting, grams = 0, 0.0
    for row in base.result.to_dict("records"):
        if row["workload_kind"] != "CronJob":
            continue
        hour = int((row["window_start"] - first) / pd.Timedelta(hours=1))
        now = HOURS[hour % len(HOURS)]
        best = min(HOURS[(hour + wait) % len(HOURS)] for wait in range(7))
        assert row["operational_gco2e"] == pytest.approx(row["energy_kwh"] * 1.2 * now)
        grams += 1.2 * (row["active_kwh"] * best + row["shared_kwh"] * now) + row["embodied_gco2e"]
        waiting += 1
    assert waiting > 2
    moved = {row["workload"]: row for row in found["rows"] if row["workload_kind"] == "CronJob"}
    assert sum(row["now_carbon_gco2e"] for row in moved.values()) == pytest.approx(grams, rel=1e-12)
    assert all(row["change_gco2e"] < 0 for row in moved.values())
    for row in found["rows"]:
        if row["workload"] not in moved:
            assert row["change_gco2e"] == pytest.approx(0.0, abs=1e-9)
    named = asked(capsys, path, "--intensity", f"file:{csv}", "--flexible", "nightly-*", "--within", "6h")
    assert named["total"] == found["total"]
    short = asked(capsys, path, "--intensity", f"file:{csv}", "--flexible", "Cron*", "--within", "30m")
    assert short["total"]["change_gco2e"] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ((), "nothing else is chosen"),
        (("--shift", "3h"), "the intensity of other hours is needed"),
        (("--flexible", "CronJob", "--within", "6h"), "the intensity of other hours is needed"),
        (("--flexible", "CronJob", "--intensity", "1"), "--flexible and --within belong together"),
        (("--within", "3h", "--intensity", "1"), "--flexible and --within belong together"),
        (
            ("--flexible", "CronJob", "--within", "6h", "--shift", "1h", "--intensity", "1"),
            "--shift and --flexible exclude each other",
        ),
        (("--flexible", "Cronjob", "--within", "6h", "--intensity", "1"), "no row is Cronjob"),
        (("--pue", "auto"), "does not know the places of its nodes"),
        (("--intensity", "region:auto"), "needs the region of each node"),
        (("--intensity", "prometheus:up"), "what-if asks no Prometheus"),
        (
            ("--embodied", "kg:800"),
            "the nodes change unlike (m5.8xlarge with 537 kg, m5.12xlarge with 805 kg)",
        ),
        (("--embodied", "kg:800"), "Store a result with --group-by namespace,workload,node."),
        (("--embodied", "kg"), "is not a number"),
        (("--shift", "soon", "--intensity", "1"), "'soon' is not a length of time"),
        (("--pue", "1.2", "-o", "parquet=x.parquet"), "what-if has no output format parquet"),
    ],
)
def test_what_a_stored_result_cannot_answer(
    flags: tuple[str, ...], words: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, _ = computed(folder)
    capsys.readouterr()
    assert main(["what-if", str(path), *flags]) == 2
    shown = capsys.readouterr()
    assert words in shown.err
    assert shown.out == ""


def test_intensities_that_change_within_the_windows_are_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, _ = computed(folder, "--window", "2h")
    csv = series(tmp_path / "ci.csv")
    assert main(["what-if", str(path), "--intensity", f"file:{csv}"]) == 2
    assert "changes within the windows of the stored result (2h)" in capsys.readouterr().err


def test_a_series_that_ends_too_early_is_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, _ = computed(folder)
    csv = series(tmp_path / "ci.csv")
    assert main(["what-if", str(path), "--intensity", f"file:{csv}", "--shift", "3d"]) == 4
    assert "has no intensity for" in capsys.readouterr().err


def test_lifespans_of_a_file_are_not_overruled(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nodes = tmp_path / "nodes.toml"
    nodes.write_text(
        '[[nodes]]\nnode = "worker-1"\nembodied_kgco2e = 900\nlifespan = "5y"\n', encoding="utf-8"
    )
    path, _ = computed(folder, "--embodied", f"file:{nodes},kg:1000")
    assert main(["what-if", str(path), "--lifespan", "6y"]) == 2
    assert "lifespans of their own" in capsys.readouterr().err


def test_rows_of_several_nodes_with_a_pue_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = handmade.report()
    method = {**made.provenance.method, "pue": "table, by node"}
    path = tmp_path / "by-node.parquet"
    by_node = dataclasses.replace(made, provenance=dataclasses.replace(made.provenance, method=method))
    SINKS["parquet"](by_node, path, SinkOptions())
    assert main(["what-if", str(path), "--intensity", "100"]) == 2
    assert "the PUE differs by node" in capsys.readouterr().err
    # E 5 kWh x 1.2 x 100 + M 100, and as it was stored: 380 g/kWh.
    found = asked(capsys, path, "--intensity", "100", "--pue", "1.2")
    assert found["total"]["now_carbon_gco2e"] == pytest.approx(700.0)
    assert asked(capsys, path, "--pue", "1.5")["total"]["now_carbon_gco2e"] == pytest.approx(2950.0)


@pytest.mark.parametrize("flags", [("--lifespan", "6y"), ("--embodied", "kg:800")])
def test_rows_alone_tell_no_hardware(
    flags: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = handmade.result().assign(functional_units=math.nan, sci_gco2e_per_unit=math.nan)
    SINKS["csv"](handmade.report(frame=frame, unit=None), tmp_path / "r.csv", SinkOptions())
    assert main(["what-if", str(tmp_path / "r.csv"), *flags]) == 2
    assert "of its nodes\n  Give one stored as Parquet or JSON." in capsys.readouterr().err


def test_the_environment_is_no_choice(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _ = computed(folder)
    monkeypatch.setenv("SCI_BATCH_INTENSITY", "1")
    monkeypatch.setenv("SCI_BATCH_LIFESPAN", "9y")
    found = asked(capsys, path, "--pue", "1")
    assert found["what_if"] == ["PUE 1"]
    assert found["total"]["change_gco2e"] == pytest.approx(0.0, abs=1e-9)


def test_a_basis_that_differs_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, _ = computed(folder)
    found = asked(capsys, path, "--intensity", "zone:US-EGRID-SRVC")
    assert "the intensities differ in basis: lifecycle in the stored result, direct here" in found["notes"]


def test_effects_add_up_here_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, _ = computed(folder)
    found = asked(capsys, path, "--intensity", "zone:FR", "--lifespan", "6y")
    for row in [found["total"], *found["rows"]]:
        parts = [row[f"effect_{cause}_gco2e"] for cause in ("energy", "intensity", "embodied")]
        assert math.fsum(parts) == row["change_gco2e"]
