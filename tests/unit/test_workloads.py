"""Whose pod is it: names by Kubernetes' own rules, and what kube-state-metrics says."""

from __future__ import annotations

import pandas as pd
import pytest

from sci_batch.workloads import Created, assign, by_name, owners


@pytest.mark.parametrize(
    ("pod", "node", "kind", "workload"),
    [
        # Deployment, Argo Rollout: pod-template-hash of 6 to 10, then five random
        ("web-7c9d8f6b5d-x2k4q", "n1", "Deployment", "web"),
        ("web-api-6d4cf5-z2lqk", "n1", "Deployment", "web-api"),
        ("a-b-c-5f7d9b8c64-x2k4q", "n1", "Deployment", "a-b-c"),
        # CronJob: minutes (8) or seconds (10) since 1970
        ("nightly-report-28912345-x2k4q", "n1", "CronJob", "nightly-report"),
        ("nightly-report-1600000000-x2k4q", "n1", "CronJob", "nightly-report"),
        # Indexed Job: the index, then five random
        ("train-3-x2k4q", "n1", "Job", "train"),
        ("train-123456789-x2k4q", "n1", "Job", "train"),
        # Job, DaemonSet, bare ReplicaSet: five random
        ("fluentd-x2k4q", "n1", "Unknown", "fluentd"),
        ("node-exporter-9zpb2", "n1", "Unknown", "node-exporter"),
        # StatefulSet
        ("db-0", "n1", "StatefulSet", "db"),
        ("kafka-broker-12", "n1", "StatefulSet", "kafka-broker"),
        # `db-24567` fits the five random first
        ("db-24567", "n1", "Unknown", "db"),
        ("db-24560", "n1", "StatefulSet", "db"),  # no 0 in the alphabet
        # static pods end in their node's name
        ("etcd-n1", "n1", "StaticPod", "etcd"),
        ("kube-proxy-ip-10-0-0-1.eu", "ip-10-0-0-1.eu", "StaticPod", "kube-proxy"),
        ("etcd-n1", "n2", "Pod", "etcd-n1"),
        # a bare pod
        ("debug", "n1", "Pod", "debug"),
        ("x2k4q", "n1", "Pod", "x2k4q"),
        ("web-aeiou", "n1", "Pod", "web-aeiou"),  # vowels are never random
        ("web-7c9d8f6b5d-x2k4", "n1", "Pod", "web-7c9d8f6b5d-x2k4"),
        # a hash of 11, or with a letter outside its alphabet, is none
        ("web-7c9d8f6b5dd-x2k4q", "n1", "Unknown", "web-7c9d8f6b5dd"),
        ("web-7c9d8k6b5d-x2k4q", "n1", "Unknown", "web-7c9d8k6b5d"),
    ],
)
def test_names(pod: str, node: str, kind: str, workload: str) -> None:
    found = by_name(pd.Series([pod], dtype="str"), pd.Series([node], dtype="str"))
    assert found.iloc[0].tolist() == [kind, workload]


def test_many_names_at_once_keep_their_index() -> None:
    pods = pd.Series(["db-0", "etcd-n1", "web-7c9d8f6b5d-x2k4q"], index=[5, 2, 9], dtype="str")
    found = by_name(pods, pd.Series(["n1", "n1", ""], index=[5, 2, 9], dtype="str"))
    assert found.index.tolist() == [5, 2, 9]
    assert found["workload"].tolist() == ["db", "etcd", "web"]


def table(columns: str, *rows: tuple[str, ...]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=columns.split()).astype("str")


POD_OWNERS = "namespace pod uid owner_kind owner_name"
RS_OWNERS = "namespace replicaset owner_kind owner_name"
JOB_OWNERS = "namespace job_name owner_kind owner_name"
NO_RS, NO_JOBS = table(RS_OWNERS), table(JOB_OWNERS)


def owner_of(
    pod_row: tuple[str, ...], rs: pd.DataFrame = NO_RS, jobs: pd.DataFrame = NO_JOBS
) -> tuple[object, ...]:
    found = owners(table(POD_OWNERS, pod_row), rs, jobs)
    return tuple(found[["workload_kind", "workload", "inferred"]].iloc[0].tolist())


