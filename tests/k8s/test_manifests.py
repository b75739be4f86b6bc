"""Every folder of `k8s/` is built by kustomize, and what comes out would be taken by a cluster."""

from __future__ import annotations

import copy
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest

import sci_batch
from tests.k8s import restricted
from tests.k8s.manifests import JOBS, K8S, ROOT, Object, build, folders, objects, of_kind, pods

OF_OPERATOR = ("PrometheusRule", "ServiceMonitor", "DaskJob")
"""Not of Kubernetes itself: test_alerts.py and test_dask_job.py have them."""
SUPPORTED = ("1.33", kubernetes_validate.latest_version())
"""The oldest is what k8s/README.md names."""


@pytest.mark.parametrize("version", SUPPORTED)
@pytest.mark.parametrize("name", folders())
def test_objects_are_what_kubernetes_takes(name: str, version: str) -> None:
    found = objects(name)
    assert found
    for one in found:
        if one["kind"] not in OF_OPERATOR:
            kubernetes_validate.validate(one, version, strict=True)  # raises with the path of what is wrong


def test_the_schemas_see_a_wrong_word() -> None:
    wrong = copy.deepcopy(of_kind(objects("base"), "CronJob")[0])
    wrong["spec"]["concurrencyPolicie"] = "Forbid"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, SUPPORTED[-1], strict=True)


@pytest.mark.parametrize("name", JOBS)
def test_pods_pass_the_restricted_standard(name: str) -> None:
    found = list(pods(objects(name)))
    assert found
    for owner, template in found:
        assert restricted.violations(template["spec"]) == [], owner


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("securityContext", "runAsNonRoot"), False),
        (("securityContext", "seccompProfile", "type"), "Unconfined"),
        (("securityContext", "runAsUser"), 0),
        (("hostNetwork",), True),
        (("volumes", 0), {"name": "settings", "hostPath": {"path": "/"}}),
        (("containers", 0, "securityContext", "allowPrivilegeEscalation"), True),
        (("containers", 0, "securityContext", "capabilities"), {"add": ["NET_ADMIN"], "drop": ["ALL"]}),
        (("containers", 0, "securityContext", "capabilities"), {}),
        (("containers", 0, "securityContext", "privileged"), True),
        (("containers", 0, "ports"), [{"hostPort": 80}]),
    ],
)
def test_the_restricted_standard_refuses(path: tuple[str | int, ...], value: object) -> None:
    [(_, template)] = pods(objects("base"))
    pod: Any = copy.deepcopy(template["spec"])
    inside = pod
    for step in path[:-1]:
        inside = inside[step]
    inside[path[-1]] = value
    assert len(restricted.violations(pod)) == 1


@pytest.mark.parametrize("name", JOBS)
def test_pods_write_only_where_they_may_and_have_bounds(name: str) -> None:
    for owner, template in pods(objects(name)):
        (container,) = template["spec"]["containers"]
        assert container["securityContext"]["readOnlyRootFilesystem"] is True, owner
        assert container["resources"]["limits"]["memory"], owner
        assert {"cpu", "memory"} <= set(container["resources"]["requests"]), owner
        named = {volume["name"]: volume for volume in template["spec"]["volumes"]}
        assert {mount["name"] for mount in container["volumeMounts"]} == set(named), owner
        assert all("sizeLimit" in one["emptyDir"] for one in named.values() if "emptyDir" in one), owner
        assert container["image"] == f"sci-batch:{sci_batch.__version__}", owner


@pytest.mark.parametrize("name", JOBS)
def test_no_pod_holds_a_token_unless_it_asks_with_one(name: str) -> None:
    (account,) = of_kind(objects(name), "ServiceAccount")
    assert account["automountServiceAccountToken"] is False
    for _, template in pods(objects(name)):
        pod = template["spec"]
        assert pod["serviceAccountName"] == account["metadata"]["name"]
        assert pod["automountServiceAccountToken"] is False
        tokens = [
            source["serviceAccountToken"]
            for volume in pod["volumes"]
            for source in volume.get("projected", {}).get("sources", ())
            if "serviceAccountToken" in source
        ]
        assert len(tokens) == (name == "overlays/openshift")


def test_openshift_leaves_users_to_the_range_of_the_namespace() -> None:
    [(_, template)] = pods(objects("overlays/openshift"))
    assert not {"runAsUser", "runAsGroup", "fsGroup"} & set(template["spec"]["securityContext"])
    (binding,) = of_kind(objects("overlays/openshift"), "ClusterRoleBinding")
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "sci-batch", "namespace": "sci-batch"}]


