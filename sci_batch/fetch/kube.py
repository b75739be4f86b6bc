"""What Kubernetes says of pods and nodes: owners, requests, capacity, labels (kube-state-metrics)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

import numpy as np
import pandas as pd

from sci_batch.counters import run_ends
from sci_batch.fetch import sockets
from sci_batch.fetch.plan import Plan
from sci_batch.kepler import duration
from sci_batch.prometheus.client import Client
from sci_batch.prometheus.problems import TooMuchError
from sci_batch.prometheus.samples import Samples
from sci_batch.schema import label_column

PIECE_MS = 6 * 3_600_000
"""Longest look back of one query: every sample in it is loaded on the server."""
PIECES_AT_ONCE = 28
"""A week: the labels come once for all of them, and what does not change is no more than a few bytes."""
SHORTEST_PIECE_MS = 10 * 60 * 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Kube:
    """Last known value of each fact in the range; empty frames where kube-state-metrics is missing.

    pod_owners: namespace, pod, uid, owner_kind, owner_name. replicaset_owners: namespace, replicaset,
    owner_kind, owner_name. job_owners: namespace, job_name, owner_kind, owner_name. pods: namespace, pod,
    uid, node. created: namespace, pod, uid, seconds [Unix]. requests: namespace, pod, uid, cores.
    capacity: node, cores. memory_requests, memory_capacity: the same in bytes. gpu_capacity: node, gpus.
    node_labels: node, instance_type, region, zone, arch, and one column per label key of the plan.
    node_info: node, provider_id. sockets: node, sockets (Kepler).
    pod_labels: namespace, pod, and one column per label key. namespace_labels: namespace, likewise.
    """

    pod_owners: pd.DataFrame
    replicaset_owners: pd.DataFrame
    job_owners: pd.DataFrame
    pods: pd.DataFrame
    created: pd.DataFrame
    requests: pd.DataFrame
    capacity: pd.DataFrame
    memory_requests: pd.DataFrame
    memory_capacity: pd.DataFrame
    gpu_capacity: pd.DataFrame
    node_labels: pd.DataFrame
    node_info: pd.DataFrame
    sockets: pd.DataFrame
    pod_labels: pd.DataFrame
    namespace_labels: pd.DataFrame

    @classmethod
    def tables(cls) -> tuple[str, ...]:
        """The names of the frames."""
        return tuple(table.name for table in fields(cls))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fact:
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
    "pod_owners": _Fact(
        metric="kube_pod_owner", labels=("namespace", "pod", "uid", *_OWNER), key=("namespace", "pod", "uid"),
        matchers=('owner_is_controller!="false"',),
    ),
    "replicaset_owners": _Fact(
        metric="kube_replicaset_owner", labels=("namespace", "replicaset", *_OWNER),
        key=("namespace", "replicaset"),
    ),
    "job_owners": _Fact(
        metric="kube_job_owner", labels=("namespace", "job_name", *_OWNER), key=("namespace", "job_name"),
    ),
    "pods": _Fact(
        metric="kube_pod_info", labels=("namespace", "pod", "uid", "node"), key=("namespace", "pod", "uid"),
    ),
    "created": _Fact(
        metric="kube_pod_created", labels=("namespace", "pod", "uid"), key=("namespace", "pod", "uid"),
        value="seconds",
    ),
    "requests": _Fact(
        metric="kube_pod_container_resource_requests", labels=("namespace", "pod", "uid", "container"),
        key=("namespace", "pod", "uid", "container"), matchers=('resource="cpu"',), value="cores",
        sum_over=("namespace", "pod", "uid"),
    ),
    "capacity": _Fact(
        metric="kube_node_status_capacity", labels=("node",), key=("node",), matchers=('resource="cpu"',),
        value="cores",
    ),
    "memory_requests": _Fact(
        metric="kube_pod_container_resource_requests", labels=("namespace", "pod", "uid", "container"),
        key=("namespace", "pod", "uid", "container"), matchers=('resource="memory"',), value="bytes",
        sum_over=("namespace", "pod", "uid"),
    ),
    "memory_capacity": _Fact(
        metric="kube_node_status_capacity", labels=("node",), key=("node",), matchers=('resource="memory"',),
        value="bytes",
    ),
    "gpu_capacity": _Fact(
        metric="kube_node_status_capacity", labels=("node", "resource"), key=("node", "resource"),
        matchers=('resource=~"nvidia_com_gpu|amd_com_gpu"',), value="gpus", sum_over=("node",),
    ),
    "node_info": _Fact(metric="kube_node_info", labels=("node", "provider_id"), key=("node",)),
}  # fmt: skip


def of_nodes(client: Client, plan: Plan) -> Kube:
    """The facts of nodes alone; those of pods and namespaces, which are many, stay empty."""
    facts = wanted(plan) | labels_wanted(plan)
    names = [name for name, fact in facts.items() if fact.labels[0] == "node"]
    asked = client.map(lambda name: _last(client, plan, facts[name]), names)
    tables = {name: _frame(fact) for name, fact in facts.items()} | dict(zip(names, asked, strict=True))
    return Kube(**tables, sockets=sockets.sockets(client, plan))


def with_pods(client: Client, plan: Plan, nodes: Kube) -> Kube:
    """All facts, those of nodes as they are; labels only where they are grouped by."""
    facts = {name: fact for name, fact in wanted(plan).items() if fact.labels[0] != "node"}
    asked = client.map(lambda fact: _last(client, plan, fact), facts.values())
    return replace(nodes, **dict(zip(facts, asked, strict=True)))


def wanted(plan: Plan) -> dict[str, _Fact]:
    """What is asked for: the facts by table; labels only where they are grouped by."""
    facts = {**_FACTS, "node_labels": _node_labels(plan)}
    return facts | labels_wanted(plan) if plan.label_keys else facts


def labels_wanted(plan: Plan) -> dict[str, _Fact]:
    """Labels of pods and namespaces to group by."""
    columns = tuple(label_column(key) for key in plan.label_keys)
    return {
        "pod_labels": _Fact(
            metric="kube_pod_labels", labels=("namespace", "pod", *columns), key=("namespace", "pod")
        ),
        "namespace_labels": _Fact(
            metric="kube_namespace_labels", labels=("namespace", *columns), key=("namespace",)
        ),
    }


def _node_labels(plan: Plan) -> _Fact:
    """Where and what a node is, and the labels that select its hardware."""
    columns = tuple(label_column(key) for key in plan.node_label_keys)
    return _Fact(
        metric="kube_node_labels", labels=("node", *_NODE_LABELS, *columns), key=("node",),
        theirs=_NODE_LABELS,
    )  # fmt: skip


def query(plan: Plan, fact: _Fact, span_ms: int) -> str:
    """PromQL of one fact; `max by` drops the scraper's own labels, and with them duplicates."""
    names = [name for ours in fact.labels for name in _their_names(plan, fact, ours)]
    selector = ",".join((*plan.cluster, *fact.matchers))
    return f"max by ({', '.join(names)}) (last_over_time({fact.metric}{{{selector}}}[{duration(span_ms)}]))"


