"""What the doctor says of kube-state-metrics, carbon factors, outputs and the size of a pull."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from sci_batch.asking.plan import Plan
from sci_batch.doctor import carbon, kubernetes, size
from sci_batch.doctor.files import files
from sci_batch.doctor.finding import OK, PROBLEM, WARNING, Diagnosis, Finding, in_order
from sci_batch.errors import UsageError
from sci_batch.kepler import Labels, meters
from sci_batch.settings import load
from tests.properties.sources import kube, settings

ROWS = {
    "pod_owners": 1200, "replicaset_owners": 9, "job_owners": 1, "pods": 1200, "created": 1200, "requests": 9,
    "capacity": 2, "memory_requests": 9, "memory_capacity": 2, "gpu_capacity": 0, "node_info": 2,
    "node_labels": 2,
}  # fmt: skip
HOUR = 3_600_000
PLAN = Plan(
    edges_ms=tuple(range(0, 25 * HOUR, HOUR)), pull="edges", power_domains=("package", "dram"), cluster=(),
    max_gap_ms=180_000,
)  # fmt: skip


def test_no_kube_state_metrics() -> None:
    nothing = dict.fromkeys(ROWS, 0)
    found = kubernetes.owners(nothing, ())
    assert found.status == WARNING
    assert found.what == "the server holds no metrics of kube-state-metrics"
    assert "inferred-owner" in found.numbers
    assert "honorLabels" in found.cure
    of_cluster = kubernetes.owners(nothing, ('cluster="east"',))
    assert of_cluster.what.endswith('with cluster="east"')
    assert "same cluster label" in of_cluster.cure


def test_owners() -> None:
    assert kubernetes.owners(ROWS, ()).what == "there: owners of 1,200 pods"
    dropped = kubernetes.owners(ROWS | {"pod_owners": 0}, ())
    assert (dropped.status, dropped.what) == (WARNING, "kube-state-metrics is there, without kube_pod_owner")


def test_requests_and_capacity() -> None:
    assert kubernetes.reserved(ROWS, "by-energy", "cpu").status == OK
    assert kubernetes.reserved(ROWS | {"memory_requests": 0}, "by-energy", "cpu").status == OK
    found = kubernetes.reserved(ROWS | {"requests": 0, "memory_requests": 0}, "by-request", "mean")
    assert found.status == WARNING
    assert found.what == "no CPU requests (kube_pod_container_resource_requests), no memory requests"
    assert "requests-missing" in found.numbers
    assert "memory-unknown" in found.numbers


def test_nodes_without_kepler() -> None:
    assert kubernetes.nodes_with_kepler({"a", "b"}, {"a", "b"}).what == "Kepler runs on all 2 nodes"
    found = kubernetes.nodes_with_kepler({"a"}, {"a", "b", "c"})
    assert (found.status, found.what) == (WARNING, "no Kepler on 2 of 3 nodes (b, c)")
    assert "not in the result" in found.numbers
    other = kubernetes.nodes_with_kepler({"10.0.0.1:9102"}, {"a"})
    assert other.what.startswith("Kepler and kube-state-metrics call nodes by other names (10.0.0.1:9102; a)")
    assert kubernetes.nodes_with_kepler({"a"}, ()).what.startswith("could not tell")


def test_instance_types_and_regions() -> None:
    types = pd.Series({"a": "m5.large", "b": ""})
    places = pd.Series({"a": "eu-west-3", "b": "eu-west-3"})
    found = kubernetes.node_facts(["a", "b"], types, places, ())
    assert (found.status, found.what) == (WARNING, "no instance type of 1 of 2 nodes (b)")
    assert found.cure.startswith(
        "kube-state-metrics with --metric-labels-allowlist=nodes=[node.kubernetes.io/instance-type];"
    )
    neither = kubernetes.node_facts(["x"], types, places, ())
    assert neither.what == "no instance type of the node x; no region of the node x"
    assert "region:auto" in neither.numbers
    whole = kubernetes.node_facts(["a"], types, places, ())
    assert whole.what == "every node has an instance type (m5.large) and a region (eu-west-3)"


@pytest.mark.parametrize(
    ("pods", "spaces", "status", "words"),
    [
        (1200, 0, OK, "1,200 of 1,200 pods have it"),
        (700, 3, OK, "700 of 1,200 pods, 3 namespaces have it"),
        (700, 0, WARNING, "700 of 1,200 pods have it"),
        (0, 0, WARNING, "no pod and no namespace has label_team; shown are label_app"),
    ],
)
def test_labels_to_group_by(pods: int, spaces: int, status: str, words: str) -> None:
    rows = ROWS | {"label:team": pods, "namespace label:team": spaces}
    (found,) = kubernetes.group_labels(rows, ("team",), {"label_app"})
    assert (found.status, found.what) == (status, words)
    if not pods:
        assert "--metric-labels-allowlist=pods=[team],namespaces=[team]" in found.cure


def test_labels_that_nobody_asks_for() -> None:
    (none,) = kubernetes.group_labels(ROWS, (), ())
    assert none.what.endswith(
        "lets 0 labels of pods and namespaces through: --group-by label:KEY would find none"
    )
    (some,) = kubernetes.group_labels(ROWS, (), {"label_b", "label_a"})
    assert some.what.endswith("lets 2 labels of pods and namespaces through (label_a, label_b)")


def placed(region: str) -> pd.DataFrame:
    return pd.DataFrame(
        {"node": ["a"], "instance_type": [""], "region": [region], "zone": [""], "arch": [""]}, dtype="str"
    )


def test_no_intensity_is_a_warning_with_a_cure_that_works_here() -> None:
    info = pd.DataFrame({"node": ["a"], "provider_id": ["aws:///x"]}, dtype="str")
    known = kube({"node_labels": placed("eu-west-3"), "node_info": info})
    found = carbon.intensity(settings({}), known, PLAN)
    assert (found.status, found.what) == (WARNING, "no --intensity is given")
    assert "region:auto" in found.cure
    assert "region:auto" not in carbon.intensity(settings({}), kube(), PLAN).cure


def test_intensity_at_hand_is_read_and_others_are_not_asked() -> None:
    found = carbon.intensity(settings({"intensity": "380"}), kube(), PLAN)
    assert found.what == "constant:380: known for the whole range, mean 380 gCO2e/kWh"
    asked = carbon.intensity(settings({"intensity": "electricitymaps:DE"}), kube(), PLAN)
    assert (asked.status, asked.what) == (OK, "electricitymaps:DE: not asked here, only when computing")
    with pytest.raises(UsageError, match="needs the region of each node"):
        carbon.intensity(settings({"intensity": "region:auto"}), kube(), PLAN)


def test_hardware() -> None:
    default = carbon.hardware(settings({}), kube(), ["a"])
    assert (default.status, default.what) == (WARNING, "no --embodied is given: 1216 kgCO2e for every node")
    given = carbon.hardware(settings({"embodied": "kg:900"}), kube(), ["a", "b"])
    assert given.what == "kg:900: every node is known"
    assert carbon.hardware(settings({"embodied": "boavizta:http://b:5000"}), kube(), ["a"]).status == OK
    with pytest.raises(UsageError, match="is not known by catalogue"):
        carbon.hardware(settings({"embodied": "catalogue"}), kube(), ["a"])


def test_files_that_could_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for name, status, code in (
        ("new/deep/a.csv", OK, 0), ("file/a.csv", PROBLEM, 8), ("file", PROBLEM, 2), (".", PROBLEM, 8),
    ):  # fmt: skip
        chosen = load(
            {"demo": True, "output": [f"csv={tmp_path / name}"], "no_clobber": True}, {}, "doctor"
        ).settings
        (found,) = files(chosen)
        assert (found.status, found.exit_code) == (status, code), name
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


def held(alive: float = 100.0, born_per_hour: float = 0.0, every: float = 30.0) -> list[size.Density]:
    """All meters of the new Kepler, with as many series each."""
    groups = meters(("package", "dram"), (), Labels())
    new = [one for place, some in groups.items() if place[0] == "rewrite" for one in some]
    return [
        size.Density(
            meter=one, alive=alive, born_per_second=born_per_hour / 3600, samples_per_second=alive / every
        )
        for one in new if "_gpu_" not in one.metric and one.level != "container"
    ]  # fmt: skip


def test_the_size_of_a_raw_pull() -> None:
    """Pods, active and idle: 3 x 100 series, 24 h and the quarter of an hour before, every 30 s."""
    found = size.raw(PLAN, held(), 600)
    assert found.samples == pytest.approx(3 * 100 * (24 * 3600 + 900) / 30)
    assert found.series == 300
    # 600 series at most, 20 samples a second: 1,041 minutes at once, so two stretches; the seed, three meters
    assert found.requests == 3 * (2 + 1) + size.RATE_QUERIES
    assert found.bytes == pytest.approx(found.samples * size.VALUE_BYTES + 3 * 300 * size.LABELS_BYTES)


def test_the_size_of_the_edges_pull() -> None:
    """A value per meter, edge and seed; the active meter twice (its youth); nothing comes back of resets."""
    found = size.edges(PLAN, held(), 300)
    assert found.samples == (24 + 1) * 100 * (3 + 1)
    assert found.series == 300
    # values, resets, youth, lives; how long pods lived before the range does not matter
    assert found.requests == (3 + 3 + 1) + (3 + 3 + 1 + 1)


def test_series_that_come_and_go_are_counted() -> None:
    calm, busy = size.edges(PLAN, held(), 300), size.edges(PLAN, held(born_per_hour=40), 300)
    assert busy.series == pytest.approx(300 + 3 * 40 * 24.25)
    # each new one adds a value, and its share of life twice (birth and death), for pods in the range alone
    assert busy.samples - calm.samples == pytest.approx(40 * (24.25 * 3 + 24 * 2))


def test_kube_tables_come_in_pieces_of_six_hours() -> None:
    found = size.kube(PLAN, rows=1000, tables=12)
    assert (found.requests, found.bytes) == (12, 4 * 1000 * size.ROW_BYTES), "a week in one answer"


def test_sizes_in_words() -> None:
    made = size.Size(series=1_534, samples=3_612_345, bytes=113_400_000, requests=1)
    assert made.words() == "1,500 series, 3.6 million samples, 110 MB in 1 request"
    assert size.bytes_in_words(640_000) == "640 kB"
    assert size.bytes_in_words(1_700_000) == "1.7 MB"
    assert size.in_words(37_000) == "37,000"


def finding(subject: str, status: str, code: int = 0) -> Finding:
    return Finding(subject=subject, check="x", status=status, what="y", exit_code=code)


def test_the_first_problem_gives_the_exit_code() -> None:
    whole = Diagnosis(
        source="s", start="", end="", cluster="",
        findings=in_order(
            [finding("carbon", PROBLEM, 2), finding("kepler", PROBLEM, 4), finding("pull", OK)]
        ),
    )  # fmt: skip
    assert [one.subject for one in whole.findings] == ["kepler", "carbon", "pull"]
    assert (whole.worst, whole.exit_code(strict=False), whole.exit_code(strict=True)) == (PROBLEM, 4, 4)
    warned = replace(whole, findings=(finding("pull", WARNING), finding("server", OK)))
    assert (warned.worst, warned.exit_code(strict=False), warned.exit_code(strict=True)) == (WARNING, 0, 5)
    fine = replace(whole, findings=(finding("server", OK),))
    assert (fine.worst, fine.exit_code(strict=True)) == (OK, 0)
