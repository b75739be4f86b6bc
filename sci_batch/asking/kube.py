"""What Kubernetes says of pods and nodes, as questions to kube-state-metrics."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from sci_batch.asking.plan import Plan
from sci_batch.kepler import duration
from sci_batch.prometheus.client import Client
from sci_batch.prometheus.problems import TooMuchError
from sci_batch.prometheus.samples import Samples, concat, empty, in_order
from sci_batch.schema import label_column

PIECE_MS = 6 * 3_600_000
"""Longest look back of one query: every sample in it is loaded on the server."""
PIECES_AT_ONCE = 28
"""A week: the labels come once for all of them, and what does not change is no more than a few bytes."""
SHORTEST_PIECE_MS = 10 * 60 * 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One table: metric, matchers, labels kept, the key whose last value counts, name of the value."""

    metric: str
    labels: tuple[str, ...]
    key: tuple[str, ...]
    matchers: tuple[str, ...] = ()
    value: str = ""
    sum_over: tuple[str, ...] = ()
    theirs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Names of a label in the metric, where it is not ours; of several the last that is there counts."""


_OWNER = ("owner_kind", "owner_name")
_OF_TARGETS = ("namespace", "pod", "container", "node")
"""Labels that a scrape target may have of its own; without honorLabels the true one is renamed."""
_NODE_LABELS = {
    "instance_type": ("label_beta_kubernetes_io_instance_type", "label_node_kubernetes_io_instance_type"),
    "region": ("label_failure_domain_beta_kubernetes_io_region", "label_topology_kubernetes_io_region"),
    "zone": ("label_failure_domain_beta_kubernetes_io_zone", "label_topology_kubernetes_io_zone"),
    "arch": ("label_beta_kubernetes_io_arch", "label_kubernetes_io_arch"),
}
_FACTS = {
    "pod_owners": Fact(
        metric="kube_pod_owner", labels=("namespace", "pod", "uid", *_OWNER), key=("namespace", "pod", "uid"),
        matchers=('owner_is_controller!="false"',),
    ),
    "replicaset_owners": Fact(
        metric="kube_replicaset_owner", labels=("namespace", "replicaset", *_OWNER),
        key=("namespace", "replicaset"),
    ),
    "job_owners": Fact(
        metric="kube_job_owner", labels=("namespace", "job_name", *_OWNER), key=("namespace", "job_name"),
    ),
    "pods": Fact(
        metric="kube_pod_info", labels=("namespace", "pod", "uid", "node"), key=("namespace", "pod", "uid"),
    ),
    "created": Fact(
        metric="kube_pod_created", labels=("namespace", "pod", "uid"), key=("namespace", "pod", "uid"),
        value="seconds",
    ),
    "requests": Fact(
        metric="kube_pod_container_resource_requests", labels=("namespace", "pod", "uid", "container"),
        key=("namespace", "pod", "uid", "container"), matchers=('resource="cpu"',), value="cores",
        sum_over=("namespace", "pod", "uid"),
    ),
    "capacity": Fact(
        metric="kube_node_status_capacity", labels=("node",), key=("node",), matchers=('resource="cpu"',),
        value="cores",
    ),
    "memory_requests": Fact(
        metric="kube_pod_container_resource_requests", labels=("namespace", "pod", "uid", "container"),
        key=("namespace", "pod", "uid", "container"), matchers=('resource="memory"',), value="bytes",
        sum_over=("namespace", "pod", "uid"),
    ),
    "memory_capacity": Fact(
        metric="kube_node_status_capacity", labels=("node",), key=("node",), matchers=('resource="memory"',),
        value="bytes",
    ),
    "gpu_capacity": Fact(
        metric="kube_node_status_capacity", labels=("node", "resource"), key=("node", "resource"),
        matchers=('resource=~"nvidia_com_gpu|amd_com_gpu"',), value="gpus", sum_over=("node",),
    ),
    "node_info": Fact(metric="kube_node_info", labels=("node", "provider_id"), key=("node",)),
}  # fmt: skip


def wanted(plan: Plan) -> dict[str, Fact]:
    """What is asked for: the facts by table; labels only where they are grouped by."""
    facts = {**_FACTS, "node_labels": _node_labels(plan)}
    return facts | labels_wanted(plan) if plan.label_keys else facts


def labels_wanted(plan: Plan) -> dict[str, Fact]:
    """Labels of pods and namespaces to group by."""
    columns = tuple(label_column(key) for key in plan.label_keys)
    return {
        "pod_labels": Fact(
            metric="kube_pod_labels", labels=("namespace", "pod", *columns), key=("namespace", "pod")
        ),
        "namespace_labels": Fact(
            metric="kube_namespace_labels", labels=("namespace", *columns), key=("namespace",)
        ),
    }


def _node_labels(plan: Plan) -> Fact:
    """Where and what a node is, and the labels that select its hardware."""
    columns = tuple(label_column(key) for key in plan.node_label_keys)
    return Fact(
        metric="kube_node_labels", labels=("node", *_NODE_LABELS, *columns), key=("node",),
        theirs=_NODE_LABELS,
    )  # fmt: skip


def query(plan: Plan, fact: Fact, span_ms: int) -> str:
    """PromQL of one fact; `max by` drops the scraper's own labels, and with them duplicates."""
    names = [name for ours in fact.labels for name in their_names(plan, fact, ours)]
    selector = ",".join((*plan.cluster, *fact.matchers))
    return f"max by ({', '.join(names)}) (last_over_time({fact.metric}{{{selector}}}[{duration(span_ms)}]))"


