"""What a terminal shows that a pipe does not: the table, colours, progress."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from itertools import pairwise

import pytest

from tests.cli.process import COMPUTE, ROOT, command, environment, sci_batch

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
PROGRESS = "pulling counters, 1,234k values/s"


def on_a_terminal(
    *arguments: str, environ: dict[str, str] | None = None, scenario: str = "report"
) -> tuple[int, str]:
    """Exit code and all that a terminal of 120 columns shows."""
    main_end, other_end = pty.openpty()
    process = subprocess.Popen(
        command(scenario, *arguments),
        stdin=other_end,
        stdout=other_end,
        stderr=other_end,
        cwd=ROOT,
        env=environment({"TERM": "xterm", **(environ or {})}),
    )
    os.close(other_end)
    seen = b""
    while True:
        try:
            part = os.read(main_end, 65_536)
        except OSError:  # Linux: the other end is closed
            break
        if not part:
            break
        seen += part
    os.close(main_end)
    return process.wait(timeout=60), seen.decode().replace("\r\n", "\n")


def test_a_terminal_gets_a_table_with_colours() -> None:
    code, text = on_a_terminal(*COMPUTE)
    assert code == 0
    assert "\x1b[1mtotal" in text
    assert "SCI = ΣC / ΣR = 1 gCO2e per request" in text
    assert "window_start,window_end" not in text


def test_progress_is_one_line_that_goes() -> None:
    _, text = on_a_terminal(*COMPUTE)
    line = re.compile(rf"{PROGRESS} [━╸╺]+ +50% \d:\d\d:\d\d elapsed, \S+ left")
    states = [part for part in CONTROL.sub("", text).split("\r") if line.match(part)]
    assert states
    assert max(len(state.rstrip("\n")) for state in states) <= 80
    # At last: one line up, wiped, and the words that stay begin there.
    assert re.search(r"\x1b\[1A\x1b\[2Krange: ", text)
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1  # the cursor is back


def test_progress_in_a_narrow_terminal_is_words_and_share() -> None:
    _, text = on_a_terminal(*COMPUTE, environ={"COLUMNS": "50"})
    assert re.search(rf"{PROGRESS} +50%\n", CONTROL.sub("", text))
    assert "elapsed" not in text


@pytest.mark.parametrize("scenario", ["SourceError", "interrupt", "terminate", "bug"])
def test_progress_goes_also_when_the_run_fails(scenario: str) -> None:
    code, text = on_a_terminal(*COMPUTE, scenario=scenario)
    assert code != 0
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1
    assert PROGRESS not in text[text.rindex("\x1b[1A\x1b[2K") :]


def test_no_progress_with_quiet_nor_in_a_pipe() -> None:
    _, text = on_a_terminal(*COMPUTE, "--quiet")
    assert PROGRESS not in text
    assert text.endswith("residual 0 kWh\n")
    assert PROGRESS not in sci_batch(*COMPUTE).stderr


def test_verbose_progress_is_plain_lines() -> None:
    _, text = on_a_terminal(*COMPUTE, "--verbose", "--color", "never")
    assert text.startswith(f"{PROGRESS} 50%\nrange: ")
    assert "\x1b" not in text


def test_progress_has_no_colours_where_none_are_wanted() -> None:
    _, text = on_a_terminal(*COMPUTE, environ={"NO_COLOR": "1"})
    assert PROGRESS in text
    assert not re.search(r"\x1b\[[0-9;]*m", text)


@pytest.mark.parametrize(
    ("arguments", "environ"), [((), {"NO_COLOR": "1"}), (("--color", "never"), {}), ((), {"TERM": "dumb"})]
)
def test_a_terminal_without_colours(arguments: tuple[str, ...], environ: dict[str, str]) -> None:
    code, text = on_a_terminal(*COMPUTE, "-q", *arguments, environ=environ)
    assert code == 0
    assert "SCI=C/R" in text
    assert "\x1b" not in text


def test_colours_in_a_pipe_on_request() -> None:
    assert "\x1b[1m" in sci_batch(*COMPUTE, "-o", "table", "--color", "always").stdout
    assert "\x1b" not in sci_batch(*COMPUTE, "-o", "table").stdout


def test_table_and_words_stand_on_lines_of_their_own() -> None:
    """Data and words in one place, as in a log: none is glued to the other."""
    done = sci_batch(*COMPUTE, "-o", "table", capture_output=False, stdout=subprocess.PIPE,
                     stderr=subprocess.STDOUT)  # fmt: skip
    lines = done.stdout.splitlines()
    assert done.stdout.endswith("\n")
    assert [line for line in lines if "range: " in line] == [lines[0]]
    assert lines[0].startswith("range: ")
    assert [(first, second.split(" (")[0]) for first, second in pairwise(lines) if "residual" in first] == [
        ("books     closed in 2 of 2 node-windows, residual 0 kWh", "flag gap")
    ]


def test_parquet_on_a_terminal_is_refused() -> None:
    code, text = on_a_terminal(*COMPUTE, "-o", "parquet")
    assert code == 2
    assert "-o parquet=result.parquet" in text


def test_a_terminal_that_knows_ascii_alone() -> None:
    code, text = on_a_terminal(*COMPUTE, environ={"PYTHONIOENCODING": "ascii"})
    assert code == 0
    assert text.isascii()
    assert "SCI = sum C / sum R = 1 gCO2e per request" in text
    assert re.search(rf"{PROGRESS} [- ]+ 50%", CONTROL.sub("", text))