WEB_POD = ("shop", "web-7c9d8f6b5d-x2k4q", "u1", "ReplicaSet", "web-7c9d8f6b5d")
JOB_POD = ("shop", "nightly-28912345-x2k4q", "u1", "Job", "nightly-28912345")


@pytest.mark.parametrize("kind", ["Deployment", "Rollout"])
def test_the_owner_of_the_replicaset(kind: str) -> None:
    above = table(RS_OWNERS, ("shop", "web-7c9d8f6b5d", kind, "frontend"))
    assert owner_of(WEB_POD, rs=above) == (kind, "frontend", False)


def test_a_replicaset_of_another_namespace_is_another() -> None:
    above = table(RS_OWNERS, ("ops", "web-7c9d8f6b5d", "Deployment", "frontend"))
    assert owner_of(WEB_POD, rs=above) == ("Deployment", "web", True)


def test_a_replicaset_of_unknown_owner_is_read_from_its_name() -> None:
    assert owner_of(WEB_POD) == ("Deployment", "web", True)


@pytest.mark.parametrize("nobody", ["", "<none>"])
def test_a_bare_replicaset_is_the_workload(nobody: str) -> None:
    above = table(RS_OWNERS, ("shop", "web-7c9d8f6b5d", nobody, nobody))
    assert owner_of(WEB_POD, rs=above) == ("ReplicaSet", "web-7c9d8f6b5d", False)


def test_a_replicaset_without_a_hash_stays_one() -> None:
    assert owner_of(("shop", "web-x2k4q", "u1", "ReplicaSet", "web")) == ("ReplicaSet", "web", False)


def test_the_owner_of_the_job() -> None:
    above = table(JOB_OWNERS, ("shop", "nightly-28912345", "CronJob", "nightly"))
    assert owner_of(JOB_POD, jobs=above) == ("CronJob", "nightly", False)


def test_a_job_of_unknown_owner_is_read_from_its_name() -> None:
    assert owner_of(JOB_POD) == ("CronJob", "nightly", True)
    assert owner_of(("shop", "load-x2k4q", "u1", "Job", "load")) == ("Job", "load", False)


@pytest.mark.parametrize("nobody", ["", "<none>"])
def test_a_bare_job_is_the_workload(nobody: str) -> None:
    above = table(JOB_OWNERS, ("shop", "nightly-28912345", nobody, nobody))
    assert owner_of(JOB_POD, jobs=above) == ("Job", "nightly-28912345", False)


@pytest.mark.parametrize("nobody", ["", "<none>"])
def test_a_pod_of_nobody_is_its_own_workload(nobody: str) -> None:
    assert owner_of(("shop", "debug", "u1", nobody, nobody)) == ("Pod", "debug", False)


def test_a_static_pod_is_owned_by_its_node() -> None:
    assert owner_of(("kube-system", "etcd-n1", "u1", "Node", "n1")) == ("StaticPod", "etcd", False)


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet", "Workflow"])
def test_other_owners_are_taken_as_they_are(kind: str) -> None:
    assert owner_of(("shop", "db-0", "u1", kind, "db")) == (kind, "db", False)


def test_several_pods_keep_their_own_owners() -> None:
    found = owners(
        table(POD_OWNERS, WEB_POD, JOB_POD, ("shop", "db-0", "u3", "StatefulSet", "db")),
        table(RS_OWNERS, ("shop", "web-7c9d8f6b5d", "Rollout", "web")),
        table(JOB_OWNERS, ("shop", "nightly-28912345", "CronJob", "nightly")),
    )
    assert found["workload_kind"].tolist() == ["Rollout", "CronJob", "StatefulSet"]
    assert found["pod"].tolist() == ["web-7c9d8f6b5d-x2k4q", "nightly-28912345-x2k4q", "db-0"]


KNOWN = table(
    "namespace pod uid workload_kind workload",
    ("shop", "db-0", "u-old", "StatefulSet", "db-old"),
    ("shop", "db-0", "u-new", "StatefulSet", "db-new"),
    ("shop", "web", "", "Deployment", "frontend"),
).assign(inferred=False)
INFO = table("namespace pod uid node", ("shop", "db-0", "u-new", "n1"), ("ops", "log-x2k4q", "u-log", "n2"))


