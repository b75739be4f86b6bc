"""Runs on a schedule against a real Prometheus: late, twice, at once, stopped and killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import requests

from tests.cli.process import ROOT, environment
from tests.live.cluster import HOUR, served, small
from tests.simulator import simulate

pytestmark = pytest.mark.live

START = int(small().start)
HOURS = 6
FILES = ("csv", "json", "jsonl", "parquet", "openmetrics", "markdown", "table", "wide")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with served(simulate(small(range_seconds=HOURS * HOUR))) as address:
        yield address


@pytest.fixture(scope="module")
def straight(url: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Files of a backfill that nobody disturbs."""
    folder = tmp_path_factory.mktemp("straight")
    code, said = tool(HOURS, *backfill(url, folder, "-q"))
    assert (code, said) == (0, "")
    return content(folder)


class Stalling(ThreadingHTTPServer):
    """Passes requests on to a server, until a condition is met: from then on nobody gets an answer."""

    daemon_threads = True

    def __init__(self, url: str, when: Callable[[int], bool]) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        self.target, self.when, self.count = url, when, 0
        self.stalled, self.let_go = threading.Event(), threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Passing(BaseHTTPRequestHandler):
    server: Stalling

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.count += 1
        if self.server.stalled.is_set() or self.server.when(self.server.count):
            self.server.stalled.set()
            self.server.let_go.wait(60)
            return
        headers = {"Content-Type": self.headers.get("Content-Type", "")}
        answer = requests.request(
            self.command, self.server.target + self.path, data=body, headers=headers, timeout=60
        )
        self.send_response(answer.status_code)
        self.send_header("Content-Type", answer.headers["Content-Type"])
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    do_GET = do_POST

    def log_message(self, *_: Any) -> None:
        return


@contextmanager
def stalling(url: str, when: Callable[[int], bool]) -> Iterator[Stalling]:
    server = Stalling(url, when)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.let_go.set()
        server.shutdown()
        thread.join()
        server.server_close()


