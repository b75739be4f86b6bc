"""The command line of `explain`: which row, which window, and how it is printed."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from sci_batch.cli.main import main
from tests.cli.process import sci_batch

NOW = {"SCI_BATCH_NOW": "1795507200"}
DEMO = ("--demo", "--since", "24h", "--window", "6h")
NUMBERS = ("energy_kwh", "operational_gco2e", "embodied_gco2e", "carbon_gco2e", "sci_gco2e_per_unit")


def rows() -> list[dict[str, str]]:
    done = sci_batch("compute", *DEMO, "-o", "csv", scenario="real", environ=NOW)
    assert done.returncode == 0, done.stderr
    return list(csv.DictReader(io.StringIO(done.stdout)))


def test_the_page_ends_in_the_numbers_of_the_row() -> None:
    newest = [row for row in rows() if row["window_start"] == "2026-11-24T00:00:00Z"]
    row = next(row for row in newest if row["workload"] == "payments")
    done = sci_batch("explain", "shop/payments", *DEMO, scenario="real", environ=NOW)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("shop/payments (Rollout), 2026-11-24T00:00:00Z to 2026-11-24T06:00:00Z")
    for name in NUMBERS:
        assert f"= {row[name]} " in done.stdout, name
    assert "kepler_pod_cpu_joules_total" in done.stdout


def test_a_time_picks_the_window() -> None:
    row = next(
        row for row in rows()
        if (row["window_start"], row["workload"]) == ("2026-11-23T12:00:00Z", "api")
    )  # fmt: skip
    flags = ("--demo", "--since", "24h", "--at", "2026-11-23T15:00:00Z", "--window", "6h", "-o", "json")
    told = json.loads(sci_batch("explain", "api", *flags, scenario="real", environ=NOW).stdout)
    assert told["schema_version"] == 1
    assert told["row"]["window_start"] == "2026-11-23T12:00:00Z"
    for name in NUMBERS:
        assert repr(told["row"][name]) == row[name]
    assert told["steps"]
    assert {meter["level"] for meter in told["meters"]} == {"node", "pod"}


def test_the_window_may_be_named_by_its_time() -> None:
    told = sci_batch(
        "explain", "api", "--demo", "--window", "2026-11-23T15:00:00Z", scenario="real", environ=NOW
    )
    assert told.stdout.startswith("search/api (Deployment), 2026-11-23T15:00:00Z to 2026-11-23T16:00:00Z")


def test_a_misspelt_name_and_a_foreign_time_are_told() -> None:
    done = sci_batch("explain", "paiments", *DEMO, scenario="real", environ=NOW)
    assert (done.returncode, done.stdout) == (4, "")
    assert "Did you mean payments?" in done.stderr
    done = sci_batch(
        "explain", "api", "--demo", "--window", "2020-01-01T00:00Z", scenario="real", environ=NOW
    )
    assert done.returncode == 2
    assert "outside of the range" in done.stderr


def test_a_stored_result_tells_its_row(tmp_path: Path) -> None:
    stored = tmp_path / "result.parquet"
    made = sci_batch("compute", *DEMO, "-q", "-o", f"parquet={stored}", scenario="real", environ=NOW)
    assert made.returncode == 0, made.stderr
    done = sci_batch("explain", "payments", "--from", str(stored), scenario="real")
    assert (done.returncode, done.stderr) == (0, "")
    live = sci_batch("explain", "payments", *DEMO, scenario="real", environ=NOW)
    tail = live.stdout[live.stdout.index("5 Score") :]
    assert done.stdout.endswith(tail)
    assert "a stored result holds no pods" in done.stdout


@pytest.mark.parametrize(("key", "name"), [("node", "worker-1"), ("node", "worker-3"), ("cluster", "")])
@pytest.mark.parametrize("window", ["1h", "1d"])
def test_rows_of_many_pods_are_the_sum_of_what_is_told(
    key: str, name: str, window: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the last bit, or `explain` says that it is a bug."""
    monkeypatch.setenv("SCI_BATCH_NOW", NOW["SCI_BATCH_NOW"])
    monkeypatch.setenv("SCI_BATCH_WINDOW", window)
    assert main(["explain", name, "--demo", "--group-by", key, "-q"]) == 0, capsys.readouterr().err
    assert "5 Score: the row, to the last digit" in capsys.readouterr().out


def test_a_right_name_under_a_wrong_one_is_told_where_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCI_BATCH_NOW", NOW["SCI_BATCH_NOW"])
    assert main(["explain", "shop/api", *DEMO[:3]]) == 4
    assert capsys.readouterr().err.splitlines()[-2:] == [
        "error: no row is called shop/api", "  Did you mean search/Deployment/api?",
    ]  # fmt: skip


def test_outputs_that_are_no_page_are_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SCI_BATCH_NOW", NOW["SCI_BATCH_NOW"])
    out = tmp_path / "x.parquet"
    assert main(["explain", "api", "--demo", "-o", f"parquet={out}"]) == 0
    assert f"-o parquet={out} is left out" in capsys.readouterr().err
    assert not out.exists()
