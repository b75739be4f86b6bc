"""The doctor before real servers: both Keplers, what is missing, and a size that the real pull has."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from sci_batch import fetch
from sci_batch.asking.planned import plan_of
from sci_batch.cli.main import main
from sci_batch.doctor import diagnose, pull
from sci_batch.fetch import kube_look
from sci_batch.prometheus import remote_offer, session
from sci_batch.prometheus.client import Client
from sci_batch.prometheus.http import HttpSettings
from sci_batch.settings import load, windows_of
from tests import servers
from tests.conftest import World
from tests.live.cluster import HOUR, served, small, tool
from tests.simulator import Node, Simulation, simulate

pytestmark = pytest.mark.live

FACTORS = ("--intensity", "380", "--embodied", "kg:1000")
START = small().start


@dataclass(frozen=True)
class Told:
    """A diagnosis by check, and the exit code."""

    code: int
    whole: dict[str, Any]

    def __getitem__(self, check: str) -> dict[str, Any]:
        (found,) = [one for one in self.whole["findings"] if one["check"] == check]
        return dict(found)

    def not_ok(self) -> dict[str, str]:
        return {one["check"]: one["status"] for one in self.whole["findings"] if one["status"] != "ok"}


def told(url: str, *more: str, hours: int = 3) -> Told:
    """The command line's own front door, in this process: it is asked many times."""
    span = ("--start", str(START), "--end", str(START + hours * HOUR))
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with redirect_stdout(out):
        code = main(["doctor", "-p", url, *span, "-o", "json", *more])
    whole = json.loads(out.buffer.getvalue())
    assert whole["exit_code"] == code
    return Told(code, whole)


def without(simulation: Simulation, *labels: str) -> Simulation:
    series = [
        replace(one, labels={name: text for name, text in one.labels.items() if name not in labels})
        for one in simulation.series
    ]
    return replace(simulation, series=series)


def test_a_whole_cluster_is_ok() -> None:
    unit = "request=prometheus:sum by (namespace) (increase(http_requests_total[{window}]))"
    flags = (
        "--intensity", "region:auto", "--embodied", "catalogue", "--group-by", "label:team",
        "--functional-unit", unit, "--strict",
    )  # fmt: skip
    with served(simulate(small())) as url:
        found = told(url, *flags)
        computed = tool(url, *flags[2:], "--intensity", "region:auto")
    assert found.not_ok() == {}
    assert found.code == computed.returncode == 0
    by_subject = {(one["subject"], one["check"]): one["what"] for one in found.whole["findings"]}
    assert by_subject["kepler", "version"] == "Kepler v0.11.4 on 2 nodes (n1, n2)"
    assert by_subject["server", "version"].startswith("Prometheus 2.")
    assert by_subject["kepler", "power-domains"] == "package, dram on every node; shown too: core"
    assert by_subject["kepler", "scrape"] == "every 15 s to 30 s (slowest: n1)"
    assert by_subject["kubernetes", "label:team"] == "7 of 7 pods have it"
    assert by_subject["kubernetes", "node-labels"] == (
        "every node has an instance type (m5.4xlarge) and a region (eu-west-3)"
    )
    # three pods with 10 requests a second
    assert found["request"]["facts"]["units"] == pytest.approx(3 * 10 * HOUR, rel=0.01)
    assert by_subject["server", "retention"].startswith("the server keeps 10y, and holds samples")


@pytest.fixture
def upgraded(prometheus_upgrade: World) -> Told:
    return told(prometheus_upgrade.url, *FACTORS, hours=24)


def test_an_upgrade_shows_both_keplers(upgraded: Told) -> None:
    assert upgraded.not_ok() == {"version": "warning"}
    (found,) = [
        one for one in upgraded.whole["findings"] if (one["subject"], one["check"]) == ("kepler", "version")
    ]
    assert found["what"] == "old and new Kepler in one range, changed on all 4 nodes"
    told = {(one["node"], one["version"]) for one in found["facts"]["nodes"]}
    assert told == {
        (f"worker-{number}", version) for number in (1, 2, 3, 4) for version in ("v0.7.12", "v0.11.4")
    }


