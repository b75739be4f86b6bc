"""What Kubernetes says of pods and nodes: owners, requests, capacity, labels (kube-state-metrics)."""

from __future__ import annotations

from dataclasses import dataclass, fields

import pandas as pd

from sci_batch.fetch.plan import Plan
from sci_batch.kepler import duration
from sci_batch.prometheus.client import Client
from sci_batch.prometheus.problems import TooMuchError
from sci_batch.schema import label_column

PIECE_MS = 6 * 3_600_000
"""Longest look back of one query: every sample in it is loaded on the server."""
SHORTEST_PIECE_MS = 10 * 60 * 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Kube:
    """Last known value of each fact in the range; empty frames where kube-state-metrics is missing.

    pod_owners: namespace, pod, uid, owner_kind, owner_name. replicaset_owners: namespace, replicaset,
    owner_kind, owner_name. job_owners: namespace, job_name, owner_kind, owner_name. pods: namespace, pod,
    uid, node. created: namespace, pod, uid, seconds [Unix]. requests: namespace, pod, uid, cores.
    capacity: node, cores.
    pod_labels: namespace, pod, and one column per label key. namespace_labels: namespace, likewise.
    """

    pod_owners: pd.DataFrame
    replicaset_owners: pd.DataFrame
    job_owners: pd.DataFrame
    pods: pd.DataFrame
    created: pd.DataFrame
    requests: pd.DataFrame
    capacity: pd.DataFrame
    pod_labels: pd.DataFrame
    namespace_labels: pd.DataFrame

    @classmethod
    def tables(cls) -> tuple[str, ...]:
        """The names of the frames."""
        return tuple(field.name for field in fields(cls))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fact:
    """One table: metric, matchers, labels kept, the key whose last value counts, name of the value."""

    metric: str
    labels: tuple[str, ...]
    key: tuple[str, ...]
    matchers: tuple[str, ...] = ()
    value: str = ""
    sum_over: tuple[str, ...] = ()


_OWNER = ("owner_kind", "owner_name")
_OF_TARGETS = ("namespace", "pod", "container", "node")
"""Labels that a scrape target may have of its own; without honorLabels the true one is renamed."""
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
}  # fmt: skip


def kube(client: Client, plan: Plan) -> Kube:
    """Ask for all facts; labels only where they are grouped by."""
    wanted = dict(_FACTS)
    labels = tuple(label_column(key) for key in plan.label_keys)
    wanted["pod_labels"] = _Fact(
        metric="kube_pod_labels", labels=("namespace", "pod", *labels), key=("namespace", "pod")
    )
    wanted["namespace_labels"] = _Fact(
        metric="kube_namespace_labels", labels=("namespace", *labels), key=("namespace",)
    )
    if not labels:
        empty = {name: _frame(fact) for name, fact in wanted.items() if name.endswith("_labels")}
        wanted = dict(_FACTS)
    else:
        empty = {}
    tables = client.map(lambda fact: _last(client, plan, fact), wanted.values())
    return Kube(**dict(zip(wanted, tables, strict=True)), **empty)


def query(plan: Plan, fact: _Fact, span_ms: int) -> str:
    """PromQL of one fact; `max by` drops the scraper's own labels, and with them duplicates."""
    names = [name for ours in fact.labels for name in _their_names(plan, ours)]
    selector = ",".join((*plan.cluster, *fact.matchers))
    return f"max by ({', '.join(names)}) (last_over_time({fact.metric}{{{selector}}}[{duration(span_ms)}]))"


def queries(plan: Plan) -> list[str]:
    """All texts, for `sci-batch queries`."""
    span = min(PIECE_MS, plan.end_ms - plan.start_ms)
    return [query(plan, fact, span) for fact in _FACTS.values()]


def _their_names(plan: Plan, ours: str) -> tuple[str, ...]:
    """A renamed label, or both the plain and the `exported_` form (a scrape without honorLabels)."""
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
    while at < plan.end_ms:
        end = min(at + PIECE_MS, plan.end_ms)
        frames += _piece(client, plan, fact, at, end)
        at = end
    table = pd.concat(frames, ignore_index=True).drop_duplicates(
        list(fact.key), keep="last", ignore_index=True
    )
    if fact.sum_over:
        by = table.groupby(list(fact.sum_over), as_index=False, dropna=False)
        table = by.agg(**{fact.value: (fact.value, "sum")})
    return table.sort_values(list(fact.sum_over or fact.key), ignore_index=True)


def _piece(client: Client, plan: Plan, fact: _Fact, start_ms: int, end_ms: int) -> list[pd.DataFrame]:
    try:
        answer = client.instant(query(plan, fact, end_ms - start_ms), end_ms)
    except TooMuchError:
        if end_ms - start_ms <= SHORTEST_PIECE_MS:
            raise
        middle = (start_ms + end_ms) // 2
        return _piece(client, plan, fact, start_ms, middle) + _piece(client, plan, fact, middle, end_ms)
    columns = {}
    for ours in fact.labels:
        first, *exported = _their_names(plan, ours)
        columns[ours] = answer.label(first)
        for name in exported:
            columns[ours] = answer.label(name).where(answer.label(name) != "", columns[ours])
    frame = pd.DataFrame(columns, dtype="str")
    return [frame.assign(**{fact.value: answer.value}) if fact.value else frame]
