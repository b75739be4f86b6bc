"""Many series to one counter, each reading once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from sci_batch import kepler
from sci_batch.counters import FLAG_BITS, KEY_COLUMNS
from sci_batch.fetch.registry import Readings, Registry, duplicate_flags, merged, one_scraper, readings
from sci_batch.fetch.series import Series, normalise
from sci_batch.kepler import Labels, Meter
from sci_batch.prometheus.samples import LabelSet, Samples, label_set


def samples(*series: tuple[dict[str, str], list[tuple[int, float]]]) -> Samples:
    flat = [(n, t, value) for n, (_, pairs) in enumerate(series) for t, value in pairs]
    return Samples(
        sets=[label_set(labels) for labels, _ in series],
        series=np.array([row[0] for row in flat], np.int32), time_ms=np.array([row[1] for row in flat],
        np.int64),
        value=np.array([row[2] for row in flat], np.float64),
    )  # fmt: skip


PODS = kepler.meters(("package", "dram"), (), Labels())[kepler.REWRITE, kepler.POD][0]
CONTAINERS = kepler.meters(("package",), (), Labels())[kepler.LEGACY, kepler.CONTAINER][0]
NODES = kepler.meters(("package",), (), Labels())[kepler.LEGACY, kepler.NODE][0]


def pod(state: str = "running", **more: str) -> dict[str, str]:
    return {
        "__name__": PODS.metric, "node_name": "n1", "zone": "package", "pod_id": "u1", "pod_name": "a",
        "pod_namespace": "shop", "state": state, "instance": "10.0.0.1:28282", "job": "kepler", **more,
    }  # fmt: skip


def read(
    *series: tuple[dict[str, str], list[tuple[int, float]]], meter: Meter = PODS
) -> tuple[Readings, Registry]:
    registry = Registry()
    return readings(registry, [(meter, samples(*series))], Labels(), {"n1": "n1"}), registry


def kept(found: Readings, *, touching: bool = False) -> tuple[list[tuple[int, int, float]], list[int]]:
    """(key, time, joules) after one scraper was chosen and states were merged; keys scraped twice."""
    left, twice = one_scraper(found, touching=touching)
    columns = merged(left.key, left.time_ms, left.joules)
    return list(zip(*(column.tolist() for column in columns), strict=True)), twice.tolist()


def test_running_and_terminated_are_one_counter() -> None:
    """The terminated row holds the final total: it wins at its moment, whatever comes first."""
    found, registry = read((pod("terminated"), [(30, 9.0)]), (pod(), [(10, 5.0), (20, 7.0), (30, 8.0)]))
    assert len(registry.keys) == 1
    assert kept(found) == ([(0, 10, 5.0), (0, 20, 7.0), (0, 30, 9.0)], [])


def test_domains_and_pods_are_counters_of_their_own() -> None:
    _, registry = read(
        (pod(), [(10, 1.0)]), (pod(zone="dram"), [(10, 1.0)]), (pod(pod_id="u2"), [(10, 1.0)]),
        (pod(node_name="n2"), [(10, 1.0)]),
    )  # fmt: skip
    assert len(registry.keys) == 4
    assert registry.nodes["node"].tolist() == ["n1", "n2"]


def test_a_restarted_kepler_goes_on_in_the_same_counter() -> None:
    """Its target has another instance: series that follow each other are all kept."""
    found, registry = read(
        (pod(), [(10, 5.0), (20, 6.0)]), (pod(instance="10.0.0.9:28282"), [(30, 1.0), (40, 2.0)])
    )
    assert len(registry.keys) == 1
    assert kept(found) == ([(0, 10, 5.0), (0, 20, 6.0), (0, 30, 1.0), (0, 40, 2.0)], [])


def test_two_scrapers_give_one_counter() -> None:
    """Where both read, one does; after its last reading the other one's goes on."""
    found, _ = read(
        (pod(), [(10, 5.0), (20, 6.0), (30, 7.0)]), (pod(job="other"), [(11, 5.1), (21, 6.1), (31, 7.1)])
    )
    assert kept(found) == ([(0, 10, 5.0), (0, 20, 6.0), (0, 30, 7.0), (0, 31, 7.1)], [0])


def test_a_lagging_scraper_is_no_restart() -> None:
    """It shows what Kepler had read before; between the other's readings each would look like a fall."""
    found, _ = read(
        (pod(), [(10, 5.0), (20, 6.0), (30, 7.0)]), (pod(job="other"), [(11, 4.9), (21, 5.9), (29, 6.8)])
    )
    assert kept(found) == ([(0, 10, 5.0), (0, 20, 6.0), (0, 30, 7.0)], [0])


def test_the_scraper_with_more_readings_is_kept() -> None:
    found, _ = read(
        (pod(), [(10, 1.0), (20, 2.0), (40, 4.0)]),
        (pod(job="b"), [(11, 1.1), (21, 2.1), (31, 3.1), (39, 3.9)]),
    )
    assert [t for _, t, _ in kept(found)[0]] == [10, 11, 21, 31, 39, 40]


