"""Hardware of a mixed cluster in a real Prometheus: who knows which node, and sums that are exact."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.conftest import World, prometheus_world
from tests.simulator import Node, Workload, scenario, simulate
from tests.unit.test_embodied_boavizta import service

pytestmark = pytest.mark.live

HOUR = 3600
HOURS = 3
LIFE = 4 * 365 * 86400


@pytest.fixture(scope="module")
def cluster() -> Iterator[World]:
    """A known type, a type of a later generation, two machines of one's own (one with GPUs, two sockets)."""
    calm: dict[str, Any] = {
        "range_seconds": HOURS * HOUR, "restarts": (), "gaps": (), "drops": (), "late_share": 0.0,
        "nodes": (
            Node(name="cloud-1", cores=16, memory_gib=64, instance_type="M5.4xlarge"),
            Node(name="cloud-2", cores=8, memory_gib=32, instance_type="m7i.2xlarge", scrape_seconds=15.0),
            Node(name="rack-1", cores=32, memory_gib=256, instance_type="", sockets=2, gpus=4,
                 labels=(("label_node_pool", "gpu"),)),
            Node(name="rack-2", cores=8, memory_gib=16, instance_type=""),
        ),
        "workloads": (
            Workload(namespace="shop", name="web", replicas=8, watts=4.0, cpu_request_cores=2.0,
                     memory_request_mib=5120),
            Workload(namespace="shop", name="db", kind="StatefulSet", replicas=4, watts=3.0, wave=0.0,
                     noise=0.0, cpu_request_cores=0.1, memory_request_mib=1024),
            Workload(namespace="ops", name="tidy", kind="CronJob", watts=4.0, every_seconds=1200.0,
                     life_seconds=(120.0, 300.0), linger_seconds=900.0),
        ),
    }  # fmt: skip
    with prometheus_world(simulate(scenario(**calm))) as world:
        yield world


def tool(*arguments: str) -> subprocess.CompletedProcess[str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("SCI_BATCH_")}
    return subprocess.run(
        [sys.executable, "-m", "sci_batch", *arguments],
        capture_output=True, text=True, timeout=120, env=plain, check=False,
    )  # fmt: skip


def span(world: World) -> tuple[str, ...]:
    start = world.scenario.start
    return "--start", str(start), "--end", str(start + HOURS * HOUR)


def rows(world: World, *more: str) -> pd.DataFrame:
    done = tool("compute", "-p", world.url, *span(world), "--intensity", "380", "-o", "csv", *more)
    assert done.returncode == 0, done.stderr
    return pd.read_csv(io.StringIO(done.stdout), keep_default_na=False, na_values={
        column: [""] for column in ("embodied_gco2e_low", "embodied_gco2e_high", "shared_kwh")
    })  # fmt: skip


def per_node(frame: pd.DataFrame, column: str = "embodied_gco2e") -> dict[str, float]:
    """Mean per hour and node [gCO2e]; every hour must have the same."""
    of_hour = frame.groupby(["window_start", "node"])[column].sum(min_count=1).groupby("node")
    assert (of_hour.size() == HOURS).all()
    assert (of_hour.max() - of_hour.min() <= 1e-9 * of_hour.max()).all()
    return {str(node): float(value) for node, value in of_hour.mean().items()}


def hourly(kg: float, life: int = LIFE) -> Any:
    return pytest.approx(kg * 1000 * HOUR / life, rel=1e-9)


M7I = 8 * 20.945
"""8 vCPUs by the median of the catalogue's m family."""
RACK_1 = 1000 + 240 * 533 / 384 + 100 + 4 * 150
"""256 GiB, two sockets (seen in Kepler), four GPUs."""


@pytest.mark.parametrize(
    ("policy", "share"), [("by-energy", "cpu"), ("separate", "memory"), ("by-request", "mean")]
)
def test_a_chain_finds_every_node_and_sums_are_exact(cluster: World, policy: str, share: str) -> None:
    found = rows(
        cluster, "--embodied", "catalogue,model", "--share", share, "--unattributed", policy,
        "--group-by", "node,namespace,workload,pod", "--window", "1h",
    )  # fmt: skip
    assert per_node(found) == {
        "cloud-1": hourly(268.46), "cloud-2": hourly(M7I), "rack-1": hourly(RACK_1), "rack-2": hourly(1000),
    }  # fmt: skip
    words = found.groupby("node")["embodied_source"].unique().map(list).to_dict()
    assert words == {
        "cloud-1": ["catalogue"], "cloud-2": ["catalogue:family"], "rack-1": ["model"], "rack-2": ["model"],
    }  # fmt: skip
    estimated = found["flags"].str.contains("embodied-estimated")
    assert set(found.loc[estimated, "node"]) == {"cloud-2", "rack-1", "rack-2"}
    assert not estimated[found["node"] == "cloud-1"].any()
    bounds = found.groupby("node")["embodied_gco2e_low"].count()
    assert bounds[bounds > 0].index.tolist() == ["cloud-2"]
    assert (
        found["embodied_gco2e_low"].dropna() < found["embodied_gco2e"].loc[found["node"] == "cloud-2"]
    ).all()


