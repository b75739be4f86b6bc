"""Carbon against sums worked out from the truth: time and place, hardware, PUE, GPU, platform."""

from __future__ import annotations

import csv
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.live.cluster import HOUR, JOULES_PER_KWH, flags, nodes_kwh, pods_kwh, report, rows, served, small
from tests.simulator import Node, Simulation, simulate
from tests.simulator.series import Series

pytestmark = pytest.mark.live

TABLE = Path(__file__).parents[2] / "sci_batch" / "data" / "grid" / "grid-intensity.csv"


def shipped(zone: str) -> float:
    with TABLE.open(encoding="utf-8", newline="") as file:
        return next(float(row["gco2e_per_kwh"]) for row in csv.DictReader(file) if row["zone"] == zone)


def node_hours(simulation: Simulation) -> pd.DataFrame:
    """KWh of each node and hour, both domains."""
    used = simulation.truth.physical.node_hours
    used = used[used["domain"].isin(("package", "dram"))]
    joules = (used["active_joules"] + used["idle_joules"]).groupby([used["window_start_ms"], used["node"]])
    return (joules.sum() / JOULES_PER_KWH).unstack()  # noqa: PD010 (of a series)


def test_hourly_intensity_meets_hourly_energy(tmp_path: Path) -> None:
    # Power and intensity both swing, so the product of means is wrong by their covariance.
    changed = {
        workload.name: replace(workload, wave=0.9, noise=0.0, watts=workload.watts * 3)
        for workload in small().workloads
    }
    day = small(range_seconds=24 * HOUR, workloads=tuple(changed.values()))
    simulation = simulate(day)
    hours = node_hours(simulation).sum(axis=1).to_numpy()
    intensity = np.array([400 + 300 * math.sin(2 * math.pi * hour / 24) for hour in range(24)])
    path = tmp_path / "ci.csv"
    lines = ["zone,start_utc,end_utc,gco2e_per_kwh,kind,basis,estimated,source"]
    for hour, value in enumerate(intensity.tolist()):
        start, end = (pd.Timestamp(day.start + HOUR * at, unit="s") for at in (hour, hour + 1))
        lines.append(
            f"X,{start:%Y-%m-%dT%H:%M:%SZ},{end:%Y-%m-%dT%H:%M:%SZ},{value!r},average,direct,false,made"
        )
    path.write_text("\n".join(lines) + "\n")
    span = ["--start", str(day.start), "--end", str(day.start + 24 * HOUR), "--intensity", f"file:{path}"]
    with served(simulation) as url:
        whole = report(url, *span, "--window", "all")
        hourly = report(url, *span, "--window", "1h")
    true = float(hours @ intensity)
    naive = float(hours.sum() * intensity.mean())
    for found in (whole, hourly):
        assert found["totals"]["operational_gco2e"] == pytest.approx(true, rel=0.001)
    assert abs(naive / true - 1) > 0.02, "the case must tell the two apart"
    by_hand = true - naive  # n x covariance of energy and intensity
    assert whole["totals"]["operational_gco2e"] - naive == pytest.approx(by_hand, rel=0.03)
    assert {row["intensity_source"] for row in whole["rows"]} == {"file:ci.csv#X"}


def test_a_cluster_over_two_regions() -> None:
    nodes = (
        Node(name="n1", cores=8, grid_zone="eu-west-3a"),
        Node(name="n2", cores=8, scrape_seconds=15.0, grid_zone="eu-central-1b"),
    )
    simulation = simulate(small(nodes=nodes))
    france, germany = shipped("FR"), shipped("DE")
    with served(simulation) as url:
        by_node = rows(url, "--intensity", "region:auto", "--group-by", "node", "--also-intensity", "100")
        by_workload = rows(url, "--intensity", "region:auto")
    true = node_hours(simulation).sum()
    found = by_node.groupby("node")["operational_gco2e"].sum()
    assert found["n1"] == pytest.approx(true["n1"] * france, rel=0.003)
    assert found["n2"] == pytest.approx(true["n2"] * germany, rel=0.003)
    beside = by_node["operational_gco2e:constant:100"]
    assert beside.to_numpy() == pytest.approx(by_node["energy_kwh"].to_numpy() * 100, rel=1e-12)
    assert by_workload["operational_gco2e"].sum() == pytest.approx(found.sum(), rel=1e-9)
    effective = by_workload["operational_gco2e"] / by_workload["energy_kwh"]
    assert by_workload["intensity_gco2e_per_kwh"].to_numpy() == pytest.approx(effective.to_numpy(), rel=1e-12)
    assert by_workload["intensity_gco2e_per_kwh"].between(france, germany).all()


def test_pue_and_overhead_are_factors() -> None:
    simulation = simulate(small())
    with served(simulation) as url:
        plain = rows(url)
        more = rows(url, "--pue", "1.25", "--overhead-ratio", "0.2")
        cloud = rows(url, "--pue", "auto")
    assert cloud["operational_gco2e"].sum() == pytest.approx(
        1.15 * plain["operational_gco2e"].sum(), rel=1e-12
    )
    assert more["energy_kwh"].sum() == pytest.approx(1.2 * plain["energy_kwh"].sum(), rel=1e-9)
    assert more["active_kwh"].to_numpy() == pytest.approx(plain["active_kwh"].to_numpy(), rel=1e-12)
    assert more["operational_gco2e"].sum() == pytest.approx(1.5 * plain["operational_gco2e"].sum(), rel=1e-9)


def with_series(simulation: Simulation, *series: Series) -> Simulation:
    return replace(simulation, series=[*simulation.series, *series])