def test_where_the_kept_scraper_has_nothing_another_stands_in() -> None:
    """The first sees 10..30, the second 10..60: after 30 its readings go on."""
    found, _ = read(
        (pod(), [(10, 1.0), (20, 2.0), (25, 2.5), (30, 3.0)]),
        (pod(job="z"), [(11, 1.1), (31, 3.1), (41, 4.1)]),
    )
    values, twice = kept(found)
    assert [t for _, t, _ in values] == [10, 20, 25, 30, 31, 41]
    assert twice == [0]


def test_touching_series_follow_each_other_at_edges() -> None:
    """At an edge a restart shows both series once; the later one goes on."""
    series = (pod(), [(10, 5.0), (20, 6.0)]), (pod(instance="new"), [(20, 1.0), (30, 2.0)])
    assert kept(read(*series)[0], touching=True)[1] == []
    assert kept(read(*series)[0], touching=False)[1] == [0]


@pytest.mark.parametrize("new", ["a-new", "z-new"])
def test_a_series_that_ends_at_the_first_edge_is_followed(new: str) -> None:
    """Whatever its name: a restart in the first step shows the old series there alone."""
    series = (pod(instance="old"), [(10, 5.0)]), (pod(instance=new), [(10, 1.0), (20, 2.0)])
    left, twice = one_scraper(read(*series)[0], touching=True)
    assert sorted(zip(left.time_ms.tolist(), left.joules.tolist(), strict=True)) == [
        (10, 1),
        (10, 5),
        (20, 2),
    ]
    assert twice.tolist() == []


def test_times_of_the_same_reading_are_kept_once() -> None:
    key, time_ms, joules, alive = merged(
        np.array([1, 0, 1, 1]), np.array([5, 5, 5, 4]), np.array([2.0, 9.0, 3.0, 1.0]), np.array([0.2,
        0.9, 0.3, 0.1])
    )  # fmt: skip
    assert key.tolist() == [0, 1, 1]
    assert time_ms.tolist() == [5, 4, 5]
    assert joules.tolist() == [9, 1, 3]
    assert alive.tolist() == [0.9, 0.1, 0.3]


def test_keys_scraped_twice_are_flagged() -> None:
    bits = duplicate_flags(np.array([0, 1, 1, 2]), np.array([1]))
    assert bits.tolist() == [0, FLAG_BITS["duplicate-series"], FLAG_BITS["duplicate-series"], 0]


def test_host_rows_and_nameless_rows_are_no_pods() -> None:
    registry = Registry()
    rewrite = samples((pod(), [(10, 1.0)]), (pod(pod_id="", pod_name="", pod_namespace=""), [(10, 99.0)]))
    legacy = samples(
        *(
            ({"__name__": CONTAINERS.metric, "instance": "n1", "container_namespace": space, "pod_name": name,
              "container_id": name, "mode": "dynamic"}, [(10, 50.0)])
            for space, name in (("system", "system_processes"), ("kernel", "kernel_processes"), ("shop", "b"))
        )
    )  # fmt: skip
    found = readings(registry, [(PODS, rewrite), (CONTAINERS, legacy)], Labels(), {"n1": "n1"})
    assert registry.keys["pod"].tolist() == ["a", "b"]
    assert found.joules.tolist() == [1.0, 50.0]


def test_legacy_containers_learn_their_node_from_the_target() -> None:
    registry = Registry()
    node = samples(
        ({"__name__": NODES.metric, "instance": "10.0.0.1:9102", "exported_instance": "n1",
         "mode": "dynamic"},
         [(10, 7.0)]),
    )  # fmt: skip
    container = samples(
        ({"__name__": CONTAINERS.metric, "instance": "10.0.0.1:9102", "container_namespace": "shop",
          "pod_name": "b", "container_id": "c1", "mode": "idle"}, [(10, 3.0)]),
    )  # fmt: skip
    readings(registry, [(NODES, node), (CONTAINERS, container)], Labels(), {"10.0.0.1:9102": "n1"})
    assert registry.keys["node"].tolist() == ["n1", "n1"]
    assert registry.keys["node_id"].tolist() == [0, 0]
    assert registry.keys["kind"].tolist() == ["active", "idle"]


def test_millijoules_become_joules() -> None:
    meter = kepler.legacy_total("v0.7.3", ())
    assert meter is not None
    series = {"__name__": meter.metric, "instance": "n1", "container_namespace": "shop", "pod_name": "b",
              "container_id": "c1", "mode": "dynamic"}  # fmt: skip
    found, _ = read((series, [(10, 2500.0)]), meter=meter)
    assert found.joules.tolist() == [2.5]


def test_the_totals_of_versions_that_spoil_them_are_refused() -> None:
    assert kepler.legacy_total("v0.7.2", ()) is None
    after = kepler.legacy_total("v0.7.4", ())
    assert after is not None
    assert after.scale == 1.0