def started(hours: float, *arguments: str, **environ: str) -> subprocess.Popen[str]:
    """The tool at so many hours (and five minutes) after the start of the simulation."""
    now = str(START + round(hours * HOUR) + 300)
    return subprocess.Popen(
        [sys.executable, "-m", "sci_batch", *arguments, "--intensity", "380"],
        env=environment({"SCI_BATCH_NOW": now, **environ}), cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code and standard error; standard output has been empty."""
    try:
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert out == ""
    assert "Traceback" not in err
    return process.returncode, err


def tool(hours: float, *arguments: str, **environ: str) -> tuple[int, str]:
    return ended(started(hours, *arguments, **environ))


def since_last_run(url: str, folder: Path, *more: str) -> tuple[str, ...]:
    return ("compute", "-p", url, "--since", "last-run", "--first-since", "1h",
            "--state", str(folder / "state.json"), "--health-file", str(folder / "health.json"),
            "-o", f"csv={folder}/{{start}}.csv", *more)  # fmt: skip


def backfill(url: str, folder: Path, *more: str, hours: int = HOURS) -> tuple[str, ...]:
    return ("backfill", "-p", url, "--start", str(START), "--end", str(START + hours * HOUR), "--every", "1h",
            "-o", f"csv={folder}/{{start}}.csv", "-o", f"parquet={folder}/{{start}}.parquet",
            *more)  # fmt: skip


def health(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "health.json").read_bytes())
    return found


def content(folder: Path) -> dict[str, bytes]:
    """Every file but the health file, which holds the time of the run."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "health.json"}


def rows(folder: Path) -> pd.DataFrame:
    parts = [pd.read_csv(path) for path in sorted(folder.glob("*.csv"))]
    return pd.concat(parts, ignore_index=True)


def test_runs_late_and_twice_cover_every_window_once(url: str, tmp_path: Path) -> None:
    code, said = tool(1, *since_last_run(url, tmp_path))
    assert code == 0, said
    assert "note: no earlier run is known" in said
    assert "range: 2026-03-02T00:00:00Z to 2026-03-02T01:00:00Z" in said
    assert tool(2, *since_last_run(url, tmp_path))[0] == 0

    before = content(tmp_path)
    code, said = tool(2, *since_last_run(url, tmp_path))
    assert (code, said) == (0, "nothing to do: all windows up to 2026-03-02T02:00:00Z are done\n")
    assert content(tmp_path) == before
    assert health(tmp_path)["status"] == "ok"

    code, said = tool(5, *since_last_run(url, tmp_path))  # two runs did not happen
    assert "range: 2026-03-02T02:00:00Z to 2026-03-02T05:00:00Z" in said
    names = sorted(path.name for path in tmp_path.glob("*.csv"))
    assert names == [f"20260302T0{hour}0000Z.csv" for hour in (0, 1, 2)]

    whole = tmp_path / "whole"
    span = ("--start", str(START), "--end", str(START + 5 * HOUR))
    assert tool(6, "compute", "-p", url, *span, "-o", f"csv={whole}/all.csv", "-q")[0] == 0
    keys = ["window_start", "namespace", "workload"]
    pd.testing.assert_frame_equal(
        rows(tmp_path).sort_values(keys, ignore_index=True),
        rows(whole).sort_values(keys, ignore_index=True), rtol=1e-9,
    )  # fmt: skip


def test_a_long_break_is_cut_and_told(url: str, tmp_path: Path) -> None:
    assert tool(1, *since_last_run(url, tmp_path))[0] == 0
    code, said = tool(6, *since_last_run(url, tmp_path, "--max-catch-up", "2h", "-q"))
    assert code == 0
    assert said == (
        "warning: the last run ended at 2026-03-02T01:00:00Z, longer ago than --max-catch-up: what lies "
        "before 2026-03-02T04:00:00Z is left out. To have it, with the flags of this run: sci-batch backfill "
        "--start 2026-03-02T01:00:00Z --end 2026-03-02T04:00:00Z --every 1h\n"
    )
    assert set(rows(tmp_path)["window_start"]) == {f"2026-03-02T0{hour}:00:00Z" for hour in (0, 4, 5)}


def test_the_same_range_gives_the_same_bytes(url: str, tmp_path: Path) -> None:
    span = ("--start", str(START), "--end", str(START + 3 * HOUR))
    made = []
    for name, hours in (("a", 3.0), ("b", 5.5)):
        files = [part for form in FILES for part in ("-o", f"{form}={tmp_path}/{name}/r.{form}")]
        code, said = tool(hours, "compute", "-p", url, *span, *files, "--concurrency", "4")
        assert code == 0, said
        made.append(content(tmp_path / name))
    assert sorted(made[0]) == sorted(f"r.{form}" for form in FILES)
    assert made[0] == made[1]


def test_a_failed_output_does_not_move_the_state(url: str, tmp_path: Path) -> None:
    assert tool(1, *since_last_run(url, tmp_path))[0] == 0
    (tmp_path / "blocked.json").mkdir()
    state = (tmp_path / "state.json").read_bytes()
    code, _ = tool(2, *since_last_run(url, tmp_path, "-o", f"json={tmp_path}/blocked.json"))
    assert code == 8
    assert (tmp_path / "state.json").read_bytes() == state
    (tmp_path / "blocked.json").rmdir()
    assert tool(2, *since_last_run(url, tmp_path, "-o", f"json={tmp_path}/blocked.json"))[0] == 0
    assert (tmp_path / "state.json").read_bytes() != state


def test_a_passed_limit_moves_the_state(url: str, tmp_path: Path) -> None:
    code, _ = tool(1, *since_last_run(url, tmp_path, "--fail-on", "carbon_gco2e>0"))
    assert code == 3
    assert health(tmp_path)["last_failure"]["exit_code"] == 3
    assert tool(1, *since_last_run(url, tmp_path))[1].startswith("nothing to do")


def test_two_at_once(url: str, tmp_path: Path) -> None:
    with stalling(url, lambda count: count > 3) as server:
        first = started(1, *since_last_run(server.url, tmp_path))
        assert server.stalled.wait(60)
        code, said = tool(1, *since_last_run(url, tmp_path))
        assert code == 9
        assert f"error: another run (process {first.pid} on " in said
        assert "nothing was done" in said
        assert not list(tmp_path.glob("*.csv"))
        first.kill()
        first.communicate(timeout=60)
    code, said = tool(1, *since_last_run(url, tmp_path))
    assert code == 0, said
    assert health(tmp_path)["status"] == "ok"


@pytest.mark.parametrize(
    ("sign", "code", "words"),
    [(signal.SIGTERM, 143, "terminated"), (signal.SIGINT, 130, "interrupted")],
)
def test_stopped_in_the_middle(url: str, tmp_path: Path, sign: signal.Signals, code: int, words: str) -> None:
    assert tool(1, *since_last_run(url, tmp_path))[0] == 0
    before = content(tmp_path)
    with stalling(url, lambda count: count > 3) as server:
        process = started(2, *since_last_run(server.url, tmp_path, "--timeout", "1h"))
        assert server.stalled.wait(60)
        os.kill(process.pid, sign)
        # The server is still silent, and the tool would wait an hour for it.
        stopped, said = ended(process)
    assert stopped == code
    assert said.splitlines()[-1] == words
    assert content(tmp_path) == before
    seen = health(tmp_path)
    assert (seen["status"], seen["exit_code"], seen["message"]) == ("failed", code, words)
    assert (seen["start"], seen["end"]) == ("2026-03-02T01:00:00Z", "2026-03-02T02:00:00Z")
    assert seen["last_success"]["end"] == "2026-03-02T01:00:00Z"
    assert tool(2, *since_last_run(url, tmp_path))[0] == 0


@pytest.mark.parametrize("state", [True, False])
@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM])
def test_a_backfill_that_was_stopped_goes_on(
    url: str, tmp_path: Path, straight: dict[str, bytes], sign: signal.Signals, state: bool
) -> None:
    folder = tmp_path / "results"
    more = ("--state", str(tmp_path / "state.json")) if state else ()
    second = folder / "20260302T010000Z.parquet"
    with stalling(url, lambda _count: second.exists()) as server:
        process = started(HOURS, *backfill(server.url, folder, *more))
        assert server.stalled.wait(60)
        os.kill(process.pid, sign)
        code, said = ended(process)
    assert code == (143 if sign == signal.SIGTERM else -signal.SIGKILL)
    assert "step 2 of 6, 2026-03-02T01:00:00Z to 2026-03-02T02:00:00Z: 4 rows" in said
    done = content(folder)
    assert len(done) == 4  # two steps, two files each

    code, said = tool(HOURS, *backfill(url, folder, *more))
    assert code == 0, said
    assert "2 of 6 done before" in said
    assert "step 2" not in said
    assert said.endswith("backfill: 6 of 6 steps are done\n")
    made = content(folder)
    assert made.keys() == straight.keys()
    # The Parquet files of the first two name the server that stalled.
    same = {name for name in made if name.endswith(".csv") or name not in done}
    assert len(same) == 10
    assert {name: made[name] for name in same} == {name: straight[name] for name in same}
    assert {name: made[name] for name in done} == done


