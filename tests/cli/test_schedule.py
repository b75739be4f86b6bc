"""Runs on a schedule through the command line, with a pipeline that needs no server."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sci_batch import pipeline
from sci_batch.cli.compute import _since_last_run
from sci_batch.cli.ending import Followed
from sci_batch.errors import UsageError
from sci_batch.report import Report
from sci_batch.schedule import last_run
from sci_batch.schedule.naming import for_range
from sci_batch.settings import Output, Settings
from sci_batch.sinks import SINKS
from tests.cli import handmade
from tests.cli.process import COMPUTE, sci_batch

NOW = "1772330700"
"""2026-03-01T02:05:00Z [s]: the report made by hand ends at 02:00."""
LIVE = ("compute", "-p", "http://h:9090", "--intensity", "380", "--since", "last-run")


def at(seconds: str = NOW) -> dict[str, str]:
    return {"SCI_BATCH_NOW": seconds}


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (LIVE, "--since last-run has nowhere to look for the last run\n  Give --state FILE"),
        ((*COMPUTE, "--since", "last-run"), "--since last-run needs a server"),
        ((*LIVE, "--start", "now-1d"), "--since and --start exclude each other"),
        (("queries", "--since", "last-run"), "--since last-run is for `sci-batch compute` alone"),
        (("record", "-p", "http://h", "--out", "x", "--since", "last-run"), "for `sci-batch compute` alone"),
        ((*COMPUTE, "--since", "lastrun"), "--since: 'lastrun' is not a length of time\n"),
        (("backfill", "--since", "1d"), "No such option: --since"),
        (
            ("backfill", "-p", "http://h", "--intensity", "1"),
            "backfill has no range",
        ),
        ((*LIVE, "--state", "{tmp}"), "cannot be read: Is a directory"),
        ((*LIVE, "--log-format", "xml"), "--log-format: 'xml' is not known here"),
    ],
)
def test_2_usage(arguments: tuple[str, ...], words: str, tmp_path: Path) -> None:
    done = sci_batch(*(word.format(tmp=tmp_path) if word == "{tmp}" else word for word in arguments))
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_state_without_effect_is_told() -> None:
    done = sci_batch(*COMPUTE, "--state", "s.json", "-q")
    assert done.stderr == "warning: --state has no effect without --since last-run\n"


def test_a_state_that_is_none_changes_nothing(tmp_path: Path) -> None:
    state, csv = tmp_path / "state.json", tmp_path / "a.csv"
    state.write_text("junk")
    done = sci_batch(*LIVE, "--state", str(state), "-o", f"csv={csv}")
    assert done.returncode == 2
    assert done.stderr == (
        f"error: {state} is no state of sci-batch: it is not JSON\n"
        "  Give --state another path, or delete the file to begin anew.\n"
    )
    assert (state.read_text(), csv.exists()) == ("junk", False)


def test_the_state_knows_the_range_that_was_written(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    arguments = (*LIVE, "--state", str(state), "-o", f"csv={tmp_path}/{{date}}-{{end}}.csv", "-q")
    assert sci_batch(*arguments, environ=at()).returncode == 0
    assert json.loads(state.read_bytes())["end"] == "2026-03-01T02:00:00Z"
    assert (tmp_path / "2026-02-28-20260301T020000Z.csv").exists()  # the range that was asked for
    assert sci_batch(*arguments, environ=at()).stderr == ""


def test_nobody_reads_and_the_state_stays(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = sci_batch(
            *LIVE, "--state", str(state), "-q", environ=at(), capture_output=False, stdout=writer
        )
    finally:
        os.close(writer)
    assert done.returncode == 0
    assert not state.exists()


def test_file_names_of_a_plain_run_hold_its_range(tmp_path: Path) -> None:
    done = sci_batch(*COMPUTE, "-o", f"csv={tmp_path}/{{start}}_{{end}}_{{date}}.csv")
    assert done.returncode == 0
    (path,) = tmp_path.iterdir()
    assert path.name == "20260301T000000Z_20260301T020000Z_2026-03-01.csv"
    assert done.stderr.splitlines()[-1].endswith(f"; written: csv={path}")


@pytest.mark.parametrize("scenario", ["report", "NoDataError", "bug", "interrupt", "terminate"])
@pytest.mark.parametrize("how", [("--log-format", "json"), ("--log-format=json",), ()])
def test_every_line_is_an_object(scenario: str, how: tuple[str, ...]) -> None:
    environ = {} if how else {"SCI_BATCH_LOG_FORMAT": "json"}
    done = sci_batch(*COMPUTE, *how, "-v", scenario=scenario, environ=environ)
    lines = objects(done.stderr)
    assert lines[0]["msg"] == "pulling counters, 1,234k values/s 50%"
    for line in lines:
        assert datetime.fromisoformat(line["ts"]).utcoffset() is not None
        assert line["level"] in ("info", "warning", "error")
    last = lines[-1]
    match scenario:
        case "report":
            assert (last["level"], last["rows"], last["energy_kwh"], last["coverage"]) == (
                "info",
                4,
                5.0,
                0.65,
            )
            assert {"level": "info", "msg": "one note"}.items() <= lines[2].items()
        case "NoDataError":
            assert (last["level"], last["msg"], last["cure"], last["exit_code"]) == (
                "error", "it failed", "Try --other.", 4,
            )  # fmt: skip
        case "bug":
            assert "ZeroDivisionError: a bug" in last["traceback"]
            assert (last["level"], last["exit_code"]) == ("error", 1)
        case "interrupt" | "terminate":
            assert last["msg"] == f"{scenario.removesuffix('e')}ed"


def test_what_is_wrong_with_the_settings_is_an_object_too() -> None:
    for arguments in (("compute", "--log-format", "json"), ("compute", "--log-format", "json", "--bad")):
        done = sci_batch(*arguments)
        assert done.returncode == 2
        (line,) = objects(done.stderr)
        assert (line["level"], line["exit_code"]) == ("error", 2)


def test_a_warning_has_its_level() -> None:
    done = sci_batch(*COMPUTE, "-q", "--log-format", "json", environ={"SCI_BATCH_INTENSTY": "3"})
    (line,) = objects(done.stderr)
    assert line["level"] == "warning"
    assert line["msg"].startswith("environment variable SCI_BATCH_INTENSTY is not known")


def test_the_health_file_of_a_run(tmp_path: Path) -> None:
    path = tmp_path / "health.json"
    for scenario, code in (("report", 0), ("SourceError", 7), ("terminate", 143), ("bug", 1)):
        done = sci_batch(*COMPUTE, "--health-file", str(path), scenario=scenario, environ=at())
        assert done.returncode == code
        found = json.loads(path.read_bytes())
        assert (found["exit_code"], found["finished"]) == (code, "2026-03-01T02:05:00Z")
        assert found["last_success"]["end"] == "2026-03-01T02:00:00Z"
        assert re.match(r"4 rows, 5 kWh, 2 kgCO2e, coverage 65\.0 %", found["last_success"]["message"])


@pytest.fixture
def data_set(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, int | None]], list[Settings]]:
    """Put a data set in place; the settings of the runs that follow."""

    def place(ends: dict[str, int | None]) -> list[Settings]:
        module, ran = ModuleType("sci_batch.sinks.dataset"), []
        module.newest_end_ms = lambda target, cluster, push, namespace: ends[target]  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(SINKS, "parquet", lambda report, path, options: None)
        monkeypatch.setenv("SCI_BATCH_NOW", NOW)

        def run(settings: Settings, **_: Any) -> Report:
            ran.append(settings)
            return handmade.report()

        monkeypatch.setattr(pipeline, "run", run)
        return ran

    return place


HOUR_1, HOUR_2 = 1_772_326_800_000, 1_772_330_400_000


@pytest.mark.parametrize(
    ("ends", "start"),
    [
        ({"s3://store/p": HOUR_1}, "2026-03-01T01:00:00Z"),
        ({"s3://store/p": None}, "2026-02-28T02:00:00Z"),
        ({"s3://store/p": HOUR_1, "s3://store/q": HOUR_2}, "2026-03-01T01:00:00Z"),
        ({"s3://store/p": HOUR_2, "s3://store/q": None}, "2026-02-28T02:00:00Z"),
        ({"s3://store/p": HOUR_2}, ""),
    ],
)
def test_a_data_set_tells_where_to_go_on(
    data_set: Callable[[dict[str, int | None]], list[Settings]], ends: dict[str, int | None], start: str
) -> None:
    """Of several, the one that is farthest behind."""
    ran = data_set(ends)
    outputs = tuple(Output("parquet", None, target) for target in ends)
    settings = Settings(prometheus_url="http://h:9090", since_seconds="last-run", output=outputs)
    seen = Followed()
    _since_last_run(settings, outputs, seen)
    assert [made.start for made in ran] == ([start] if start else [])
    assert [made.end for made in ran] == (["2026-03-01T02:00:00Z"] if start else [])
    assert all(made.since_seconds is None for made in ran)


def test_a_state_wins_over_a_data_set(
    data_set: Callable[[dict[str, int | None]], list[Settings]], tmp_path: Path
) -> None:
    ran = data_set({"s3://store/p": HOUR_2})
    outputs = (Output("parquet", None, "s3://store/p"),)
    settings = Settings(prometheus_url="http://h", since_seconds="last-run", state=tmp_path / "s")
    _since_last_run(settings, outputs, Followed())
    _since_last_run(settings, outputs, Followed())
    assert len(ran) == 1


def test_a_data_set_on_this_machine_is_locked(
    data_set: Callable[[dict[str, int | None]], list[Settings]], tmp_path: Path
) -> None:
    target = f"{tmp_path}/results/"
    data_set({target: HOUR_2})
    outputs = (Output("parquet", None, target),)
    _since_last_run(replace(Settings(), since_seconds="last-run"), outputs, Followed())
    assert (tmp_path / "results.lock").exists()


def test_a_data_set_alone_does_not_know_of_other_outputs(tmp_path: Path) -> None:
    """Seen: a window that a receiver did not take was never sent again."""
    outputs = (Output("parquet", None, f"{tmp_path}/set/"), Output("csv", tmp_path / "a.csv"))
    settings = Settings(prometheus_url="http://h:9090", since_seconds="last-run", output=outputs)
    with pytest.raises(UsageError, match="without --state"):
        _since_last_run(settings, outputs, Followed())


def test_windows_without_data_at_the_end_are_asked_for_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    state = tmp_path / "state.json"
    monkeypatch.setenv("SCI_BATCH_NOW", NOW)
    report = replace(handmade.report(), seen_end_ms=HOUR_1)
    monkeypatch.setattr(pipeline, "run", lambda settings, **_: report)
    settings = Settings(prometheus_url="http://h:9090", since_seconds="last-run", state=state)
    _since_last_run(settings, (Output("csv", tmp_path / "a.csv"),), Followed())
    assert last_run.read(state, "") == HOUR_1


def test_a_data_set_has_no_placeholders_and_unknown_ones_are_refused(tmp_path: Path) -> None:
    for output in (Output("parquet", None, f"{tmp_path}/{{date}}/"), Output("csv", tmp_path / "{dat}.csv")):
        with pytest.raises(UsageError):
            for_range((output,), HOUR_1, HOUR_2, "UTC")
