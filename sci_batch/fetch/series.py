"""The series of both generations of Kepler in our words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from sci_batch import kepler
from sci_batch.prometheus.samples import LabelSet


class Series(NamedTuple):
    """One series of an answer; first what makes it a counter (`counters.KEY_COLUMNS`)."""

    generation: str
    level: str
    node: str
    namespace: str
    pod: str
    pod_uid: str
    container_id: str
    kind: str
    power_domain: str
    part: str
    state: str
    source: str
    """rapl, model, ..."""
    instance: str
    match_label: str
    match_value: str
    """With `match_label`, the matcher that finds this node's series again."""


HOST_ROWS = ("system_processes", "kernel_processes")
"""Legacy rows for host processes: they look like pods, the same on every node, and are none."""


_OURS = (
    "node", "instance", "namespace", "pod", "pod_id", "container_id", "power_domain", "state", "mode",
)  # fmt: skip


def normalise(
    sets: Sequence[LabelSet], meter: kepler.Meter, labels: kepler.Labels, node_names: Mapping[str, str]
) -> list[Series]:
    """One for each set of labels of a meter.

    `node_names` gives the node of a target's `instance`, for the legacy (its containers carry no node).
    """
    words = _Words(meter, labels, node_names)
    return [words.series(dict(one)) for one in sets]


def is_pod(one: Series) -> bool:
    """Whether a series is of a pod: no host process, pause container or podman (they have no pod id)."""
    host = one.pod in HOST_ROWS and one.namespace in ("system", "kernel")
    nameless = one.generation == kepler.REWRITE and not (one.pod_uid or one.pod)
    return not (host or nameless)


def table(rows: Sequence[Series]) -> pd.DataFrame:
    """The same as a table, a column for each field."""
    columns = zip(*rows, strict=True) if rows else ((),) * len(Series._fields)
    texts = (pd.array(list(column), dtype="str") for column in columns)
    return pd.DataFrame(dict(zip(Series._fields, texts, strict=True)))


class _Words:
    """What this meter's labels are called."""

    def __init__(self, meter: kepler.Meter, labels: kepler.Labels, node_names: Mapping[str, str]) -> None:
        self._meter, self._node_names = meter, node_names
        self._legacy = meter.generation == kepler.LEGACY
        self._is_node = meter.level == kepler.NODE
        self._their = {ours: labels.of(meter.generation, ours) for ours in _OURS}

    def series(self, labels: Mapping[str, str]) -> Series:
        """The series with these labels."""
        meter = self._meter
        shown = {ours: labels.get(theirs, "") for ours, theirs in self._their.items()}
        instance, node = shown["instance"], shown["node"]
        by_node = bool(node) and not self._legacy
        of_node = node or instance
        return Series(
            generation=meter.generation,
            level=meter.level,
            node=self._node_names.get(of_node, of_node) if self._legacy else of_node,
            namespace="" if self._is_node else shown["namespace"],
            pod="" if self._is_node else shown["pod"],
            pod_uid="" if self._is_node else shown["pod_id"],
            # an old Kepler has no id of containers
            container_id=(shown["container_id"] or labels.get("container_name", ""))
            if meter.level == kepler.CONTAINER
            else "",
            kind=self._kind(shown["mode"]),
            power_domain=meter.power_domain or shown["power_domain"],
            part=self._part(labels) if self._is_node else "",
            state=shown["state"],
            source=self._source(labels),
            instance=instance,
            match_label=self._their["node" if by_node else "instance"],
            match_value=node if by_node else instance,
        )

    def _kind(self, mode: str) -> str:
        if not self._legacy:
            return self._meter.kind
        return (kepler.IDLE if mode == "idle" else kepler.ACTIVE) if self._is_node else mode

    def _part(self, labels: Mapping[str, str]) -> str:
        """Socket or device of a node's counter: several of them add up."""
        gpu = self._meter.power_domain == kepler.GPU
        return labels.get("package" if self._legacy else "gpu_uuid" if gpu else "path", "")

    def _source(self, labels: Mapping[str, str]) -> str:
        """`rapl` (measured), `model` (estimated), else Kepler's own word for its source."""
        if not self._legacy:
            if self._meter.power_domain == kepler.GPU:
                return kepler.GPU
            return "hwmon" if "hwmon" in labels.get("path", "") else "rapl"
        source = labels.get("source", "")
        if "rapl" in source:
            return "rapl"
        return "model" if source in ("estimator", "trained_power_model") else source or "unknown"
