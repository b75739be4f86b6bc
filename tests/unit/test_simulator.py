"""The simulator against hand-made tiny clusters: one node, constant power, all numbers by hand.

In these the range is the whole time with samples: the data begin at the range's start.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.simulator import (
    Gap,
    Node,
    PodEvent,
    Restart,
    Scenario,
    Series,
    Simulation,
    Workload,
    default_nodes,
    remote_write_bodies,
    scenario,
    simulate,
)
from tests.simulator.power import Floats

POD = "kepler_pod_cpu_joules_total"
WATTS = 10.0
KEPLER_STARTS = 640
"""Restart at 600 s, 40 s down: refreshes at 640, 645, ... seconds after the range's start."""


def steady(name: str = "node-a", **fields: Any) -> Node:
    """A node without wave and noise."""
    return Node(name=name, wave=0.0, noise=0.0, **{"idle_watts": 60.0, "host_watts": 6.0, **fields})


def constant(name: str = "app", **fields: Any) -> Workload:
    """A workload without wave and noise."""
    return Workload(namespace="ns", name=name, wave=0.0, noise=0.0, **{"watts": WATTS, **fields})


def tiny(**fields: Any) -> Scenario:
    """One node, one old pod of 10 W, one hour, Kepler restarts after 10 minutes."""
    base: dict[str, Any] = {
        "range_seconds": 3600,
        "warmup_seconds": 0,
        "after_seconds": 0,
        "nodes": (steady(),),
        "workloads": (constant(),),
        "domains": ("package",),
        "restarts": (Restart(node=0, at=600.0, down=40.0),),
        "gaps": (),
        "drops": (),
        "jitter_ms": 0,
        "late_share": 0.0,
    }
    return Scenario(**{**base, **fields})


def only(series: list[Series]) -> Series:
    assert len(series) == 1
    return series[0]


def seconds(world: Simulation, series: Series) -> list[float]:
    """Sample times [s after the range's start]."""
    return [(int(time) - world.truth.start_ms) / 1000 for time in series.time_ms]


