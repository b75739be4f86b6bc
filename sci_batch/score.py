"""Per what: units of work of each row, and the score."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from sci_batch import functional_unit, schema, workloads
from sci_batch.attribution import grouped_by
from sci_batch.carbon import sci
from sci_batch.counters import FLAG_BITS, flags_text
from sci_batch.functional_unit import Served, Units
from sci_batch.inputs import Inputs
from sci_batch.settings import Settings
from sci_batch.source import Source

NOTEWORTHY = 0.001
"""Share of R that may belong to no row without a word."""


def units_of_work(
    source: Source, owners: pd.DataFrame, met: pd.DataFrame, settings: Settings, windows_ms: np.ndarray
) -> dict[str, Units]:
    """R by every functional unit, in windows and groups.

    `owners` are POD_WORKLOADS, `met` the pods of Kepler: namespace, pod, pod_uid, node, in order of time.
    """
    found: dict[str, Units] = {}
    for unit in source.units:
        if unit.kind == "constant":
            units = functional_unit.constant(float(unit.argument), windows_ms)
        else:
            units = source.inputs.units[unit.name]
        if unit.kind == "job-run":
            units = _by_workload(units, source.inputs)
        by_pod = functional_unit.names_pods(units)
        places = _places(units, owners, met, source.inputs, settings) if by_pod else None
        found[unit.name] = functional_unit.counted(units, places, settings.group_by, windows_ms)
    return found


def notes(
    units: Mapping[str, Units], totals: Mapping[str, float | None], settings: Settings
) -> tuple[str, ...]:
    """Words on R that could not be placed; `totals` is what met a row."""
    words: list[str] = []
    for name, one in units.items():
        words += [f"{name}: {note}" if len(units) > 1 else note for note in one.notes]
        met = totals[name] or 0.0
        unmet = max(0.0, one.offered - met)
        if not settings.namespace and unmet > NOTEWORTHY * (unmet + met):
            words.append(f"{unmet:,.6g} {name} units of work belong to no row and are not in the total")
    return tuple(words)


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


def _places(
    units: pd.DataFrame, owners: pd.DataFrame, met: pd.DataFrame, inputs: Inputs, settings: Settings
) -> pd.DataFrame:
    """Group keys of the pods that did the work; those without energy are found by their owners."""
    node = inputs.kube.pods.drop_duplicates(["namespace", "pod"], keep="last")[["namespace", "pod", "node"]]
    others = functional_unit.pods_of(units).merge(node, on=["namespace", "pod"], how="left", validate="1:1")
    others = others.assign(node=others["node"].fillna("").astype("str"), pod_uid="")
    pods = pd.concat([met[list(others)], others], ignore_index=True)
    placed = grouped_by(workloads.assign(pods, owners, inputs.kube.pods), inputs, settings)
    keys = list(dict.fromkeys(("namespace", "pod", *settings.group_by)))
    return placed[keys].drop_duplicates(["namespace", "pod"], ignore_index=True)


def scored(
    grouped: pd.DataFrame, served: Mapping[str, Served], settings: Settings, also: tuple[str, ...],
    edges_ms: np.ndarray,
) -> pd.DataFrame:  # fmt: skip
    """RESULT (`schema.result_columns`): + window_start, window_end, R, SCI and the flags in words.

    It has all of `schema.WHERE_KNOWN`.
    """
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
    columns = schema.result_columns(settings.group_by, tuple(served)[1:], also, schema.NAMES_WHERE_KNOWN)
    made = result[[column.name for column in columns]].astype(
        {column.name: column.dtype for column in columns}
    )
    schema.check(made, columns)
    return made