def pods(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
    """(namespace, pod, uid, node)."""
    return table("namespace pod pod_uid node", *rows)


def test_the_uid_decides_between_pods_of_one_name() -> None:
    found = assign(pods(("shop", "db-0", "u-old", "n1"), ("shop", "db-0", "u-new", "n1")), KNOWN, INFO)
    assert found["workload"].tolist() == ["db-old", "db-new"]
    assert found["inferred"].tolist() == [False, False]


def test_without_a_uid_the_name_decides_and_the_newest_wins() -> None:
    found = assign(pods(("shop", "db-0", "", "n1"), ("shop", "web", "", "n1")), KNOWN, INFO)
    assert found["workload"].tolist() == ["db-new", "frontend"]


def test_a_pod_of_the_same_name_elsewhere_is_another() -> None:
    found = assign(pods(("ops", "db-0", "", "n1")), KNOWN, INFO)
    assert found[["workload_kind", "workload", "inferred"]].iloc[0].tolist() == ["StatefulSet", "db", True]


def test_containers_with_only_a_uid_get_their_pod_from_kubernetes() -> None:
    found = assign(pods(("", "", "u-new", "n1"), ("", "", "u-log", "n2"), ("", "", "u-?", "n2")), KNOWN, INFO)
    assert found["namespace"].tolist() == ["shop", "ops", ""]
    assert found["pod"].tolist() == ["db-0", "log-x2k4q", "u-?"]
    assert found["workload"].tolist() == ["db-new", "log", "u-?"]
    assert found["inferred"].tolist() == [False, True, True]


def test_rows_and_order_are_unchanged() -> None:
    asked = pods(("shop", "web", "", "n1"), ("shop", "db-0", "u-new", "n1")).set_axis([4, 1])
    found = assign(asked, KNOWN, INFO)
    assert found.index.tolist() == [4, 1]
    assert found["workload"].tolist() == ["frontend", "db-new"]


def test_without_kubernetes_everything_is_inferred() -> None:
    found = assign(pods(("shop", "web-7c9d8f6b5d-x2k4q", "u", "n1")), KNOWN.iloc[:0], INFO.iloc[:0])
    assert found[["workload_kind", "workload", "inferred"]].iloc[0].tolist() == ["Deployment", "web", True]


def test_creation_by_uid_else_by_a_name_that_only_one_pod_had() -> None:
    created = table(
        "namespace pod uid", ("shop", "db-0", "u-old"), ("shop", "db-0", "u-new"), ("shop", "web", "u-web")
    ).assign(seconds=[100.0, 200.5, 300.0])
    keys = pods(
        ("shop", "db-0", "u-old", ""),
        ("shop", "db-0", "", ""),
        ("shop", "web", "", ""),
        ("", "", "u-new", ""),
    )
    assert Created(created).ms(keys).tolist() == [100_000, -1, 300_000, 200_500]
    growing = Created(created)
    assert growing.ms(keys[:1]).tolist() == [100_000]
    assert growing.ms(keys).tolist() == growing.ms(keys).tolist() == [100_000, -1, 300_000, 200_500]


# Rules that did not hold when these tests were written.


def test_containers_with_only_a_uid_are_told_by_it_without_kubernetes() -> None:
    """No facts at all: no deprecated use of pandas either."""
    found = assign(pods(("", "", "u-1", "n1")), KNOWN.iloc[:0], INFO.iloc[:0])
    assert found[["namespace", "pod", "workload_kind", "workload"]].iloc[0].tolist() == [
        "",
        "u-1",
        "Pod",
        "u-1",
    ]


def test_a_uid_is_not_read_as_a_name() -> None:
    """Kubernetes does not know the pod; its uid happens to end in digits, which no StatefulSet gave it."""
    uid = "8c1d2f34-5678-4bcd-9bcd-245678901234"
    found = assign(pods(("", "", uid, "n1")), KNOWN, INFO)
    assert found[["workload_kind", "workload"]].iloc[0].tolist() == ["Pod", uid]
