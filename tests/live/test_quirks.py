"""What real clusters do to meters, one mishap at a time: the energy must still be the truth, and flagged."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests import servers
from tests.live.cluster import (
    HOUR,
    JOULES_PER_KWH,
    flags,
    nodes_kwh,
    pods_kwh,
    report,
    rows,
    served,
    small,
    tool,
)
from tests.simulator import Generation, Simulation, remote_write_bodies, simulate
from tests.simulator.scenario import PodEvent

pytestmark = pytest.mark.live


@pytest.fixture(params=["edges", "raw"])
def pull(request: pytest.FixtureRequest) -> tuple[str, str]:
    return ("--pull", request.param)


def test_two_replicas_count_once(pull: tuple[str, str]) -> None:
    simulation = simulate(small(replicas=("a", "b")))
    with served(simulation) as url:
        found = rows(url, *pull)
    assert found["active_kwh"].sum() == pytest.approx(pods_kwh(simulation), rel=0.003)
    assert found["energy_kwh"].sum() == pytest.approx(nodes_kwh(simulation), rel=0.003)
    assert "duplicate-series" in flags(found)
    assert found["coverage"].min() == 1.0


def test_a_second_scrape_job_counts_once(pull: tuple[str, str]) -> None:
    simulation = simulate(small(second_job_node=0))
    with served(simulation) as url:
        found = rows(url, *pull, "--group-by", "node,namespace,workload")
    assert found["active_kwh"].sum() == pytest.approx(pods_kwh(simulation), rel=0.003)
    assert found["energy_kwh"].sum() == pytest.approx(nodes_kwh(simulation), rel=0.003)
    assert "duplicate-series" in flags(found[found["node"] == "n1"])
    assert "duplicate-series" not in flags(found[found["node"] == "n2"])


def test_an_absurd_jump_is_held_to_the_node(pull: tuple[str, str]) -> None:
    spike = PodEvent(namespace="shop", workload="web", at=1.5 * HOUR)
    simulation = simulate(small(spikes=(spike,)))
    with served(simulation) as url:
        found = rows(url, *pull)
    assert "clamped" in flags(found[found["workload"] == "web"])
    assert found["energy_kwh"].sum() == pytest.approx(nodes_kwh(simulation), rel=0.02)
    assert found["active_kwh"].max() < 0.2


@pytest.mark.parametrize("at", [-840.0, -600.0, -130.0, 1.5 * HOUR])
def test_a_pod_declared_terminated_runs_on_from_zero(pull: tuple[str, str], at: float) -> None:
    """Its final total of before stands beside the new counter, and is not what the range starts from."""
    event = PodEvent(namespace="shop", workload="db", at=at)
    simulation = simulate(small(resumes=(event,)))
    with served(simulation) as url:
        found = rows(url, *pull)
    of_db = found[found["workload"] == "db"].set_index("window_start")["active_kwh"]
    used = simulation.truth.physical.workload_hours
    used = used[(used["workload"] == "db") & used["domain"].isin(("package", "dram"))]
    true_kwh = used.groupby("window_start_ms")["active_joules"].sum() / JOULES_PER_KWH
    np.testing.assert_allclose(of_db.to_numpy(), true_kwh.to_numpy(), rtol=0.02)


def test_without_the_node_level_idle_is_unknown(pull: tuple[str, str]) -> None:
    simulation = simulate(small(node_level=False))
    with served(simulation) as url:
        done = report(url, *pull)
        found = rows(url, *pull)
    assert found["active_kwh"].sum() == pytest.approx(pods_kwh(simulation), rel=0.003)
    assert found["shared_kwh"].isna().all(), "unknown is not zero"
    assert found["energy_kwh"].to_numpy() == pytest.approx(found["active_kwh"].to_numpy())
    assert flags(found) == {"no-node-energy"}
    assert done["totals"]["node_energy_kwh"] is None
    assert any("node level is off" in note for note in done["provenance"]["notes"])


def test_containers_stand_in_for_pods(pull: tuple[str, str]) -> None:
    simulation = simulate(small(pod_level=False, container_level=True))
    with served(simulation) as url:
        found = rows(url, *pull)
    assert found["active_kwh"].sum() == pytest.approx(pods_kwh(simulation), rel=0.003)
    assert flags(found) == {"container-level"}
    assert set(found["workload"]) == {"web", "db", "agent", "tidy"}
    assert set(found["namespace"]) == {"shop", "ops"}


def test_pods_and_containers_together_count_once(pull: tuple[str, str]) -> None:
    simulation = simulate(small(container_level=True))
    with served(simulation) as url:
        found = rows(url, *pull)
    assert found["active_kwh"].sum() == pytest.approx(pods_kwh(simulation), rel=0.003)
    assert "container-level" not in flags(found)


def test_without_dram_the_package_is_all(pull: tuple[str, str]) -> None:
    simulation = simulate(small(domains=("package", "core")))
    with served(simulation) as url:
        done = report(url, *pull)
    found = sum(row["active_kwh"] for row in done["rows"])
    assert found == pytest.approx(pods_kwh(simulation, "package"), rel=0.003)
    assert any("dram" in note for note in done["provenance"]["notes"])


def test_pods_without_the_first_domain_live_as_long() -> None:
    """How long pods lived is asked of their package; one node here has only dram."""
    whole = simulate(small())
    kept = [
        one
        for one in whole.series
        if (one.labels.get("zone"), one.labels.get("node_name")) != ("package", "n2")
    ]
    assert len(kept) < len(whole.series)
    by_node = ("--group-by", "node,namespace,workload")
    with served(whole) as url:
        asked_of_whole = _asked_of_lives(report(url, "--pull", "edges", *by_node))
    with served(replace(whole, series=kept)) as url:
        edges, raw = (report(url, "--pull", pull, *by_node) for pull in ("edges", "raw"))
    assert asked_of_whole == [False]
    assert _asked_of_lives(edges) == [False, True]
    lived, by_samples = (
        pd.DataFrame(done["rows"]).groupby(["node", "workload"])["embodied_gco2e"].sum()
        for done in (edges, raw)
    )
    assert lived["n2", "tidy"] < lived["n2", "web"] / 5
    pd.testing.assert_series_equal(lived, by_samples, rtol=0.1)


@pytest.mark.parametrize(
    ("kept", "also_without"),
    [("dram", False), ("package", True)],
    ids=["package comes later", "dram comes later, and another node lacks package"],
)
def test_a_power_domain_that_comes_later_shortens_no_life(kept: str, also_without: bool) -> None:
    """The pods lived all along."""
    whole = simulate(small())
    from_ms = (whole.scenario.start + HOUR // 2) * 1000
    series = []
    for one in whole.series:
        metric, node, zone = (one.labels.get(name) for name in ("__name__", "node_name", "zone"))
        if (node, zone) == ("n1", "package") and also_without:
            continue
        if metric == "kepler_pod_cpu_joules_total" and node == "n2" and zone not in (kept, "core"):
            later = one.time_ms >= from_ms
            value = one.value[later]
            series.append(replace(one, time_ms=one.time_ms[later], value=value - value[:1]))
        else:
            series.append(one)
    with served(replace(whole, series=series)) as url:
        edges, raw = (
            rows(url, "--pull", pull, "--group-by", "node,namespace,workload") for pull in ("edges", "raw")
        )
    of_n2 = [
        found[(found["node"] == "n2") & (found["workload"].isin(["web", "agent"]))]
        .set_index(["window_start", "workload"])["embodied_gco2e"]
        for found in (edges, raw)
    ]  # fmt: skip
    assert len(of_n2[0]) == 6
    pd.testing.assert_series_equal(of_n2[0], of_n2[1], rtol=0.05)


def _asked_of_lives(done: dict[str, Any]) -> list[bool]:
    """Of each query for lives, whether it is for all domains but the first."""
    return sorted(
        "!=" in text for text in done["provenance"]["queries"] if text.startswith("(count_over_time(")
    )


def test_overlapping_domains_are_refused_and_core_alone_is_core() -> None:
    simulation = simulate(small())
    with served(simulation) as url:
        refused = tool(url, "--power-domains", "package,core")
        core = rows(url, "--power-domains", "core")
        other = tool(url, "--power-domains", "psys")
    assert refused.returncode == 2
    assert "package" in refused.stderr
    assert core["active_kwh"].sum() == pytest.approx(pods_kwh(simulation, "core"), rel=0.003)
    assert other.returncode == 4
    assert "--power-domains" in other.stderr
    assert "package" in other.stderr


def test_without_kube_state_metrics_names_tell(pull: tuple[str, str]) -> None:
    simulation = simulate(small(kube_state=False))
    with served(simulation) as url:
        found = rows(url, *pull)
    kinds = set(zip(found["workload"], found["workload_kind"], strict=True))
    assert kinds == {("web", "Deployment"), ("db", "StatefulSet"), ("agent", "Unknown"), ("tidy", "CronJob")}
    assert flags(found) == {"inferred-owner"}
    assert found["active_kwh"].sum() == pytest.approx(pods_kwh(simulation), rel=0.003)


def test_the_old_kepler_without_idle(pull: tuple[str, str]) -> None:
    simulation = simulate(small("legacy", legacy_idle=False))
    with served(simulation) as url:
        found = rows(url, *pull)
    assert found["energy_kwh"].sum() == pytest.approx(nodes_kwh(simulation), rel=0.003)


@contextmanager
def two_clusters() -> Iterator[tuple[str, Simulation, Simulation]]:
    east = simulate(small(external_labels=(("cluster", "east"),)))
    west = simulate(small(external_labels=(("cluster", "west"),), seed=5))
    with servers.prometheus() as server:
        for simulation in (east, west):
            servers.load_remote_write(server.url, remote_write_bodies(simulation.series))
        yield server.url, east, west


def test_the_cluster_label_goes_into_every_query(pull: tuple[str, str]) -> None:
    with two_clusters() as (url, east, west):
        ours = rows(url, *pull, "--cluster-label", "cluster=west", "--group-by", "cluster,namespace,workload")
        asked = report(url, *pull, "--cluster-label", "cluster=east")["provenance"]["queries"]
        nothing = tool(url, "--cluster-label", "cluster=north")
    assert set(ours["cluster"]) == {"west"}
    assert ours["active_kwh"].sum() == pytest.approx(pods_kwh(west), rel=0.003)
    assert pods_kwh(west) != pytest.approx(pods_kwh(east), rel=1e-4)
    assert all('cluster="east"' in query for query in asked)
    assert nothing.returncode == 4
    assert "cluster" in nothing.stderr


def relabelled(simulation: Simulation, **names: str) -> Simulation:
    """The same series with label names as another scrape configuration writes them."""
    series = [
        replace(one, labels={names.get(name, name): text for name, text in one.labels.items()})
        for one in simulation.series
    ]
    return replace(simulation, series=series)


def test_relabelled_names_can_be_set(pull: tuple[str, str]) -> None:
    theirs = relabelled(
        simulate(small()), pod_namespace="workload_ns", pod_name="workload_pod", node_name="host", zone="rapl"
    )
    renamed = ["namespace=workload_ns", "pod=workload_pod", "node=host", "power_domain=rapl"]
    with served(theirs) as url:
        found = rows(url, *pull, *(word for name in renamed for word in ("--kepler-label", name)))
    assert found["active_kwh"].sum() == pytest.approx(pods_kwh(theirs), rel=0.003)
    assert found["energy_kwh"].sum() == pytest.approx(nodes_kwh(theirs), rel=0.003)
    assert set(found["workload"]) == {"web", "db", "agent", "tidy"}


def test_kube_state_metrics_without_honor_labels() -> None:
    simulation = simulate(small())
    series = [
        replace(one, labels=_exported(one.labels)) if one.name.startswith("kube_") else one
        for one in simulation.series
    ]
    with served(replace(simulation, series=series)) as url:
        found = rows(url)
    assert flags(found) == set()
    assert set(found["workload"]) == {"web", "db", "agent", "tidy"}


def _exported(labels: dict[str, str]) -> dict[str, str]:
    own = {"namespace": "monitoring", "pod": "kube-state-metrics-0", "container": "kube-state-metrics"}
    clash = {name: text for name, text in labels.items() if name in own}
    return {**labels, **own, **{f"exported_{name}": text for name, text in clash.items()}}


@pytest.mark.parametrize(
    ("version", "scale", "known"), [("v0.7.3", 1000.0, True), ("v0.7.12", 1.0, True), ("v0.7.2", 1.0, False)]
)
def test_the_old_total_follows_its_version(version: str, scale: float, known: bool) -> None:
    simulation = simulate(small("legacy"))
    series = []
    for one in simulation.series:
        if one.name == "kepler_exporter_build_info":
            series.append(replace(one, labels=one.labels | {"version": version}))
        elif one.name == "kepler_container_joules_total":
            series.append(replace(one, value=np.asarray(one.value) * scale))
        elif not one.name.startswith(("kepler_container_", "kepler_node_")):
            series.append(one)
    with served(replace(simulation, series=series)) as url:
        done = tool(url, "-o", "csv", "--pull", "raw")
    if not known:
        assert done.returncode == 7
        assert version in done.stderr
        return
    assert done.returncode == 0, done.stderr
    found = pd.read_csv(io.StringIO(done.stdout), keep_default_na=False)
    assert found["active_kwh"].astype(float).sum() == pytest.approx(pods_kwh(simulation), rel=0.003)
    assert {"legacy-total", "no-node-energy"} <= flags(found)


@pytest.mark.parametrize("generation", ["legacy", "rewrite"])
def test_power_domains_that_are_not_there_are_never_another_quantity(generation: Generation) -> None:
    """The old Kepler's total beside its parts is no stand-in for a domain that it does not show."""
    with served(simulate(small(generation))) as url:
        done = tool(url, "-o", "csv", "--power-domains", "psys")
    assert (done.returncode, done.stdout) == (4, "")
    assert "dram, package" in done.stderr
    assert ", not psys" in done.stderr
    assert "Try --power-domains package,dram." in done.stderr


