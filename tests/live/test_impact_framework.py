"""The real Impact Framework calculates what we wrote, and comes to our numbers."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from sci_batch import pipeline
from sci_batch.report import Report
from sci_batch.settings import load
from sci_batch.sinks import SINKS, SinkOptions
from tests.cli import handmade
from tests.cli.process import sci_batch
from tests.docs.generate import LIVE_PARTS, NOW, ROOT, filled
from tests.impact_framework import if_run

pytestmark = pytest.mark.live

NOW_MS = int(NOW) * 1000


def verify(path: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    return sci_batch("verify-if", str(path), "--if-run", str(if_run()), **options)


def written(report: Report, folder: Path) -> Path:
    path = folder / "if.yaml"
    SINKS["impact-framework"](report, path, SinkOptions())
    return path


def computed(path: Path) -> dict[str, Any]:
    """What if-run itself makes of a manifest; it must say that it succeeded."""
    out = path.with_name("out.yaml")
    (path.parent / "package.json").write_text("{}", encoding="utf-8")
    subprocess.run([if_run(), "-m", path, "-o", out], cwd=path.parent, check=True, capture_output=True)
    found: dict[str, Any] = yaml.safe_load(out.read_text(encoding="utf-8"))
    assert found["execution"]["status"] == "success", found["execution"]
    assert found["execution"]["environment"]["if-version"] == "1.1.0"
    return found


@pytest.fixture(scope="module")
def of_demo(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The demo by hour, by namespace and hour, as one window, and with idle energy on rows of its own."""
    choices: dict[str, dict[str, Any]] = {
        "hourly": {},
        "namespaces": {"group_by": "namespace"},
        "all": {"window": "all"},
        "separate": {"unattributed": "separate", "pue": "1.2345678", "overhead_ratio": "0.2"},
        "shared R": {"functional_unit": ["day=0.3"], "intensity": "380.1"},
    }
    paths = {}
    for name, choice in choices.items():
        settings = load({"demo": True, "since_seconds": "24h", **choice}, {}, "compute").settings
        report = pipeline.run(settings, now_ms=NOW_MS, progress=lambda _words, _share, /: None)
        folder = tmp_path_factory.mktemp("if")
        paths[name] = written(report, folder)
        SINKS["json"](report, folder / "r.json", SinkOptions())
    return paths


@pytest.mark.parametrize("name", ["hourly", "namespaces", "all", "separate", "shared R"])
def test_if_comes_to_our_numbers_on_the_demo(of_demo: dict[str, Path], name: str) -> None:
    done = verify(of_demo[name])
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    windows = re.findall(r"^(\w+) per window \S+ +(\d+) +(\d+) +0$", done.stdout, re.MULTILINE)
    assert [name for name, _, _ in windows] == ["carbon", "SCI"]
    assert all(int(numbers) == int(same) > 0 for _, numbers, same in windows)
    assert done.stdout.endswith("Impact Framework 1.1.0: the same numbers\n")


@pytest.mark.parametrize("name", ["hourly", "shared R"])
def test_every_row_of_the_result_is_there_with_its_bits(of_demo: dict[str, Path], name: str) -> None:
    """Against the JSON of the same run, not against the numbers in the manifest."""
    path = of_demo[name]
    result = json.loads(path.with_name("r.json").read_text(encoding="utf-8"))
    found = computed(path)["tree"]
    theirs = {
        (child, row["timestamp"]): row for child, node in found["children"].items() for row in node["outputs"]
    }
    assert len(result["rows"]) > 200
    for row in result["rows"]:
        key = (f"{row['namespace']}/{row['workload']}", row["window_start"])
        assert theirs[key]["carbon"] == row["carbon_gco2e"]
        assert theirs[key]["energy"] == row["energy_kwh"]
        assert theirs[key].get("sci") == row["sci_gco2e_per_unit"]
        assert theirs[key]["carbon-operational"] == pytest.approx(row["operational_gco2e"], rel=1e-14)
    totals = result["totals"]
    assert found["aggregated"]["carbon"] == pytest.approx(totals["carbon_gco2e"], rel=1e-12)
    assert found["aggregated"]["energy"] == pytest.approx(totals["energy_kwh"], rel=1e-12)
    assert found["aggregated"]["carbon-embodied"] == pytest.approx(totals["embodied_gco2e"], rel=1e-12)
    assert found["aggregated"]["sci-total"] == pytest.approx(totals["sci_gco2e_per_unit"], rel=1e-12)


def test_by_hand(tmp_path: Path) -> None:
    """400 + 1200 g of web and 200 + 200 g of db; R is 2000 in all."""
    found = computed(written(handmade.report(), tmp_path))["tree"]
    web, db = found["children"]["shop/web"], found["children"]["shop/db"]
    assert [(row["carbon-operational"], row["carbon"], row["sci"]) for row in web["outputs"]] == [
        (380.0, 400.0, 0.4), (1140.0, 1200.0, 1.2),
    ]  # fmt: skip
    assert [row["carbon"] for row in db["outputs"]] == [200.0, 200.0]
    assert all("sci" not in row for row in db["outputs"])
    assert web["aggregated"]["carbon"] == 1600.0
    assert [(row["timestamp"], row["carbon"]) for row in found["outputs"]] == [
        ("2026-03-01T00:00:00Z", 600.0), ("2026-03-01T01:00:00Z", 1400.0),
    ]  # fmt: skip
    assert found["aggregated"] == {
        "energy": 5.0, "carbon-operational": 1900.0, "carbon-embodied": 100.0, "carbon": 2000.0,
        "sci-total": 1.0,
    }  # fmt: skip
    assert "sci" not in found["aggregated"]  # a mean of ratios is no score