def test_row_numbers_are_names_that_never_change() -> None:
    registry = Registry()
    first = readings(
        registry, [(PODS, samples((pod(), [(10, 1.0)]), (pod(pod_id="u2"), [(10, 1.0)])))], Labels(), {}
    )
    second = readings(
        registry, [(PODS, samples((pod(pod_id="u3"), [(20, 1.0)]), (pod(), [(20, 2.0)])))], Labels(), {}
    )
    assert first.key.tolist() == [0, 1]
    assert second.key.tolist() == [2, 0]
    assert registry.keys["pod_uid"].tolist() == ["u1", "u2", "u3"]
    assert list(registry.keys.columns[: len(KEY_COLUMNS)]) == list(KEY_COLUMNS)


def test_a_registry_goes_on_from_its_tables() -> None:
    """As after a checkpoint: what is known keeps its number, and of what is new the first row stands."""
    _, before = read((pod(), [(10, 1.0)]), (pod(pod_id="u2"), [(10, 1.0)]))
    registry = Registry(keys=before.keys, nodes=before.nodes)
    late = samples(
        (pod(pod_id="u3", path="hwmon0"), [(20, 3.0)]), (pod(), [(20, 2.0)]),
        (pod(node_name="n0"), [(20, 4.0)]),
        (pod("terminated", pod_id="u3"), [(20, 3.0)]),
    )  # fmt: skip
    found = readings(registry, [(PODS, late)], Labels(), {})
    assert dict(zip(found.key.tolist(), found.joules.tolist(), strict=True)) == {2: 3.0, 0: 2.0, 3: 4.0}
    assert registry.keys["pod_uid"].tolist() == ["u1", "u2", "u3", "u1"]
    assert registry.keys["source"].tolist() == ["rapl", "rapl", "hwmon", "rapl"]
    assert registry.keys["node_id"].tolist() == [0, 0, 0, 1]
    assert registry.nodes.to_numpy().tolist() == [["rewrite", "n1"], ["rewrite", "n0"]]
    assert registry.keys.dtypes.equals(before.keys.dtypes)


def test_nothing_is_read_from_nothing() -> None:
    found = readings(Registry(), [], Labels(), {})
    left, twice = one_scraper(found, touching=False)
    assert (len(left.row), len(twice)) == (0, 0)


@pytest.mark.parametrize("touching", [True, False])
def test_three_scrapers_are_still_one(touching: bool) -> None:
    found, _ = read(
        *((pod(job=job), [(t + shift, (t + shift) / 10) for t in (0, 100, 200, 300)])
          for shift, job in enumerate("abc"))
    )  # fmt: skip
    values, twice = kept(found, touching=touching)
    assert twice == [0]
    joules = [joules for _, _, joules in values]
    assert joules == sorted(joules)
    assert joules[-1] - joules[0] == pytest.approx(30, abs=0.2)


# A rule that did not hold when these tests were written: no deprecated use of pandas.


def test_legacy_containers_without_a_node_level_keep_their_targets_name() -> None:
    registry = Registry()
    container = samples(
        ({"__name__": CONTAINERS.metric, "instance": "worker-1", "container_namespace": "shop",
          "pod_name": "b", "container_id": "c1", "mode": "dynamic"}, [(10, 3.0)]),
    )  # fmt: skip
    readings(registry, [(CONTAINERS, container)], Labels(), {})
    assert registry.keys["node"].tolist() == ["worker-1"]


@pytest.mark.parametrize("most", [0, 50_000])
def test_a_series_is_the_same_counter_in_every_answer(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """With its metric's name or without, as functions leave it out; also where what was met is forgotten."""
    monkeypatch.setattr("sci_batch.fetch.registry.MOST_MET", most)
    looked_at: list[int] = []

    def counted(
        sets: Sequence[LabelSet], meter: Meter, labels: Labels, node_names: Mapping[str, str]
    ) -> list[Series]:
        looked_at.append(len(sets))
        return normalise(sets, meter, labels, node_names)

    monkeypatch.setattr("sci_batch.fetch.registry.normalise", counted)
    registry = Registry()
    nameless = {name: text for name, text in pod(pod_id="u2").items() if name != "__name__"}
    host = pod(pod_id="", pod_name="", pod_namespace="")
    answers = [
        [(pod(), [(10, 1.0)]), (host, [(10, 9.0)]), (pod(pod_id="u2"), [(10, 2.0)])],
        [(nameless, [(20, 3.0)]), (pod(pod_id="u3"), [(20, 4.0)]), (host, [(20, 9.0)])],
    ]
    found = [readings(registry, [(PODS, samples(*answer))], Labels(), {}) for answer in answers]
    assert [one.key.tolist() for one in found] == [[0, 1], [1, 2]]
    assert [one.joules.tolist() for one in found] == [[1.0, 2.0], [3.0, 4.0]]
    assert [one.series["pod_uid"].tolist() for one in found] == [["u1", "u2"], ["u2", "u3"]]
    assert registry.keys["pod_uid"].tolist() == ["u1", "u2", "u3"]
    assert looked_at == ([3, 3] if most == 0 else [3, 1])