@pytest.mark.parametrize(
    ("fixture", "version", "server"),
    [
        ("prometheus_legacy", "Kepler v0.7.12 on 4 nodes", "Prometheus 2."),
        ("victoria_rewrite", "Kepler v0.11.4 on 4 nodes", "VictoriaMetrics"),
        ("victoria_legacy", "Kepler v0.7.12 on 4 nodes", "VictoriaMetrics"),
    ],
)
def test_other_servers_and_keplers(
    fixture: str, version: str, server: str, request: pytest.FixtureRequest
) -> None:
    world: World = request.getfixturevalue(fixture)
    found = told(world.url, *FACTORS, hours=24)
    assert found.not_ok() == {}
    what = {(one["subject"], one["check"]): one["what"] for one in found.whole["findings"]}
    assert what["kepler", "version"].startswith(version)
    assert what["server", "version"].startswith(server)


def test_new_and_old_nodes_side_by_side() -> None:
    new, old = simulate(small()), simulate(small("legacy", nodes=(Node(name="n9", cores=8),)))
    kepler_only = [one for one in old.series if one.name.startswith("kepler_")]
    with served(replace(new, series=[*new.series, *kepler_only])) as url:
        found = told(url, *FACTORS)
    assert found.code == 0
    versions = [one for one in found.whole["findings"] if one["check"] == "version"][-1]
    assert versions["what"] == "old and new Kepler side by side, on different nodes"
    assert {one["node"]: one["version"] for one in versions["facts"]["nodes"]} == {
        "n1": "v0.11.4", "n2": "v0.11.4", "n9": "v0.7.12",
    }  # fmt: skip


def test_no_kube_state_metrics_stops_what_needs_it() -> None:
    flags = ("--intensity", "region:auto", "--embodied", "catalogue")
    with served(simulate(small(kube_state=False))) as url:
        found = told(url, *flags)
        plain = told(url, *FACTORS)
        computed = tool(url, *flags[2:], "--intensity", "region:auto")
    assert found.not_ok() == {"kube-state-metrics": "warning", "intensity": "problem", "embodied": "problem"}
    assert found.code == computed.returncode == 2
    assert found["intensity"]["what"] in computed.stderr
    assert plain.not_ok() == {"kube-state-metrics": "warning"}
    assert plain.code == 0


def test_an_allow_list_without_labels() -> None:
    bare = without(
        simulate(small()), "label_team", "label_app", "label_node_kubernetes_io_instance_type",
        "label_topology_kubernetes_io_region", "label_topology_kubernetes_io_zone",
    )  # fmt: skip
    series = [
        replace(one, labels=one.labels | {"provider_id": "kind://x"}) if one.name == "kube_node_info" else one
        for one in bare.series
    ]
    with served(replace(bare, series=series)) as url:
        found = told(url, *FACTORS, "--group-by", "label:team")
    assert found.not_ok() == {"label:team": "warning", "node-labels": "warning"}
    assert found["label:team"]["what"] == (
        "no pod and no namespace has label_team; shown are label_cost_center"
    )
    assert found["node-labels"]["facts"]["without_region"] == ["n1", "n2"]


def test_a_node_without_kepler() -> None:
    whole = simulate(small())
    some = [
        one for one in whole.series
        if not (one.name.startswith("kepler_") and one.labels.get("node_name") == "n2")
    ]  # fmt: skip
    with served(replace(whole, series=some)) as url:
        found = told(url, *FACTORS)
    assert found["nodes"]["what"] == "no Kepler on 1 of 2 nodes (n2)"


