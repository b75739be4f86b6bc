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

import pandas as pd
import pytest

from sci_batch import ledger, pipeline
from sci_batch.engine import cluster
from sci_batch.errors import SourceError, UsageError
from sci_batch.fetch import plan
from sci_batch.report import Report
from sci_batch.settings import Settings
from tests.cli.process import ROOT, environment
from tests.live.cluster import HOUR, served, small
from tests.properties import sources
from tests.simulator import simulate

pytestmark = pytest.mark.live

START = int(small().start)
HOURS = 3


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Both Keplers, one after the other."""
    with served(simulate(small("upgrade", range_seconds=HOURS * HOUR, upgrade_at=1.4 * HOUR))) as address:
        yield address


@contextlib.contextmanager
def dask(folder: Path, workers: int) -> Iterator[tuple[str, list[subprocess.Popen[str]]]]:
    """A real scheduler and real workers on loopback: address, and the workers' processes."""
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
        hands = [
            subprocess.Popen(
                [*command, "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny",
                 "--no-dashboard", "--local-directory", str(folder / f"worker-{number}")],
                stderr=subprocess.DEVNULL, **begin,
            )
            for number in range(workers)
        ]  # fmt: skip
        started += hands
        from distributed import Client

        with Client(address) as client:
            client.wait_for_workers(workers, timeout=60)
        yield address, hands
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
    monkeypatch.setattr(ledger, "ROWS_PER_SPAN", 50)


@pytest.mark.usefixtures("small_pieces")
def test_the_numbers_of_one_process_also_when_a_worker_is_killed(url: str, tmp_path: Path) -> None:
    alone = {pull: run(settings(url, pull=pull)) for pull in ("edges", "raw")}
    with dask(tmp_path, 2) as (address, workers):
        for pull in ("edges", "raw"):
            same(run(settings(url, pull=pull, engine="dask", scheduler=address)), alone[pull])
        lost: list[int] = []

        def kill(words: str, share: float) -> None:
            if "shares" in words and share > 0.3 and not lost:
                lost.append(workers[0].pid)
                os.kill(workers[0].pid, signal.SIGKILL)

        found = run(settings(url, engine="dask", scheduler=address), kill)
        assert lost and workers[0].wait(10) == -signal.SIGKILL
        same(found, alone["edges"])
        asked = "\n".join(found.provenance.queries)
        assert 'instance="n1"' in asked and 'node_name!="n1"' in asked, "as it was asked"


def test_nobody_answers() -> None:
    chosen = sources.settings({"prometheus_url": "http://127.0.0.1:9", "intensity": "380", "engine": "dask",
                               "scheduler": "tcp://127.0.0.1:9"})  # fmt: skip
    with pytest.raises(SourceError, match="does not answer"), cluster.connected(chosen, lambda *_: None):
        pass


def test_headers_do_not_travel_in_the_open() -> None:
    chosen = sources.settings(
        {"prometheus_url": "http://127.0.0.1:9", "intensity": "380", "engine": "dask",
         "scheduler": "tcp://dask.example:8786"}
    )  # fmt: skip
    chosen = dataclasses.replace(chosen, headers=(("Authorization", "Bearer canary"),))
    with pytest.raises(UsageError, match="in the open") as caught, cluster.connected(chosen, lambda *_: None):
        pass
    assert "canary" not in str(caught.value)