def test_what_a_pod_reserves(cluster: World) -> None:
    """With `separate`, a web pod has 2 of 16 cores or 5 of 64 GiB of cloud-1, 2 of 8 or 5 of 16 of rack-2."""
    of_pod = {}
    for share in ("cpu", "memory", "mean"):
        found = rows(
            cluster, "--embodied", "kg:1000", "--share", share, "--unattributed", "separate",
            "--group-by", "node,workload,pod", "--window", "1h",
        )  # fmt: skip
        web = found[(found["workload"] == "web") & found["node"].isin(["cloud-1", "rack-2"])]
        of_pod[share] = web.groupby("node")["embodied_gco2e"].first().to_dict()
    node = 1_000_000 * HOUR / LIFE
    assert of_pod["cpu"] == pytest.approx({"cloud-1": node / 8, "rack-2": node / 4}, rel=1e-9)
    assert of_pod["memory"] == pytest.approx({"cloud-1": node * 5 / 64, "rack-2": node * 5 / 16}, rel=1e-9)
    mean = {"cloud-1": node * (1 / 8 + 5 / 64) / 2, "rack-2": node * (1 / 4 + 5 / 16) / 2}
    assert of_pod["mean"] == pytest.approx(mean, rel=1e-9)


def hardware_file(folder: Path) -> Path:
    path = folder / "nodes.toml"
    path.write_text(
        '[[nodes]]\nselector = "node-pool=gpu"\nembodied_kgco2e = 2000\nlow_kgco2e = 1500\n'
        'high_kgco2e = 2600\nlifespan = "5y"\ngpu_kgco2e = 318\n\n'
        '[[nodes]]\nnode = "rack-2"\nembodied_kgco2e = 800\n'
    )
    return path


def test_a_file_by_labels_and_a_recording_of_it(cluster: World, tmp_path: Path) -> None:
    chain = f"file:{hardware_file(tmp_path)},catalogue"
    by = ("--group-by", "node", "--window", "1h")
    found = rows(cluster, "--embodied", chain, *by)
    te, life = 2000 + 4 * 318, 5 * 365 * 86400
    assert per_node(found)["rack-1"] == hourly(te, life)
    assert per_node(found)["rack-2"] == hourly(800)
    rack = found[found["node"] == "rack-1"]
    assert per_node(rack, "embodied_gco2e_low")["rack-1"] == hourly(1500 + 4 * 318, life)
    assert per_node(rack, "embodied_gco2e_high")["rack-1"] == hourly(2600 + 4 * 318, life)
    folder = tmp_path / "recording"
    done = tool("record", "-p", cluster.url, *span(cluster), *by, "--embodied", chain, "--out", str(folder))
    assert done.returncode == 0, done.stderr
    again = tool(
        "compute", "--snapshot", str(folder), *span(cluster), *by, "--intensity", "380", "--embodied", chain,
        "-o", "csv",
    )  # fmt: skip
    assert again.returncode == 0, again.stderr
    pd.testing.assert_frame_equal(
        pd.read_csv(io.StringIO(again.stdout))[["node", "embodied_gco2e", "embodied_source"]],
        found[["node", "embodied_gco2e", "embodied_source"]],
    )


def test_a_recording_holds_the_sockets_that_a_later_model_needs(cluster: World, tmp_path: Path) -> None:
    live = rows(cluster, "--embodied", "catalogue,model", "--group-by", "node", "--window", "1h")
    folder = tmp_path / "recording"
    done = tool("record", "-p", cluster.url, *span(cluster), "--embodied", "kg:1200", "--out", str(folder))
    assert done.returncode == 0, done.stderr
    again = tool(
        "compute", "--snapshot", str(folder), *span(cluster), "--group-by", "node", "--window", "1h",
        "--intensity", "380", "--embodied", "catalogue,model", "-o", "csv",
    )  # fmt: skip
    assert again.returncode == 0, again.stderr
    found = pd.read_csv(io.StringIO(again.stdout))
    assert found["embodied_gco2e"].tolist() == live["embodied_gco2e"].tolist()
    assert "no number of processor sockets" not in again.stderr


def test_a_service_is_amortised_once(cluster: World, tmp_path: Path) -> None:
    with service() as base:
        chain = f"boavizta:{base},file:{hardware_file(tmp_path)},catalogue"
        found = rows(cluster, "--embodied", chain, "--group-by", "node", "--window", "1h")
        offline = tool("compute", "-p", cluster.url, *span(cluster), "--intensity", "380", "--offline",
                       "--embodied", chain)  # fmt: skip
    assert per_node(found)["cloud-1"] == hourly(300.0)
    assert per_node(found)["cloud-2"] == hourly(M7I)
    assert found.loc[found["node"] == "cloud-1", "embodied_source"].unique().tolist() == [
        "boavizta:127.0.0.1"
    ]
    assert offline.returncode == 2
    assert "--offline" in offline.stderr


def test_nobody_knows_the_racks(cluster: World) -> None:
    done = tool("compute", "-p", cluster.url, *span(cluster), "--intensity", "380", "--embodied", "catalogue")
    assert done.returncode == 2
    assert "rack-1 (instance type unknown), rack-2 (instance type unknown)" in " ".join(done.stderr.split())


def test_the_hardware_is_part_of_the_method(cluster: World, tmp_path: Path) -> None:
    """Another content of the file, or another share, is another fingerprint."""
    path = hardware_file(tmp_path)
    chain = f"file:{path},catalogue"

    def provenance(*more: str) -> dict[str, Any]:
        done = tool("compute", "-p", cluster.url, *span(cluster), "--intensity", "380", "--embodied", chain,
                    "-o", "json", "--window", "all", *more)  # fmt: skip
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)["provenance"]
        return found

    one, other = provenance(), provenance("--share", "mean")
    assert "nodes.toml (sha256 " in one["method"]["embodied"]
    assert str(tmp_path) not in json.dumps(one["method"])
    assert any("m7i.2xlarge" in note for note in one["notes"])
    assert one["fingerprint"] != other["fingerprint"]
    path.write_text(path.read_text().replace("800", "801"))
    assert provenance()["fingerprint"] != one["fingerprint"]