def test_estimated_by_a_model_without_idle() -> None:
    modelled = simulate(small("legacy", legacy_idle=False))
    series = [
        replace(one, labels=one.labels | {"source": "trained_power_model"})
        if one.labels.get("source") == "rapl-sysfs" else one
        for one in modelled.series
    ]  # fmt: skip
    with served(replace(modelled, series=series)) as url:
        found = told(url, *FACTORS)
    assert found.not_ok() == {"measured": "warning", "idle": "warning"}
    assert found["measured"]["facts"]["nodes"] == {"model": ["n1", "n2"]}


def test_levels_that_are_off_and_two_replicas() -> None:
    made = simulate(small(node_level=False, pod_level=False, container_level=True, replicas=("a", "b")))
    with served(made) as url:
        found = told(url, *FACTORS)
    assert found.not_ok() == {"node-level": "warning", "pod-level": "warning", "once": "warning"}
    assert "Kepler is scraped 2 times at once on all 2 nodes" in found["once"]["what"]


def test_a_slow_scrape_is_what_compute_finds_too() -> None:
    slow = (Node(name="n1", cores=8), Node(name="n2", cores=8, scrape_seconds=240.0))
    with served(simulate(small(nodes=slow))) as url:
        found = told(url, *FACTORS)
        computed = tool(url, "-o", "json", "--embodied", "kg:1000")
        cure = found["scrape"]["cure"].rpartition("--max-gap ")[2].removesuffix(".")
        cured = tool(url, "-o", "json", "--embodied", "kg:1000", "--max-gap", cure)
        cured_doctor = told(url, *FACTORS, "--max-gap", cure)
    assert found.not_ok() == {"scrape": "problem"}
    assert found.code == 5
    assert json.loads(computed.stdout)["totals"]["coverage"] < 0.6
    assert json.loads(cured.stdout)["totals"]["coverage"] > 0.95
    assert cured_doctor.not_ok() == {}


def test_a_range_that_kepler_does_not_fill() -> None:
    with served(simulate(small())) as url:
        found = told(url, *FACTORS, hours=6)
    assert found.not_ok() == {"range": "warning"}
    assert found["range"]["facts"]["last"] == "2026-03-02T03:10:00Z"


def test_a_server_that_forgets() -> None:
    with served(simulate(small()), retention="2h") as url:
        found = told(url, *FACTORS)
    assert found.not_ok() == {"retention": "warning"}
    assert found["retention"]["what"].startswith("the server keeps 2h, the range begins ")


def test_no_kepler_no_prometheus_nobody() -> None:
    with servers.prometheus() as server:
        empty = told(server.url, *FACTORS)
    assert empty.code == 4
    assert empty.not_ok() == {
        "retention": "warning", "metrics": "problem", "kube-state-metrics": "warning",
    }  # fmt: skip
    with servers.pushgateway() as server:
        other = told(server.url, *FACTORS)
    assert (other.code, other["reachable"]["status"]) == (7, "problem")
    assert "No Prometheus API" in other["reachable"]["what"]
    nobody = told(f"http://127.0.0.1:{servers.free_port()}", *FACTORS)
    assert nobody.code == 7
    assert "Connection refused" in nobody["reachable"]["what"]


def test_a_wrong_password(tmp_path: Path) -> None:
    web, login = tmp_path / "web.yml", tmp_path / "login"
    # bcrypt of "secret", cost 4
    web.write_text(
        "basic_auth_users: {reader: $2b$04$f8w6PMaZN9t.KZi7dCaZLOswEJsS6GIK.5/HgrPS3oB1PmS.rZtJa}\n"
    )
    login.write_text("reader:wrong\n")
    access = servers.Access(basic_auth=("reader", "secret"))
    with servers.prometheus(web_config=web, access=access) as server:
        refused = told(server.url, *FACTORS, "--basic-auth-file", str(login))
        login.write_text("reader:secret\n")
        let_in = told(server.url, *FACTORS, "--basic-auth-file", str(login))
    assert refused.code == 6
    assert (refused["reachable"]["status"], refused["authorised"]["status"]) == ("ok", "problem")
    assert "wrong" not in json.dumps(refused.whole)
    assert let_in["authorised"]["status"] == "ok"


