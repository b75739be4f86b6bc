"""A Dask cluster gives the numbers of one process, also when a worker is lost on the way."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from distributed import KilledWorker

import sci_batch
from sci_batch import engine, ledger, pipeline
from sci_batch.asking import plan
from sci_batch.engine import connection, shard
from sci_batch.engine.cluster import Cluster
from sci_batch.errors import SourceError, UsageError
from sci_batch.prometheus.problems import TooMuchError
from sci_batch.report import Report
from sci_batch.settings import Settings
from sci_batch.source import opened
from tests.cli.process import ROOT, environment
from tests.live.cluster import HOUR, served, small
from tests.properties import sources
from tests.simulator import simulate

pytestmark = pytest.mark.live

START = int(small().start)
HOURS = 2


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Both Keplers, one after the other."""
    with served(simulate(small("upgrade", range_seconds=HOURS * HOUR, upgrade_at=0.9 * HOUR))) as address:
        yield address


@contextlib.contextmanager
def dask(folder: Path, workers: int) -> Iterator[tuple[str, list[subprocess.Popen[str]]]]:
    """A scheduler, and workers whose stretches are short: address, and the processes, the scheduler last."""
    command = [sys.executable, "-m"]
    begin: dict[str, Any] = {"env": environment({}), "cwd": ROOT, "text": True}
    told = (folder / "scheduler.json").resolve()
    scheduler = subprocess.Popen(
        [*command, "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
         "--scheduler-file", str(told)], stderr=subprocess.PIPE, **begin,
    )  # fmt: skip
    started = [scheduler]
    try:
        assert scheduler.stderr is not None
        line = next(line for line in scheduler.stderr if "Scheduler at:" in line)
        found = re.search(r"tcp://[\d.]+:\d+", line)
        assert found
        address = found[0]
        short = folder / "short_stretches.py"
        short.write_text(
            "from sci_batch.asking import plan\n\nplan.EDGE_BUDGET = 1\nplan.RAW_BUDGET = 10_000\n"
        )
        hands = [
            subprocess.Popen(
                [*command, "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny",
                 "--no-dashboard", "--local-directory", str(folder / f"worker-{number}"),
                 "--preload", str(short)],
                stderr=subprocess.DEVNULL, **begin,
            )
            for number in range(workers)
        ]  # fmt: skip
        started += hands
        from distributed import Client

        with Client(address) as client:
            client.wait_for_workers(workers, timeout=60)
        yield address, [*hands, scheduler]
    finally:
        for process in reversed(started):
            process.kill()
            process.communicate()


def settings(url: str, **flags: Any) -> Settings:
    given = {
        "prometheus_url": url, "start": str(START), "end": str(START + HOURS * HOUR), "window": "15m",
        "intensity": "380", **flags,
    }  # fmt: skip
    return sources.settings(given)


def run(chosen: Settings, progress: Any = lambda _words, _share: None) -> Report:
    return pipeline.run(chosen, now_ms=(START + 24 * HOUR) * 1000, progress=progress)


def same(one: Report, other: Report) -> None:
    pd.testing.assert_frame_equal(one.result, other.result, check_exact=True)
    assert one.totals == other.totals
    assert (one.days, one.flag_counts, one.seen_end_ms) == (other.days, other.flag_counts, other.seen_end_ms)
    assert one.provenance.fingerprint == other.provenance.fingerprint


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "EDGE_BUDGET", 1)
    monkeypatch.setattr(plan, "RAW_BUDGET", 10_000)
    monkeypatch.setattr(ledger, "ROWS_PER_SPAN", 50)


@pytest.mark.usefixtures("small_pieces")
def test_the_numbers_of_one_process_also_when_workers_are_lost(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = {pull: run(settings(url, pull=pull)) for pull in ("edges", "raw")}
    with dask(tmp_path, 2) as (address, processes):
        monkeypatch.setattr(sci_batch, "__version__", "9.9")
        with pytest.raises(UsageError, match=r"have sci-batch [\d.]+, and this is 9\.9"):
            run(settings(url, engine="dask", scheduler=address))
        monkeypatch.undo()
        monkeypatch.setattr(plan, "EDGE_BUDGET", 1)
        monkeypatch.setattr(plan, "RAW_BUDGET", 10_000)
        monkeypatch.setattr(ledger, "ROWS_PER_SPAN", 50)
        told_once(url, address)
        for pull in ("edges", "raw"):
            same(run(settings(url, pull=pull, engine="dask", scheduler=address)), alone[pull])
        found = run(settings(url, engine="dask", scheduler=address), killing(processes[0]))
        assert processes[0].wait(10) == -signal.SIGKILL
        same(found, alone["edges"])
        asked = "\n".join(found.provenance.queries)
        assert 'instance="n1"' in asked and 'node_name!="n1"' in asked, "as it was asked"
        with pytest.raises(SourceError, match="is lost"):
            run(settings(url, engine="dask", scheduler=address), killing(processes[-1]))


def killing(process: subprocess.Popen[str]) -> Any:
    """A listener that kills it when a part of the counters has been read."""

    def kill(words: str, share: float) -> None:
        if "shares" in words and share > 0.3 and process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)

    return kill


