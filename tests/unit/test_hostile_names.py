"""Names that attack whoever reads them: a terminal, a spreadsheet, a browser, a log store, a file system."""

from __future__ import annotations

import csv
import dataclasses
import json
import re
import tomllib
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pytest
import yaml

from sci_batch.cli import log
from sci_batch.cli.main import main
from sci_batch.cli.schema import aligned
from sci_batch.errors import SinkError, UsageError
from sci_batch.report import Report
from sci_batch.schedule.naming import for_range
from sci_batch.settings import load, values
from sci_batch.settings.document import effective
from sci_batch.sinks import SINKS, SinkOptions
from tests.cli import handmade

ESCAPES = "\x1b[2J\x1b]0;title\x07\x9b31m\x7f\u202eevil\u2028\nerror: forged"
NAMES = (
    "=HYPERLINK(1)",
    "+1",
    "-1",
    "@x",
    "\t=1",
    "\r=1",
    "\n=1",
    "\uff1d1",
    "'=1",
    ESCAPES,
    '"; rm -rf / #',
    "a,b;c\td",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "`x`|y",
    "{{ 7*7 }}",
    "${x}",
    "%s{start}",
    "../../etc/passwd",
    "*alias &anchor !!tag",
    "a: b",
    "- x",
    "null",
    "1e5",
    "'",
    '"',
    "\\",
    "]]>",
    "<!--",
)
STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""What a terminal obeys, and what turns or breaks lines; but for the line feed."""
TO_READ = ("table", "wide", "markdown", "html")
FOR_PROGRAMS = ("json", "jsonl", "sci-yaml", "impact-framework")
"""Those whose form has escapes for every letter; metrics have none, and hold names as they are."""


def hostile() -> Report:
    rows = [
        (0, f"n{number}", name, "Deployment", 0.75, 0.25, 380.0, 20.0, 1000.0, 1.0, "")
        for number, name in enumerate(NAMES)
    ]
    made = handmade.report(frame=handmade.result(tuple(rows)), rows=len(rows))
    provenance = dataclasses.replace(
        made.provenance,
        source=ESCAPES,
        cluster=ESCAPES,
        notes=NAMES,
        queries=NAMES,
        end="2026-03-01T01:00:00Z",
    )
    return dataclasses.replace(made, provenance=provenance, flag_counts={})


def written(name: str, folder: Path, report: Report) -> str:
    path = folder / f"out.{name}.yaml"
    options = SinkOptions(disclosed=(("name", ESCAPES), ("contact-name", NAMES[0])), top=100)
    SINKS[name](report, path, options)
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", TO_READ)
def test_no_page_steers_a_terminal(name: str, tmp_path: Path) -> None:
    assert not STEERING.search(written(name, tmp_path, hostile()))


@pytest.mark.parametrize("name", FOR_PROGRAMS)
def test_no_data_steers_a_terminal(name: str, tmp_path: Path) -> None:
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]", written(name, tmp_path, hostile()))


@pytest.mark.parametrize("name", TO_READ)
def test_no_name_makes_a_line_of_its_own(name: str, tmp_path: Path) -> None:
    text = written(name, tmp_path, hostile())
    assert "forged" in text
    assert not re.search(r"^error: forged", text, re.MULTILINE)


def test_names_come_back_from_every_format_for_programs(tmp_path: Path) -> None:
    report = hostile()
    rows = json.loads(written("json", tmp_path, report))["rows"]
    assert [row["workload"] for row in rows] == list(NAMES)
    lines = written("jsonl", tmp_path, report).splitlines()
    assert [json.loads(line)["workload"] for line in lines] == list(NAMES)
    manifest = yaml.safe_load(written("impact-framework", tmp_path, report))
    assert len(manifest["tree"]["children"]) == len(NAMES)
    assert yaml.safe_load(written("sci-yaml", tmp_path, report))


def test_no_cell_of_csv_is_a_formula_for_whatever_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    SINKS["csv"](hostile(), path, SinkOptions())
    with path.open(encoding="utf-8", newline="") as stream:
        cells = [row["workload"] for row in csv.DictReader(stream)]
    assert len(cells) == len(NAMES)
    assert not [cell for cell in cells if re.match("[=+@\t\r\n\uff1d\uff0b\uff0d\uff20-]", cell)]
    assert [cell.removeprefix("'") if cell not in NAMES else cell for cell in cells] == list(NAMES)
    changed = pd.read_csv(path, dtype="str", keep_default_na=False)["workload"]
    assert len(changed) == len(NAMES)


# --- words on standard error, and pages ---


def said(form: str, capsys: pytest.CaptureFixture[str]) -> str:
    log.use(form)
    try:
        log.say(f"note: {ESCAPES}", place=ESCAPES)
        log.show_error(UsageError(f"no {ESCAPES}", f"Give {ESCAPES}"))
        log.show_bug(ValueError(ESCAPES))
    finally:
        log.use("text")
    return capsys.readouterr().err


@pytest.mark.parametrize("form", ["text", "json"])
def test_words_steer_no_terminal(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert not STEERING.search(said(form, capsys))


def test_a_note_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert [line for line in said("text", capsys).splitlines() if line.startswith("note: ")] == [
        r"note: \x1b[2J\x1b]0;title\x07\x9b31m\x7f\u202eevil\u2028\nerror: forged"
    ]


def test_words_in_json_are_the_same_words(capsys: pytest.CaptureFixture[str]) -> None:
    first = json.loads(said("json", capsys).split("\n")[0])
    assert first["msg"] == ESCAPES
    assert first["place"] == ESCAPES


def test_lines_in_columns_and_settings_steer_no_terminal() -> None:
    assert not STEERING.search("\n".join(aligned([("zone", "slots"), (ESCAPES, "1")])))
    text = effective(load({"unit_name": ESCAPES + "\U000e0001"}, {}, "show"))
    assert not STEERING.search(text)
    assert tomllib.loads(text)["unit-name"] == ESCAPES + "\U000e0001"


def test_an_argument_that_is_wrong_is_shown_without_its_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", f"/nowhere/{ESCAPES}"]) == UsageError.exit_code
    assert main(["compute", f"--{ESCAPES}"]) == UsageError.exit_code
    assert not STEERING.search(capsys.readouterr().err)


# --- places ---

CLUSTERS = ("../../x", "..", ".", "/etc", "a/b", "a\\b", "\0", "%2e%2e", "x" * 60, ESCAPES)


@pytest.mark.parametrize(
    "cluster", ["../../x", "..", ".", "/etc", "a/b", "a\\b", "\0", "%2e%2e", "x" * 60, ESCAPES]
)
def test_a_cluster_never_leaves_the_data_set(cluster: str, tmp_path: Path) -> None:
    made = handmade.report()
    report = dataclasses.replace(made, provenance=dataclasses.replace(made.provenance, cluster=cluster))
    root = tmp_path / "a" / "set"
    SINKS["parquet"](report, None, SinkOptions(target=f"{root}/"))
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".lock"]
    assert [path.parent.parent for path in files] == [root / "date=2026-03-01"]
    assert unquote(files[0].parent.name) == f"cluster={cluster}"
    assert files[0].name == "result.parquet"


def test_a_cluster_too_long_for_a_folder_is_an_error_with_a_cure(tmp_path: Path) -> None:
    made = handmade.report()
    report = dataclasses.replace(made, provenance=dataclasses.replace(made.provenance, cluster="x" * 300))
    with pytest.raises(SinkError) as caught:
        SINKS["parquet"](report, None, SinkOptions(target=f"{tmp_path / 'set'}/"))
    assert caught.value.cure


def test_what_is_filled_into_a_name_is_a_time_and_no_path() -> None:
    outputs = [values.output("csv=out/{start}-{end}-{date}.csv")]
    (made,) = for_range(outputs, 1_772_323_200_000, 1_772_326_800_000, "Europe/Berlin")
    assert made.path == Path("out/20260301T000000Z-20260301T010000Z-2026-03-01.csv")


PLACES = (
    ("compute", "-o", "csv={}"),
    ("compute", "--state", "{}"),
    ("compute", "--intensity", "file:{}.csv"),
    ("compute", "--embodied", "file:{}.csv"),
    ("compute", "--functional-unit", "u=file:{}"),
    ("report", "{}"),
    ("verify-if", "{}"),
    ("import-if", "{}"),
    ("factors", "validate", "{}.csv"),
)


@pytest.mark.parametrize("text", ["~nobody-of-this-name/x", "a\0b"])
@pytest.mark.parametrize("flag", PLACES)
def test_a_home_of_nobody_and_nul(
    flag: tuple[str, ...], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both end `Path` itself with an exception of Python's."""
    given = [word.format(text) for word in flag]
    if flag[0] == "compute":
        given += ["--demo", "-o", "table"] if "-o" not in flag else ["--demo"]
    code = main(given)
    err = capsys.readouterr().err
    assert code == UsageError.exit_code, err
    assert "Traceback" not in err