def their_names(plan: Plan, fact: Fact, ours: str) -> tuple[str, ...]:
    """A renamed label, or both the plain and the `exported_` form (a scrape without honorLabels)."""
    if ours in fact.theirs:
        return fact.theirs[ours]
    if ours in plan.kube_labels:
        return (plan.kube_labels[ours],)
    return (ours, f"exported_{ours}") if ours in _OF_TARGETS else (ours,)


def of_nodes(plan: Plan) -> list[str]:
    """Names of the facts of nodes alone; those of pods and namespaces are many."""
    return [name for name, fact in wanted(plan).items() if fact.labels[0] == "node"]


def of_pods(plan: Plan) -> list[str]:
    """Names of all other facts."""
    return [name for name, fact in wanted(plan).items() if fact.labels[0] != "node"]


def ask(client: Client, plan: Plan, names: Sequence[str]) -> list[Samples]:
    """The newest sample of each series of each of these facts, series in the order of their labels."""
    facts = wanted(plan)
    return client.map(lambda name: newest(_answers(client, plan, facts[name])), names)


def ask_early(client: Client, plan: Plan, names: Sequence[str]) -> None:
    """The same questions; the answers are for who asks them later."""
    facts = wanted(plan)
    client.map(lambda name: deque(_answers(client, plan, facts[name]), maxlen=0), names)


def newest(answers: Iterable[Samples]) -> Samples:
    """The newest sample of each series; answers come in order of time, and none is kept."""
    found = empty()
    for answer in answers:
        found = _last(concat([found, _last(answer)]))
    return in_order(found)


def _last(samples: Samples) -> Samples:
    last = np.append(np.flatnonzero(np.diff(samples.series)), np.arange(len(samples))[-1:])
    return Samples(samples.sets, samples.series[last], samples.time_ms[last], samples.value[last])


def _answers(client: Client, plan: Plan, fact: Fact) -> Iterator[Samples]:
    """Those for later times behind."""
    at = plan.start_ms
    while plan.end_ms - at > PIECE_MS:
        pieces = min((plan.end_ms - at) // PIECE_MS, PIECES_AT_ONCE)
        yield from _pieces(client, plan, fact, at, pieces)
        at += pieces * PIECE_MS
    if at < plan.end_ms:
        yield from _piece(client, plan, fact, at, plan.end_ms)


def _pieces(client: Client, plan: Plan, fact: Fact, start_ms: int, count: int) -> list[Samples]:
    """Several pieces by one query: the labels come once for all of them."""
    first_ms, last_ms = start_ms + PIECE_MS, start_ms + count * PIECE_MS
    try:
        return [client.range(query(plan, fact, PIECE_MS), first_ms, last_ms, PIECE_MS)]
    except TooMuchError:
        ends = range(first_ms, last_ms + 1, PIECE_MS)
        return [answer for end in ends for answer in _piece(client, plan, fact, end - PIECE_MS, end)]


def _piece(client: Client, plan: Plan, fact: Fact, start_ms: int, end_ms: int) -> list[Samples]:
    try:
        return [client.instant(query(plan, fact, end_ms - start_ms), end_ms)]
    except TooMuchError:
        if end_ms - start_ms <= SHORTEST_PIECE_MS:
            raise
        middle = (start_ms + end_ms) // 2
        return _piece(client, plan, fact, start_ms, middle) + _piece(client, plan, fact, middle, end_ms)