@contextmanager
def wire(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, int, int]]]:
    """Query, bytes and samples of each answer."""
    seen: list[tuple[str, int, int]] = []
    whole = session._outcome

    def counting(answer: Any, asked: Any, login: Any, read: Any) -> Any:
        outcome = whole(answer, asked, login, read)
        samples = getattr(outcome, "samples", None)
        seen.append((asked.query, len(answer.body), 0 if samples is None else len(samples)))
        return outcome

    monkeypatch.setattr(session, "_outcome", counting)
    yield seen
    monkeypatch.setattr(session, "_outcome", whole)


@pytest.mark.parametrize("method", ["edges", "raw"])
@pytest.mark.parametrize(
    ("fixture", "hours"), [("calm", 3), ("prometheus_rewrite", 24), ("prometheus_legacy", 24),
                           ("victoria_rewrite", 24)],
)  # fmt: skip
def test_the_size_is_that_of_the_real_pull(
    method: str, fixture: str, hours: int, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_offer, "NEEDED", ("no.such",))  # told is what the samples are as JSON
    world = None if fixture == "calm" else request.getfixturevalue(fixture)
    with served(simulate(small())) if world is None else nullcontext(world.url) as url:
        flags = {"prometheus_url": url, "start": str(START), "end": str(START + hours * HOUR)}
        settings = load({**flags, "intensity": "380", "pull": method}, {}, "compute").settings
        plan = plan_of(settings, windows_of(settings, now_ms=10**13))
        with Client(HttpSettings(url=url)) as client, wire(monkeypatch) as seen:
            found, tables = fetch.beforehand(client, plan)
            inputs = fetch.everything(client, plan, found, tables, (), lambda _words, _share: None)
            for _ in inputs.counters:
                pass
            real = seen.copy()
            seen.clear()
            rows = kube_look.counted(client, replace(plan, edges_ms=plan.edges_ms[-2:]))
            told = pull.finding(plan, found, pull.densities(client, plan, found), rows, 0.0).facts[method]
            asked = seen.copy()
    counters = [one for one in real if "joules_total" in one[0] and not one[0].startswith("count by")]
    samples, size = sum(one[2] for one in counters), sum(one[1] for one in real)
    print(
        f"\n{fixture}, {method}: samples {told['samples']:,} of {samples:,}, bytes {told['bytes']:,} of "
        f"{size:,}, requests {told['requests']} of {len(real)}"
    )
    # Of the large clusters the hours with mishaps, and those before, are fetched again raw, which only the
    # pull can know.
    mishaps = method == "edges" and world is not None
    assert samples / (6 if mishaps else 1.5) < told["samples"] < samples * 1.5
    assert size / (2.5 if mishaps else 1.5) < told["bytes"] < size * 1.5
    assert len(real) / (2 if mishaps else 1.5) < told["requests"] < len(real) * 1.5
    assert sum(one[1] for one in asked) < 10_000, "the energy itself is not fetched"
    assert len(asked) <= 3 * len(found.meters) + 1


def test_few_and_small_questions_whatever_the_range(
    prometheus_rewrite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    for hours in (6, 24):
        flags = {"prometheus_url": prometheus_rewrite.url, "start": str(START), "intensity": "380"}
        settings = load({**flags, "end": str(START + hours * HOUR)}, {}, "doctor").settings
        with wire(monkeypatch) as seen:
            diagnose(settings, now_ms=(START + 30 * HOUR) * 1000, progress=lambda _words, _share: None)
            sizes.append((len(seen), sum(one[1] for one in seen)))
    (short_count, short_bytes), (long_count, long_bytes) = sizes
    assert long_count == short_count < 60
    assert long_bytes < 250_000
    assert long_bytes < 4 * short_bytes
