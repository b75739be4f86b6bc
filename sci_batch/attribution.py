"""How much each pod and node used, and whose pod it is: ENERGY with workloads, and closed books."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from sci_batch import embodied, rows, workloads
from sci_batch.counters import FLAG_BITS, Counters
from sci_batch.energy import Booked, Carry, Energy, per_window
from sci_batch.errors import NoDataError
from sci_batch.inputs import Inputs
from sci_batch.ledger import Ledger
from sci_batch.settings import Settings
from sci_batch.units import JOULES_PER_KWH

Listener = Callable[[Counters, Booked], None]
"""Told of each stretch and of what was booked of it."""


def read(
    inputs: Inputs, steps_ms: np.ndarray, windows_ms: np.ndarray, settings: Settings,
    listener: Listener | None = None,
) -> Ledger:  # fmt: skip
    """Read the counters, stretch by stretch, and book by how much each rose in each step.

    Raises
    ------
    NoDataError
        They tell nothing.
    """
    carry, ledger = Carry(), Ledger(steps_ms, windows_ms)
    created = workloads.Created(inputs.kube.created)
    for stretch in inputs.counters:
        booked, carry = rises(stretch, carry, created, steps_ms, settings)
        ledger.add(stretch.keys, stretch.nodes, booked)
        if listener is not None:
            listener(stretch, booked)
    if ledger.empty:
        raise nothing_rose()
    return ledger


def rises(
    stretch: Counters, carry: Carry, created: workloads.Created, steps_ms: np.ndarray, settings: Settings
) -> tuple[Booked, Carry]:
    """By how much each counter rose in each step of a stretch, and the carry for the next one."""
    return per_window(
        stretch, carry, steps_ms, max_node_watts=settings.max_node_watts,
        created_ms=created.ms(stretch.keys),
    )  # fmt: skip


def nothing_rose() -> NoDataError:
    """No counter has two samples."""
    return NoDataError(
        "Kepler's counters hold no two samples in this range, so no energy can be told",
        "Take a longer range, or one in which Kepler was scraped.",
    )


def used(energy: Energy, inputs: Inputs, steps_ms: np.ndarray, settings: Settings) -> Energy:
    """ENERGY with what the nodes' power supplies showed, and with `--overhead-ratio`."""
    nodes = energy.nodes if inputs.platform is None else _platform(energy.nodes, inputs.platform, steps_ms)
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


def owners(inputs: Inputs) -> pd.DataFrame:
    """POD_WORKLOADS: who owns which pod, as Kubernetes says."""
    kube = inputs.kube
    return workloads.owners(kube.pod_owners, kube.replicaset_owners, kube.job_owners)


def owned(pods: pd.DataFrame, owners: pd.DataFrame, inputs: Inputs) -> pd.DataFrame:
    """Whose pod is it, and what it reserved: + workload_kind, workload, request_ and node_cores, _bytes."""
    kube = inputs.kube
    pods = workloads.named(pods, kube.pods)
    # a pod has a row for each window, and is looked up once
    place, each = workloads.distinct(pods)
    each = embodied.with_hardware(
        workloads.assign(each, owners, kube.pods),
        kube.requests, kube.capacity, kube.memory_requests, kube.memory_capacity,
    )  # fmt: skip
    told = each.drop(columns=workloads.IDENTITY).take(place).set_axis(pods.index)
    flags = pods["flags"] | np.where(told["inferred"], FLAG_BITS["inferred-owner"], 0)
    return pods.assign(**told, flags=flags)


def grouped_by(pods: pd.DataFrame, inputs: Inputs, settings: Settings) -> pd.DataFrame:
    """Every group key as a column."""
    pods = pods.assign(cluster=settings.cluster_label[1] if settings.cluster_label else "")
    return rows.with_labels(pods, settings.group_by, inputs.kube.pod_labels, inputs.kube.namespace_labels)