def queries(plan: Plan) -> list[str]:
    """All texts, for `sci-batch queries`."""
    span = min(PIECE_MS, plan.end_ms - plan.start_ms)
    return [query(plan, fact, span) for fact in wanted(plan).values()] + sockets.queries(plan)


def _their_names(plan: Plan, fact: _Fact, ours: str) -> tuple[str, ...]:
    """A renamed label, or both the plain and the `exported_` form (a scrape without honorLabels)."""
    if ours in fact.theirs:
        return fact.theirs[ours]
    if ours in plan.kube_labels:
        return (plan.kube_labels[ours],)
    return (ours, f"exported_{ours}") if ours in _OF_TARGETS else (ours,)


def _frame(fact: _Fact) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype="str") for name in fact.labels} | (
        {fact.value: pd.Series(dtype="float64")} if fact.value else {}
    ))  # fmt: skip


def _last(client: Client, plan: Plan, fact: _Fact) -> pd.DataFrame:
    """The last value of each key in the range."""
    frames = [_frame(fact)]
    at = plan.start_ms
    while plan.end_ms - at > PIECE_MS:
        pieces = min((plan.end_ms - at) // PIECE_MS, PIECES_AT_ONCE)
        frames += _pieces(client, plan, fact, at, pieces)
        at += pieces * PIECE_MS
    if at < plan.end_ms:
        frames += _piece(client, plan, fact, at, plan.end_ms)
    table = pd.concat(frames, ignore_index=True).drop_duplicates(
        list(fact.key), keep="last", ignore_index=True
    )
    if fact.sum_over:
        by = table.groupby(list(fact.sum_over), as_index=False, dropna=False)
        table = by.agg(**{fact.value: (fact.value, "sum")})
    return table.sort_values(list(fact.sum_over or fact.key), ignore_index=True)


def _pieces(client: Client, plan: Plan, fact: _Fact, start_ms: int, count: int) -> list[pd.DataFrame]:
    """Each series in the last of these pieces that shows it, those of later pieces behind: one query."""
    first_ms, last_ms = start_ms + PIECE_MS, start_ms + count * PIECE_MS
    try:
        answer = client.range(query(plan, fact, PIECE_MS), first_ms, last_ms, PIECE_MS)
    except TooMuchError:
        ends = range(first_ms, last_ms + 1, PIECE_MS)
        return [frame for end in ends for frame in _piece(client, plan, fact, end - PIECE_MS, end)]
    last = np.flatnonzero(run_ends(answer.series))
    order = np.argsort(answer.time_ms[last], kind="stable")
    return [_rows(plan, fact, answer).assign(**_value(fact, answer.value[last])).iloc[order]]


def _piece(client: Client, plan: Plan, fact: _Fact, start_ms: int, end_ms: int) -> list[pd.DataFrame]:
    try:
        answer = client.instant(query(plan, fact, end_ms - start_ms), end_ms)
    except TooMuchError:
        if end_ms - start_ms <= SHORTEST_PIECE_MS:
            raise
        middle = (start_ms + end_ms) // 2
        return _piece(client, plan, fact, start_ms, middle) + _piece(client, plan, fact, middle, end_ms)
    return [_rows(plan, fact, answer).assign(**_value(fact, answer.value))]


def _rows(plan: Plan, fact: _Fact, answer: Samples) -> pd.DataFrame:
    """The labels of each series, in our words."""
    columns = {}
    for ours in fact.labels:
        first, *exported = _their_names(plan, fact, ours)
        columns[ours] = answer.label(first)
        for name in (name for name in exported if name in answer.labels):
            columns[ours] = answer.label(name).where(answer.label(name) != "", columns[ours])
    return pd.DataFrame(columns, dtype="str")


def _value(fact: _Fact, values: np.ndarray) -> dict[str, np.ndarray]:
    return {fact.value: values} if fact.value else {}
