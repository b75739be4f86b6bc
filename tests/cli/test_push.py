"""`sci-batch push`, and the outputs that go to an address."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sci_batch.cli.writing import refuse_early
from sci_batch.errors import UsageError
from sci_batch.settings import Output, Settings, load
from sci_batch.settings.document import effective
from sci_batch.sinks import SINKS, SinkOptions
from tests.cli import handmade
from tests.cli.process import COMPUTE, sci_batch

GATEWAY = "http://gateway:9091"


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    path = tmp_path / "result.parquet"
    SINKS["parquet"](handmade.report(), path, SinkOptions())
    return path


def test_a_stored_result_becomes_any_output(stored: Path, tmp_path: Path) -> None:
    for name in ("table", "wide", "csv", "json", "jsonl", "markdown", "openmetrics"):
        computed = sci_batch(*COMPUTE, "-o", name)
        reported = sci_batch("report", str(stored), "-o", name)
        assert (reported.returncode, reported.stderr) == (0, "")
        assert reported.stdout == computed.stdout
    json, back, textfile = tmp_path / "result.json", tmp_path / "back.parquet", tmp_path / "a.prom"
    assert sci_batch("report", str(stored), "-o", f"json={json}", "-q").stderr == ""
    done = sci_batch("report", str(json), "-o", f"parquet={back}", "-o", f"textfile={textfile}")
    assert done.returncode == 0
    assert done.stderr == (
        f"2026-03-01T00:00:00Z to 2026-03-01T02:00:00Z, written: parquet={back}, textfile={textfile}\n"
    )
    assert back.read_bytes() == stored.read_bytes()
    assert "sci_batch_energy_joules" in textfile.read_text()


def test_without_an_output_a_report_is_a_table_or_csv(stored: Path) -> None:
    assert sci_batch("report", str(stored)).stdout == sci_batch(*COMPUTE, "-o", "csv").stdout


def test_a_csv_file_gives_its_rows_back_and_says_what_it_does_not_hold(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    sci_batch(*COMPUTE, "-o", f"csv={file}")
    again = sci_batch("report", str(file), "--unit-name", "request", "-o", "csv")
    assert again.stdout == file.read_text(encoding="utf-8")
    assert again.stderr.startswith("note: a CSV file holds rows alone: method, factors, books")
    table = sci_batch("report", str(file), "--unit-name", "request", "-o", "table").stdout
    assert "ΣC = 2 kgCO2e = operational O 1.9 + embodied M 0.1" in table
    assert "SCI = ΣC / ΣR = unknown" in table
    assert "unknown   factors, total of R and books" in table
    for words in ("None", "PUE", "books closed"):
        assert words not in table
    markdown = sci_batch("report", str(file), "--unit-name", "request", "-o", "markdown").stdout
    assert "method" not in markdown
    metrics = sci_batch(
        "report", str(file), "--unit-name", "request", "-o", "openmetrics", "--cluster-label", "cluster=eu"
    ).stdout
    assert 'cluster="eu",functional_unit="request"' in metrics
    assert "sci_batch_info" not in metrics  # version and method are not known


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-o", f"pushgateway={GATEWAY}"), "push needs either --from or --delete"),
        (("--from", "a.parquet", "--delete", "-o", f"pushgateway={GATEWAY}"), "either --from or --delete"),
        (("--from", "a.parquet"), "there is no output"),
        (("--delete", "-o", f"remote-write={GATEWAY}"), "--delete is for Pushgateways only"),
        (
            ("--from", "none.parquet", "-o", f"pushgateway={GATEWAY}"),
            "none.parquet cannot be read: No such file",
        ),
        (("--from", "README.md", "-o", f"pushgateway={GATEWAY}"), "README.md is no result of sci-batch"),
        (("--from", "a", "-o", "csv=b.csv"), "run: sci-batch report a -o csv=b.csv"),
        (("--from", "a", "-o", "pushgateway"), "--output: the address is no http"),
        (("--from", "a", "-o", "pushgateway=gateway:9091"), "--output: the address is no http"),
        (("--from", "a", "-o", "textfile=a.txt"), "names end in .prom"),
        (("--from", "a", "-o", "textfile"), "names end in .prom"),
        (("--from", "a", "-o", f"pushgateway={GATEWAY}", "--push-group", "a--b"), "'a--b' is no group name"),
        (("--from", "a", "-o", f"pushgateway={GATEWAY}", "--push-group", "a/b"), "'a/b' is no group name"),
        (("--from", "a", "-o", f"pushgateway={GATEWAY}", "--push-max-series", "0"), "--push-max-series"),
        (("--from", "a", "-o", f"pushgateway={GATEWAY}", "--push-ca-file", "none.pem"), "does not exist"),
    ],
)
def test_what_is_wrong_is_told_before_anything_happens(arguments: tuple[str, ...], words: str) -> None:
    done = sci_batch("push", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_report_needs_a_file() -> None:
    done = sci_batch("report")
    assert done.returncode == 2
    assert "Missing argument 'RESULT'" in done.stderr


def test_the_source_is_not_written_over(stored: Path) -> None:
    before = stored.read_bytes()
    done = sci_batch("report", str(stored), "-o", f"csv={stored}")
    assert done.returncode == 2
    assert "is both read and written" in done.stderr
    assert stored.read_bytes() == before


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--cluster-label", "cluster=eu"), "the cluster of the result is (none given), not eu"),
        (("--unit-name", "user"), "the functional unit of the result is request, not user"),
    ],
)
def test_a_result_is_not_published_in_the_name_of_another(
    stored: Path, flags: tuple[str, ...], words: str
) -> None:
    done = sci_batch("report", str(stored), "-o", "openmetrics", *flags)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stdout == ""


def test_a_failed_output_of_a_stored_result_is_exit_8(stored: Path, tmp_path: Path) -> None:
    file, dead = tmp_path / "a.csv", "remote-write=http://127.0.0.1:1"
    flags = ("--push-group", "hourly", "--push-max-series", "99")
    done = sci_batch("report", str(stored), "-o", dead, "-o", f"csv={file}", "--retries", "0", *flags)
    assert done.returncode == 8
    assert "a remote-write receiver at http://127.0.0.1:1/api/v1/write cannot be reached" in done.stderr
    assert "no window is in" in done.stderr
    assert f"Written: csv={file}" in done.stderr
    # What was read still holds more than the CSV that was written.
    assert f"Then run: sci-batch push --from {stored} -o {dead} {' '.join(flags)}\n" in done.stderr
    assert file.exists()


@pytest.mark.parametrize("order", [1, -1])
def test_what_to_run_when_outputs_failed(order: int, tmp_path: Path) -> None:
    """Whatever the order: the file is written before a server is waited for."""
    file, dead = tmp_path / "a.csv", "pushgateway=http://me:hunter2@127.0.0.1:1"
    outputs = [("-o", f"csv={file}"), ("-o", dead)][::order]
    done = sci_batch(*COMPUTE, *outputs[0], *outputs[1], "--retries", "0", "-q")
    assert done.returncode == 8
    assert (
        f"Then run: sci-batch push --from {file} -o pushgateway=http://127.0.0.1:1 --unit-name request "
        "(with the login in the address)\n"
    ) in done.stderr
    parquet, dead = tmp_path / "a.parquet", "remote-write=http://127.0.0.1:1/api/v1/write?tenant=a"
    done = sci_batch(*COMPUTE, "-o", f"parquet={parquet}", "-o", dead, "--retries", "0", "-q")
    again = f"sci-batch push --from {parquet} -o remote-write=http://127.0.0.1:1/api/v1/write"
    assert f"Then run: {again} (with the query string in the address)\n" in done.stderr
    done = sci_batch(*COMPUTE, "-o", f"parquet={parquet}", "-o", dead, "--push-max-series", "2", "-q")
    assert (
        f"Then run: {again} (with the query string in the address and a higher --push-max-series)\n"
        in done.stderr
    )
    # With a file among what failed it is `report`, which writes everything.
    done = sci_batch(*COMPUTE, "-o", f"csv={file}", "-o", f"wide={tmp_path}", "--retries", "0", "-q")
    assert f"Then run: sci-batch report {file} -o wide={tmp_path} --unit-name request\n" in done.stderr


def test_without_a_stored_result_the_cure_says_how_to_have_one(tmp_path: Path) -> None:
    done = sci_batch(*COMPUTE, "-o", f"csv={tmp_path}")
    assert done.returncode == 8
    assert "With -o parquet=FILE beside it, `sci-batch push --from FILE`" in done.stderr


def test_no_clobber_lets_the_summary_of_a_job_grow(tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("# Build\n")
    environ = {"GITHUB_STEP_SUMMARY": str(summary)}
    flags = (*COMPUTE, "-o", f"markdown={summary}", "--no-clobber", "-q")
    assert sci_batch(*flags, environ=environ).returncode == 0
    text = summary.read_text(encoding="utf-8")
    assert text.startswith("# Build\n\n<!-- sci-batch: namespace_workload -->\n")
    assert sci_batch(*flags).returncode == 2  # without the variable it is a file like others


def test_a_login_in_an_address_is_never_shown() -> None:
    address = "http://user:hunter2@gateway:9091/?key=hunter2"
    flags = {"demo": True, "intensity": "380", "output": [f"pushgateway={address}"]}
    loaded = load(flags, {}, "compute")
    assert loaded.settings.output == (Output("pushgateway", None, address),)
    assert f'output = ["pushgateway={GATEWAY}"]' in effective(loaded)
    for text in (str(loaded.settings.output[0]), repr(loaded.settings), effective(loaded)):
        assert "hunter2" not in text
    for name in ("pushgateway", "remote-write"):
        done = sci_batch(*COMPUTE, "-o", f"{name}=http://user:hunter2@127.0.0.1:1", "--retries", "0", "-v")
        assert done.returncode == 8
        assert "hunter2" not in done.stderr


def test_several_outputs_of_one_format_but_not_to_one_place() -> None:
    two = {"output": [f"pushgateway={GATEWAY}", "pushgateway=http://other:9091", "csv"]}
    made = load({"demo": True, "intensity": "380", **two}, {}, "compute").settings.output
    assert [str(item) for item in made] == [f"pushgateway={GATEWAY}", "pushgateway=http://other:9091", "csv"]
    same = {"output": [f"pushgateway={GATEWAY}", f"pushgateway={GATEWAY}/"]}
    with pytest.raises(UsageError, match=f"two outputs go to {GATEWAY}"):
        load({"demo": True, "intensity": "380", **same}, {}, "compute")


def test_one_secret_does_not_go_to_two_servers(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("x")
    done = sci_batch(*COMPUTE, "-o", f"pushgateway={GATEWAY}", "-o", "remote-write=http://other",
                     "--push-bearer-token-file", str(token))  # fmt: skip
    assert done.returncode == 2
    assert "--push-bearer-token-file would go to 2 servers" in done.stderr


def test_a_missing_package_is_told_before_the_computation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(UsageError, match="prometheus-client") as caught:
        refuse_early((Output("pushgateway", None, GATEWAY),), Settings(), {})
    assert "pip install prometheus-client" in caught.value.cure
    refuse_early((Output("remote-write", None, GATEWAY),), Settings(), {})
