"""Units of work in a real Prometheus: finished Jobs against the truth, several units, presets, files."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sci_batch.asking.plan import Plan
from sci_batch.fetch.job_runs import job_runs
from sci_batch.fetch.units import units
from sci_batch.functional_unit import counted, join
from sci_batch.prometheus.client import Client
from sci_batch.prometheus.http import HttpSettings
from sci_batch.settings.presets import PRESETS
from sci_batch.sums import known_sum
from tests import servers
from tests.conftest import World
from tests.simulator import Series, remote_write_bodies

pytestmark = pytest.mark.live

FIXTURES = Path(__file__).parents[2] / "fixtures" / "units"
HOUR_MS = 3_600_000
MINUTE_MS = 60_000
REQUESTS = "request=prometheus:sum by (namespace, pod) (increase(http_requests_total[{window}]))"


def run(command: str, *more: str) -> subprocess.CompletedProcess[str]:
    """The real process."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("SCI_BATCH_")}
    done = subprocess.run(
        [sys.executable, "-m", "sci_batch", command, *more],
        capture_output=True, text=True, timeout=300, env=plain, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done


def span(world: World, hours: int | None = None) -> list[str]:
    start = world.truth.start_ms // 1000
    end = world.truth.end_ms // 1000 if hours is None else start + hours * 3600
    return ["--start", str(start), "--end", str(end)]


def compute(world: World, *more: str, hours: int | None = None) -> dict[str, Any]:
    arguments = ["-p", world.url, "--intensity", "380", *span(world, hours), "-o", "json", *more]
    report: dict[str, Any] = json.loads(run("compute", *arguments).stdout)
    return report


def finished(world: World) -> Counter[tuple[str, str, str]]:
    """Jobs by hour of completion, namespace and workload: from the pods' deaths alone.

    A Job that the API forgets as it ends is never seen finished.
    """
    truth, made = world.truth, world.scenario
    found: Counter[tuple[str, str, str]] = Counter()
    for pod in world.simulation.pods:
        at = (made.data_start_ms + pod.death) // 1000 * 1000
        if pod.owner_kind == "Job" and pod.workload.linger_seconds and truth.start_ms <= at < truth.end_ms:
            hour = pd.Timestamp(at // HOUR_MS * HOUR_MS, unit="ms", tz="UTC")
            found[f"{hour:%Y-%m-%dT%H:%M:%SZ}", pod.namespace, pod.workload_name] += 1
    return found


@pytest.fixture(params=["prometheus_rewrite", "victoria_rewrite"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    yield request.getfixturevalue(request.param)


def test_finished_jobs_count_once_in_the_window_of_their_end(world: World) -> None:
    true = finished(world)
    assert {workload for _, _, workload in true} == {"report", "cleanup", "train-once"}
    assert sum(true.values()) > 200
    report = compute(world, "--functional-unit", "run=job-run")
    ours = {
        (row["window_start"], row["namespace"], row["workload"]): row["functional_units"]
        for row in report["rows"] if row["functional_units"] is not None
    }  # fmt: skip
    shown = {(row["window_start"], row["namespace"], row["workload"]) for row in report["rows"]}
    assert ours == {key: count for key, count in true.items() if key in shown}
    lost = sum(count for key, count in true.items() if key not in shown)
    assert report["totals"]["functional_units"] == sum(true.values()) - lost
    assert report["totals"]["units"][0]["name"] == "run"


def test_jobs_linger_and_still_count_once_whatever_the_window(prometheus_rewrite: World) -> None:
    total = sum(finished(prometheus_rewrite).values())
    for window in ("all", "20m"):
        report = compute(
            prometheus_rewrite, "--functional-unit", "jobs", "--window", window, "--group-by", "namespace"
        )
        # every namespace has energy in every window: no Job is without a row
        assert report["totals"]["functional_units"] == total


def test_several_units_are_what_each_is_alone(prometheus_rewrite: World) -> None:
    users = f"user=file:{FIXTURES / 'users-per-hour.csv'}"
    asked = [REQUESTS, "run=job-run", users, "shift=0.5"]
    names = ["request", "run", "user", "shift"]
    alone = [compute(prometheus_rewrite, "--functional-unit", unit, hours=3) for unit in asked]
    flags = [part for unit in asked for part in ("--functional-unit", unit)]
    together = compute(prometheus_rewrite, *flags, hours=3)
    assert [unit["name"] for unit in together["totals"]["units"]] == names
    for number, (name, one) in enumerate(zip(names, alone, strict=True)):
        behind = f":{name}" if number else ""
        for column in ("functional_units", "sci_gco2e_per_unit"):
            assert [row[column + behind] for row in together["rows"]] == [row[column] for row in one["rows"]]
            assert together["totals"]["units"][number][column] == one["totals"][column]
    assert together["totals"]["functional_units"] == alone[0]["totals"]["functional_units"]
    # by hand: 100 + 20 and 90 and 0 users of the shop, 40 of search; 7 of nowhere meet nothing
    assert together["totals"]["units"][2]["functional_units"] == 100 + 20 + 90 + 0 + 40
    shop = {row["window_start"]: row for row in together["rows"] if row["workload"] == "frontend"}
    assert [row["functional_units:user"] for row in shop.values()] == [120, 90, 0]
    first, _, last = shop.values()
    assert first["sci_gco2e_per_unit:user"] == pytest.approx(first["carbon_gco2e"] / 120, rel=1e-12)
    assert last["sci_gco2e_per_unit:user"] is None
    assert "units-zero" in last["flags"]
    assert "7 user units of work belong to no row and are not in the total" in together["provenance"]["notes"]
    assert together["totals"]["units"][3]["functional_units"] == 3 * 0.5


def test_a_recording_holds_every_unit(prometheus_rewrite: World, tmp_path: Path) -> None:
    file = tmp_path / "users.csv"
    file.write_bytes((FIXTURES / "users-per-hour.csv").read_bytes())
    asked = [f"user=file:{file}", "http", "job-run", "shift=2"]
    flags = [part for unit in asked for part in ("--functional-unit", unit)]
    flags += ["--intensity", "380", *span(prometheus_rewrite, 3)]
    live = run("compute", "-p", prometheus_rewrite.url, *flags, "-o", "csv").stdout
    recording = tmp_path / "snapshot"
    run("record", "-p", prometheus_rewrite.url, *flags, "--out", str(recording))
    manifest = json.loads((recording / "manifest.json").read_text())
    assert [(unit["name"], unit["kind"]) for unit in manifest["functional_units"]] == [
        ("user", "file"), ("request", "prometheus"), ("job", "job-run"),
    ]  # fmt: skip
    for unit in manifest["functional_units"]:
        assert (recording / unit["table"]).is_file()
    assert run("compute", "--snapshot", str(recording), *flags, "-o", "csv").stdout == live
    file.unlink()  # the recording has a copy
    assert run("compute", "--snapshot", str(recording), *flags, "-o", "csv").stdout == live


# --- hand-made series ---

START_MS = 1_772_409_600_000
EDGES = (START_MS, START_MS + HOUR_MS, START_MS + 2 * HOUR_MS)
PLAN = Plan(edges_ms=EDGES, pull="edges", power_domains=("package",), cluster=(), max_gap_ms=180_000)


def series(name: str, first_minute: int, values: list[float], **labels: str) -> Series:
    """One sample a minute."""
    times = START_MS + MINUTE_MS * np.arange(first_minute, first_minute + len(values), dtype=np.int64)
    stale = np.array([times[-1] + MINUTE_MS], np.int64)
    return Series({"__name__": name, **labels}, times, np.array(values, np.float64), stale)


@contextmanager
def asked(made: list[Series]) -> Iterator[Client]:
    with servers.prometheus() as server:
        servers.load_remote_write(server.url, remote_write_bodies(made))
        with Client(HttpSettings(url=server.url)) as client:
            yield client


def completion(job: str, first_minute: int, minutes: int, done_minute: float, **labels: str) -> Series:
    done = START_MS / 1000 + 60 * done_minute
    name = "kube_job_status_completion_time"
    return series(name, first_minute, [done] * minutes, job_name=job, **{"namespace": "ops", **labels})


def succeeded(job: str, first_minute: int, values: list[int], **labels: str) -> Series:
    name = "kube_job_status_succeeded"
    return series(name, first_minute, [float(v) for v in values], job_name=job, namespace="ops", **labels)


def runs(client: Client, plan: Plan = PLAN) -> list[tuple[str, str, int]]:
    """Namespace, Job and window."""
    found, _ = job_runs(client, plan)
    window = np.searchsorted(EDGES, found["start_ms"], side="right") - 1
    return sorted(zip(found["namespace"], found["job_name"], window.tolist(), strict=True))


def test_completion_times_by_hand() -> None:
    made = [
        completion("before", -120, 240, -0.5),  # lingers through the range
        completion("lingers", 11, 170, 10.2),
        completion("late", 70, 5, 58.0),  # kube-state-metrics was away, it is seen an hour later
        completion("edge", 61, 3, 60.0),  # completed at the edge itself: the later window
        completion("last", 121, 4, 119.9),  # scraped only behind the end of the range
        completion("after", 121, 4, 120.0),
        completion("twice", 21, 20, 20.0),
        completion("twice", 81, 20, 80.0),  # deleted and made again under its name
        completion("ha", 31, 20, 30.0, prometheus_replica="a"),
        completion("ha", 31, 20, 30.0, prometheus_replica="b"),
        completion("named", 31, 20, 30.0, namespace="monitoring", exported_namespace="shop"),
        # no completion time: it is not done, though a pod has succeeded
        succeeded("parallel", 5, [0, 0, 1, 1, 2, 2, 2, 2]),
        succeeded("lingers", 5, [0] * 6 + [1] * 100),
    ]
    with asked(made) as client:
        assert runs(client) == sorted([
            ("ops", "lingers", 0), ("ops", "late", 0), ("ops", "edge", 1), ("ops", "last", 1),
            ("ops", "twice", 0), ("ops", "twice", 1), ("ops", "ha", 0), ("shop", "named", 0),
        ])  # fmt: skip
        assert job_runs(client, PLAN)[1] == ()
        # the cluster's matcher goes into every query
        none, notes = job_runs(client, replace(PLAN, cluster=('cluster="eu"',)))
        assert len(none) == 0
        assert notes == ("kube-state-metrics shows no finished Jobs in this range",)


def test_without_completion_times_the_first_success_counts() -> None:
    made = [
        succeeded("before", -30, [1] * 170),
        succeeded("first", 5, [0] * 20 + [1] * 140),
        succeeded("second", 50, [0] * 20 + [1] * 5),
        succeeded("failed", 5, [0] * 60),
        succeeded("short", 59, [1]),  # never seen unfinished
    ]
    with asked(made) as client:
        assert runs(client) == [("ops", "first", 0), ("ops", "second", 1), ("ops", "short", 0)]
        assert "kube_job_status_completion_time is missing" in job_runs(client, PLAN)[1][0]


def test_a_job_that_is_not_done_is_no_fallback() -> None:
    """kube-state-metrics tells completion times, and none lies in the range."""
    made = [completion("old", -180, 320, -150.0), succeeded("parallel", 5, [0, 1, 1, 1])]
    with asked(made) as client:
        found, notes = job_runs(client, PLAN)
        assert len(found) == 0
        assert notes == ()


def counter(name: str, per_minute: float, **labels: str) -> Series:
    """A counter from before the range to behind it."""
    return series(name, -5, (1000 + per_minute * np.arange(130)).tolist(), **labels)


INGRESS = "nginx_ingress_controller_requests"
PRESET_SERIES = {
    "http": [
        counter("http_requests_total", 6, namespace="shop", pod="web-1", code="200"),
        counter("http_requests_total", 1, namespace="shop", pod="web-1", code="500"),
        counter("http_requests_total", 2, namespace="shop", pod="web-2"),
    ],
    "nginx-ingress": [
        counter(INGRESS, 5, namespace="ingress", exported_namespace="shop", status="200"),
        counter(INGRESS, 3, namespace="ingress", exported_namespace="shop", status="503"),
        counter(INGRESS, 2, namespace="ingress", exported_namespace="ops", status="200"),
        counter(INGRESS, 1, namespace="search", controller_pod="b"),  # scraped with honorLabels
    ],
    "istio": [
        counter("istio_requests_total", 7, reporter="destination", namespace="shop", pod="web-1",
                destination_workload="web", destination_workload_namespace="shop"),
        counter("istio_requests_total", 7, reporter="source", namespace="ops", pod="cli-1",
                destination_workload="web", destination_workload_namespace="shop"),
        counter("istio_requests_total", 2, reporter="waypoint", namespace="istio-system",
                destination_workload="db", destination_workload_namespace="shop"),
    ],
    "knative": [
        counter("revision_request_count", 4, namespace_name="shop", pod_name="web-1", response_code="200"),
        counter("revision_request_count", 1, namespace_name="shop", pod_name="web-2", response_code="200"),
    ],
    "kafka": [
        counter("kafka_server_brokertopicmetrics_messagesin_total", 30, namespace="shop", topic="orders"),
        counter("kafka_server_brokertopicmetrics_messagesin_total", 10, namespace="shop", topic="carts"),
        counter("kafka_server_brokertopicmetrics_messagesin_total", 40, namespace="shop"),  # their sum
    ],
    "kafka-consumer": [
        counter("kafka_consumergroup_current_offset", 9, consumergroup="web", topic="orders", partition="0"),
        counter("kafka_consumergroup_current_offset", 1, consumergroup="web", topic="orders", partition="1"),
    ],
}  # fmt: skip
PER_MINUTE: dict[str, dict[tuple[str, str], float | None]] = {
    "http": {("shop", "web"): 9, ("shop", "db"): None, ("ops", "log"): None},
    "nginx-ingress": {("shop", "web"): 8, ("shop", "db"): 8, ("ops", "log"): 2},
    "istio": {("shop", "web"): 7, ("shop", "db"): 2, ("ops", "log"): None},
    "knative": {("shop", "web"): 5, ("shop", "db"): None, ("ops", "log"): None},
    "kafka": {("shop", "web"): 40, ("shop", "db"): 40, ("ops", "log"): None},
    "kafka-consumer": {("shop", "web"): 10, ("shop", "db"): None, ("ops", "log"): None},
}
"""R of each workload by hand."""
TOTAL = {"http": 9, "nginx-ingress": 10, "istio": 9, "knative": 5, "kafka": 40, "kafka-consumer": 10}


def test_presets_count_what_their_sources_write() -> None:
    keys = ("namespace", "workload")
    rows = pd.DataFrame([("shop", "web"), ("shop", "db"), ("ops", "log")], columns=list(keys)).astype("str")
    rows = pd.concat([rows.assign(window=0), rows.assign(window=1)], ignore_index=True)
    pods = pd.DataFrame(
        [("shop", "web-1", "web"), ("shop", "web-2", "web")], columns=["namespace", "pod", "workload"]
    ).astype("str")
    assert set(PRESET_SERIES) == set(PRESETS) - {"jobs"}
    with asked([one for made in PRESET_SERIES.values() for one in made]) as client:
        for name, wanted in PER_MINUTE.items():
            asked_for = units(client, PLAN, PRESETS[name].promql())
            places = pods if "pod" in asked_for else None
            found = counted(asked_for, places, keys, np.array(EDGES))
            served = join(rows, found)
            rates = [wanted[key] for key in zip(rows["namespace"], rows["workload"], strict=True)]
            expected = [np.nan if rate is None else 60 * rate for rate in rates]
            assert served.functional_units.tolist() == pytest.approx(expected, rel=1e-9, nan_ok=True), name
            assert known_sum(served.by_window) == pytest.approx(2 * 60 * TOTAL[name], rel=1e-9), name
            assert found.notes == (), name
            none = units(client, PLAN, PRESETS[name].promql(('cluster="eu"',)))
            assert len(none) == 0


def test_queries_and_csv_of_a_preset(prometheus_rewrite: World) -> None:
    flags = [*span(prometheus_rewrite, 2), "--functional-unit", "visit=http", "--functional-unit", "jobs"]
    sent = run("queries", *flags).stdout.splitlines()
    assert "sum by (namespace, pod) (increase(http_requests_total[3600s]))" in sent
    assert any(query.startswith("max by (namespace, exported_namespace, job_name)") for query in sent)
    text = run("compute", "-p", prometheus_rewrite.url, "--intensity", "380", *flags, "-o", "csv").stdout
    frame = pd.read_csv(io.StringIO(text))
    at = frame.columns.get_loc("sci_gco2e_per_unit")
    assert isinstance(at, int)
    assert frame.columns[at + 1 : at + 3].tolist() == ["functional_units:job", "sci_gco2e_per_unit:job"]
    assert frame["functional_units"].notna().any() and frame["functional_units:job"].notna().any()
