"""Per what: units of work of each row, and the score."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sci_batch import functional_unit, schema, workloads
from sci_batch.attribution import grouped_by
from sci_batch.carbon import sci
from sci_batch.counters import FLAG_BITS, flags_text
from sci_batch.fetch import Inputs
from sci_batch.settings import Settings
from sci_batch.source import Source

NOTEWORTHY = 0.001
"""Share of R that may belong to no row without a word."""


def units_of_work(
    grouped: pd.DataFrame, pods: pd.DataFrame, source: Source, settings: Settings, edges_ms: np.ndarray
) -> tuple[dict[str, functional_unit.Served], tuple[str, ...]]:
    """R of each row by every functional unit, and notes."""
    served: dict[str, functional_unit.Served] = {}
    notes: list[str] = []
    for unit in source.units:
        if unit.kind == "constant":
            units = functional_unit.constant(float(unit.argument), edges_ms)
        else:
            units = source.inputs.units[unit.name]
        if unit.kind == "job-run":
            units = _by_workload(units, source.inputs)
        places = _places(units, pods, source.inputs, settings) if functional_unit.names_pods(units) else None
        served[unit.name] = r = functional_unit.join(grouped, units, places, settings.group_by, edges_ms)
        notes += [f"{unit.name}: {note}" if len(source.units) > 1 else note for note in r.notes]
        if not settings.namespace and r.unmet > NOTEWORTHY * (r.unmet + (r.total or 0.0)):
            notes.append(
                f"{r.unmet:,.6g} {unit.name} units of work belong to no row and are not in the total"
            )
    return served, tuple(notes)


def _by_workload(jobs: pd.DataFrame, inputs: Inputs) -> pd.DataFrame:
    """UNITS of Jobs as those of their owners, found as for the pods of the Jobs."""
    names = jobs[["namespace", "job_name"]].drop_duplicates()
    pods = names.rename(columns={"job_name": "owner_name"}).assign(uid="", owner_kind="Job")
    pods = pods.assign(pod=pods["owner_name"])
    known = workloads.owners(pods, inputs.kube.replicaset_owners, inputs.kube.job_owners)
    owner = known.rename(columns={"pod": "job_name"})[["namespace", "job_name", "workload"]]
    return jobs.merge(owner, on=["namespace", "job_name"], how="left", validate="m:1").drop(
        columns="job_name"
    )


def _places(units: pd.DataFrame, pods: pd.DataFrame, inputs: Inputs, settings: Settings) -> pd.DataFrame:
    """Group keys of the pods that did the work; those without energy are found by their owners."""
    keys = list(dict.fromkeys(("namespace", "pod", *settings.group_by)))
    node = inputs.kube.pods.drop_duplicates(["namespace", "pod"], keep="last")[["namespace", "pod", "node"]]
    others = functional_unit.pods_of(units).merge(node, on=["namespace", "pod"], how="left", validate="1:1")
    others = others.assign(node=others["node"].fillna("").astype("str"), pod_uid="")
    known = workloads.owners(inputs.kube.pod_owners, inputs.kube.replicaset_owners, inputs.kube.job_owners)
    others = grouped_by(workloads.assign(others, known, inputs.kube.pods), inputs, settings)
    return pd.concat([pods[keys], others[keys]], ignore_index=True).drop_duplicates(["namespace", "pod"])


def scored(
    grouped: pd.DataFrame, served: dict[str, functional_unit.Served], settings: Settings,
    also: tuple[str, ...], known: tuple[str, ...], edges_ms: np.ndarray,
) -> pd.DataFrame:  # fmt: skip
    """RESULT (`schema.result_columns`): + window_start, window_end, R, SCI and the flags in words."""
    bits = grouped["flags"].to_numpy()
    unknown = pd.Series(np.nan, index=grouped.index)
    scores = {"functional_units": unknown, "sci_gco2e_per_unit": unknown}
    for number, (name, one) in enumerate(served.items()):
        r = one.functional_units
        bits = bits | np.where(r.isna(), FLAG_BITS["units-missing"], 0)
        bits = bits | np.where(r == 0, FLAG_BITS["units-zero"], 0)
        scores[schema.of_unit("functional_units", name, number)] = r
        scores[schema.of_unit("sci_gco2e_per_unit", name, number)] = sci(grouped["carbon_gco2e"], r)
    window = grouped["window"].to_numpy()
    times = pd.to_datetime(edges_ms, unit="ms", utc=True).as_unit("us")
    result = grouped.assign(
        window_start=times[window], window_end=times[window + 1], **scores, flags=flags_text(bits)
    )
    columns = schema.result_columns(settings.group_by, tuple(served)[1:], also, known)
    return result[[column.name for column in columns]].astype(
        {column.name: column.dtype for column in columns}
    )
