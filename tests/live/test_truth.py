"""The main job against the truth: a simulated cluster in a real server, found again by the real CLI.

The bars are those of the project: total workload energy within 0.1 % of what the pods physically used,
workload-hours with a median error of at most 0.3 % and a 95th percentile of at most 2 %, node energy
within 0.1 %. What peers do (`increase()` per hour, summed) is printed beside.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import World
from tests.simulator import increase_error

pytestmark = pytest.mark.live

WORLDS = [
    "prometheus_rewrite",
    "prometheus_legacy",
    "prometheus_upgrade",
    "victoria_rewrite",
    "victoria_legacy",
]
DOMAINS = ["package", "dram"]
JOULES_PER_KWH = 3_600_000
HOUR = ["window_start_ms", "namespace", "workload", "workload_kind"]


def compute(world: World, *more: str) -> subprocess.CompletedProcess[str]:
    """The real process, on the range of the world's truth; each command line runs once a session."""
    truth = world.truth
    return _run(world.url, truth.start_ms // 1000, truth.end_ms // 1000, more)


@cache
def _run(url: str, start: int, end: int, more: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable, "-m", "sci_batch", "compute", "-p", url, "--intensity", "380", "--strict",
        "--start", str(start), "--end", str(end), *more,
    ]  # fmt: skip
    plain = {name: value for name, value in os.environ.items() if not name.startswith("SCI_BATCH_")}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=plain, check=False)
    assert done.returncode == 0, done.stderr
    return done


def rows(text: str) -> pd.DataFrame:
    frame = pd.read_csv(io.StringIO(text), keep_default_na=False, na_values={"functional_units": [""]})
    start = pd.to_datetime(frame["window_start"]).dt.as_unit("ms").astype("int64")
    return frame.assign(window_start_ms=start)


def workload_hours(world: World) -> pd.Series:
    used = world.truth.physical.workload_hours
    used = used[used["domain"].isin(DOMAINS)]
    return used.groupby(HOUR)["active_joules"].sum() / JOULES_PER_KWH


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    yield request.getfixturevalue(request.param)


@pytest.mark.parametrize("pull", ["edges", "raw"])
def test_workload_energy_is_found_again(world: World, pull: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = rows(compute(world, "--pull", pull, "-o", "csv").stdout)
    true = workload_hours(world)
    ours = found.groupby(HOUR)["active_kwh"].sum()
    assert set(ours.index) <= set(true.index), "rows of workloads that did not run"
    both = pd.DataFrame({"true": true, "ours": ours}).fillna(0.0)
    error = (both["ours"] / both["true"] - 1).abs()
    total = both["ours"].sum() / both["true"].sum() - 1
    peers = increase_error(world.url, world.truth)
    with capsys.disabled():
        print(
            f"\n  {world.scenario.generation}, {pull}: total {total:+.3%}, "
            f"workload-hours median {error.median():.3%}, "
            f"95th percentile {error.quantile(0.95):.2%}; summed increase(): total {peers.total:+.3%}, "
            f"median {peers.median:.3%}, 95th percentile {peers.p95:.1%}"
        )
    assert abs(total) <= 0.001
    assert error.median() <= 0.003
    assert error.quantile(0.95) <= 0.02


@pytest.mark.parametrize("pull", ["edges", "raw"])
def test_node_energy_is_found_again(world: World, pull: str) -> None:
    report = json.loads(compute(world, "--pull", pull, "-o", "json", "--group-by", "node").stdout)
    nodes = world.truth.physical.node_hours
    nodes = nodes[nodes["domain"].isin(DOMAINS)]
    true = (nodes["active_joules"] + nodes["idle_joules"]).groupby(nodes["node"]).sum() / JOULES_PER_KWH
    ours = pd.DataFrame(report["rows"]).groupby("node")["energy_kwh"].sum()
    assert sorted(ours.index) == sorted(true.index)
    assert ours.sum() == pytest.approx(true.sum(), rel=0.001)
    # A node loses what its Kepler was off for: the restart, the upgrade.
    assert (ours / true).to_numpy() == pytest.approx(1.0, abs=0.0025)
    totals = report["totals"]
    assert totals["node_energy_kwh"] == pytest.approx(ours.sum(), rel=1e-9)
    assert totals["open_books"] == 0
    assert totals["books"] == len(true) * len(report["rows"]) // len(ours)


def test_both_pulls_find_the_same(world: World) -> None:
    edges, raw = (rows(compute(world, "--pull", pull, "-o", "csv").stdout) for pull in ("edges", "raw"))
    key = ["namespace", "workload", "workload_kind"]
    for column in ("active_kwh", "energy_kwh"):
        by_edges, by_raw = (frame.groupby(key)[column].sum() for frame in (edges, raw))
        if column == "active_kwh":  # the sum over all windows is the counters' rise, whatever the pull
            assert by_edges.to_numpy() == pytest.approx(by_raw.to_numpy(), rel=1e-9)
        assert by_edges.sum() == pytest.approx(by_raw.sum(), rel=1e-9)
    assert edges["embodied_gco2e"].sum() == pytest.approx(raw["embodied_gco2e"].sum(), rel=1e-9)
    assert edges["coverage"].to_numpy() == pytest.approx(raw["coverage"].to_numpy(), abs=0.01)


def test_days_and_hours_hold_the_same_energy(prometheus_rewrite: World) -> None:
    sums = []
    for window in ("1h", "13h", "all", "7m"):
        frame = rows(compute(prometheus_rewrite, "--window", window, "-o", "csv").stdout)
        sums.append(frame[["active_kwh", "energy_kwh"]].sum().to_numpy())
    hours, halves, whole, _ = sums
    assert halves == pytest.approx(hours, rel=1e-9)
    assert whole == pytest.approx(hours, rel=1e-9)


def test_a_recording_gives_the_identical_result(world: World, tmp_path: Path) -> None:
    truth = world.truth
    span = ["--start", str(truth.start_ms // 1000), "--end", str(truth.end_ms // 1000)]
    unit = "request=prometheus:sum by (namespace, pod) (increase(http_requests_total[{window}]))"
    live = compute(world, "--functional-unit", unit, "-o", "csv").stdout
    tool = [sys.executable, "-m", "sci_batch"]
    recorded = subprocess.run(
        [*tool, "record", "-p", world.url, *span, "--functional-unit", unit,
         "--out", str(tmp_path / "snapshot")],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert recorded.returncode == 0, recorded.stderr
    replayed = subprocess.run(
        [*tool, "compute", "--snapshot", str(tmp_path / "snapshot"), "--intensity", "380",
         "--functional-unit", unit, "-o", "csv"],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert replayed.returncode == 0, replayed.stderr
    assert replayed.stdout == live


def test_requests_are_found_again(prometheus_rewrite: World) -> None:
    unit = "request=prometheus:sum by (namespace, pod) (increase(http_requests_total[{window}]))"
    frame = rows(compute(prometheus_rewrite, "--functional-unit", unit, "-o", "csv").stdout)
    true = prometheus_rewrite.truth.requests_hours.groupby(["namespace", "workload"])["requests"].sum()
    ours = frame.groupby(["namespace", "workload"])["functional_units"].sum(min_count=1).dropna()
    assert sorted(ours.index) == sorted(true.index)
    # increase() extrapolates: it is Prometheus' count, not ours
    assert ours.sort_index().to_numpy() == pytest.approx(true.sort_index().to_numpy(), rel=0.02)
