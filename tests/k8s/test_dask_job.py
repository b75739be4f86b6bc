"""The DaskJob is what the operator of Dask takes, and its pods find each other.

`dask_operator/` holds the operator's own definition, unchanged, from the package dask-kubernetes 2026.3.0.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from distributed.cli import dask_scheduler, dask_worker

from tests.k8s.containers import SCHEDULER
from tests.k8s.manifests import PARTS, Object, objects, of_kind, pods
from tests.k8s.test_manifests import SUPPORTED

FOLDER = Path(__file__).parent / "dask_operator"


def job() -> Object:
    (found,) = of_kind(objects("overlays/dask"), "DaskJob")
    return found


def schema() -> Any:
    """What lies inside a DaskJob; pods and services are left to the schemas of Kubernetes."""
    definitions = yaml.safe_load((FOLDER / "templates.yaml").read_text())["definitions"]
    whole = yaml.safe_load((FOLDER / "daskjob.yaml").read_text())
    (version,) = whole["spec"]["versions"]

    def filled(part: Any) -> Any:
        if isinstance(part, list):
            return [filled(one) for one in part]
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            name = part["$ref"].rpartition("/")[2]
            return filled(definitions[name]) if name in definitions else {"type": "object"}
        made = {key: filled(one) for key, one in part.items()}
        return {**made, "additionalProperties": False} if isinstance(made.get("properties"), dict) else made

    return filled(version["schema"]["openAPIV3Schema"])


def checked(found: Object) -> None:
    jsonschema.validate({"spec": found["spec"]}, schema())


def test_it_is_what_the_operator_takes() -> None:
    whole = yaml.safe_load((FOLDER / "daskjob.yaml").read_text())["spec"]
    assert job()["apiVersion"] == f"{whole['group']}/{whole['versions'][0]['name']}"
    assert job()["kind"] == whole["names"]["kind"]
    checked(job())


def test_the_definition_sees_a_wrong_word() -> None:
    wrong = copy.deepcopy(job())
    wrong["spec"]["cluster"]["spec"]["worker"]["replica"] = 4
    with pytest.raises(jsonschema.ValidationError):
        checked(wrong)


@pytest.mark.parametrize("version", SUPPORTED)
def test_pods_and_service_are_what_kubernetes_takes(version: str) -> None:
    for _, template in pods([job()]):
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {**template["metadata"], "name": "pod"}}
        kubernetes_validate.validate({**pod, "spec": template["spec"]}, version, strict=True)
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "scheduler"}}
    spec = job()["spec"]["cluster"]["spec"]["scheduler"]["service"]
    kubernetes_validate.validate({**service, "spec": spec}, version, strict=True)


def test_pods_find_each_other_and_nobody_else_does() -> None:
    found = dict(pods([job()]))
    name = job()["metadata"]["name"]
    cluster = job()["spec"]["cluster"]["spec"]
    assert SCHEDULER.startswith(f"tcp://{name}-scheduler."), "the operator's name for the service"
    assert cluster["scheduler"]["service"]["selector"]["dask.org/cluster-name"] == name
    assert [port["port"] for port in cluster["scheduler"]["service"]["ports"]] == [8786]
    (policy,) = of_kind(objects("overlays/dask"), "NetworkPolicy")
    (rule,) = policy["spec"]["ingress"]
    assert rule["from"] == [{"podSelector": policy["spec"]["podSelector"]}]
    for template in found.values():
        assert template["metadata"]["labels"].items() >= policy["spec"]["podSelector"]["matchLabels"].items()


def test_commands_of_scheduler_and_workers_parse_and_the_job_waits_for_all() -> None:
    runner, worker, scheduler = (template["spec"]["containers"][0] for _, template in pods([job()]))
    assert list(PARTS) == ["job", "worker", "scheduler"]
    assert (worker["command"], scheduler["command"]) == (["dask", "worker"], ["dask", "scheduler"])
    given = dask_worker.main.make_context("worker", list(worker["args"])).params
    assert (given["nthreads"], given["nanny"], given["worker_port"]) == (1, False, "8788")
    assert dask_scheduler.main.make_context("scheduler", list(scheduler["args"])).params["port"] == "8786"
    words = runner["args"]
    assert words[words.index("--workers") + 1] == str(job()["spec"]["cluster"]["spec"]["worker"]["replicas"])
