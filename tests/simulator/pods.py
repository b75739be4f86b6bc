"""From workloads to pods: who lives when, where, under which names.

Times are milliseconds after the first sample (`Scenario.offset_ms`); pods that are older than the
data have a negative birth.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from tests.simulator.names import Names
from tests.simulator.scenario import Kind, Scenario, Workload

FOREVER = 1 << 60
SURGE_MS = 12_000
"""A rollout's new pod starts so long before the old one ends; a recreated pod so long after."""
STAGGER_MS = 20_000
"""Time between two pods of a rollout."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A ReplicaSet or Job: what kube-state-metrics knows about it, and when it exists [ms]."""

    kind: Kind | str
    namespace: str
    name: str
    parent_kind: str
    parent_name: str
    born: int
    gone: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """One pod: identity, owner, life [ms] and power."""

    workload: Workload
    name: str
    uid: str
    node: str
    owner_kind: str
    owner_name: str
    containers: tuple[tuple[str, str, float], ...]
    """Name, container id and share of the pod's power."""
    birth: int
    death: int = FOREVER
    factors: tuple[float, ...]
    """Energy per joule of package energy, in the order of `Scenario.domains`."""

    @property
    def namespace(self) -> str:
        return self.workload.namespace

    @property
    def workload_name(self) -> str:
        """Name of the topmost owner; a bare pod is its own workload."""
        return self.name if self.workload.kind == "Pod" else self.workload.name

    @property
    def age_seconds(self) -> float:
        """How long the pod lived before the data begin [s]."""
        return max(0, -self.birth) / 1000

    @property
    def api_gone(self) -> int:
        """When the API server forgets the pod [ms]."""
        return min(FOREVER, self.death + round(self.workload.linger_seconds * 1000))


def domain_factors(domains: tuple[str, ...], core: float, dram: float) -> tuple[float, ...]:
    """Energy of each domain per joule of package energy."""
    known = {"package": 1.0, "core": core, "dram": dram, "uncore": 0.0, "psys": 1.3}
    return tuple(known[domain] for domain in domains)


class Placement:
    """Makes the pods of a scenario, in a fixed order."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._rng = np.random.default_rng([scenario.seed, 1])
        self._names = Names(self._rng)
        self._turn = 0
        self.pods: list[Pod] = []
        self.owners: list[Owner] = []
        for workload in scenario.workloads:
            self._factors = domain_factors(
                scenario.domains, float(self._rng.uniform(0.68, 0.82)), float(self._rng.uniform(0.06, 0.2))
            )
            self._place(workload)

    def _place(self, workload: Workload) -> None:
        if workload.kind in ("Deployment", "Rollout"):
            self._replica_sets(workload)
        elif workload.kind == "StatefulSet":
            self._stateful_set(workload)
        elif workload.kind == "DaemonSet":
            for node in self._scenario.nodes:
                name = f"{workload.name}-{self._names.suffix()}"
                self._add(workload, name, "DaemonSet", workload.name, node=node.name)
        elif workload.kind == "CronJob":
            self._cron_job(workload)
        elif workload.kind == "Job":
            self._job(workload, workload.name, "", "", self._birth(workload))
        else:
            for index in range(workload.replicas):
                name = workload.name if workload.replicas == 1 else f"{workload.name}{index}"
                self._add(workload, name, "", "")

    def _birth(self, workload: Workload) -> int:
        """Birth of a pod that no event starts: given, or 1 to 40 hours before the data."""
        if workload.born_at is not None:
            return self._scenario.offset_ms(workload.born_at)
        return -int(self._rng.integers(3_600_000, 40 * 3_600_000))

    def _death(self, workload: Workload, birth: int) -> int:
        if workload.life_seconds is None:
            return FOREVER
        return birth + int(self._rng.uniform(*workload.life_seconds) * 1000)

    def _next_node(self, workload: Workload) -> str:
        names = workload.nodes or tuple(node.name for node in self._scenario.nodes)
        self._turn += 1
        return names[self._turn % len(names)]

    def _add(
        self,
        workload: Workload,
        name: str,
        owner_kind: str,
        owner_name: str,
        *,
        node: str | None = None,
        birth: int | None = None,
        death: int | None = None,
    ) -> Pod:
        birth = self._birth(workload) if birth is None else birth
        pod = Pod(
            workload=workload,
            name=name,
            uid=self._names.uid(),
            node=node or self._next_node(workload),
            owner_kind=owner_kind,
            owner_name=owner_name,
            containers=tuple((c, self._names.container_id(), share) for c, share in workload.containers),
            birth=birth,
            death=self._death(workload, birth) if death is None else death,
            factors=self._factors,
        )
        self.pods.append(pod)
        return pod

    def _end(self, pod: Pod, death: int) -> None:
        self.pods[self.pods.index(pod)] = replace(pod, death=death)

    def _replica_sets(self, workload: Workload) -> None:
        first = f"{workload.name}-{self._names.template_hash()}"
        old = [
            self._add(workload, f"{first}-{self._names.suffix()}", "ReplicaSet", first)
            for _ in range(workload.replicas)
        ]
        self._own("ReplicaSet", workload, first, workload.kind, -FOREVER, FOREVER)
        if workload.rollout_at is None:
            return
        second = f"{workload.name}-{self._names.template_hash()}"
        start = self._scenario.offset_ms(workload.rollout_at)
        self._own("ReplicaSet", workload, second, workload.kind, start, FOREVER)
        for index, pod in enumerate(old):
            birth = start + index * STAGGER_MS
            self._add(workload, f"{second}-{self._names.suffix()}", "ReplicaSet", second, birth=birth)
            self._end(pod, birth + SURGE_MS)

    def _stateful_set(self, workload: Workload) -> None:
        old = [
            self._add(workload, f"{workload.name}-{index}", "StatefulSet", workload.name)
            for index in range(workload.replicas)
        ]
        if workload.recreate_at is not None:
            death = self._scenario.offset_ms(workload.recreate_at)
            self._end(old[0], death)
            self._add(workload, old[0].name, "StatefulSet", workload.name, birth=death + SURGE_MS)

    def _cron_job(self, workload: Workload) -> None:
        every = round(workload.every_seconds * 1000)
        base = self._scenario.data_start_ms
        for due in range(-base % every, self._scenario.data_ms, every):
            minutes = (base + due) // 60_000
            birth = due + int(self._rng.integers(900, 4000))
            self._job(workload, f"{workload.name}-{minutes}", "CronJob", workload.name, birth)

    def _job(self, workload: Workload, job: str, parent_kind: str, parent: str, birth: int) -> None:
        pod = self._add(workload, f"{job}-{self._names.suffix()}", "Job", job, birth=birth)
        self._own("Job", workload, job, parent_kind, birth, pod.api_gone, parent=parent)

    def _own(
        self,
        kind: str,
        workload: Workload,
        name: str,
        parent_kind: str,
        born: int,
        gone: int,
        parent: str | None = None,
    ) -> None:
        parent = workload.name if parent is None else parent
        self.owners.append(Owner(kind, workload.namespace, name, parent_kind, parent, born, gone))


def pods_of(pods: list[Pod], node: str) -> Iterator[Pod]:
    """The pods of one node, in their fixed order."""
    return (pod for pod in pods if pod.node == node)
