"""The story: fetch, energy, workloads, share, carbon, score, report.

I/O stands at the two ends: `source` opens a server or a recording, the sinks write. All between are
plain functions over DataFrames.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sci_batch import embodied, functional_unit, intensity, rows, schema, sharing, summary, workloads
from sci_batch.carbon import operational_gco2e, sci
from sci_batch.counters import FLAG_BITS, flags_text
from sci_batch.energy import Carry, Energy, per_window, total
from sci_batch.errors import NoDataError, UsageError
from sci_batch.fetch import Inputs
from sci_batch.report import Report
from sci_batch.settings import Settings
from sci_batch.source import Progress, Source, opened, promql_of, queries, record
from sci_batch.units import MS_PER_SECOND

__all__ = ["compute", "queries", "record", "run"]


def run(settings: Settings, *, now_ms: int, progress: Progress) -> Report:
    """Fetch and compute.

    Raises
    ------
    SciBatchError
        Any expected failure; nothing has been written then.
    """
    with opened(settings, now_ms, progress) as source:
        return compute(source, settings)


def compute(source: Source, settings: Settings) -> Report:
    """From inputs to a report: no clock, no files, and no network but the reading of the counters."""
    edges_ms = np.array(source.windows.edges_ms, np.int64)
    seconds = np.diff(edges_ms) / MS_PER_SECOND

    energy = used(source.inputs, edges_ms, settings)
    pods = owned(energy.pods, source.inputs)
    book = sharing.books(pods, energy.nodes)
    shared = sharing.share(pods, book, settings.unattributed)
    emitted = emissions(shared, seconds, settings)
    placed = grouped_by(emitted, source.inputs, settings)
    wanted = rows.select(placed, placed["namespace"], settings.namespace)
    grouped = rows.group(placed[wanted], settings.group_by)
    served = units_of_work(grouped, placed, source, settings, edges_ms)
    result = scored(grouped, served, settings, edges_ms)

    if result.empty:
        raise NoDataError("no energy in the namespaces chosen", "Check -n/--namespace.")
    schema.check(result, settings.group_by)
    return Report(
        result=result,
        totals=summary.totals(result, served.total, book, placed[~wanted]),
        provenance=summary.provenance(settings, source, served.notes),
        flag_counts=summary.flag_counts(grouped["flags"].to_numpy()),
    )


def used(inputs: Inputs, edges_ms: np.ndarray, settings: Settings) -> Energy:
    """ENERGY: how much each pod and node used in each window, stretch by stretch."""
    carry, parts = Carry(), []
    for stretch in inputs.counters:
        booked, carry = per_window(
            stretch, carry, edges_ms, max_node_watts=settings.max_node_watts,
            created_ms=workloads.created_ms(stretch.keys, inputs.kube.created),
        )  # fmt: skip
        parts.append(booked)
    energy = total(parts, stretch.keys, stretch.nodes, edges_ms)
    if energy.pods.empty and energy.nodes.empty:
        raise NoDataError(
            "Kepler's counters hold no two samples in this range, so no energy can be told",
            "Take a longer range, or one in which Kepler was scraped.",
        )
    return energy


def owned(pods: pd.DataFrame, inputs: Inputs) -> pd.DataFrame:
    """Whose pod is it, and what it reserved: + workload_kind, workload, request_cores, node_cores."""
    kube = inputs.kube
    known = workloads.owners(kube.pod_owners, kube.replicaset_owners, kube.job_owners)
    pods = workloads.assign(pods, known, kube.pods)
    flags = np.where(pods["inferred"], FLAG_BITS["inferred-owner"], 0)
    return embodied.with_hardware(pods, kube.requests, kube.capacity).assign(flags=pods["flags"] | flags)


def emissions(pods: pd.DataFrame, seconds: np.ndarray, settings: Settings) -> pd.DataFrame:
    """E, O, M and C of every pod: + energy_kwh, operational_, embodied_, carbon_gco2e, intensity."""
    spec = settings.intensity
    if spec is None:
        raise UsageError("no grid intensity is given", "Give --intensity, for example --intensity 380.")
    grid = intensity.load(spec.kind, spec.argument)
    hardware = embodied.load(str(settings.embodied) if settings.embodied else None)
    energy_kwh = pods[["active_kwh", "shared_kwh"]].sum(axis=1, min_count=1)
    per_kwh = pd.Series(grid.gco2e_per_kwh, index=pods.index)
    operational = operational_gco2e(energy_kwh, settings.pue, per_kwh)
    m, flags = embodied.embodied(
        pods, seconds, embodied_kgco2e=hardware.kgco2e, lifespan_seconds=settings.lifespan_seconds
    )
    return pods.rename(columns={"source": "energy_source"}).assign(
        energy_kwh=energy_kwh, operational_gco2e=operational, embodied_gco2e=m, carbon_gco2e=operational + m,
        intensity_gco2e_per_kwh=per_kwh, intensity_source=grid.source, embodied_source=hardware.source,
        flags=pods["flags"] | flags | hardware.flags,
    )  # fmt: skip


def grouped_by(pods: pd.DataFrame, inputs: Inputs, settings: Settings) -> pd.DataFrame:
    """Every group key as a column."""
    pods = pods.assign(cluster=settings.cluster_label[1] if settings.cluster_label else "")
    return rows.with_labels(pods, settings.group_by, inputs.kube.pod_labels, inputs.kube.namespace_labels)


def units_of_work(
    grouped: pd.DataFrame, pods: pd.DataFrame, source: Source, settings: Settings, edges_ms: np.ndarray
) -> functional_unit.Served:
    """R of each row."""
    unit = source.unit
    if unit is None:
        return functional_unit.Served(
            functional_units=pd.Series(np.nan, index=grouped.index), total=None, asked=False
        )
    if promql_of(unit) is None:
        units = functional_unit.constant(float(unit.argument), edges_ms)
    else:
        units = (
            source.inputs.units
            if source.inputs.units is not None
            else functional_unit.constant(np.nan, edges_ms)
        )
    places = _places(units, pods, source.inputs, settings) if functional_unit.names_pods(units) else None
    return functional_unit.join(grouped, units, places, settings.group_by, edges_ms)


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
    grouped: pd.DataFrame, served: functional_unit.Served, settings: Settings, edges_ms: np.ndarray
) -> pd.DataFrame:
    """RESULT (`schema.result_columns`): + window_start, window_end, R, SCI and the flags in words."""
    r = served.functional_units
    bits = grouped["flags"].to_numpy() | np.where(served.asked & r.isna(), FLAG_BITS["units-missing"], 0)
    bits = bits | np.where(r == 0, FLAG_BITS["units-zero"], 0)
    window = grouped["window"].to_numpy()
    times = pd.to_datetime(edges_ms, unit="ms", utc=True).as_unit("us")
    result = grouped.assign(
        window_start=times[window], window_end=times[window + 1], functional_units=r,
        sci_gco2e_per_unit=sci(grouped["carbon_gco2e"], r), flags=flags_text(bits),
    )  # fmt: skip
    columns = schema.result_columns(settings.group_by)
    return result[[column.name for column in columns]].astype(
        {column.name: column.dtype for column in columns}
    )
