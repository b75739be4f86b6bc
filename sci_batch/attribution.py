"""How much each pod and node used, and whose pod it is: ENERGY with workloads, and closed books."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from sci_batch import embodied, rows, workloads
from sci_batch.counters import FLAG_BITS, Counters
from sci_batch.energy import Booked, Carry, Energy, per_window, total
from sci_batch.errors import NoDataError
from sci_batch.fetch import Inputs
from sci_batch.settings import Settings
from sci_batch.units import JOULES_PER_KWH

Listener = Callable[[Counters, Booked], None]
"""Told of each stretch and of what was booked of it."""


def used(
    inputs: Inputs, edges_ms: np.ndarray, settings: Settings, listener: Listener | None = None
) -> Energy:
    """ENERGY: how much each pod and node used in each window, stretch by stretch."""
    carry, parts = Carry(), []
    for stretch in inputs.counters:
        booked, carry = per_window(
            stretch, carry, edges_ms, max_node_watts=settings.max_node_watts,
            created_ms=workloads.created_ms(stretch.keys, inputs.kube.created),
        )  # fmt: skip
        parts.append(booked)
        if listener is not None:
            listener(stretch, booked)
    energy = total(parts, stretch.keys, stretch.nodes, edges_ms)
    if energy.pods.empty and energy.nodes.empty:
        raise NoDataError(
            "Kepler's counters hold no two samples in this range, so no energy can be told",
            "Take a longer range, or one in which Kepler was scraped.",
        )
    nodes = energy.nodes if inputs.platform is None else _platform(energy.nodes, inputs.platform, edges_ms)
    # A power supply's reading holds fans, disks and the supply itself already.
    overhead = np.where(nodes["source"] == "redfish", 1.0, 1 + settings.overhead_ratio)
    return replace(energy, nodes=nodes.assign(node_kwh=nodes["node_kwh"] * overhead))


def _platform(nodes: pd.DataFrame, platform: pd.DataFrame, edges_ms: np.ndarray) -> pd.DataFrame:
    """Nodes with the energy of their power supplies, where these were read."""
    window = np.searchsorted(edges_ms, platform["start_ms"].to_numpy(), side="right") - 1
    read = platform.assign(window=window, kwh=platform["joules"] / JOULES_PER_KWH)
    read = read.groupby(["window", "node"], as_index=False).agg(kwh=("kwh", "sum"))
    both = nodes.merge(read, on=["window", "node"], how="left", validate="1:1")
    shown = both["kwh"].notna()
    no_node = FLAG_BITS["no-node-energy"]
    return nodes.assign(
        node_kwh=nodes["node_kwh"].mask(shown, both["kwh"]),
        source=nodes["source"].mask(shown, "redfish"),
        flags=(nodes["flags"] & ~no_node).where(shown, nodes["flags"] | FLAG_BITS["platform-missing"]),
    )


def owned(pods: pd.DataFrame, inputs: Inputs) -> pd.DataFrame:
    """Whose pod is it, and what it reserved: + workload_kind, workload, request_ and node_cores, _bytes."""
    kube = inputs.kube
    known = workloads.owners(kube.pod_owners, kube.replicaset_owners, kube.job_owners)
    pods = workloads.assign(pods, known, kube.pods)
    flags = np.where(pods["inferred"], FLAG_BITS["inferred-owner"], 0)
    reserving = embodied.with_hardware(
        pods, kube.requests, kube.capacity, kube.memory_requests, kube.memory_capacity
    )
    return reserving.assign(flags=pods["flags"] | flags)


def grouped_by(pods: pd.DataFrame, inputs: Inputs, settings: Settings) -> pd.DataFrame:
    """Every group key as a column."""
    pods = pods.assign(cluster=settings.cluster_label[1] if settings.cluster_label else "")
    return rows.with_labels(pods, settings.group_by, inputs.kube.pod_labels, inputs.kube.namespace_labels)
