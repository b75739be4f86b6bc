"""Real exposition formats of both Keplers, stored in a real Prometheus: sums known by hand come out again."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import servers
from tests.simulator import remote_write_bodies
from tests.simulator.series import Series

pytestmark = pytest.mark.live

FOLDER = Path(__file__).parents[2] / "fixtures" / "kepler"
START = 1_772_409_600
LINE = re.compile(r"^(\w+)\{(.*)\} (\S+)$")
JOULES_PER_KWH = 3_600_000


def series(name: str) -> list[Series]:
    """Each counter rises evenly from 0 in five scrapes of two minutes; a terminated row shows once, last."""
    found = []
    target = {"instance": "worker-1", "job": "kepler"}
    for line in (FOLDER / name).read_text(encoding="utf-8").splitlines():
        match = LINE.match(line)
        if not match or "joules_total" not in match[1]:
            continue
        labels = dict(re.findall(r'(\w+)="([^"]*)"', match[2]))
        if "instance" in labels:  # as Prometheus stores it without honorLabels
            labels["exported_instance"] = labels.pop("instance")
        labels = {key: text for key, text in labels.items() if text}
        steps = np.arange(6) if labels.get("state") != "terminated" else np.array([5])
        found.append(
            Series(
                {"__name__": match[1], **labels, **target}, (START - 1 + 120 * steps) * 1000,
                float(match[3]) * steps / 5, np.empty(0, np.int64),
            )
        )  # fmt: skip
    return found


def computed(name: str, *more: str) -> dict[str, Any]:
    with servers.prometheus() as server:
        servers.load_remote_write(server.url, remote_write_bodies(series(name)))
        command = [
            sys.executable, "-m", "sci_batch", "compute", "-p", server.url, "--intensity", "380",
            "--start", str(START), "--end", str(START + 600), "--window", "all",
            "--unattributed", "separate", "-o", "json", *more,
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def joules(report: dict[str, Any], column: str) -> dict[str, float]:
    return {row["workload"]: row[column] * JOULES_PER_KWH for row in report["rows"]}


@pytest.mark.parametrize("pull", ["edges", "raw"])
def test_the_new_kepler(pull: str) -> None:
    found = computed("kepler-sample-current.prom", "--power-domains", "package", "--pull", pull)
    active = joules(found, "active_kwh")
    assert active["checkout"] == pytest.approx(6132.35301)
    assert active["orders-db"] == pytest.approx(3065.792661)
    assert active["nightly-report"] == pytest.approx(842.113004)
    shared = joules(found, "shared_kwh")["worker-1"]
    assert shared == pytest.approx(1503.1 + 31877.220911), "host processes and idle"
    assert found["totals"]["open_books"] == 0


@pytest.mark.parametrize("pull", ["edges", "raw"])
def test_the_old_kepler(pull: str) -> None:
    found = computed("kepler-sample-legacy.prom", "--pull", pull)
    shop = sum(row["active_kwh"] for row in found["rows"] if row["namespace"] == "shop") * JOULES_PER_KWH
    assert shop == pytest.approx(10361.33 + 2291.375)
    assert found["totals"]["node_energy_kwh"] * JOULES_PER_KWH == pytest.approx(19570.116)
    assert {row["node"] if "node" in row else row["workload"] for row in found["rows"]} >= {"worker-1"}