def test_one_pod_of_an_indexed_job_is_one_step(url: str, tmp_path: Path) -> None:
    code, said = tool(HOURS, *backfill(url, tmp_path), JOB_COMPLETION_INDEX="4")
    assert code == 0, said
    assert sorted(content(tmp_path)) == ["20260302T040000Z.csv", "20260302T040000Z.parquet"]
    code, said = tool(HOURS, *backfill(url, tmp_path), JOB_COMPLETION_INDEX="6")
    assert code == 2
    assert "there is no step 6: the range has 6, from 0 to 5" in said


def test_a_step_without_data_does_not_stop_the_others(url: str, tmp_path: Path) -> None:
    early = str(START - 26 * HOUR)
    arguments = backfill(url, tmp_path, "--health-file", str(tmp_path / "health.json"))
    code, said = tool(HOURS, *(early if word == str(START) else word for word in arguments))
    assert code == 4
    assert "error: step 1 of 32, 2026-02-28T22:00:00Z to 2026-02-28T23:00:00Z: " in said
    assert len(list(tmp_path.glob("*.csv"))) == 6 + len(list(tmp_path.glob("20260301T*.csv")))
    assert "of the backfill went wrong" in health(tmp_path)["message"]


def test_every_line_of_a_run_is_an_object(url: str, tmp_path: Path) -> None:
    code, said = tool(1, *since_last_run(url, tmp_path, "--log-format", "json", "-v"))
    assert code == 0
    found = [json.loads(line) for line in said.splitlines()]
    assert all({"ts", "level", "msg"} <= line.keys() for line in found)
    last = found[-1]
    (csv,) = tmp_path.glob("*.csv")
    made = pd.read_csv(csv)
    assert last["msg"].startswith("done: 4 rows, ")
    assert (last["level"], last["rows"], last["outputs"]) == ("info", len(made), [f"csv={csv}"])
    assert last["energy_kwh"] == pytest.approx(made["energy_kwh"].sum(), rel=1e-12)
    assert last["carbon_gco2e"] == pytest.approx(made["carbon_gco2e"].sum(), rel=1e-12)
    assert (last["start"], last["end"]) == ("2026-03-02T00:00:00Z", "2026-03-02T01:00:00Z")
