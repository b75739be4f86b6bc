"""The benchmark's TSDB: made once by a real Prometheus, kept as blocks."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests import servers
from tests.bench import cluster
from tests.bench.cluster import Size
from tests.simulator.series import remote_write_bodies


@contextmanager
def server(size: Size, kept: Path) -> Iterator[servers.Server]:
    """A Prometheus that holds the cluster; its blocks are copied from `kept`, and made where missing."""
    blocks = kept / _name(size)
    if not blocks.is_dir():
        print(f"making {size.pod_samples:,} samples of {size.pods} pods in {blocks}", flush=True)
        _make(size, blocks)

    def fill(data_dir: Path) -> None:
        shutil.copytree(blocks, data_dir, dirs_exist_ok=True)

    with servers.prometheus(blocks=fill) as running:
        yield running


def _name(size: Size) -> str:
    """Changes with everything that changes the data."""
    source = Path(cluster.__file__).read_bytes()
    return hashlib.sha256(source + repr(size).encode()).hexdigest()[:16]


def _make(size: Size, blocks: Path) -> None:
    """Send everything to a fresh server and keep its own snapshot: blocks as it writes them."""
    blocks.parent.mkdir(parents=True, exist_ok=True)
    with servers.prometheus(flags=("--web.enable-admin-api",)) as fresh:
        servers.load_remote_write(fresh.url, remote_write_bodies(cluster.cluster(size)))
        answer = requests.post(f"{fresh.url}/api/v1/admin/tsdb/snapshot", timeout=600)
        answer.raise_for_status()
        snapshot = fresh.data_dir / "snapshots" / answer.json()["data"]["name"]
        temporary = blocks.with_suffix(".part")
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.copytree(snapshot, temporary)
        temporary.rename(blocks)
