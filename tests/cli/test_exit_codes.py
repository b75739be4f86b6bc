"""Exit codes of the README, each through a real process."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sci_batch.schema import FLAGS
from tests.cli.process import COMPUTE, ROOT, command, environment, sci_batch


def test_0_done_with_data_alone_on_standard_output() -> None:
    done = sci_batch(*COMPUTE)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].startswith("window_start,window_end,namespace,workload,workload_kind,")
    assert len(lines) == 5
    *lines, last = done.stderr.splitlines()
    assert lines == [
        "range: 2026-03-01T00:00:00Z to 2026-03-01T02:00:00Z, windows of 1h; source: http://prometheus:9090",
        "note: one note",
        f"flag gap (2 rows): {FLAGS['gap']}",
        f"flag units-missing (2 rows): {FLAGS['units-missing']}",
        f"flag inferred-owner (1 row): {FLAGS['inferred-owner']}",
    ]
    assert re.fullmatch(r"done: 4 rows, 5 kWh, 2 kgCO2e, coverage 65\.0 %, \d+\.\d s; written: csv", last), (
        last
    )


def test_1_a_bug_keeps_its_traceback() -> None:
    done = sci_batch(*COMPUTE, scenario="bug")
    assert done.returncode == 1
    assert "Traceback (most recent call last)" in done.stderr
    assert "ZeroDivisionError: a bug" in done.stderr
    assert "Please report it" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("limit", "cure"),
    [
        ("sci:reqest>0", "Did you mean request?"),
        ("row.sci:nope>0", "Known: request."),
        ("functional_units:nope<1", "Known: request."),
    ],
)
def test_2_a_limit_of_a_unit_of_work_that_the_demo_does_not_bring(limit: str, cure: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sci_batch", "compute", "--demo", "--since", "1h", "-q", "--fail-on", limit],
        capture_output=True, text=True, env=environment(), cwd=ROOT, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    name = limit.partition(":")[2].rstrip("<>01")
    assert done.stderr == f"error: --fail-on {limit}: there is no functional unit {name}\n  {cure}\n"
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("compute", "-p", "http://h:9090"), "error: no grid carbon intensity is given"),
        (
            ("compute", "--demo", "--intensity", "380", "--window", "0h"),
            "error: --window: '0h' is no time at all",
        ),
        (("compute", "--intensty", "380"), "error: No such option: --intensty"),
        (("compute", "extra"), "extra"),
        (("compute", "--window"), "error: Option '--window' requires an argument"),
        (("comput",), "comput"),
        ((), "Usage: sci-batch"),
        (("config",), "error: Missing command"),
        (("schema", "--group-by", "namespce"), "Did you mean namespace?"),
        (("compute", "--demo", "--intensity", "1", "--config", "none.toml"), "none.toml cannot be read"),
    ],
)
def test_2_usage(arguments: tuple[str, ...], words: str) -> None:
    done = sci_batch(*arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_3_a_limit_is_passed_after_the_outputs_are_written(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    done = sci_batch(*COMPUTE, "-o", f"csv={path}", "--fail-on", "sci>0.5", "--fail-on", "row.coverage<0.1")
    assert done.returncode == 3
    assert "error: limit passed: sci>0.5: sci_gco2e_per_unit of the total is 1\n" in done.stderr
    assert "row.coverage" not in done.stderr
    assert len(path.read_text(encoding="utf-8").splitlines()) == 5


def test_0_a_limit_that_only_warns() -> None:
    done = sci_batch(*COMPUTE, "--fail-on", "sci>0.5", "--warn-only", "--quiet")
    assert done.returncode == 0
    assert done.stderr == "warning: limit passed: sci>0.5: sci_gco2e_per_unit of the total is 1\n"


@pytest.mark.parametrize(
    ("error", "code"),
    [("NoDataError", 4), ("PartialError", 5), ("AuthError", 6), ("SourceError", 7)],
)
def test_4_to_7_expected_failures_in_two_lines(error: str, code: int) -> None:
    done = sci_batch(*COMPUTE, scenario=error)
    assert done.returncode == code
    assert done.stderr == "error: it failed\n  Try --other.\n"
    assert done.stdout == ""


def test_5_coverage_and_open_books_after_the_outputs() -> None:
    low = sci_batch(*COMPUTE, "--min-coverage", "0.9")
    assert low.returncode == 5
    assert "error: coverage is 0.65, below --min-coverage 0.9" in low.stderr
    assert len(low.stdout.splitlines()) == 5
    assert sci_batch(*COMPUTE, "--min-coverage", "0.65").returncode == 0
    books = sci_batch(*COMPUTE, "--strict", scenario="open-books")
    assert books.returncode == 5
    assert "error: the books of 1 of 2 node-windows do not close, residual -0.25 kWh" in books.stderr
    assert sci_batch(*COMPUTE, scenario="open-books").returncode == 0


def test_5_before_8_before_3_and_every_reason_is_told(tmp_path: Path) -> None:
    broken = ("-o", f"csv={tmp_path}")
    gate = ("--fail-on", "sci>0.5")
    assert sci_batch(*COMPUTE, *gate, "--min-coverage", "0.9").returncode == 5
    assert sci_batch(*COMPUTE, *gate, *broken).returncode == 8
    done = sci_batch(*COMPUTE, *gate, *broken, "--min-coverage", "0.9")
    assert done.returncode == 5
    for words in (
        "coverage is 0.65",
        "limit passed: sci>0.5",
        f"{tmp_path} could not be written: it is a folder",
    ):
        assert words in done.stderr


@pytest.mark.parametrize("check", [("--fail-on", "sci>0.5"), ("--min-coverage", "0.9")])
def test_a_check_says_what_is_written(check: tuple[str, str], tmp_path: Path) -> None:
    done = sci_batch(*COMPUTE, *check, "-q")
    assert "The outputs are written" in done.stderr
    done = sci_batch(*COMPUTE, *check, "-q", "-o", f"csv={tmp_path}", "-o", "json")
    assert "The outputs are written" not in done.stderr
    assert "Not all outputs are written" in done.stderr


def test_8_a_sink_fails_and_the_others_are_written(tmp_path: Path) -> None:
    good, late = tmp_path / "a.csv", tmp_path / "new" / "b.parquet"
    done = sci_batch(*COMPUTE, "-o", f"csv={good}", "-o", f"json={tmp_path}", "-o", f"parquet={late}")
    assert done.returncode == 8
    assert (
        f"error: json: {tmp_path} could not be written: it is a folder. Written: csv={good}, parquet={late}"
        in done.stderr
    )
    assert good.stat().st_size > 0
    assert late.stat().st_size > 0


def test_8_a_full_disk_behind_standard_output() -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = sci_batch(*COMPUTE, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 8
    assert "standard output could not be written: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize("command", ["schema", "config init", "factors list", "--version", "report --help"])
def test_8_whatever_is_told_there(command: str) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = sci_batch(*command.split(), capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 8
    assert (
        done.stderr.splitlines()[0] == "error: standard output could not be written: No space left on device"
    )
    assert "Exception ignored" not in done.stderr


def test_130_interrupted() -> None:
    done = sci_batch(*COMPUTE, scenario="interrupt")
    assert done.returncode == 130
    assert done.stderr.strip() == "interrupted"


def test_143_terminated_leaves_nothing_behind(tmp_path: Path) -> None:
    done = sci_batch(*COMPUTE, "-o", f"csv={tmp_path / 'a.csv'}", scenario="terminate")
    assert done.returncode == 143
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [COMPUTE, (*COMPUTE, "-o", "parquet"), ("compute", "--help"), ("schema",), ("config", "init")],
)
def test_0_nobody_reads_any_more(arguments: tuple[str, ...]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            command("report", *arguments),
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
            cwd=ROOT,
            check=False,
            timeout=60,
        )
    finally:
        os.close(writer)
    assert done.returncode == 0
    assert "rror" not in done.stderr
    assert "ignored" not in done.stderr


def test_a_broken_pipe_does_not_keep_the_files_from_being_written(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    path = tmp_path / "a.csv"
    try:
        done = subprocess.run(
            command("report", *COMPUTE, "-o", "table", "-o", f"csv={path}", "--fail-on", "sci>0.5"),
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
            cwd=ROOT,
            check=False,
            timeout=60,
        )
    finally:
        os.close(writer)
    assert done.returncode == 3
    assert path.stat().st_size > 0