def told_once(url: str, address: str) -> None:
    """What a worker meets is what one process would tell: kind, sentence and cure."""
    chosen = settings(url, engine="dask", scheduler=address)
    gone = settings("http://127.0.0.1:9", retries="0")
    with (
        opened(chosen, (START + 24 * HOUR) * 1000, quiet) as source,
        connection.connected(chosen, quiet) as client,
        pytest.raises(SourceError, match="Cannot reach Prometheus") as caught,
    ):
        edges = np.array(source.plan.edges_ms, np.int64)
        Cluster(client, quiet).read(source, edges, edges, gone)
    assert "--prometheus-url" in caught.value.cure


def quiet(_words: str, _share: float, /) -> None:
    """No progress is shown."""


def test_a_data_set_by_workers_of_this_machine(url: str, tmp_path: Path) -> None:
    """From the command line, as a newcomer starts it: nothing on standard error, the files of one process."""
    for who in ("process", "dask"):
        done = subprocess.run(
            [sys.executable, "-m", "sci_batch", "compute", "-q", "-p", url, "--intensity", "380",
             "--start", str(START), "--end", str(START + HOURS * HOUR), "-o", f"parquet={tmp_path / who}/",
             "--engine", who, *(("--workers", "1") if who == "dask" else ())],
            env=environment({"SCI_BATCH_NOW": str(START + 24 * HOUR)}), cwd=ROOT, capture_output=True,
            text=True, check=False, timeout=120,
        )  # fmt: skip
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    files = [
        sorted(path.parent.relative_to(tmp_path / who) for path in (tmp_path / who).rglob("*.parquet"))
        for who in ("process", "dask")
    ]
    assert files[0] and files[0] == files[1]
    one, other = (pd.read_parquet(tmp_path / who) for who in ("process", "dask"))
    pd.testing.assert_frame_equal(one, other, check_exact=True)


@pytest.mark.parametrize("address", ["foo", "http://127.0.0.1:8786", "tcp://127.0.0.1", "tcp://h:99999"])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(UsageError, match="no address"), connection.connected(away(address), quiet):
        pass


def test_nobody_answers(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is every server a scheduler: Dask itself would wait for an answer for ever."""
    monkeypatch.setattr(connection, "_seconds", lambda: 0.3)
    monkeypatch.setattr(connection, "_HEARD_SECONDS", 0.3)
    for address, words in (
        ("tcp://127.0.0.1:9", "does not answer"),
        (url.replace("http", "tcp"), "is no Dask"),
    ):
        with pytest.raises(SourceError, match=words), connection.connected(away(address), quiet):
            pass


def test_tls_needs_certificates() -> None:
    with pytest.raises(UsageError, match="certificates"):  # noqa: SIM117 -- one line each
        with connection.connected(away("tls://127.0.0.1:9"), quiet):
            pass


def test_workers_that_die_of_the_work() -> None:
    class Given:
        def result(self) -> None:
            raise KilledWorker("read", None, 3)

    with pytest.raises(SourceError, match="given up"):
        connection.answer(Given())


def test_a_failure_travels_without_what_only_its_own_process_knows() -> None:
    failed = shard.Failed.of(TooMuchError("too much", "ask for less"))
    assert failed.kind.__module__ == "sci_batch.errors"
    with pytest.raises(SourceError, match="too much"):
        raise failed.error()


def away(address: str) -> Settings:
    return sources.settings(
        {"prometheus_url": "http://127.0.0.1:9", "intensity": "380", "engine": "dask", "scheduler": address}
    )


@pytest.mark.parametrize(
    ("secret", "flag"),
    [
        ({"headers": (("Authorization", "Bearer canary"),)}, "SCI_BATCH_HEADERS"),
        ({"push_headers": (("Authorization", "Bearer canary"),)}, "SCI_BATCH_PUSH_HEADERS"),
        ({"prometheus_url": "http://me:canary@127.0.0.1:9"}, "--prometheus-url"),
    ],
)
def test_secrets_do_not_travel_in_the_open(secret: dict[str, Any], flag: str) -> None:
    chosen = dataclasses.replace(away("tcp://dask.example:8786"), **secret)
    with pytest.raises(UsageError, match="in the open") as caught, connection.connected(chosen, quiet):
        pass
    assert flag in str(caught.value) and "canary" not in str(caught.value)


def test_workers_for_one_process_are_a_mistake() -> None:
    chosen = sources.settings({"prometheus_url": "http://127.0.0.1:9", "scheduler": "tcp://127.0.0.1:8786"})
    with pytest.raises(UsageError, match="--engine dask"), engine.chosen(chosen, quiet):
        pass
