"""Finished Jobs from kube-state-metrics, each once, however long they linger."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sci_batch.asking.plan import Plan
from sci_batch.fetch.units import equal_windows
from sci_batch.kepler import duration
from sci_batch.prometheus.client import Client
from sci_batch.prometheus.samples import Samples
from sci_batch.units import MS_PER_SECOND

COMPLETED = "kube_job_status_completion_time"
"""Unix time at which a Job finished with success [s]; failed Jobs have none."""
SUCCEEDED = "kube_job_status_succeeded"
"""Pods of a Job that succeeded."""
STEP_MS = 15 * 60 * 1000
"""Two runs of one name are told apart when so long lies between them."""
LATEST_MS = 2 * 3_600_000
"""How late a completion may show: kube-state-metrics may have been away."""


def job_runs(client: Client, plan: Plan) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """UNITS: start_ms, end_ms, namespace, job_name, functional_units = 1 per finished Job; and notes.

    A run counts at the instant it was completed, `start_ms = end_ms`. Where kube-state-metrics does not
    tell that instant, a Job counts to the first window in which one of its pods is seen to have succeeded.
    """
    runs = _completed(client, plan)
    if len(runs) or len(_range(client, plan, _exists(plan), STEP_MS)):
        return runs, ()
    runs = _first_seen(client, plan)
    if len(runs):
        return runs, (f"{COMPLETED} is missing: Jobs count when {SUCCEEDED} is first seen above 0",)
    return runs, ("kube-state-metrics shows no finished Jobs in this range",)


def completed_query(plan: Plan) -> str:
    """PromQL of the Jobs that finished lately: their completion [Unix s]."""
    return f"{_last(plan, COMPLETED, STEP_MS)} >= time() - {LATEST_MS // MS_PER_SECOND}"


def _exists(plan: Plan) -> str:
    return f"count({_last(plan, COMPLETED, STEP_MS)})"


def _last(plan: Plan, metric: str, span_ms: int) -> str:
    """`max by` drops the scraper's own labels, and with them the duplicates of HA replicas."""
    by = ", ".join((*_namespaces(plan), "job_name"))
    selector = ",".join(plan.cluster)
    return f"max by ({by}) (last_over_time({metric}{{{selector}}}[{duration(span_ms)}]))"


def _namespaces(plan: Plan) -> tuple[str, ...]:
    """The renamed label, or both forms (a scrape without honorLabels renames the true one)."""
    if "namespace" in plan.kube_labels:
        return (plan.kube_labels["namespace"],)
    return ("namespace", "exported_namespace")


def _range(client: Client, plan: Plan, query: str, step_ms: int) -> Samples:
    """Also one step behind the end: the last runs are scraped only then."""
    return client.range(query, plan.start_ms + step_ms, plan.end_ms + step_ms, step_ms)


def _completed(client: Client, plan: Plan) -> pd.DataFrame:
    answer = _range(client, plan, completed_query(plan), STEP_MS)
    at_ms = np.round(answer.value * MS_PER_SECOND).astype(np.int64)
    runs = _units(plan, answer, at_ms, at_ms)
    inside = (runs["start_ms"] >= plan.start_ms) & (runs["start_ms"] < plan.end_ms)
    return runs[inside].drop_duplicates(["namespace", "job_name", "start_ms"], ignore_index=True)


def _first_seen(client: Client, plan: Plan) -> pd.DataFrame:
    """Jobs that have succeeded at the end of a window and at no edge before; a name counts once."""
    before = client.instant(f"{_last(plan, SUCCEEDED, STEP_MS)} > 0", plan.start_ms)
    frames = [_units(plan, before, before.time_ms, before.time_ms)]
    for first_ms, last_ms, width in equal_windows(plan.edges_ms):
        answer = client.range(f"{_last(plan, SUCCEEDED, width)} > 0", first_ms + width, last_ms, width)
        frames.append(_units(plan, answer, answer.time_ms - width, answer.time_ms))
    seen = pd.concat(frames, ignore_index=True).sort_values(["end_ms", "namespace", "job_name"])
    first = seen.drop_duplicates(["namespace", "job_name"])
    return first[first["end_ms"] > plan.start_ms].reset_index(drop=True)


def _units(plan: Plan, answer: Samples, start_ms: np.ndarray, end_ms: np.ndarray) -> pd.DataFrame:
    first, *exported = _namespaces(plan)
    namespace = answer.label(first)
    for name in exported:
        namespace = answer.label(name).where(answer.label(name) != "", namespace)
    return pd.DataFrame(
        {
            "start_ms": start_ms.astype(np.int64), "end_ms": end_ms.astype(np.int64),
            "namespace": namespace.astype("str").to_numpy()[answer.series],
            "job_name": answer.label("job_name").astype("str").to_numpy()[answer.series],
            "functional_units": np.ones(len(answer), np.float64),
        }
    ).astype({"namespace": "str", "job_name": "str"})  # fmt: skip