def steady(labels: dict[str, str], start: int, watts: float, *, counter: bool) -> Series:
    """A gauge of constant power, or the counter of its energy, every 30 s, from before the range."""
    seconds = np.arange(start - 1800, start + 3 * HOUR + 300, 30)
    value = (seconds - seconds[0]) * watts if counter else np.full(len(seconds), watts)
    return Series(labels, seconds * 1000, value.astype(float), np.empty(0, np.int64))


def test_the_power_supply_as_node_energy() -> None:
    simulation = simulate(small())
    start = simulation.scenario.start
    base = {"__name__": "kepler_platform_watts", "source": "redfish", "bmc_id": "b", "chassis_id": "c"}
    supplies = [
        steady(
            {**base, "node_name": "n1", "source_type": "PowerSupply", "source_id": psu},
            start,
            90.0,
            counter=False,
        )
        for psu in ("0", "1")
    ]
    whole = {**base, "node_name": "n1", "source_type": "PowerControl", "source_id": "0"}
    both = with_series(simulation, *supplies, steady(whole, start, 200.0, counter=False))
    with served(both) as url:
        found = rows(url, "--node-energy", "platform", "--group-by", "node")
        done = report(url, "--node-energy", "platform")
    energy = found.groupby("node")["energy_kwh"].sum()
    assert energy["n1"] == pytest.approx(0.2 * 3, rel=1e-9)
    assert energy["n2"] == pytest.approx(node_hours(simulation).sum()["n2"], rel=0.003)
    assert set(found[found["node"] == "n1"]["energy_source"]) == {"redfish"}
    assert done["totals"]["open_books"] == 0


def test_gpu_energy_is_in_the_total_and_in_its_own_column() -> None:
    simulation = simulate(small())
    start = simulation.scenario.start
    pod = next(pod for pod in simulation.pods if pod.workload_name == "db")
    pod_labels = {
        "__name__": "kepler_pod_gpu_joules_total", "node_name": pod.node, "pod_id": pod.uid,
        "pod_name": pod.name, "pod_namespace": pod.namespace, "state": "running",
    }  # fmt: skip
    node = {
        "node_name": pod.node, "gpu": "0", "gpu_uuid": "GPU-1", "gpu_name": "A100", "vendor": "nvidia",
        "instance": "10.0.0.7:28282", "job": "kepler",
    }  # fmt: skip
    # Old Kepler has a counter of this name too: it must not count the new one's total once more.
    whole = {"__name__": "kepler_node_gpu_joules_total", **node}
    container = {
        "__name__": "kepler_container_gpu_joules_total", "container_id": "c1", "container_name": "db",
        "pod_id": pod.uid, "node_name": pod.node, "instance": "10.0.0.7:28282", "state": "running",
    }  # fmt: skip
    more = with_series(
        simulation,
        steady(pod_labels, start, 150.0, counter=True),
        steady({"__name__": "kepler_node_gpu_active_joules_total", **node}, start, 150.0, counter=True),
        steady({"__name__": "kepler_node_gpu_idle_joules_total", **node}, start, 40.0, counter=True),
        steady(whole, start, 190.0, counter=True),
        steady(container, start, 150.0, counter=True),
    )
    with served(more) as url:
        for pull in ("edges", "raw"):
            found = rows(url, "--pull", pull)
            assert found[found["workload"] == "db"]["gpu_kwh"].sum() == pytest.approx(0.45, rel=0.01)
            assert found["active_kwh"].sum() == pytest.approx(pods_kwh(simulation) + 0.45, rel=0.004)
            assert found["energy_kwh"].sum() == pytest.approx(nodes_kwh(simulation) + 0.57, rel=0.004)
            assert "Unattributed" not in set(found["workload_kind"]), "no node that is not there"
            assert not {"two-generations", "no-pod-level"} & flags(found)
    with served(simulation) as url:
        without = rows(url)
    assert "gpu_kwh" not in without, "not measured is not zero"


def test_embodied_adds_up_to_the_hardware_exactly() -> None:
    simulation = simulate(small())
    with served(simulation) as url:
        found = rows(url, "--embodied", "kg:1000", "--lifespan", "4y", "--group-by", "node")
    per_hour = 1000 * 1000 * 3600 / (4 * 365 * 86400)
    assert found["embodied_gco2e"].to_numpy() == pytest.approx(per_hour, rel=1e-12)
    assert per_hour == pytest.approx(28.538812785388128, rel=1e-15)


@pytest.mark.parametrize("intensity", ["region:auto", "prometheus:200 + hour()"])
def test_a_recording_gives_the_intensity_again(intensity: str, tmp_path: Path) -> None:
    import subprocess
    import sys

    simulation = simulate(small())
    start = simulation.scenario.start
    span = ["--start", str(start), "--end", str(start + 3 * HOUR), "--intensity", intensity]
    tool = [sys.executable, "-m", "sci_batch"]
    with served(simulation) as url:
        live = rows(url, "--intensity", intensity)
        done = subprocess.run(
            [*tool, "record", "-p", url, *span, "--out", str(tmp_path / "kept")],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    replay = subprocess.run(
        [*tool, "compute", "--snapshot", str(tmp_path / "kept"), *span,
         "-o", f"csv={tmp_path / 'again.csv'}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert replay.returncode == 0, replay.stderr
    again = pd.read_csv(tmp_path / "again.csv", keep_default_na=False, na_values={"shared_kwh": [""]})
    assert again["operational_gco2e"].tolist() == live["operational_gco2e"].tolist()
    assert flags(again) == flags(live)
