"""What each command prints, and where."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sci_batch import __version__, pipeline, schema, source
from sci_batch.cli.main import main
from sci_batch.report import Report
from sci_batch.settings import OPTIONS, Settings
from sci_batch.source import live
from tests.cli import handmade
from tests.cli.process import COMPUTE, ROOT, environment

HEAVY = ("pandas", "numpy", "pyarrow", "requests", "urllib3", "rich")


@pytest.fixture(autouse=True)
def _without_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*os.environ]:
        if name.startswith("SCI_BATCH_") or name == "PROMETHEUS_URL":
            monkeypatch.delenv(name)


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the pipeline was asked; it answers with the report made by hand."""
    asked: list[dict[str, Any]] = []

    def run(settings: Settings, *, now_ms: int, progress: Callable[[str, float], None], **_: Any) -> Report:
        asked.append({"settings": settings, "now_ms": now_ms})
        progress("pulling counters, 1,234k values/s", 0.5)
        return handmade.report()

    monkeypatch.setattr(pipeline, "run", run)
    return asked


def test_help_names_the_file_that_a_command_reads(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("verify-if", "import-if"):
        assert main([command, "--help"]) == 0
        assert "Arguments:\n  FILE\n        Manifest " in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("compute", "--help"),
        ("doctor", "--help"),
        ("version",),
        ("--version",),
        ("config", "init"),
        ("schema",),
        ("functional-units",),
        ("push", "--help"),
        ("verify-if", "--help"),
        ("import-if", "--help"),
        ("import-if", "fixtures/impact_framework/kepler-importer-old.yml"),
        ("push", "--delete"),
        ("report", "--help"),
        ("compute", "-p", "http://h:9090"),
        ("compute", "--intensty"),
    ],
)
def test_what_needs_no_numbers_imports_no_numbers(arguments: tuple[str, ...]) -> None:
    assert imported(HEAVY, *arguments) == "[]"


def test_a_recording_loads_no_network() -> None:
    network = ("requests", "sci_batch.fetch", "sci_batch.prometheus.client")
    assert imported(network, "compute", "--demo", "--quiet", printed="window_start,") == "[]"


def test_a_run_builds_its_own_command_only_and_checks_no_types() -> None:
    assert imported(("sci_batch.cli.diff", "pydantic"), "compute", "-p", "http://h:9090") == "[]"


def imported(names: tuple[str, ...], *arguments: str, printed: str = "") -> str:
    """The list of those modules that a command loads, as text; what it prints begins with `printed`."""
    script = (
        "import sys; from sci_batch.cli.main import main; main(sys.argv[1:]); "
        f"print([name for name in {names!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        env=environment(),
        cwd=ROOT,
        check=True,
    )
    assert done.stdout.startswith(printed)
    return done.stderr.splitlines()[-1]


def test_help_names_every_flag_whole_with_its_variable(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compute", "--help"]) == 0
    text = capsys.readouterr().out
    assert max(len(line) for line in text.splitlines()) <= 82
    for item in OPTIONS.values():
        if item.secret or "compute" not in item.commands:
            assert f"  {item.flag} " not in text
            continue
        entry = re.search(rf"^  (?:-\w, )?{item.flag}(?=[ ,\n]).*\n(?:        .*\n)+", text, re.M)
        assert entry is not None, item.flag
        assert f"{item.environment}]" in entry[0] or f"{item.environment}, " in entry[0]
        if item.default and not item.switch:
            assert f"[default: {item.default}]" in entry[0]
    panels = re.findall(r"^(\w+):$", text, re.M)
    assert panels == [*dict.fromkeys(item.panel for item in OPTIONS.values()), "Other"]


def test_help_shows_the_demo_with_its_own_grid(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compute", "--help"]) == 0
    text = capsys.readouterr().out
    examples = [line.split("sci-batch ")[1] for line in text.splitlines() if "sci-batch compute" in line]
    assert "compute --demo" in examples
    assert not [line for line in examples if "--demo" in line and "--intensity" in line]


def test_help_of_the_other_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["record", "--help"]) == 0
    record = capsys.readouterr().out
    assert "--out DIR" in record
    assert "--functional-unit" in record
    assert "--output" not in record
    assert main(["report", "--help"]) == 0
    report = capsys.readouterr().out
    assert "\n  RESULT\n" in report
    assert "--from" not in report
    assert "--unit-name NAME" in report
    assert main(["push", "--help"]) == 0
    push = capsys.readouterr().out
    assert "--from RESULT" in push
    assert "--delete" in push
    assert main(["queries", "--help"]) == 0
    assert "--out " not in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["version"], ["--version"]])