def test_namespaces_are_chosen_after_the_books_are_closed(pull: tuple[str, str]) -> None:
    simulation = simulate(small())
    with served(simulation) as url:
        everything = rows(url, *pull)
        some = rows(url, *pull, "-n", "sh*")
        done = report(url, *pull, "-n", "sh*")
        nothing = tool(url, *pull, "-n", "nowhere")
    kept = everything[everything["namespace"] == "shop"]
    assert some["energy_kwh"].to_numpy() == pytest.approx(kept["energy_kwh"].to_numpy(), rel=1e-12)
    left_out = everything["energy_kwh"].sum() - kept["energy_kwh"].sum()
    assert done["totals"]["not_shown_kwh"] == pytest.approx(left_out, rel=1e-9)
    assert nothing.returncode == 4
    assert "-n" in nothing.stderr


def test_labels_of_pods_and_namespaces_group(pull: tuple[str, str]) -> None:
    simulation = simulate(small())
    with served(simulation) as url:
        by_team = rows(url, *pull, "--group-by", "label:team")
        by_center = rows(url, *pull, "--group-by", "label:cost_center")
        misspelled = tool(url, *pull, "--group-by", "label:taem", "-o", "csv")
    assert set(by_team["label:team"]) == {"web", "data", "none"}
    assert set(by_center["label:cost_center"]) == {"cc-shop", "cc-ops"}
    assert by_team["energy_kwh"].sum() == pytest.approx(by_center["energy_kwh"].sum(), rel=1e-9)
    assert misspelled.returncode == 0
    assert "no pod and no namespace has label_taem" in misspelled.stderr
    assert "--metric-labels-allowlist=pods=[taem],namespaces=[taem]" in " ".join(misspelled.stderr.split())


