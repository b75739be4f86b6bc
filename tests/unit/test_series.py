"""What the labels of each Kepler mean, in our words."""

from __future__ import annotations

import pytest

from sci_batch import kepler
from sci_batch.counters import KEY_COLUMNS
from sci_batch.fetch.series import Series, is_pod, normalise, table
from sci_batch.kepler import Labels, Meter
from sci_batch.prometheus.samples import label_set

METERS = {meter.metric: meter for of in kepler.meters(("package",), (), Labels()).values() for meter in of}
TARGET = {"instance": "10.0.0.1:28282", "job": "kepler"}
REWRITE = {"node_name": "n1", "zone": "package", **TARGET}
LEGACY = {"instance": "10.0.0.1:9102", "job": "kepler"}


def one(metric: str, labels: dict[str, str], names: Labels | None = None) -> Series:
    """A series of this metric."""
    found = normalise([label_set(labels)], METERS[metric], names or Labels(), {"10.0.0.1:9102": "n1"})
    return found[0]


def words(found: Series, *names: str) -> list[str]:
    """Some of its fields."""
    return [getattr(found, name) for name in names]


def test_the_first_fields_are_the_key() -> None:
    assert Series._fields[: len(KEY_COLUMNS)] == KEY_COLUMNS


def test_a_pod_of_the_rewrite() -> None:
    pod = {"pod_id": "u1", "pod_name": "a", "pod_namespace": "shop", "state": "running", **REWRITE}
    assert one("kepler_pod_cpu_joules_total", pod) == Series(
        generation="rewrite", level="pod", node="n1", namespace="shop", pod="a", pod_uid="u1",
        container_id="", kind="use", power_domain="package", part="", state="running", source="rapl",
        instance="10.0.0.1:28282", match_label="node_name", match_value="n1",
    )  # fmt: skip


def test_a_container_of_the_legacy() -> None:
    """Its node is that of its target; an old one has a name and no id."""
    container = {"pod_name": "b", "container_namespace": "shop", "container_name": "app", "mode": "dynamic"}
    assert one("kepler_container_package_joules_total", {**container, **LEGACY}) == Series(
        generation="legacy", level="container", node="n1", namespace="shop", pod="b", pod_uid="",
        container_id="app", kind="dynamic", power_domain="package", part="", state="", source="unknown",
        instance="10.0.0.1:9102", match_label="instance", match_value="10.0.0.1:9102",
    )  # fmt: skip
    newer = {**container, **LEGACY, "container_id": "c1"}
    assert one("kepler_container_package_joules_total", newer).container_id == "c1"


@pytest.mark.parametrize(
    ("metric", "labels", "expected"),
    [
        ("kepler_node_cpu_active_joules_total", {"path": "/sys/class/powercap/intel-rapl:0"},
         ["active", "/sys/class/powercap/intel-rapl:0", "rapl"]),
        ("kepler_node_cpu_idle_joules_total", {"path": "/sys/class/hwmon/hwmon2"},
         ["idle", "/sys/class/hwmon/hwmon2", "hwmon"]),
        ("kepler_node_gpu_active_joules_total", {"gpu_uuid": "g0", "path": "x"}, ["active", "g0", "gpu"]),
    ],
)  # fmt: skip
def test_parts_and_sources_of_the_rewrites_nodes(
    metric: str, labels: dict[str, str], expected: list[str]
) -> None:
    """A node's counters are of no pod, whatever labels they carry."""
    found = one(metric, {**REWRITE, **labels, "pod_name": "a", "pod_id": "u1", "pod_namespace": "shop"})
    assert words(found, "kind", "part", "source") == expected
    assert words(found, "namespace", "pod", "pod_uid", "container_id") == [""] * 4


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"mode": "idle", "source": "intel_rapl", "package": "0"}, ["idle", "0", "rapl"]),
        ({"mode": "dynamic", "source": "estimator"}, ["active", "", "model"]),
        ({"source": "trained_power_model"}, ["active", "", "model"]),
        ({"mode": "other", "source": "acpi"}, ["active", "", "acpi"]),
    ],
)
def test_kinds_and_sources_of_the_legacys_nodes(labels: dict[str, str], expected: list[str]) -> None:
    named = {"exported_instance": "n7", **LEGACY, **labels}
    found = one("kepler_node_package_joules_total", named)
    assert [found.node, *words(found, "kind", "part", "source")] == ["n7", *expected]


def test_labels_may_have_other_names_and_be_absent() -> None:
    """Without a node's name the target is the node, by which it is found again."""
    names = Labels(renamed={"node": "host", "pod_id": "uid"})
    pod = {"uid": "u1", "pod_name": "a", "pod_namespace": "shop", **REWRITE}
    found = one("kepler_pod_cpu_joules_total", pod, names)
    assert words(found, "pod_uid", "node", "match_label", "match_value") == [
        "u1", "10.0.0.1:28282", "instance", "10.0.0.1:28282",
    ]  # fmt: skip
    found = one("kepler_pod_cpu_joules_total", {**pod, "host": "h1"}, names)
    assert words(found, "node", "match_label", "match_value") == ["h1", "host", "h1"]


def test_what_is_no_pod() -> None:
    rewrite = METERS["kepler_pod_cpu_joules_total"]
    podman, named = normalise(
        [label_set(REWRITE), label_set({**REWRITE, "pod_name": "a"})], rewrite, Labels(), {}
    )
    host = {"pod_name": "system_processes", "container_namespace": "system", **LEGACY}
    pretender = {**host, "container_namespace": "shop"}
    metric = "kepler_container_package_joules_total"
    found = [podman, named, one(metric, host), one(metric, pretender), one(metric, LEGACY)]
    assert [is_pod(series) for series in found] == [False, True, False, True, True]


def test_a_table_has_a_column_of_texts_for_each_field() -> None:
    meter = Meter(generation="rewrite", level="pod", metric="m")
    for rows in ([], normalise([label_set(REWRITE)], meter, Labels(), {})):
        made = table(rows)
        assert (tuple(made.columns), len(made)) == (Series._fields, len(rows))
        assert (made.dtypes == "str").all()