def test_version(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    assert capsys.readouterr().out == f"sci-batch {__version__}\n"


def test_flags_environment_and_file_reach_the_pipeline(
    ran: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "sci-batch.toml"
    path.write_text('pue = 1.4\nwindow = "1d"\nstrict = true\nnamespace = ["x"]\n', encoding="utf-8")
    monkeypatch.setenv("SCI_BATCH_WINDOW", "2h")
    monkeypatch.setenv("SCI_BATCH_NOW", "1772323200")
    monkeypatch.setenv("PROMETHEUS_URL", "http://theirs:9090")
    code = main(
        [
            "compute",
            "--intensity",
            "380",
            "--config",
            str(path),
            "-n",
            "a",
            "-n",
            "b*",
            "--no-strict",
            "-o",
            "csv=-",
            "--http.config.file",
            "f.yml",
            "-q",
            "--extra-param",
            "dedup=true",
        ]
    )
    assert code == 0
    made = ran[0]["settings"]
    assert (made.pue, made.window, made.strict, made.namespace) == ("1.4", "2h", False, ("a", "b*"))
    assert made.prometheus_url == "http://theirs:9090"
    assert made.http_config_file == Path("f.yml")
    assert made.extra_param == (("dedup", "true"),)
    assert ran[0]["now_ms"] == 1_772_323_200_000


def test_the_clock_is_the_clock(ran: list[dict[str, Any]]) -> None:
    before = int(time.time() * 1000)
    assert main([*COMPUTE, "-q"]) == 0
    assert before <= ran[0]["now_ms"] <= time.time() * 1000


def test_a_wrong_clock_for_tests(ran: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCI_BATCH_NOW", "yesterday")
    assert main([*COMPUTE]) == 2
    assert ran == []


def test_quiet_leaves_warnings(
    ran: list[dict[str, Any]], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCI_BATCH_INTENSTY", "3")
    assert main([*COMPUTE, "-q"]) == 0
    assert capsys.readouterr().err == (
        "warning: environment variable SCI_BATCH_INTENSTY is not known and has no effect: "
        "did you mean SCI_BATCH_INTENSITY?\n"
    )
    assert len(ran) == 1


def test_verbose_tells_each_step(ran: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*COMPUTE, "-v"]) == 0
    assert capsys.readouterr().err.startswith("pulling counters, 1,234k values/s 50%\nrange: ")
    assert len(ran) == 1


def test_several_outputs(
    ran: list[dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {name: tmp_path / f"out.{name}" for name in ("csv", "json", "jsonl", "parquet", "wide")}
    arguments = [part for name, path in files.items() for part in ("-o", f"{name}={path}")]
    assert main([*COMPUTE, *arguments, "-o", "table"]) == 0
    assert all(path.stat().st_size > 0 for path in files.values())
    assert "SCI = ΣC / ΣR = 1 gCO2e per request" in capsys.readouterr().out
    assert len(ran) == 1


def test_no_clobber_is_seen_before_anything_is_fetched(
    ran: list[dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("old", encoding="utf-8")
    assert main([*COMPUTE, "-o", f"csv={path}", "--no-clobber"]) == 2
    assert "--no-clobber" in capsys.readouterr().err
    assert ran == []
    assert path.read_text(encoding="utf-8") == "old"


def test_record(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[Settings] = []

    def record(settings: Settings, *, now_ms: int, progress: Callable[[str, float], None]) -> None:
        asked.append(settings)

    monkeypatch.setattr(source, "record", record)
    assert main(["record", "-p", "http://h:9090", "--since", "7d", "--out", "folder"]) == 0
    assert (asked[0].out, asked[0].since_seconds) == (Path("folder"), 7 * 86_400)
    assert "compute with --snapshot folder" in capsys.readouterr().err
    assert main(["record", "-p", "http://h:9090"]) == 2
    assert "--out DIR" in capsys.readouterr().err
    assert len(asked) == 1


def test_queries(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(live, "queries", lambda settings, *, now_ms: ["up", f"rate(x[{settings.window}])"])
    assert main(["queries", "--window", "1d"]) == 0
    assert capsys.readouterr().out == "up\nrate(x[1d])\n"


def test_schema_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "--group-by", "node,label:team"]) == 0
    lines = capsys.readouterr().out.splitlines()
    names = [line.split()[0] for line in lines[1 : lines.index("")]]
    assert names == [column.name for column in schema.result_columns(("node", "label:team"))]
    assert [line.split()[0] for line in lines[lines.index("") + 2 :]] == list(schema.FLAGS)


def test_schema_markdown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "--format", "markdown"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["| column | type | unit | null | meaning |", "| --- | --- | --- | --- | --- |"]
    assert "| `carbon_gco2e` | float64 | gCO2e | yes | C = O + M |" in lines
    assert len({line.replace("\\|", "").count("|") for line in lines[: lines.index("")]}) == 1


def test_schema_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "-f", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["flags"] == schema.FLAGS
    assert document["columns"][0] == {
        "name": "window_start",
        "dtype": "datetime64[us, UTC]",
        "unit": "UTC",
        "meaning": "start of the window, inclusive; the window's name",
        "nullable": False,
    }


def test_config_show_has_origins_and_hides_secrets(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCI_BATCH_HEADERS", "Authorization: hunter2")
    monkeypatch.setenv("SCI_BATCH_WINDOW", "1d")
    assert main(["config", "show", "-p", "http://me:hunter3@h:9090", "--pue", "1.2"]) == 2  # two logins
    assert "hunter" not in capsys.readouterr().err
    assert main(["config", "show", "-p", "http://h:9090", "--pue", "1.2"]) == 0
    text = capsys.readouterr().out
    assert "hunter2" not in text
    assert 'pue = "1.2"  # --pue' in text
    assert 'window = "1d"  # SCI_BATCH_WINDOW' in text
    assert "retries = 5  # default" in text
    assert tomllib.loads(text)["prometheus-url"] == "http://h:9090"


def test_config_init_is_toml(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "init"]) == 0
    text = capsys.readouterr().out
    assert tomllib.loads(text) == {}
    assert '#window = "1h"' in text


def test_completion_of_the_shell() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sci_batch"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        env=environment(
            {
                "_SCI_BATCH_COMPLETE": "complete_bash",
                "COMP_WORDS": "sci-batch compute --inte",
                "COMP_CWORD": "2",
            }
        ),
    )
    assert "--intensity" in done.stdout
