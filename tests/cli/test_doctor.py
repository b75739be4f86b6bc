"""The doctor's command line: what it prints, where, how wide, and with which exit code."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.cli.process import sci_batch
from tests.cli.test_terminal import CONTROL, on_a_terminal

DEMO = ("doctor", "--demo", "--since", "24h")
NOW = {"SCI_BATCH_NOW": "1795507200"}
NOBODY = ("doctor", "-p", "http://127.0.0.1:9", "--intensity", "380", "--retries", "0")


def test_the_demo_is_well() -> None:
    done = sci_batch(*DEMO, environ=NOW)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[:2] == ["source  bundled recording", "range   2026-11-23T08:00:00Z to 2026-11-24T08:00:00Z"]
    assert lines[-1] == "13 ok: nothing stands in the way of compute"


def test_json_for_machines() -> None:
    done = sci_batch(*DEMO, "-o", "json", environ=NOW)
    whole = json.loads(done.stdout)
    assert set(whole) == {
        "schema_version", "tool_version", "source", "start", "end", "cluster", "worst", "counts", "exit_code",
        "findings",
    }  # fmt: skip
    assert (whole["schema_version"], whole["worst"], whole["exit_code"]) == (1, "ok", 0)
    assert whole["counts"] == {"ok": len(whole["findings"]), "warning": 0, "problem": 0}
    for one in whole["findings"]:
        assert set(one) == {
            "subject", "check", "status", "what", "numbers", "cure", "more", "facts", "exit_code",
        }  # fmt: skip
    names = [(one["subject"], one["check"]) for one in whole["findings"]]
    assert len(set(names)) == len(names), "a check is found by its name"


def test_a_problem_exits_as_compute_would_and_words_stay_on_stdout() -> None:
    done = sci_batch(*NOBODY)
    assert done.returncode == 7
    assert done.stderr == ""
    assert "problem  server reachable" in done.stdout
    assert "cure: Check -p/--prometheus-url" in done.stdout
    assert done.stdout.splitlines()[-1].endswith("(exit code 7)")
    machine = sci_batch(*NOBODY, "-o", "json")
    assert machine.returncode == json.loads(machine.stdout)["exit_code"] == 7


def test_warnings_count_under_strict(tmp_path: Path) -> None:
    recorded = sci_batch(
        "record", "--demo", "--since", "2h", "--embodied", "catalogue", "--out", str(tmp_path / "day")
    )
    assert recorded.returncode == 0, recorded.stderr
    flags = ("doctor", "--snapshot", str(tmp_path / "day"), "--intensity", "380")
    plain, strict = sci_batch(*flags), sci_batch(*flags, "--strict")
    assert (plain.returncode, strict.returncode) == (0, 5)
    assert "warning  carbon embodied" in plain.stdout
    assert plain.stdout.splitlines()[-1] == "1 warning, 12 ok: no problem; mind the warnings"
    assert strict.stdout.splitlines()[-1] == "1 warning, 12 ok: no problem; mind the warnings (exit code 5)"


@pytest.mark.parametrize(
    ("flags", "code", "words"),
    [
        (("--snapshot", "no-such-folder", "--intensity", "380"), 2, "no-such-folder is not a recording"),
        (("--demo", "--since", "90d"), 2, "the recording holds"),
        (("--demo", "--power-domains", "psys"), 4, "the recording holds the power domains package, dram"),
    ],
)
def test_a_recording_that_does_not_answer(flags: tuple[str, ...], code: int, words: str) -> None:
    done = sci_batch("doctor", *flags, environ=NOW)
    assert done.returncode == code
    assert "problem  server recording" in done.stdout
    assert words in " ".join(done.stdout.split())


def test_wrong_flags_are_those_of_compute() -> None:
    for flags in ((), ("--demo", "--window", "0h"), ("-p", "http://h", "--fail-on", "sci>1")):
        done, same = sci_batch("doctor", *flags), sci_batch("compute", "--intensity", "380", *flags)
        assert done.returncode == same.returncode == 2
        assert done.stderr == same.stderr


def test_every_flag_of_compute_is_taken_and_no_file_is_written(tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text("kept\n")
    done = sci_batch(
        *DEMO, "--intensity", "380", "-o", "wide", "-o", f"csv={tmp_path / 'old.csv'}", "-o",
        f"json={tmp_path / 'new' / 'a.json'}", "--top", "3", "--fail-on", "sci>0.5", "--warn-only",
        "--min-coverage", "0.9", "--color", "never", "-n", "shop", environ=NOW,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("source  bundled recording")
    assert f"{tmp_path / 'new' / 'a.json'} can be written" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["old.csv"]
    assert (tmp_path / "old.csv").read_text() == "kept\n"


def test_it_fits_the_terminal() -> None:
    code, text = on_a_terminal(*NOBODY, environ={"COLUMNS": "70", "NO_COLOR": "1"})
    assert code == 7
    words = [line.rpartition("\r")[2] for line in CONTROL.sub("", text).splitlines()]
    assert "problem  server reachable   Cannot reach Prometheus at" in words
    assert max(map(len, words)) <= 70
    assert any(line.startswith(" " * 9 + "cure: Check") for line in words), "below each other"


def test_nobody_reads_any_more() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = sci_batch(*DEMO, environ=NOW, capture_output=False, stdout=writer)
    finally:
        os.close(writer)
    assert done.returncode == 0
