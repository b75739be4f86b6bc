"""A small calm cluster for one mishap or one choice at a time, and the tool run on it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pandas as pd

from tests.conftest import prometheus_world
from tests.simulator import Node, Scenario, Simulation, Workload, scenario

HOUR = 3600
JOULES_PER_KWH = 3_600_000


def small(generation: str = "rewrite", **changes: Any) -> Scenario:
    """Three hours of two nodes and a handful of pods, without mishaps."""
    calm: dict[str, Any] = {
        "range_seconds": 3 * HOUR, "restarts": (), "gaps": (), "drops": (), "late_share": 0.0,
        "nodes": (Node(name="n1", cores=8), Node(name="n2", cores=8, scrape_seconds=15.0)),
        "workloads": (
            Workload(namespace="shop", name="web", replicas=3, watts=6.0, requests_per_second=10.0,
                     team="web"),
            Workload(namespace="shop", name="db", kind="StatefulSet", watts=5.0, team="data"),
            Workload(namespace="ops", name="agent", kind="DaemonSet", watts=1.5),
            Workload(namespace="ops", name="tidy", kind="CronJob", watts=4.0, every_seconds=1200.0,
                     life_seconds=(120.0, 300.0), linger_seconds=900.0),
        ),
    }  # fmt: skip
    return scenario(generation, **(calm | changes))  # type: ignore[arg-type]


def tool(url: str, *more: str) -> subprocess.CompletedProcess[str]:
    start = small().start
    plain = {name: value for name, value in os.environ.items() if not name.startswith("SCI_BATCH_")}
    return subprocess.run(
        [sys.executable, "-m", "sci_batch", "compute", "-p", url, "--intensity", "380", "--start", str(start),
         "--end", str(start + 3 * HOUR), *more],
        capture_output=True, text=True, timeout=120, env=plain, check=False,
    )  # fmt: skip


def report(url: str, *more: str) -> dict[str, Any]:
    done = tool(url, "-o", "json", *more)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def rows(url: str, *more: str) -> pd.DataFrame:
    done = tool(url, "-o", "csv", *more)
    assert done.returncode == 0, done.stderr
    return pd.read_csv(io.StringIO(done.stdout), keep_default_na=False, na_values={"shared_kwh": [""]})


def flags(frame: pd.DataFrame) -> set[str]:
    return {word for text in frame["flags"] for word in text.split(",")} - {"", "embodied-default"}


def pods_kwh(simulation: Simulation, *domains: str) -> float:
    used = simulation.truth.physical.workload_hours
    used = used[used["domain"].isin(domains or ("package", "dram"))]
    return float(used["active_joules"].sum()) / JOULES_PER_KWH


def nodes_kwh(simulation: Simulation) -> float:
    used = simulation.truth.physical.node_hours
    used = used[used["domain"].isin(("package", "dram"))]
    return float((used["active_joules"] + used["idle_joules"]).sum()) / JOULES_PER_KWH


@contextmanager
def served(simulation: Simulation, retention: str = "10y") -> Iterator[str]:
    with prometheus_world(simulation, retention) as world:
        yield world.url