@pytest.mark.parametrize(
    "name", [name for name in JOBS if name not in ("overlays/backfill", "overlays/dask")]
)
def test_runs_are_apart_and_end_before_the_next(name: str) -> None:
    (job,) = of_kind(objects(name), "CronJob")
    spec = job["spec"]
    assert (spec["concurrencyPolicy"], spec["timeZone"]) == ("Forbid", "Etc/UTC")
    minute, *rest = spec["schedule"].split()
    assert rest == ["*"] * 4, "each hour, as the windows are"
    assert 5 <= int(minute) < 60, "not before the last scrapes of the window are in"
    assert spec["startingDeadlineSeconds"] < 3600
    assert spec["jobTemplate"]["spec"]["activeDeadlineSeconds"] < 3600


def test_only_what_may_pass_is_tried_again() -> None:
    """As the table of exit codes in the README says."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| [^|]+ \| ([^|]*) \|$", text, flags=re.MULTILINE)
    final = {int(code) for code, advice in rows if advice.strip() not in ("", "report it", "retry", "wait")}
    assert len(final) >= 5
    for name in ("base", "overlays/backfill"):
        (job,) = [one for one in objects(name) if one["kind"] in ("Job", "CronJob")]
        spec = job["spec"] if job["kind"] == "Job" else job["spec"]["jobTemplate"]["spec"]
        drained, rule = spec["podFailurePolicy"]["rules"]
        assert drained == {
            "action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
        }  # fmt: skip
        assert set(rule["onExitCodes"]["values"]) == final
        assert rule["onExitCodes"]["operator"] == "In"


@pytest.mark.parametrize("name", JOBS)
def test_traffic_is_dns_and_what_the_job_asks_and_feeds(name: str) -> None:
    (policy,) = of_kind(objects(name), "NetworkPolicy")
    spec = policy["spec"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert spec["ingress"] == [] or name == "overlays/dask"
    for _, template in pods(objects(name)):
        assert template["metadata"]["labels"].items() >= spec["podSelector"]["matchLabels"].items()
    ports = [{port["port"] for port in rule["ports"]} for rule in spec["egress"]]
    assert all(rule["to"] for rule in spec["egress"]), "an empty list would be the whole world"
    assert (
        ports
        == {
            "base": [{53}, {9090}],
            "overlays/pushgateway": [{53}, {9090}, {9091}],
            "overlays/remote-write": [{53}, {9090}, {80, 8080}],
            "overlays/s3-parquet": [{53}, {9090}, {443}],
            "overlays/backfill": [{53}, {9090}, {443}],
            "overlays/dask": [{53}, {9090}, {443}, {8786, 8788}],
            "overlays/openshift": [{5353}, {9091}],
        }[name]
    )


def test_an_index_is_a_day() -> None:
    found = objects("overlays/backfill")
    (job,) = of_kind(found, "Job")
    assert not of_kind(found, "CronJob"), "the one in the cluster goes on as it is"
    assert job["spec"]["completionMode"] == "Indexed"
    args = job["spec"]["template"]["spec"]["containers"][0]["args"]
    given = dict(zip(args[1::2], args[2::2], strict=True))
    assert given["--every"] == "1d"
    days = datetime.fromisoformat(given["--end"]) - datetime.fromisoformat(given["--start"])
    assert (days.days, days.seconds) == (job["spec"]["completions"], 0)


def test_overlays_stand_on_each_other(tmp_path: Path) -> None:
    """As the README says: `../pushgateway` in the place of `../../base`."""
    copied = tmp_path / "k8s"
    for path in K8S.rglob("*"):
        if path.is_file():
            to = copied / path.relative_to(K8S)
            to.parent.mkdir(parents=True, exist_ok=True)
            to.write_bytes(path.read_bytes())
    entry = copied / "overlays/openshift/kustomization.yaml"
    entry.write_text(entry.read_text().replace("- ../../base", "- ../pushgateway"))
    found = build(entry.parent)
    [(_, template)] = pods(found)
    assert "pushgateway=" in template["spec"]["containers"][0]["args"][-1]
    (policy,) = of_kind(found, "NetworkPolicy")
    assert [rule["ports"][0]["port"] for rule in policy["spec"]["egress"]] == [5353, 9091, 9091]


def test_the_readme_of_k8s_names_every_folder() -> None:
    text = (K8S / "README.md").read_text(encoding="utf-8")
    for name in folders():
        assert f"`{name}`" in text, name
    assert f"Kubernetes {SUPPORTED[0]}" in text


def test_secrets_are_named_never_held() -> None:
    for name in folders():
        kinds: list[Object] = of_kind(objects(name), "Secret")
        assert not kinds, name
    held = [path for path in (ROOT / "k8s").rglob("*") if path.suffix in (".pem", ".key", ".token")]
    assert not held