def test_windows_without_units_get_no_score_from_if(tmp_path: Path) -> None:
    """IF gives `sci = carbon` where R is 0: it must never see such a row of the result."""
    nan = math.nan
    frame = handmade.result().assign(
        functional_units=[1000.0, nan, 0.0, nan], sci_gco2e_per_unit=[0.4, nan, nan, nan]
    )
    report = handmade.report(frame=frame, functional_units=1000.0, sci_gco2e_per_unit=2.0)
    path = written(report, tmp_path)
    found = computed(path)["tree"]["children"]
    assert [row["sci"] for row in found["shop/web"]["outputs"]] == [0.4, 0.0]
    assert [row["carbon"] for row in found["shop/web"]["outputs"]] == [400.0, 0.0]
    rest = found["shop/web (windows without R)"]["outputs"]
    assert [row["carbon"] for row in rest] == [0.0, 1200.0]
    assert all("sci" not in row for row in rest)
    assert verify(path).returncode == 0


def test_groups_that_come_and_go(tmp_path: Path) -> None:
    """IF adds up components by their place in the list; the first one here has one row of two."""
    frame = handmade.result().drop(index=[1]).reset_index(drop=True)
    path = written(handmade.report(frame=frame, carbon_gco2e=1800.0, sci_gco2e_per_unit=0.9), tmp_path)
    assert [row["carbon"] for row in computed(path)["tree"]["outputs"]] == [400.0, 1400.0]
    assert verify(path).returncode == 0


@pytest.mark.parametrize("unit", ["visitor 2", "=1+1"])
def test_any_name_of_a_unit_and_a_group(unit: str, tmp_path: Path) -> None:
    frame = handmade.result().assign(workload=pd.Series(["=1+1", "1e5"] * 2, dtype="str"))
    assert verify(written(handmade.report(frame=frame, unit=unit), tmp_path)).returncode == 0


def test_no_unit_of_work(tmp_path: Path) -> None:
    unknown = [math.nan] * 4
    frame = handmade.result().assign(functional_units=unknown, sci_gco2e_per_unit=unknown)
    report = handmade.report(frame=frame, unit=None, functional_units=None, sci_gco2e_per_unit=None)
    done = verify(written(report, tmp_path))
    assert done.returncode == 0
    assert "SCI" not in done.stdout


def edited(path: Path, old: str, new: str) -> Path:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def test_5_other_numbers(tmp_path: Path) -> None:
    path = edited(written(handmade.report(), tmp_path), "energy: 3.0", "energy: 3.5")
    done = verify(path)
    assert done.returncode == 5
    assert (
        "carbon per window [gCO2e] differs by 0.137 of it at shop/web at 2026-03-01T01:00:00Z" in done.stderr
    )
    assert "Impact Framework 1.1.0: OTHER NUMBERS" in done.stdout
    assert "Traceback" not in done.stderr


def test_7_if_fails_though_it_leaves_with_0(tmp_path: Path) -> None:
    path = edited(written(handmade.report(), tmp_path), "energy: 3.0", "energy: -3.5")
    (tmp_path / "package.json").write_text("{}", encoding="utf-8")
    alone = subprocess.run(
        [if_run(), "-m", path, "-o", tmp_path / "out.yaml"], cwd=tmp_path, check=False, capture_output=True
    )
    assert alone.returncode == 0
    done = verify(path)
    assert done.returncode == 7
    assert "error: the Impact Framework failed: InputValidationError" in done.stderr
    assert done.stdout == ""


def test_2_if_is_not_installed(tmp_path: Path) -> None:
    path = written(handmade.report(), tmp_path)
    done = sci_batch("verify-if", str(path), environ={"PATH": str(tmp_path)})
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "error: if-run is not installed here: the Impact Framework is needed to verify",
        "  Run: npm install -g @grnsft/if@1.1.0 (node 18 or newer), or give --if-run PATH.",
    ]


def test_if_run_is_found_on_the_path_and_by_the_configuration(tmp_path: Path) -> None:
    path = written(handmade.report(), tmp_path)
    on_path = f"{if_run().parent}{os.pathsep}{os.environ['PATH']}"
    assert sci_batch("verify-if", str(path), environ={"PATH": on_path}).returncode == 0
    config = tmp_path / "sci-batch.toml"
    config.write_text(f'if-run = "{if_run()}"\n', encoding="utf-8")
    assert sci_batch("verify-if", str(path), "--config", str(config)).returncode == 0


@pytest.mark.parametrize("document", sorted(LIVE_PARTS))
def test_transcripts_are_what_the_commands_print(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    assert filled(document, text, LIVE_PARTS) == text, "run `make docs`"
