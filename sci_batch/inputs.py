"""INPUTS: what the meters and Kubernetes showed, from whatever source."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields

import pandas as pd

from sci_batch.counters import Counters

Progress = Callable[[str, float], None]
"""Called with what is being done and the share done, 0..1."""


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
class Inputs:
    """What the meters and Kubernetes showed. `counters` is read once, stretch by stretch."""

    counters: Iterator[Counters]
    kube: Kube
    units: Mapping[str, pd.DataFrame]
    """UNITS (`fetch.units`) by the unit's name; a fixed number has none."""
    notes: tuple[str, ...]
    pull: str
    """The pull that is really used."""
    step_ms: int
    """Spacing of the edges; 0 for raw samples."""
    platform: pd.DataFrame | None = None
    """PLATFORM (`fetch.platform`), when the server's own power is asked for."""
