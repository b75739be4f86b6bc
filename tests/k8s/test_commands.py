"""What the containers run is taken by our own command line, and runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import requests
import typer

from sci_batch.cli.main import app
from sci_batch.settings import Loaded, load
from tests import servers
from tests.k8s.containers import Command, laid_out
from tests.k8s.manifests import JOBS, ROOT, objects
from tests.k8s.published import name_with

NOW = "1795507200"
"""2026-11-24T08:00:00Z [s]: the demo ends there."""


def parsed(command: Command) -> Loaded:
    """Settings of a command line, by the parser of the tool itself."""
    group = typer.main.get_command(app)
    name, *words = command.arguments
    found = group.commands[name]  # type: ignore[attr-defined]
    # Before typer's callback, a flag that is not given many times is ().
    given = {field: value for field, value in found.make_context(name, words).params.items() if value != ()}
    config = given.pop("config")
    return load(given, command.environ, name, config)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", JOBS)
def test_the_command_of_the_container_parses(name: str, tmp_path: Path) -> None:
    loaded = parsed(laid_out(objects(name), tmp_path))
    assert loaded.warnings == ()
    assert loaded.settings.intensity is not None
    assert [unit.name for unit in loaded.settings.functional_unit] == ["request"]
    assert loaded.settings.prometheus_url


def test_openshift_asks_thanos_with_the_token_of_the_pod(tmp_path: Path) -> None:
    settings = parsed(laid_out(objects("overlays/openshift"), tmp_path)).settings
    assert settings.prometheus_url == "https://thanos-querier.openshift-monitoring.svc:9091"
    assert settings.bearer_token_file == tmp_path / "thanos-querier" / "token"
    assert settings.ca_file == tmp_path / "thanos-querier" / "service-ca.crt"
    assert settings.bearer_token_file.is_file()
    assert settings.ca_file.is_file()


@pytest.mark.parametrize(
    ("name", "formats"),
    [
        ("base", ["parquet"]),
        ("overlays/openshift", ["parquet"]),
        ("overlays/pushgateway", ["parquet", "pushgateway"]),
        ("overlays/remote-write", ["parquet", "remote-write"]),
        ("overlays/s3-parquet", ["parquet", "parquet"]),
        ("overlays/backfill", ["parquet"]),
        ("overlays/dask", ["parquet"]),
    ],
)
def test_outputs(name: str, formats: list[str], tmp_path: Path) -> None:
    settings = parsed(laid_out(objects(name), tmp_path)).settings
    assert [output.format for output in settings.output] == formats


def run(command: Command, *more: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, with nothing in its environment but what the manifest says."""
    return subprocess.run(
        [sys.executable, "-m", "sci_batch", *command.arguments, "--demo", "--since", "4h", *more],
        env={**command.environ, "PATH": "/usr/bin:/bin", "SCI_BATCH_NOW": NOW},
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_the_job_of_the_base_runs(tmp_path: Path) -> None:
    """On the recording of the demo, with the settings of the ConfigMap: grid and hardware by node."""
    done = run(laid_out(objects("base"), tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    table = pq.read_table(tmp_path / "data" / "newest.parquet")
    assert set(table.column("intensity_source").to_pylist()) != {""}
    assert set(table.column("workload").to_pylist()) >= {"frontend", "orders-db"}


@pytest.mark.live
def test_the_job_of_the_pushgateway_runs(tmp_path: Path, pushgateway: servers.Server) -> None:
    command = laid_out(objects("overlays/pushgateway"), tmp_path)
    *rest, target = command.arguments
    assert target.startswith("pushgateway=http://")
    done = run(Command([*rest, f"pushgateway={pushgateway.url}"], command.environ))
    assert done.returncode == 0, done.stderr
    newest = pq.read_table(tmp_path / "data" / "newest.parquet").to_pandas()
    newest = newest[newest["window_end"] == newest["window_end"].max()]
    pushed = requests.get(f"{pushgateway.url}/api/v1/metrics", timeout=10).json()["data"]
    (group,) = pushed
    assert group["labels"] == {"job": "sci_batch", "group": "namespace_workload"}
    joules = {
        metric["labels"]["workload"]: float(metric["value"])
        for metric in group[name_with("energy")]["metrics"]
    }
    assert joules == pytest.approx(dict(zip(newest["workload"], newest["energy_kwh"] * 3.6e6, strict=True)))