def refresh(time: float) -> int:
    """The refresh that a scrape after the restart shows [s]."""
    return KEPLER_STARTS + int((time - KEPLER_STARTS) // 5) * 5


def after_restart(world: Simulation, name: str, **labels: str) -> Series:
    """The series of Kepler's second process."""
    return only([one for one in world.matching(name, **labels) if seconds(world, one)[0] >= KEPLER_STARTS])


def total(frame: pd.DataFrame, column: str, **equal: str) -> float:
    for key, text in equal.items():
        frame = frame[frame[key] == text]
    return float(frame[column].sum())


def test_a_constant_pod_counts_power_times_refreshes() -> None:
    world = simulate(tiny())
    old, new = world.matching(POD)
    # 30 s between scrapes are six refreshes of 5 s.
    assert np.diff(old.value).tolist() == pytest.approx([WATTS * 30] * (len(old.value) - 1))
    assert old.value[0] > 3600 * WATTS  # counters are old when the data begin
    times = seconds(world, new)
    assert len(times) == len(np.arange(times[0], 3600, 30))
    assert new.value.tolist() == pytest.approx([WATTS * (refresh(t) - KEPLER_STARTS) for t in times])


def test_a_restart_changes_the_target_and_not_the_pod() -> None:
    world = simulate(tiny())
    old, new = world.matching(POD)
    changed = {key for key in old.labels if old.labels[key] != new.labels[key]}
    assert changed == {"instance", "pod"}
    assert set(old.labels) == {
        *("__name__", "node_name", "pod_id", "pod_name", "pod_namespace", "state", "zone"),
        *("job", "instance", "namespace", "pod", "container", "endpoint", "service"),
    }


def test_idle_starts_at_the_register_and_active_at_zero() -> None:
    world = simulate(tiny())
    idle = after_restart(world, "kepler_node_cpu_idle_joules_total")
    active = after_restart(world, "kepler_node_cpu_active_joules_total")
    times = seconds(world, idle)
    # The register stood at 100 kJ when the data began; pod + host + idle = 76 W since then.
    register = 100_000 + 76 * KEPLER_STARTS
    assert idle.value.tolist() == pytest.approx([register + 60 * (refresh(t) - KEPLER_STARTS) for t in times])
    assert active.value.tolist() == pytest.approx([16 * (refresh(t) - KEPLER_STARTS) for t in times])


def test_the_register_wraps_and_active_and_idle_do_not() -> None:
    world = simulate(tiny(nodes=(steady(idle_watts=200.0),)))
    register = after_restart(world, "kepler_node_cpu_joules_total")
    values = [(100_000 + 216 * refresh(t)) % 262_143 for t in seconds(world, register)]
    assert register.value.tolist() == pytest.approx(values)
    assert int((np.diff(register.value) < 0).sum()) == 3  # (100 000 + 216 W x 3600 s) / 262 143 J = 3.3
    assert (np.diff(after_restart(world, "kepler_node_cpu_idle_joules_total").value) > 0).all()


def mortal(born: float, life: float, **fields: Any) -> Workload:
    return constant("job", kind="Pod", born_at=born, life_seconds=(life, life), **fields)


def test_a_dead_pod_shows_its_frozen_total_once() -> None:
    # Born at 700, dead at 851.5: found dead at 855, last read at 850.
    world = simulate(tiny(workloads=(mortal(700, 151.5),)))
    running = only(world.matching(POD, state="running"))
    times = seconds(world, running)
    assert 700 <= times[0] < 730 and 825 <= times[-1] < 855
    assert running.value.tolist() == pytest.approx([WATTS * (refresh(t) - 700) for t in times])
    terminated = only(world.matching(POD, state="terminated"))
    assert terminated.value.tolist() == pytest.approx([WATTS * 150])
    assert 855 <= seconds(world, terminated)[0] < 855 + 30
    assert total(world.truth.physical.workload_hours, "active_joules") == pytest.approx(WATTS * 151.5)
    assert total(world.truth.metered.workload_hours, "active_joules") == pytest.approx(WATTS * 150)


def scraped_at(world: Simulation) -> list[float]:
    return seconds(world, after_restart(world, "kepler_build_info"))


def test_a_pod_between_two_scrapes_is_one_terminated_sample() -> None:
    before = scraped_at(simulate(tiny()))[4]
    world = simulate(tiny(workloads=(mortal(before + 1.0, 14.0),)))
    assert world.matching(POD, state="running") == []
    sample = only(world.matching(POD, state="terminated"))
    counted = refresh(before + 15.0) - (before + 1.0)
    assert sample.value.tolist() == pytest.approx([WATTS * counted])
    assert seconds(world, sample) == [before + 30]


@pytest.mark.parametrize(
    ("workload", "reason"),
    [
        (mortal(700.0, 40.0, watts=0.2), "8 J at most are below the 10 J of Kepler's threshold"),
        (mortal(701.0, 3.9, watts=90.0), "it lives between the refreshes of 700 and 705"),
        (mortal(590.0, 9.0, watts=90.0), "Kepler stops before any scrape of its terminated row"),
    ],
)
def test_no_terminated_row(workload: Workload, reason: str) -> None:
    world = simulate(tiny(workloads=(workload,)))
    assert world.matching(POD, state="terminated") == [], reason


def test_pods_that_kepler_never_reads_are_only_in_the_physical_truth() -> None:
    world = simulate(tiny(workloads=(mortal(701.0, 3.9, watts=90.0),)))
    assert world.matching(POD) == []
    assert total(world.truth.physical.workload_hours, "active_joules") == pytest.approx(90 * 3.9)
    assert len(world.truth.metered.workload_hours) == 0


def test_time_without_kepler_is_only_in_the_physical_truth() -> None:
    world = simulate(tiny())
    old, new = world.matching(POD)
    first, last = seconds(world, old)[0], seconds(world, old)[-1]
    assert total(world.truth.physical.workload_hours, "active_joules") == pytest.approx(WATTS * 3600)
    seen = old.value[-1] - old.value[0] + new.value[-1]
    assert last - first == pytest.approx((old.value[-1] - old.value[0]) / WATTS)
    assert total(world.truth.metered.workload_hours, "active_joules") == pytest.approx(seen)
    assert total(world.truth.physical.node_hours, "idle_joules") == pytest.approx(60 * 3600)
    assert total(world.truth.physical.node_hours, "active_joules") == pytest.approx(16 * 3600)
    assert total(world.truth.physical.node_hours, "host_joules") == pytest.approx(6 * 3600)


def test_a_dropped_counter_goes_on_from_zero() -> None:
    drop = PodEvent(namespace="ns", workload="app", at=1501.0)
    new = after_restart(simulate(tiny(drops=(drop,))), POD)
    world = simulate(tiny(drops=(drop,)))
    times = seconds(world, new)
    expected = [WATTS * (refresh(t) - (KEPLER_STARTS if t < 1505 else 1505)) for t in times]
    assert new.value.tolist() == pytest.approx(expected)


def test_a_spike_is_in_the_counter_and_not_in_the_truth() -> None:
    world = simulate(tiny(spikes=(PodEvent(namespace="ns", workload="app", at=1501.0),)))
    jump = np.diff(after_restart(world, POD).value).max()
    assert jump == pytest.approx(1.8e13 + WATTS * 30)
    assert total(world.truth.physical.workload_hours, "active_joules") == pytest.approx(WATTS * 3600)


def test_a_gap_has_no_samples_and_keeps_its_energy() -> None:
    world = simulate(tiny(gaps=(Gap(node=0, at=1800.0, seconds=1500.0),)))
    new = after_restart(world, POD)
    times = seconds(world, new)
    assert not [t for t in times if 1800 <= t < 3300]
    assert np.diff(new.value).max() == pytest.approx(WATTS * 1530)  # 50 scrapes are missing
    stale = (int(new.stale_ms[0]) - world.truth.start_ms) / 1000
    assert 1800 <= stale < 1830  # a real Prometheus marks the series at the first failed scrape
    plain = simulate(tiny())
    metered = [total(w.truth.metered.workload_hours, "active_joules") for w in (world, plain)]
    assert metered[0] == pytest.approx(metered[1])
    up = after_restart(world, "up")
    assert [v for t, v in zip(seconds(world, up), up.value, strict=True) if 1800 <= t < 3300] == [0.0] * 50


def test_a_stateful_pod_comes_back_under_its_name() -> None:
    database = constant("db", kind="StatefulSet", recreate_at=1800.0)
    world = simulate(tiny(nodes=(steady(), steady("node-b")), workloads=(database,), restarts=()))
    pods = world.truth.pods
    assert pods["pod"].tolist() == ["db-0", "db-0"]
    assert pods["pod_id"].nunique() == 2
    assert set(pods["node"]) == {"node-a", "node-b"}
    assert (pods["birth_ms"][1] - pods["death_ms"][0]) == 12_000
    by_node = world.truth.physical.workload_hours.set_index("node")["active_joules"].to_dict()
    first, second = pods["node"]
    assert by_node == pytest.approx({first: WATTS * 1800, second: WATTS * (3600 - 1812)})


def test_requests_are_rate_times_life() -> None:
    rollout = constant(replicas=2, requests_per_second=3.0, rollout_at=1800.0)
    world = simulate(tiny(workloads=(rollout,), window_seconds=1800))
    # Each of the two pods runs 12 s beside its successor.
    assert world.truth.requests_hours["requests"].tolist() == pytest.approx(
        [3 * 2 * 1800, 3 * 2 * (1800 + 12)]
    )
    served = world.matching("http_requests_total")
    assert len(served) == 4
    assert all((np.diff(one.value) >= 0).all() and (one.value == np.floor(one.value)).all() for one in served)


def test_names_are_those_of_kubernetes() -> None:
    world = simulate(scenario(range_seconds=7 * 3600))
    letters = "bcdfghjklmnpqrstvwxz2456789"
    patterns = {
        "Deployment": rf"^(.+)-[456789bcdf]{{8,10}}-[{letters}]{{5}}$",
        "Rollout": rf"^(.+)-[456789bcdf]{{8,10}}-[{letters}]{{5}}$",
        "CronJob": rf"^(.+)-\d{{8}}-[{letters}]{{5}}$",
        "Job": rf"^(.+)-[{letters}]{{5}}$",
        "DaemonSet": rf"^(.+)-[{letters}]{{5}}$",
        "StatefulSet": r"^(.+)-\d+$",
        "Pod": r"^(.+)$",
    }
    found = {
        kind: {
            match[1]
            for pod in world.pods
            if pod.workload.kind == kind and (match := re.match(pattern, pod.name))
        }
        for kind, pattern in patterns.items()
    }
    assert found == {kind: {w.name for w in world.scenario.workloads if w.kind == kind} for kind in patterns}
    assert len({pod.uid for pod in world.pods}) == len({pod.name for pod in world.pods})


# The old Kepler.


def legacy(**fields: Any) -> Simulation:
    two = (("main", 0.75), ("side", 0.25))
    workloads = (constant(replicas=2), constant("pair", containers=two, watts=4.0))
    return simulate(tiny(generation="legacy", workloads=workloads, domains=("package", "dram"), **fields))


def growth(series: list[Series]) -> Floats:
    """Sum over series of the growth since the first sample [J]."""
    grown: Floats = np.sum([one.value - one.value[0] for one in series], axis=0)
    return grown


@pytest.mark.parametrize("idle_on", [True, False])
@pytest.mark.parametrize("mode", ["dynamic", "idle"])
@pytest.mark.parametrize("part", ["package", "dram"])
def test_legacy_containers_add_up_to_their_node(part: str, mode: str, idle_on: bool) -> None:
    world = legacy(restarts=(), legacy_idle=idle_on)
    containers = world.matching(f"kepler_container_{part}_joules_total", mode=mode)
    node = world.matching(f"kepler_node_{part}_joules_total", mode=mode)
    assert len(containers) == 4 + 2  # two system rows
    assert growth(containers).tolist() == pytest.approx(growth(node).tolist(), abs=1e-4)
    assert only(node).labels["exported_instance"] == only(node).labels["instance"] == "node-a"


def test_legacy_total_is_package_and_dram() -> None:
    world = legacy(restarts=())
    total_growth = growth(world.matching("kepler_container_joules_total"))
    parts = [
        growth(world.matching(f"kepler_container_{part}_joules_total"))
        for part in ("package", "dram", "other")
    ]
    assert total_growth.tolist() == pytest.approx(np.sum(parts, axis=0).tolist(), abs=1e-4)


def test_legacy_idle_is_split_evenly_over_containers() -> None:
    world = legacy(restarts=())
    counter = "kepler_container_package_joules_total"
    idle = [growth([one])[-1] for one in world.matching(counter, mode="idle")]
    # 60 W over 4 containers and 2 system rows; refreshes every 3 s, scrapes every 30 s.
    elapsed = 30 * (len(world.matching(counter, mode="idle")[0].value) - 1)
    assert idle == pytest.approx([60 / 6 * elapsed] * 6)
    side = only(world.matching(counter, mode="dynamic", container_name="side"))
    assert growth([side])[-1] == pytest.approx(4 * 0.25 * elapsed)
    # Truth: a pod's active energy is dynamic + idle. 10 W + a sixth of 60 W, two pods.
    assert total(world.truth.physical.workload_hours, "active_joules", workload="app", domain="package") == (
        pytest.approx(2 * (10 + 10) * 3600)
    )


def test_legacy_idle_off_keeps_the_total_and_empties_the_idle_rows() -> None:
    off = legacy(restarts=(), legacy_idle=False)
    on = legacy(restarts=())
    counter = "kepler_container_joules_total"
    assert growth(off.matching(counter)).tolist() == pytest.approx(
        growth(on.matching(counter)).tolist(), abs=1e-3
    )
    idle = [one for one in off.matching(counter, mode="idle") if one.labels["container_namespace"] == "ns"]
    assert all(not np.diff(one.value).any() for one in idle)


def test_legacy_dead_containers_stay_flat() -> None:
    world = simulate(tiny(generation="legacy", workloads=(mortal(700, 151.5),)))
    row = only(
        world.matching("kepler_container_package_joules_total", mode="dynamic", container_namespace="ns")
    )
    times = seconds(world, row)
    assert times[-1] > 3570
    # Dead at 851.5, found dead at 853 (640 + 71 x 3), last read at 850.
    flat = [float(v) for t, v in zip(times, row.value, strict=True) if t > 853]
    assert flat == pytest.approx([WATTS * 150] * len(flat))


def test_an_upgrade_shows_one_generation_at_a_time() -> None:
    world = simulate(tiny(generation="upgrade", upgrade_at=1800.0, upgrade_down=20.0, restarts=()))
    old = only(
        world.matching("kepler_container_package_joules_total", mode="dynamic", pod_name=world.pods[0].name)
    )
    new = only(world.matching(POD))
    assert seconds(world, old)[-1] < 1800 and seconds(world, new)[0] >= 1820
    assert new.value.tolist() == pytest.approx([WATTS * ((t - 1820) // 5) * 5 for t in seconds(world, new)])
    # Old: 10 W + a third of 60 W idle (one container, two system rows); new: 10 W alone.
    assert total(world.truth.physical.workload_hours, "active_joules") == pytest.approx(1800 * 30 + 1800 * 10)


# Who scrapes what.


def test_replicas_scrape_apart_and_only_one_gets_the_terminated_row() -> None:
    job = mortal(700, 151.5)
    world = simulate(tiny(workloads=(constant(), job), replicas=("a", "b")))
    by_replica = {
        one.labels["prometheus_replica"]: one for one in world.matching(POD, pod_name="job", state="running")
    }
    assert set(by_replica) == {"a", "b"}
    assert not set(by_replica["a"].time_ms) & set(by_replica["b"].time_ms)
    terminated = world.matching(POD, state="terminated")
    first = min(int(one.time_ms[0]) for one in terminated)
    # The row goes at the first refresh after the first export, whoever scraped it.
    assert all(int(one.time_ms[-1]) - first <= 5000 for one in terminated)
    assert {one.labels["prometheus_replica"] for one in world.matching("kube_pod_owner")} == {"a", "b"}


def test_a_second_job_doubles_one_node_only() -> None:
    world = simulate(tiny(nodes=(steady(), steady("node-b")), second_job_node=1, restarts=()))
    jobs = defaultdict(set)
    for one in world.matching("kepler_node_cpu_active_joules_total"):
        jobs[one.labels["node_name"]].add(one.labels["job"])
    assert jobs == {"node-a": {"kepler"}, "node-b": {"kepler", "kepler-debug"}}


@pytest.mark.parametrize(
    ("change", "absent", "present"),
    [
        ({"node_level": False}, "kepler_node_cpu_active_joules_total", POD),
        ({"pod_level": False, "container_level": True}, POD, "kepler_container_cpu_joules_total"),
        ({"kube_state": False}, "kube_pod_owner", POD),
    ],
)
def test_levels_can_be_left_out(change: dict[str, bool], absent: str, present: str) -> None:
    names = {one.name for one in simulate(tiny(**change)).series}
    assert absent not in names and present in names


def test_external_labels_stand_on_every_series() -> None:
    world = simulate(tiny(external_labels=(("cluster", "eu"),)))
    assert {one.labels["cluster"] for one in world.series} == {"eu"}


def test_the_same_scenario_gives_the_same_bytes() -> None:
    first, second = (b"".join(remote_write_bodies(simulate(tiny()).series)) for _ in range(2))
    assert first == second
    assert first != b"".join(remote_write_bodies(simulate(tiny(seed=2)).series))


# The whole cluster against slow, separate arithmetic.


def mishaps(generation: Any) -> Scenario:
    """All default workloads in six hours that are all in the range, with every mishap inside."""
    return scenario(
        generation,
        nodes=default_nodes(generation),
        range_seconds=6 * 3600,
        warmup_seconds=0,
        after_seconds=0,
        restarts=(Restart(node=1, at=7000.0),),
        gaps=(Gap(node=2, at=10_000.0, seconds=1500.0),),
        drops=(PodEvent(namespace="search", workload="indexer", at=9000.0),),
        workloads=tuple(replace_times(workload) for workload in scenario().workloads),
        kube_state=False,
        upgrade_at=12_000.0,
    )


def replace_times(workload: Workload) -> Workload:
    """Bring the events of 26 hours into 6."""
    moved = {
        name: at / 4
        for name in ("rollout_at", "recreate_at", "born_at")
        if (at := getattr(workload, name)) is not None
    }
    return replace(workload, **moved)


def read_back(world: Simulation) -> dict[str, float]:
    """Joules per pod_id in the samples, one loop over everything: births and resets count, old firsts not."""
    by_key: dict[tuple[str, ...], list[tuple[int, int, float]]] = defaultdict(list)
    by_name = {(pod.namespace, pod.name, pod.containers[0][1]): pod.uid for pod in world.pods}
    ids = {container: pod.uid for pod in world.pods for _, container, _ in pod.containers}
    assert len(by_name) == len(world.pods)
    key: tuple[str, ...]
    for one in world.series:
        if one.name == POD and one.labels["zone"] == "package":
            key = (one.labels["pod_id"], "rewrite")
        elif one.name == "kepler_container_package_joules_total" and one.labels["container_id"] in ids:
            key = (ids[one.labels["container_id"]], one.labels["container_id"], one.labels["mode"])
        else:
            continue
        order = 0 if one.labels.get("state") == "terminated" else 1
        by_key[key] += [(int(t), order, float(v)) for t, v in zip(one.time_ms, one.value, strict=True)]
    old = {pod.uid for pod in world.pods if pod.birth < 0}
    joules: dict[str, float] = defaultdict(float)
    for key, samples in by_key.items():
        previous = None
        for _, _, value in sorted(samples):
            if previous is None:
                began_under_new = key[1] == "rewrite" and world.scenario.generation == "upgrade"
                joules[key[0]] += 0.0 if key[0] in old and not began_under_new else value
            else:
                joules[key[0]] += value - previous if value >= previous else value
            previous = value
    return joules


@pytest.mark.parametrize("generation", ["rewrite", "legacy", "upgrade"])
def test_the_samples_hold_the_metered_truth_of_every_pod(generation: Any) -> None:
    world = simulate(mishaps(generation))
    rows = world.truth.metered.pod_hours
    true = rows[rows["domain"] == "package"].groupby("pod_id")["active_joules"].sum().to_dict()
    found = {uid: joules for uid, joules in read_back(world).items() if joules}
    assert set(found) == set(true)
    assert found == pytest.approx(true, rel=1e-6, abs=1e-4)
    physical = total(world.truth.physical.workload_hours, "active_joules", domain="package")
    assert 0.99 * physical < sum(true.values()) < physical


@pytest.mark.parametrize("generation", ["rewrite", "legacy"])
def test_the_physical_truth_is_the_integral_of_power(generation: Any) -> None:
    """One-second steps over an hour, counted one by one."""
    world = simulate(scenario(generation, range_seconds=3 * 3600, upgrade_at=1e9))
    begin = world.scenario.warmup_seconds * 1000 + 3_600_000
    hour = world.truth.start_ms + 3_600_000
    middles = np.arange(begin, begin + 3_600_000, 1000) + 500
    joules: dict[str, float] = defaultdict(float)
    for node in world.nodes:
        cells = np.searchsorted(node.power.knots, middles, side="right") - 1
        for row, pod in enumerate(node.power.pods):
            watts = node.power.dynamic[row, cells] + node.power.idle_share[row, cells]
            joules[pod.uid] += float(watts.sum())
    rows = world.truth.physical.pod_hours
    rows = rows[(rows["domain"] == "package") & (rows["window_start_ms"] == hour)].set_index("pod_id")
    # A pod's first and last second are counted whole or not at all.
    for uid, true in rows["active_joules"].items():
        pod = next(pod for pod in world.pods if pod.uid == uid)
        assert joules[str(uid)] == pytest.approx(true, abs=4 * pod.workload.watts + 8)
    steady_pods = [pod.uid for pod in world.pods if pod.birth < 0 and pod.death > world.scenario.data_ms]
    assert sum(joules[uid] for uid in steady_pods) == pytest.approx(
        rows["active_joules"][steady_pods].sum(), rel=1e-3
    )


def test_pods_and_host_are_the_node_in_the_physical_truth() -> None:
    world = simulate(scenario(range_seconds=2 * 3600))
    keys = ["window_start_ms", "node", "domain"]
    pods = world.truth.physical.workload_hours.groupby(keys)["active_joules"].sum()
    node = world.truth.physical.node_hours.set_index(keys)
    assert (pods + node["host_joules"]).to_dict() == pytest.approx(node["active_joules"].to_dict(), rel=1e-9)
    package, core = (node.xs(domain, level="domain") for domain in ("package", "core"))
    assert (core["active_joules"] < package["active_joules"]).all()
