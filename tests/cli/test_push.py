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
        pushed = sci_batch("push", "--from", str(stored), "-o", name)
        assert pushed.returncode == 0, pushed.stderr
        assert pushed.stdout == computed.stdout
        assert pushed.stderr == f"2026-03-01T00:00:00Z to 2026-03-01T02:00:00Z, written: {name}\n"
    json = tmp_path / "result.json"
    assert sci_batch("push", "--from", str(stored), "-o", f"json={json}", "-q").stderr == ""
    back = tmp_path / "back.parquet"
    assert sci_batch("push", "--from", str(json), "-o", f"parquet={back}").returncode == 0
    assert back.read_bytes() == stored.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-o", f"pushgateway={GATEWAY}"), "push needs either --from or --delete"),
        (("--from", "a.parquet", "--delete", "-o", f"pushgateway={GATEWAY}"), "either --from or --delete"),
        (("--from", "a.parquet"), "there is no output"),
        (("--delete", "-o", f"remote-write={GATEWAY}"), "--delete is for Pushgateways only"),
        (("--from", "none.parquet", "-o", "csv"), "none.parquet cannot be read: No such file"),
        (("--from", "README.md", "-o", "csv"), "README.md is no result of sci-batch"),
        (("--from", "a", "-o", "pushgateway"), "--output: the address is no http"),
        (("--from", "a", "-o", "pushgateway=gateway:9091"), "--output: the address is no http"),
        (("--from", "a", "-o", "textfile=a.txt"), "names end in .prom"),
        (("--from", "a", "-o", "textfile"), "names end in .prom"),
        (("--from", "a", "-o", "csv", "--push-group", "a--b"), "'a--b' is no group name"),
        (("--from", "a", "-o", "csv", "--push-group", "a/b"), "'a/b' is no group name"),
        (("--from", "a", "-o", "csv", "--push-max-series", "0"), "--push-max-series"),
        (("--from", "a", "-o", f"pushgateway={GATEWAY}", "--push-ca-file", "none.pem"), "does not exist"),
    ],
)
def test_what_is_wrong_is_told_before_anything_happens(arguments: tuple[str, ...], words: str) -> None:
    done = sci_batch("push", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_the_source_is_not_written_over(stored: Path) -> None:
    before = stored.read_bytes()
    done = sci_batch("push", "--from", str(stored), "-o", f"csv={stored}")
    assert done.returncode == 2
    assert "is both read and written" in done.stderr
    assert stored.read_bytes() == before


def test_the_result_of_one_cluster_is_not_published_as_that_of_another(stored: Path) -> None:
    done = sci_batch("push", "--from", str(stored), "-o", "csv", "--cluster-label", "cluster=eu")
    assert done.returncode == 2
    assert "the result is of cluster (none given), not eu" in done.stderr
    assert done.stdout == ""


def test_a_failed_push_of_a_stored_result_is_exit_8(stored: Path, tmp_path: Path) -> None:
    csv = tmp_path / "a.csv"
    outputs = ("-o", "remote-write=http://127.0.0.1:1", "-o", f"csv={csv}")
    done = sci_batch("push", "--from", str(stored), *outputs, "--retries", "0")
    assert done.returncode == 8
    assert "a remote-write receiver at http://127.0.0.1:1/api/v1/write cannot be reached" in done.stderr
    assert "no window is in" in done.stderr
    assert csv.exists()


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
    assert "pip install 'sci-batch[push]'" in caught.value.cure
    refuse_early((Output("remote-write", None, GATEWAY),), Settings(), {})
