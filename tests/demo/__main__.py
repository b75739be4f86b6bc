"""Make `sci_batch/data/demo` again: `make demo-data`.

A simulated shop (known power in, Kepler's counters out) goes into a real Prometheus, and
`sci-batch record` records it, as a user would record a cluster of their own.
"""

from __future__ import annotations

import math
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from sci_batch.cli.main import main
from sci_batch.snapshot import DEMO
from tests.conftest import prometheus_world
from tests.simulator import Node, Scenario, Workload, simulate

HOUR = 3600.0
UNIT = "request=prometheus:sum by (namespace, pod) (increase(http_requests_total[{window}]))"


def nodes() -> tuple[Node, ...]:
    """Three machines, scraped once a minute."""
    return (
        Node(name="worker-1", idle_watts=62.0, scrape_seconds=60.0, cores=32, memory_gib=128,
             instance_type="m5.8xlarge"),
        Node(name="worker-2", idle_watts=58.0, scrape_seconds=60.0, cores=32, memory_gib=128,
             instance_type="m5.8xlarge"),
        Node(name="worker-3", idle_watts=71.0, scrape_seconds=60.0, cores=48, memory_gib=192,
             instance_type="m5.12xlarge"),
    )  # fmt: skip


def workloads() -> tuple[Workload, ...]:
    """A web shop: every kind of workload, most with a count of requests."""
    return (
        Workload(namespace="shop", name="frontend", watts=6.0, replicas=3, wave=0.45,
                 requests_per_second=42.0, team="web", cpu_request_cores=2.0),
        Workload(namespace="shop", name="checkout", watts=4.5, replicas=2, wave=0.5,
                 requests_per_second=9.0, team="web", cpu_request_cores=1.0, rollout_at=20 * HOUR),
        Workload(namespace="shop", name="cart", watts=3.0, replicas=2, wave=0.4,
                 requests_per_second=17.0, team="web"),
        Workload(namespace="shop", name="payments", kind="Rollout", watts=3.5, replicas=2,
                 requests_per_second=3.5, team="pay", rollout_at=31 * HOUR),
        Workload(namespace="shop", name="orders-db", kind="StatefulSet", watts=9.0, replicas=2, wave=0.3,
                 requests_per_second=31.0, team="data", cpu_request_cores=4.0),
        Workload(namespace="search", name="api", watts=8.0, replicas=2, wave=0.4,
                 requests_per_second=25.0, team="search", cpu_request_cores=2.0),
        Workload(namespace="search", name="indexer", watts=14.0, wave=0.1,
                 requests_per_second=1.2, team="search", cpu_request_cores=4.0),
        Workload(namespace="ml", name="inference", watts=24.0, replicas=2, wave=0.3, noise=0.3,
                 requests_per_second=2.0, team="ml", cpu_request_cores=6.0),
        Workload(namespace="platform", name="ingress", kind="DaemonSet", watts=2.5, wave=0.3,
                 requests_per_second=40.0, team="platform"),
        Workload(namespace="platform", name="log-agent", kind="DaemonSet", watts=1.2, wave=0.1,
                 requests_per_second=95.0, team="platform", cpu_request_cores=0.2),
        Workload(namespace="batch", name="nightly-report", kind="CronJob", watts=18.0, every_seconds=4 * HOUR,
                 life_seconds=(25 * 60.0, 40 * 60.0), linger_seconds=600.0, team="data",
                 cpu_request_cores=2.0),
    )  # fmt: skip


def scenario() -> Scenario:
    """49 hours, so that a whole day in UTC lies inside wherever the end is moved to."""
    return Scenario(
        seed=7, range_seconds=49 * 3600, nodes=nodes(), workloads=workloads(), domains=("package", "dram"),
        restarts=(), gaps=(), drops=(), late_share=0.0,
    )  # fmt: skip


def made_up_grid(world: Scenario, path: Path) -> None:
    """A grid with much solar power, hour by hour: clean at noon, dirty in the evening. Nobody's real grid."""
    lines = ["zone,start_utc,end_utc,gco2e_per_kwh,kind,basis,estimated,source"]
    for number in range(world.range_seconds // 3600):
        start, end = (
            datetime.fromtimestamp(world.start + 3600 * at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            for at in (number, number + 1)
        )
        sun = max(0.0, math.cos(2 * math.pi * (number - 12.5) / 24))
        evening = math.exp(-((((number - 19.5) % 24 + 12) % 24 - 12) ** 2) / 8)
        value = 390 - 210 * sun + 60 * evening
        lines.append(f"DEMO,{start},{end},{value:.0f},average,lifecycle,false,invented for the demo")
    path.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    world_of = scenario()
    with prometheus_world(simulate(world_of)) as world, tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        made_up_grid(world_of, Path("made-up-grid.csv"))
        arguments = [
            "record", "-p", world.url, "--pull", "raw", "--window", "15m", "--functional-unit", UNIT,
            "--start", str(world_of.start), "--end", str(world_of.start + world_of.range_seconds),
            "--group-by", "namespace,workload,label:team,label:app",
            "--intensity", "file:made-up-grid.csv", "--embodied", "catalogue", "--out", str(DEMO),
        ]  # fmt: skip
        raise SystemExit(main(arguments))
