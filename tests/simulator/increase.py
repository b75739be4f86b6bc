"""The usual way, for comparison: hourly `increase()` figures summed by pod, against the truth."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import requests

from tests.simulator.truth import Truth

COUNTERS = {
    "pod_namespace": 'kepler_pod_cpu_joules_total{zone="package"}',
    "container_namespace": "kepler_container_package_joules_total",
}
"""Namespace label and selector, for the new and the old Kepler."""
KEY = ["window_start_ms", "namespace", "workload"]


@dataclass(frozen=True, slots=True, kw_only=True)
class IncreaseError:
    """Errors of summed `increase()` against the physical truth, as shares of the truth [1]."""

    total: float
    """Signed, of the sum over all workloads and windows."""
    median: float
    """Absolute, over workload-windows."""
    p95: float


def increase_error(url: str, truth: Truth) -> IncreaseError:
    """Ask a server for package energy per pod and window as dashboards do, and compare by workload-window."""
    found = pd.concat([_increases(url, truth, *query) for query in COUNTERS.items()], ignore_index=True)
    return workload_error(truth, found)


def workload_error(truth: Truth, found: pd.DataFrame) -> IncreaseError:
    """Compare joules per pod and window with the truth.

    `found` has the columns window_start_ms, namespace, pod, joules (package, several rows may be of
    one pod). A workload-window without a row counts as 0 joules.
    """
    owners = truth.pods[["namespace", "pod", "workload"]].drop_duplicates()
    joined = found.merge(owners, on=["namespace", "pod"], how="inner", validate="m:1")
    joules = joined.groupby(KEY)["joules"].sum()
    rows = truth.workload_hours
    true = rows[rows["domain"] == "package"].groupby(KEY)["active_joules"].sum()
    both = pd.DataFrame({"joules": joules, "true": true}).fillna(0.0)
    used = both[both["true"] > 0]
    error = (used["joules"] / used["true"] - 1).abs()
    return IncreaseError(
        total=float(both["joules"].sum() / both["true"].sum() - 1),
        median=float(error.median()),
        p95=float(error.quantile(0.95)),
    )


def _increases(url: str, truth: Truth, namespace_label: str, counter: str) -> pd.DataFrame:
    window = truth.window_ms // 1000
    answer = requests.post(
        f"{url}/api/v1/query_range",
        data={
            "query": f"sum by ({namespace_label}, pod_name) (increase({counter}[{window}s]))",
            "start": truth.start_ms // 1000 + window,
            "end": truth.end_ms // 1000,
            "step": window,
        },
        timeout=120,
    )
    answer.raise_for_status()
    rows = [
        (round(time * 1000) - truth.window_ms, labels[namespace_label], labels["pod_name"], float(joules))
        for labels, values in ((one["metric"], one["values"]) for one in answer.json()["data"]["result"])
        for time, joules in values
    ]
    frame = pd.DataFrame(rows, columns=["window_start_ms", "namespace", "pod", "joules"])
    return frame.astype({"window_start_ms": "int64", "namespace": "str", "pod": "str", "joules": "float64"})
