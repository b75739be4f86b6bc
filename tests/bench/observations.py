"""Files to SCI to files: the tool and the Impact Framework with one row per workload and minute.

The tool reads a recording: counters, from which it computes the energy of each row, finds the workload of
each pod, and comes to carbon, score and totals. The Impact Framework is given energy and embodied carbon of
the same rows and comes to carbon, score and totals: the steps are those of `-o impact-framework`, which
itself refuses so many rows. Both write the format that their own other commands read.

The least that a program with pandas takes for the last of these steps (`least.py`) is measured as well.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sci_batch.impact.manifest import Component, Head, Row, component, head
from tests import servers
from tests.bench.bars import Bar, Finding
from tests.bench.measure import Cost, cost
from tests.bench.result import middle
from tests.impact_framework import if_run
from tests.simulator.series import Series, remote_write_bodies

START_SECONDS = 1_780_272_000
MINUTE = 60
INTENSITY, UNITS = 380.0, 1000.0
NODES = 4
LEAST = Path(__file__).with_name("least.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """How many workloads, for how long."""

    workloads: int = 100
    minutes: int = 1440


def observations(size: Observed, runs: int) -> Finding:
    """Record, take the energies from a result, then measure both in turn."""
    with tempfile.TemporaryDirectory(prefix="bench-") as made:
        folder = Path(made)
        recording = folder / "recording"
        _record(size, recording)
        result = folder / "result.parquet"
        ours = _compute(recording, result)
        cost(ours)
        rows = _manifest(result, folder / "manifest.yaml")
        (folder / "package.json").write_text("{}")  # else IF looks in the folders above
        theirs = [str(if_run()), "-m", "manifest.yaml", "-o", "out.yaml"]
        least = [sys.executable, str(LEAST), str(result), str(folder / "least.parquet")]
        commands = {"sci-batch": ours, "if-run": theirs, "pandas": least}
        costs: dict[str, list[Cost]] = {name: [] for name in commands}
        for _ in range(runs):
            for name, command in commands.items():
                costs[name].append(cost(command, folder))
        if "status: success" not in (folder / "out.yaml").read_text():
            raise RuntimeError("the Impact Framework says that it failed")
    return _finding(rows, {name: middle(of) for name, of in costs.items()})


def _finding(rows: int, costs: Mapping[str, Cost]) -> Finding:
    lines = [
        f"  {rows:,} observations: {name:10} {of.wall_seconds:6.2f} s wall  {of.cpu_seconds:6.2f} s CPU  "
        f"{of.peak_mib:5.0f} MiB"
        for name, of in costs.items()
    ]
    ours, theirs, least = (costs[name] for name in ("sci-batch", "if-run", "pandas"))
    lines.append(f"  wall of if-run / the least with pandas: {theirs.wall_seconds / least.wall_seconds:.1f}")
    bars = [
        Bar(what="wall of if-run / ours", measured=theirs.wall_seconds / ours.wall_seconds, limit=50,
            at_least=True),
        Bar(what="our peak memory / that of if-run", measured=ours.peak_mib / theirs.peak_mib, limit=0.25),
    ]  # fmt: skip
    figures = {
        "observations": rows, "sci_batch": asdict(ours), "if_run": asdict(theirs), "least": asdict(least),
    }  # fmt: skip
    return Finding(name="if-run", bars=bars, lines=lines, figures=figures)


def _compute(recording: Path, result: Path) -> list[str]:
    return [
        sys.executable, "-m", "sci_batch", "compute", "--snapshot", str(recording), "--window", "1m",
        "--intensity", f"{INTENSITY:g}", "--functional-unit", f"request={UNITS:g}", "--unattributed", "drop",
        "--quiet", "-o", f"parquet={result}",
    ]  # fmt: skip


def _record(size: Observed, out: Path) -> None:
    with servers.prometheus() as server:
        servers.load_remote_write(server.url, remote_write_bodies(_series(size)))
        cost([
            sys.executable, "-m", "sci_batch", "record", "-p", server.url, "--start", str(START_SECONDS),
            "--end", str(START_SECONDS + size.minutes * MINUTE), "--window", "1m", "--pull", "raw",
            "--quiet", "--out", str(out),
        ])  # fmt: skip


def _series(size: Observed) -> Iterator[Series]:
    """One Deployment of one pod per workload, seen by Kepler and kube-state-metrics each minute."""
    times = (START_SECONDS + np.arange(-2, size.minutes + 1, dtype=np.int64) * MINUTE) * 1000
    end = np.empty(0, np.int64)
    random = np.random.default_rng(1)
    busy = np.zeros((NODES, len(times)))
    ones = np.ones(len(times))
    for number in range(size.workloads):
        node, namespace = number % NODES, f"team-{number % 10}"
        replica_set = f"service-{number:03d}-6d4b75cb6d"
        pod = {"namespace": namespace, "pod": f"{replica_set}-{number:05d}", "uid": f"uid-{number:05d}"}
        watts = random.lognormal(1.5, 0.7)
        joules = np.cumsum(watts * MINUTE * (0.75 + 0.5 * random.random(len(times))))
        busy[node] += joules
        labels = {
            "__name__": "kepler_pod_cpu_joules_total", "pod_id": pod["uid"], "pod_name": pod["pod"],
            "pod_namespace": namespace, "zone": "package", "state": "running", **_target(node),
        }  # fmt: skip
        yield Series(labels, times, np.round(joules, 6), end)
        kube = {"job": "kube-state-metrics", "instance": "10.0.9.9:8080"}
        owner = {"owner_kind": "ReplicaSet", "owner_name": replica_set, "owner_is_controller": "true"}
        yield Series({"__name__": "kube_pod_owner", **pod, **owner, **kube}, times, ones, end)
        above = {"owner_kind": "Deployment", "owner_name": f"service-{number:03d}"}
        of_set = {"__name__": "kube_replicaset_owner", "namespace": namespace, "replicaset": replica_set}
        yield Series({**of_set, **above, **kube}, times, ones, end)
    for node in range(NODES):
        path = {"zone": "package", "path": "/host/sys/class/powercap/intel-rapl:0"}
        host = np.cumsum(6.0 * MINUTE * ones)
        active = {"__name__": "kepler_node_cpu_active_joules_total", **path, **_target(node)}
        yield Series(active, times, np.round(busy[node] + host, 6), end)
        idle = {"__name__": "kepler_node_cpu_idle_joules_total", **path, **_target(node)}
        yield Series(idle, times, np.cumsum(55.0 * MINUTE * ones), end)


def _target(node: int) -> dict[str, str]:
    return {"node_name": f"worker-{node:02d}", "instance": f"10.0.0.{node}:28282", "job": "kepler"}


def _manifest(result: Path, manifest: Path) -> int:
    """The rows of a result as inputs of the Impact Framework; how many."""
    rows = pd.read_parquet(result).sort_values(["namespace", "workload", "window_start"])
    top = Head(
        name="observations",
        description="made up",
        facts={"made": "up"},
        pue=1.0,
        unit="request",
        total_units=UNITS * len(rows),
    )
    with manifest.open("w") as out:
        out.write(head(top, scored=True))
        for (namespace, workload), of in rows.groupby(["namespace", "workload"], sort=False):
            carbon, score = of["carbon_gco2e"].tolist(), of["sci_gco2e_per_unit"].tolist()
            made = Component(
                name=f"{namespace}/{workload}", facts={"workload": workload},
                rows=[_row(one) for one in of.itertuples()], scored=True,
                carbon_gco2e=carbon, sci_gco2e_per_unit=score,
            )  # fmt: skip
            out.writelines(component(made, has_total=True))
    return len(rows)


def _row(row: Any) -> Row:
    return Row(
        timestamp=f"{row.window_start:%Y-%m-%dT%H:%M:%SZ}", seconds=MINUTE, energy_kwh=row.energy_kwh,
        intensity_gco2e_per_kwh=INTENSITY, embodied_gco2e=row.embodied_gco2e, pue=None, rounding_gco2e=0.0,
        units=UNITS,
    )  # fmt: skip
