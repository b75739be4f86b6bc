"""`sci-batch diff` through the real command line, on results made by hand; limits, and JUnit."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

import pytest
from markdown_it import MarkdownIt

from sci_batch import change
from sci_batch.cli.main import main
from sci_batch.comparison import between
from sci_batch.report import Report, UnitTotal
from sci_batch.result import Result
from sci_batch.sinks import CHANGE_SINKS, SINKS, SinkOptions, change_table, junit
from sci_batch.verdict import Verdict
from tests.cli import handmade
from tests.cli.process import COMPUTE, sci_batch

LATER = tuple(
    (w, n, name, kind, a, s, o * 2, m, r, c, f) for w, n, name, kind, a, s, o, m, r, c, f in handmade.ROWS
)


def later() -> Report:
    """The result made by hand at twice the intensity: C 3900 g for 2000 requests."""
    frame = handmade.result(LATER)
    return handmade.report(
        frame=frame, operational_gco2e=3800.0, carbon_gco2e=3900.0, sci_gco2e_per_unit=1.95
    )


class Done(NamedTuple):
    """What a command line did in this process."""

    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Done]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def run_here(*arguments: str) -> Done:
        capsys.readouterr()
        code = main(arguments)
        return Done(code, *capsys.readouterr())

    return run_here


@pytest.fixture
def results(tmp_path: Path) -> tuple[str, str]:
    paths = tmp_path / "base.parquet", tmp_path / "now.json"
    SINKS["parquet"](handmade.report(), paths[0], SinkOptions())
    SINKS["json"](later(), paths[1], SinkOptions())
    return str(paths[0]), str(paths[1])


def test_csv_in_a_pipe_with_every_column(results: tuple[str, str]) -> None:
    done = sci_batch("diff", *results)
    assert (done.returncode, done.stderr) == (0, "")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [*rows[0]] == change.columns(handmade.GROUP_BY, ("request",))
    web, db = rows
    assert (web["workload"], web["change_gco2e"], web["effect_intensity_gco2e"]) == (
        "web",
        "1520.0",
        "1520.0",
    )
    assert (web["base_sci_gco2e_per_unit"], web["now_sci_gco2e_per_unit"]) == ("0.8", "1.56")
    assert (db["workload"], db["change_gco2e"]) == ("db", "380.0")
    assert db["base_sci_gco2e_per_unit"] == db["change_gco2e_per_unit"] == "", "the unknown is empty"


def test_json_holds_both_origins_and_the_total(run: Run, results: tuple[str, str]) -> None:
    done = run("diff", *results, "-o", "json")
    document = json.loads(done.stdout)
    assert document["change_schema_version"] == 1
    assert document["base"]["start"] == "2026-03-01T00:00:00Z"
    assert (document["base_scale"], document["functional_units"], document["what_if"]) == (
        1.0,
        ["request"],
        [],
    )
    total = document["total"]
    assert total["change_gco2e"] == total["effect_intensity_gco2e"] == 1900.0
    assert total["change_percent"] == 95.0
    assert total["change_gco2e_per_unit"] == pytest.approx(0.95)
    assert document["rows"][1]["now_sci_gco2e_per_unit"] is None


def test_the_table_by_hand(run: Run, results: tuple[str, str]) -> None:
    lines = run("diff", *results, "-o", "table").stdout.splitlines()
    rows = [line.split() for line in lines]
    web = ["shop", "web", "Deployment"]
    assert [*web, "1.600", "3.120", "+1.520", "+95.0", "0.000", "+1.520", "0.000"] in rows
    assert [*web, "0.800", "1.560", "+95.0", "0.0", "+95.0", "0.0", "0.0"] in rows
    assert ["shop", "db", "StatefulSet", *["-", "-", "-", "-", "-", "-", "-"]] in rows
    assert ["total", "2.000", "3.900", "+1.900", "+95.0", "0.000", "+1.900", "0.000"] in rows
    assert "carbon  2 to 3.9 kgCO2e, +95.0 % = energy 0.0 %, intensity +95.0 %, embodied 0.0 %" in lines
    assert "rows    2 in both results, 0 new, 0 gone" in lines


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_the_table_fits_the_terminal(width: int) -> None:
    found = between(handmade.report(), later())
    page = change_table.page(found, SinkOptions(terminal=True, width=width)).text()
    assert max(map(len, page.splitlines())) <= max(width, 72)  # 72: the numbers alone


def test_what_came_and_went_is_named_in_the_table() -> None:
    old, new = handmade.result(handmade.ROWS[:1]), handmade.result(handmade.ROWS[1:2])
    page = change_table.page(
        between(handmade.report(frame=old), handmade.report(frame=new)), SinkOptions()
    ).text()
    rows = [line.split() for line in page.splitlines()]
    assert ["shop", "web", "Deployment", "400", "-", "-400", "gone", "-380", "0", "-20"] in rows
    assert ["shop", "db", "StatefulSet", "-", "200", "+200", "new", "+190", "0", "+10"] in rows
    assert "rows    0 in both results, 1 new, 1 gone" in page


def test_top_says_what_it_leaves_out(run: Run, results: tuple[str, str]) -> None:
    shown = run("diff", *results, "-o", "table", "--top", "1").stdout
    assert "--top 1: 1 further rows change by 380 gCO2e in all, up and down" in shown
    assert " db " not in shown


def test_markdown_is_a_table_and_adds_to_a_job_summary(results: tuple[str, str], tmp_path: Path) -> None:
    done = sci_batch("diff", *results, "-o", "markdown")
    html = MarkdownIt("commonmark").enable("table").render(done.stdout)
    assert done.stdout.startswith("<!-- sci-batch diff: namespace_workload -->")
    assert html.count("<table>") == 2
    assert "+95.0" in html
    summary = tmp_path / "summary.md"
    summary.write_text("# Earlier step\n", encoding="utf-8")
    environ = {"GITHUB_STEP_SUMMARY": str(summary)}
    again = sci_batch("diff", *results, "-o", f"markdown={summary}", "--no-clobber", environ=environ)
    assert again.returncode == 0, again.stderr
    assert summary.read_text(encoding="utf-8") == f"# Earlier step\n\n{done.stdout}"


def test_a_text_that_a_spreadsheet_would_run(tmp_path: Path) -> None:
    frame = handmade.result().assign(workload=["=1+1", "db", "=1+1", "db"]).astype({"workload": "str"})
    made = handmade.report(frame=frame)
    path = tmp_path / "out.csv"
    CHANGE_SINKS["csv"](between(made, made), path, SinkOptions())
    assert ",'=1+1," in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("limit", "told"),
    [
        ("increase>94%", "sci_gco2e_per_unit of the total went from 1 to 1.95, +95 %"),
        ("increase>95%", ""),
        ("increase>=95%", "+95 %"),
        ("increase>-5%", "+95 %"),
        ("increase<0%", ""),
        ("increase:carbon_gco2e>10%", "carbon_gco2e of the total went from 2000 to 3900, +95 %"),
        ("increase:energy_kwh>0%", ""),
        ("increase:sci:request>94.9%", "sci_gco2e_per_unit of the total went from 1 to 1.95"),
        ("row.increase>10%", "1 of 2 rows, the furthest +95 % (namespace=shop, workload=web)"),
        ("row.increase:carbon_gco2e>10%", "2 of 2 rows, the furthest +95 %"),
        ("row.increase:carbon_gco2e>95%", ""),
        ("sci>1.9", "sci_gco2e_per_unit of the total is 1.95"),
        ("coverage<0.6", ""),
    ],
)
def test_limits_on_a_change(
    run: Run, results: tuple[str, str], limit: str, told: str, tmp_path: Path
) -> None:
    out = tmp_path / "out.csv"
    done = run("diff", *results, "-o", f"csv={out}", "--fail-on", limit)
    assert out.is_file(), "outputs come before limits"
    if told == "":
        assert (done.returncode, done.stderr) == (0, "")
    else:
        assert done.returncode == 3
        assert done.stderr.startswith(f"error: limit passed: {limit}: ")
        assert told in done.stderr
    warned = run("diff", *results, "-o", f"csv={out}", "--fail-on", limit, "--warn-only")
    assert warned.returncode == 0
    assert (f"warning: limit passed: {limit}" in warned.stderr) is (told != "")


def test_an_increase_from_nothing_is_beyond_every_limit(run: Run, tmp_path: Path) -> None:
    frame = handmade.result(((*handmade.ROWS[0][:4], 0.0, 0.0, 0.0, 0.0, 1000.0, 1.0, ""),))
    nothing = handmade.report(frame=frame, carbon_gco2e=0.0, sci_gco2e_per_unit=0.0)
    SINKS["json"](nothing, tmp_path / "a.json", SinkOptions())
    SINKS["json"](later(), tmp_path / "b.json", SinkOptions())
    paths = str(tmp_path / "a.json"), str(tmp_path / "b.json")
    assert run("diff", *paths, "--fail-on", "increase>1000000%").returncode == 3
    assert run("diff", paths[0], paths[0], "--fail-on", "increase>0%").returncode == 0


def test_without_a_score_the_increase_is_of_carbon(run: Run, tmp_path: Path) -> None:
    for name, made in (("a", handmade.report()), ("b", later())):
        bare = dataclasses.replace(
            made, provenance=dataclasses.replace(made.provenance, functional_unit=None)
        )
        SINKS["parquet"](bare, tmp_path / name, SinkOptions())
    done = run("diff", str(tmp_path / "a"), str(tmp_path / "b"), "--fail-on", "increase>10%")
    assert "carbon_gco2e of the total went from 2000 to 3900, +95 %" in done.stderr
    assert "sci" not in done.stdout


def test_two_functional_units_are_both_split() -> None:
    def with_users(made: Report) -> Report:
        frame = made.result
        place = list(frame.columns).index("sci_gco2e_per_unit") + 1
        frame.insert(place, "functional_units:user", [4.0, 2.0, 4.0, 2.0])
        frame.insert(
            place + 1, "sci_gco2e_per_unit:user", frame["carbon_gco2e"] / frame["functional_units:user"]
        )
        grams = made.totals.carbon_gco2e or 0.0
        units = (
            UnitTotal(name="request", functional_units=2000.0, sci_gco2e_per_unit=grams / 2000),
            UnitTotal(name="user", functional_units=12.0, sci_gco2e_per_unit=grams / 12),
        )
        totals = dataclasses.replace(made.totals, units=units)
        named = dataclasses.replace(made.provenance, further_units=("user",))
        return dataclasses.replace(made, totals=totals, provenance=named)

    found = between(with_users(handmade.report()), with_users(later()))
    assert found.total["effect_intensity_gco2e_per_unit:user"] == pytest.approx(1900 / 12)
    page = change_table.page(found, SinkOptions()).text()
    assert page.count("\nscore ") == 4  # two tables, two sentences
    # The other order of units in one of the results changes nothing.
    turned = with_users(later())
    names = ("functional_units", "sci_gco2e_per_unit")
    turn = {name: f"{name}:request" for name in names} | {f"{name}:user": name for name in names}
    frame = turned.result.rename(columns=turn)
    named = dataclasses.replace(turned.provenance, functional_unit="user", further_units=("request",))
    sums = dataclasses.replace(
        turned.totals, functional_units=12.0, sci_gco2e_per_unit=3900 / 12, units=turned.totals.units[::-1]
    )
    other = dataclasses.replace(turned, rows=Result.of(frame), provenance=named, totals=sums)
    again = between(with_users(handmade.report()), other)
    assert again.total["change_gco2e_per_unit:request"] == found.total["change_gco2e_per_unit"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("none.parquet", "README.md"), "README.md is no result of sci-batch"),
        (("{base}",), "Missing argument"),
        (("{base}", "{now}", "-o", "csv={base}"), "is both read and written"),
        (("{base}", "{now}", "-o", "csv={now}"), "is both read and written"),
        (("{base}", "{now}", "-o", "parquet=x.parquet"), "diff has no output format parquet"),
        (("{base}", "{now}", "-o", "junit=x.xml"), "-o junit holds what became of limits, and none is given"),
        (("{base}", "{now}", "--fail-on", "increase>10"), "Write 'increase>10%'"),
        (("{base}", "{now}", "--fail-on", "increase:sciz>10%"), "Did you mean sci?"),
        (
            ("{base}", "{now}", "--fail-on", "increase:carbon_gco2e:user>10%"),
            "no measure of a functional unit",
        ),
    ],
)
def test_what_is_wrong(run: Run, results: tuple[str, str], arguments: tuple[str, ...], words: str) -> None:
    base, now = results
    before = Path(base).read_bytes(), Path(now).read_bytes()
    done = run("diff", *(text.format(base=base, now=now) for text in arguments))
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert (Path(base).read_bytes(), Path(now).read_bytes()) == before


def test_other_methods_are_refused_unless_allowed(run: Run, results: tuple[str, str], tmp_path: Path) -> None:
    made = later()
    method = {**made.provenance.method, "pue": "1.3"}
    named = dataclasses.replace(made.provenance, fingerprint="f", method=method)
    other = tmp_path / "other.parquet"
    SINKS["parquet"](dataclasses.replace(made, provenance=named), other, SinkOptions())
    done = run("diff", results[0], str(other))
    assert done.returncode == 2
    assert "pue 1 before, 1.3 now" in done.stderr
    assert "--allow-method-change" in done.stderr
    allowed = run("diff", results[0], str(other), "--allow-method-change")
    assert allowed.returncode == 0
    assert allowed.stderr == "note: another method: pue 1 before, 1.3 now\n"


def test_increases_need_two_results() -> None:
    done = sci_batch(*COMPUTE, "--fail-on", "increase>10%")
    assert done.returncode == 2
    assert "--fail-on increase>10% needs two results" in done.stderr


# What Jenkins' and GitLab's readers know: elements, the attributes they must have, and those they may.
FORM = {
    "testsuites": (set(), {"name", "time", "tests", "failures", "errors", "disabled"}, {"testsuite"}),
    "testsuite": (
        {"name"},
        {"name", "tests", "failures", "errors", "time", "disabled", "skipped", "timestamp", "hostname", "id"},
        {"testcase", "properties", "system-out", "system-err"},
    ),
    "testcase": (
        {"name", "classname"},
        {"name", "classname", "time", "assertions", "status"},
        {"skipped", "error", "failure", "system-out", "system-err"},
    ),
    "failure": ({"type", "message"}, {"type", "message"}, set()),
    "skipped": (set(), {"message", "type"}, set()),
}


def read_junit(text: bytes) -> ET.Element:
    """The one suite of a file whose every element has the form above, and whose counts are right."""
    root = ET.fromstring(text)  # noqa: S314 - our own file
    assert root.tag == "testsuites"
    for element in root.iter():
        needed, known, inside = FORM[element.tag]
        assert needed <= {*element.attrib} <= known, element.tag
        assert {child.tag for child in element} <= inside
    (suite,) = root
    cases = suite.findall("testcase")
    for counted in (root, suite):
        assert counted.get("tests") == str(len(cases))
        assert counted.get("failures") == str(len(suite.findall("testcase/failure")))
    assert suite.get("skipped") == str(len(suite.findall("testcase/skipped")))
    return suite


def test_junit_has_a_case_for_each_limit_kept_or_not(tmp_path: Path) -> None:
    path = tmp_path / "limits.xml"
    limits = ("--fail-on", "sci>0.5", "--fail-on", "carbon_gco2e>9000", "--fail-on", "row.coverage<0.6")
    done = sci_batch(*COMPUTE, "-o", f"junit={path}", *limits, "--min-coverage", "0.5", "--strict")
    assert done.returncode == 3
    suite = read_junit(path.read_bytes())
    assert suite.get("name") == "sci-batch compute"
    assert {case.get("name"): case.find("failure") is not None for case in suite} == {
        "--min-coverage 0.5": False, "--strict": False, "sci>0.5": True, "carbon_gco2e>9000": False,
        "row.coverage<0.6": True,
    }  # fmt: skip
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert failure.get("message") == "limit passed: sci>0.5: sci_gco2e_per_unit of the total is 1"


def test_junit_of_doubts_and_of_warnings(results: tuple[str, str], tmp_path: Path) -> None:
    path = tmp_path / "limits.xml"
    done = sci_batch(*COMPUTE, "-o", f"junit={path}", "--min-coverage", "0.9")
    assert done.returncode == 5
    assert len(read_junit(path.read_bytes()).findall("testcase/failure")) == 1
    flags = ("--fail-on", "increase>1%", "--fail-on", "increase>99%", "--warn-only")
    assert sci_batch("diff", *results, "-o", f"junit={path}", *flags).returncode == 0
    suite = read_junit(path.read_bytes())
    assert [case.find("skipped") is not None for case in suite] == [True, False]
    assert suite.findall("testcase/failure") == []


def test_junit_holds_any_text() -> None:
    odd = 'a<b>&"c\x00\x1b\ud800\u2028ü'
    suite = read_junit(junit.document([Verdict(odd, f"{odd}: broken")], "s", warn_only=False))
    assert suite[0].get("name") == 'a<b>&"c???\u2028ü'


def test_a_failed_junit_is_a_failed_output(run: Run, results: tuple[str, str], tmp_path: Path) -> None:
    done = run("diff", *results, "-o", f"junit={tmp_path}", "--fail-on", "increase>999%")
    assert done.returncode == 8
    assert "it is a folder" in done.stderr
    assert "push" not in done.stderr


def test_junit_is_no_stored_result(run: Run, results: tuple[str, str]) -> None:
    done = run("push", "--from", results[0], "-o", "junit=x.xml")
    assert done.returncode == 2
    assert "push judges none" in done.stderr
