"""Pods to rows: group, sum, and say where each number comes from."""

from __future__ import annotations

from fnmatch import fnmatchcase

import numpy as np
import pandas as pd

from sci_batch.counters import added_up, any_flag, joined_words, weighted_mean
from sci_batch.schema import LABEL_KEY_PREFIX, also_column, label_column

SUMS = [
    "active_kwh", "shared_kwh", "energy_kwh", "gpu_kwh",
    "operational_gco2e", "embodied_gco2e", "carbon_gco2e",
]  # fmt: skip
BOUNDS = ["embodied_gco2e_low", "embodied_gco2e_high"]
SOURCES = ["energy_source", "intensity_source", "embodied_source"]


def with_labels(
    pods: pd.DataFrame, keys: tuple[str, ...], pod_labels: pd.DataFrame, namespace_labels: pd.DataFrame
) -> pd.DataFrame:
    """Add a column per `label:KEY`: the pod's label, else its namespace's, else empty."""
    for key in keys:
        if key.startswith(LABEL_KEY_PREFIX):
            column = label_column(key)
            of_pod = pods[["namespace", "pod"]].merge(
                _labels(pod_labels, ["namespace", "pod"], column),
                on=["namespace", "pod"],
                how="left",
                validate="m:1",
            )[column]
            of_namespace = pods[["namespace"]].merge(
                _labels(namespace_labels, ["namespace"], column), on="namespace", how="left", validate="m:1"
            )[column]
            value = of_pod.where(of_pod.notna() & (of_pod != ""), of_namespace).fillna("")
            pods = pods.assign(**{key: value.to_numpy(dtype=object)}).astype({key: "str"})
    return pods


def _labels(table: pd.DataFrame, key: list[str], column: str) -> pd.DataFrame:
    if column not in table:
        table = table.assign(**{column: ""})
    return table[[*key, column]].drop_duplicates(key, keep="last").astype("str")


def group(pods: pd.DataFrame, group_by: tuple[str, ...], also: tuple[str, ...] = ()) -> pd.DataFrame:
    """Sum the pods of each window and group.

    Parameters
    ----------
    pods
        window, the group keys, workload_kind, `SUMS`, `BOUNDS`, coverage, intensity_gco2e_per_kwh,
        `SOURCES`, flags [bits]. Unknown (null) amounts stay unknown when all of a group are, bounds when
        any is.
    group_by
        Group keys. Two kinds of workload with one name are two rows.
    also
        Grid intensities beside the chosen one: their operational carbon is summed as well.

    Returns
    -------
    One row per window and group: keys, workload_kind, `SUMS`, effective intensity, energy-weighted
    coverage, `SOURCES`, flags [bits]; ordered by window, then group.
    """
    by_kind = "workload" in group_by or "pod" in group_by
    keys = ["window", *group_by, *(["workload_kind"] if by_kind else [])]
    number = pods.groupby(keys, dropna=False, sort=True).ngroup().to_numpy()
    out = pods[keys].iloc[np.unique(number, return_index=True)[1]].reset_index(drop=True)
    size = len(out)
    for name in (*SUMS, *(also_column(other).name for other in also)):
        out[name] = added_up(number, pods[name].to_numpy(), size)
    for name in BOUNDS:
        out[name] = np.bincount(number, pods[name].to_numpy(), size)
    if not by_kind:
        out["workload_kind"] = joined_words(number, pods["workload_kind"], size)
    weight = pods["energy_kwh"].fillna(0.0).clip(lower=0.0).to_numpy()
    out["coverage"] = weighted_mean(number, pods["coverage"].to_numpy(), weight, size)
    # weighted by energy it is O / (E x PUE), the intensity in effect
    out["intensity_gco2e_per_kwh"] = weighted_mean(
        number, pods["intensity_gco2e_per_kwh"].to_numpy(), weight, size
    )
    for words in SOURCES:
        out[words] = joined_words(number, pods[words], size)
    out["flags"] = any_flag(number, pods["flags"].to_numpy(), size)
    return out


def select(namespaces: pd.Series, globs: tuple[str, ...]) -> np.ndarray:
    """Which pods lie in the wanted namespaces; all without globs."""
    if not globs:
        return np.ones(len(namespaces), bool)
    names = namespaces.unique().tolist()
    wanted = [name for name in names if any(fnmatchcase(name, glob) for glob in globs)]
    return np.asarray(namespaces.isin(wanted))