@pytest.mark.parametrize("policy", ["by-energy", "by-request", "even", "separate", "drop"])
def test_every_policy_closes_the_books(policy: str) -> None:
    simulation = simulate(small())
    with served(simulation) as url:
        found = rows(url, "--unattributed", policy, "--embodied", "kg:1000", "--strict")
    node_kwh, used = nodes_kwh(simulation), pods_kwh(simulation)
    embodied = 2 * 1000 * 1000 * 3 * HOUR / (4 * 365 * 86400)
    if policy == "drop":
        assert found["energy_kwh"].sum() == pytest.approx(used, rel=0.003)
        assert "unattributed-dropped" in flags(found)
        assert found["embodied_gco2e"].sum() < embodied
        return
    assert found["energy_kwh"].sum() == pytest.approx(node_kwh, rel=0.003)
    assert found["embodied_gco2e"].sum() == pytest.approx(embodied, rel=1e-9)
    own = found[found["workload_kind"] == "Unattributed"]
    assert sorted(set(own["workload"])) == (["n1", "n2"] if policy == "separate" else [])
    if policy == "separate":
        assert set(own["namespace"]) == {""}
        assert own["shared_kwh"].sum() == pytest.approx(node_kwh - used, rel=0.01)


def test_pods_that_exceed_their_node_open_the_books(pull: tuple[str, str]) -> None:
    simulation = simulate(small())
    # no idle, and three fifths of the active energy: less than the pods together, more than each of them
    series = [
        replace(one, value=np.asarray(one.value) * 0.6) if one.name.startswith("kepler_node_cpu_") else one
        for one in simulation.series
        if one.name != "kepler_node_cpu_idle_joules_total"
    ]
    with served(replace(simulation, series=series)) as url:
        found = rows(url, *pull)
        strict = tool(url, *pull, "--strict", "-o", "csv")
        done = report(url, *pull)
    assert "pods-exceed-node" in flags(found)
    assert done["totals"]["residual_kwh"] < 0
    assert done["totals"]["open_books"] > 0
    assert strict.returncode == 5
    assert strict.stdout.startswith("window_start,"), "the outputs are written all the same"
