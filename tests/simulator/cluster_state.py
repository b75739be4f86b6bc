"""Series of kube-state-metrics and of the applications themselves."""

from __future__ import annotations

import numpy as np

from tests.simulator.clock import schedule
from tests.simulator.pods import FOREVER, Owner, Pod
from tests.simulator.power import Ints
from tests.simulator.scenario import Node, Scenario
from tests.simulator.series import Recorder


def record_kube_state(scenario: Scenario, pods: list[Pod], owners: list[Owner], recorder: Recorder) -> None:
    """Add what kube-state-metrics says about every object while the API server knows it."""
    for number, replica in enumerate(scenario.replicas or ("",)):
        rng = np.random.default_rng([scenario.seed, 6, number])
        times = schedule(scenario, scenario.kube_state_seconds, rng)
        target = {"job": "kube-state-metrics", "instance": "10.42.0.9:8080", "prometheus_replica": replica}
        state = _KubeState(times, target, recorder, scenario.data_start_ms)
        for pod in pods:
            state.pod(pod)
        finished = {(pod.namespace, pod.owner_name): pod.death for pod in pods if pod.owner_kind == "Job"}
        for owner in owners:
            state.owner(owner)
            if owner.kind == "Job":
                state.job(owner, finished.get((owner.namespace, owner.name), FOREVER))
        for node in scenario.nodes:
            state.node(node)
        for namespace in sorted({pod.namespace for pod in pods}):
            labels = {"namespace": namespace, "label_cost_center": f"cc-{namespace}"}
            state.add("kube_namespace_labels", labels, -FOREVER, FOREVER)


class _KubeState:
    """One scraper of kube-state-metrics."""

    def __init__(self, times: Ints, target: dict[str, str], recorder: Recorder, data_start_ms: int) -> None:
        self._data_start_ms = data_start_ms
        self._times = times
        self._target = target
        self._recorder = recorder

    def add(self, name: str, labels: dict[str, str], born: int, gone: int, value: float = 1.0) -> None:
        index = np.arange(*np.searchsorted(self._times, (born, gone)))
        labels = {"__name__": name, **labels, **self._target}
        self._recorder.add(labels, self._times, index, np.full(len(index), value))

    def pod(self, pod: Pod) -> None:
        life = (pod.birth, pod.api_gone)
        key = {"namespace": pod.namespace, "pod": pod.name, "uid": pod.uid}
        controlled = {"owner_is_controller": "true"} if pod.owner_kind else {}
        owner = {"owner_kind": pod.owner_kind, "owner_name": pod.owner_name, **controlled}
        self.add("kube_pod_owner", {**key, **owner}, *life)
        creator = {"created_by_kind": pod.owner_kind, "created_by_name": pod.owner_name}
        self.add("kube_pod_info", {**key, "node": pod.node, **creator}, *life)
        self.add("kube_pod_created", key, *life, value=float((self._data_start_ms + pod.birth) // 1000))
        workload = pod.workload
        self.add("kube_pod_labels", {**key, "label_app": workload.name, "label_team": workload.team}, *life)
        for name, _, share in pod.containers:
            where = {**key, "node": pod.node, "container": name}
            cpu = workload.cpu_request_cores * share
            memory = workload.memory_request_mib * share * 2**20
            request = "kube_pod_container_resource_requests"
            self.add(request, {**where, "resource": "cpu", "unit": "core"}, *life, value=cpu)
            self.add(request, {**where, "resource": "memory", "unit": "byte"}, *life, value=memory)

    def owner(self, owner: Owner) -> None:
        child = "replicaset" if owner.kind == "ReplicaSet" else "job_name"
        controlled = {"owner_is_controller": "true"} if owner.parent_kind else {}
        labels = {
            "namespace": owner.namespace,
            child: owner.name,
            "owner_kind": owner.parent_kind,
            "owner_name": owner.parent_name,
            **controlled,
        }
        name = "kube_replicaset_owner" if owner.kind == "ReplicaSet" else "kube_job_owner"
        self.add(name, labels, owner.born, owner.gone)

    def job(self, job: Owner, finished: int) -> None:
        """When a Job began and was completed [whole Unix seconds], and its pods that succeeded."""
        key = {"namespace": job.namespace, "job_name": job.name}
        life = (job.born, job.gone)
        self.add("kube_job_status_start_time", key, *life, value=self._second(job.born))
        times = self._times[(self._times >= job.born) & (self._times < job.gone)]
        self._recorder.add(
            {"__name__": "kube_job_status_succeeded", **key, **self._target},
            self._times, np.searchsorted(self._times, times), (times >= finished).astype(float),
        )  # fmt: skip
        if finished < FOREVER:
            done = (finished, job.gone)
            self.add("kube_job_status_completion_time", key, *done, value=self._second(finished))

    def _second(self, offset_ms: int) -> float:
        return float((self._data_start_ms + offset_ms) // 1000)

    def node(self, node: Node) -> None:
        always = (-FOREVER, FOREVER)
        info = {
            "node": node.name,
            "kernel_version": "6.1.0",
            "container_runtime_version": "containerd://1.7.2",
            "kubelet_version": "v1.31.2",
            "provider_id": f"aws:///{node.grid_zone}/i-0{node.name}",
        }
        labels = {
            "node": node.name,
            "label_topology_kubernetes_io_zone": node.grid_zone,
            "label_topology_kubernetes_io_region": node.grid_zone[:-1],
            "label_node_kubernetes_io_instance_type": node.instance_type,
            **dict(node.labels),
        }
        self.add("kube_node_info", info, *always)
        self.add("kube_node_labels", labels, *always)
        created = float(self._data_start_ms // 1000 - 86_400)
        self.add("kube_node_created", {"node": node.name}, *always, value=created)
        for metric in ("kube_node_status_capacity", "kube_node_status_allocatable"):
            cpu = {"node": node.name, "resource": "cpu", "unit": "core"}
            memory = {"node": node.name, "resource": "memory", "unit": "byte"}
            self.add(metric, cpu, *always, value=float(node.cores))
            self.add(metric, memory, *always, value=float(node.memory_gib * 2**30))
            if node.gpus:
                gpu = {"node": node.name, "resource": "nvidia_com_gpu", "unit": "integer"}
                self.add(metric, gpu, *always, value=float(node.gpus))


def record_applications(scenario: Scenario, pods: list[Pod], recorder: Recorder) -> None:
    """Add `http_requests_total` of each pod: a constant rate since its birth, in whole requests."""
    serving = [pod for pod in pods if pod.workload.requests_per_second]
    for number, replica in enumerate(scenario.replicas or ("",)):
        rng = np.random.default_rng([scenario.seed, 7, number])
        times = schedule(scenario, scenario.app_seconds, rng)
        for order, pod in enumerate(serving):
            index = np.arange(*np.searchsorted(times, (pod.birth, pod.death)))
            labels = {
                "__name__": "http_requests_total",
                "namespace": pod.namespace,
                "pod": pod.name,
                "workload": pod.workload_name,
                "job": "applications",
                "instance": f"10.43.{order // 250}.{order % 250 + 2}:8080",
                "prometheus_replica": replica,
            }
            served = np.floor(pod.workload.requests_per_second * (times[index] - pod.birth) / 1000)
            recorder.add(labels, times, index, served)
