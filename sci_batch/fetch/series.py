"""SERIES: the series of both generations of Kepler in our words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from sci_batch import kepler
from sci_batch.counters import KEY_COLUMNS
from sci_batch.prometheus.samples import LabelSet

Label = Callable[[str], pd.Series]
"""A label of every series by its name, empty where absent."""

SERIES = (*KEY_COLUMNS, "state", "source", "instance", "match_label", "match_value")
"""Columns of `normalise`."""

HOST_ROWS = ("system_processes", "kernel_processes")
"""Legacy rows for host processes: they look like pods, the same on every node, and are none."""


def normalise(sets: Sequence[LabelSet], meter: kepler.Meter, labels: kepler.Labels) -> pd.DataFrame:
    """SERIES: one row per series of an answer, in our words.

    `source` is rapl, model, ...; `match_label`, `match_value` are the matcher that finds this node's series
    again. A text in every column of `SERIES`.
    """
    generation, known = meter.generation, [dict(one) for one in sets]

    def label(name: str) -> pd.Series:
        return pd.Series([one.get(name, "") for one in known], dtype="str")

    def theirs(ours: str) -> pd.Series:
        return label(labels.of(generation, ours))

    instance = theirs("instance")
    node_label = theirs("node")
    node = node_label.where(node_label != "", instance)
    mode = theirs("mode")
    kind = pd.Series(meter.kind, index=instance.index, dtype="str")
    if generation == kepler.LEGACY and meter.level == kepler.NODE:
        kind = mode.map({"dynamic": kepler.ACTIVE, "idle": kepler.IDLE}).fillna(kepler.ACTIVE).astype("str")
    elif generation == kepler.LEGACY:
        kind = mode
    by_node = (generation == kepler.REWRITE) & (node_label != "")
    is_node = meter.level == kepler.NODE
    blank = pd.Series("", index=instance.index, dtype="str")
    return pd.DataFrame(
        {
            "generation": generation,
            "level": meter.level,
            "node": node,
            "namespace": blank if is_node else theirs("namespace"),
            "pod": blank if is_node else theirs("pod"),
            "pod_uid": blank if is_node else theirs("pod_id"),
            "container_id": _container(theirs("container_id"), label("container_name"))
            if meter.level == kepler.CONTAINER
            else blank,
            "kind": kind,
            "power_domain": meter.power_domain or theirs("power_domain"),
            "part": _part(label, meter) if is_node else blank,
            "state": theirs("state"),
            "source": _source(label, meter),
            "instance": instance,
            "match_label": np.where(
                by_node, labels.of(generation, "node"), labels.of(generation, "instance")
            ),
            "match_value": node_label.where(by_node, instance),
        }
    ).astype("str")


def _part(label: Label, meter: kepler.Meter) -> pd.Series:
    """Socket or device of a node's counter: several of them add up."""
    if meter.generation == kepler.LEGACY:
        return label("package")
    return label("gpu_uuid" if meter.power_domain == kepler.GPU else "path")


def _container(ids: pd.Series, names: pd.Series) -> pd.Series:
    """Container id; the container's name where an old Kepler has no id."""
    return ids.where(ids != "", names)


def _source(label: Label, meter: kepler.Meter) -> pd.Series:
    """`rapl` (measured), `model` (estimated), else Kepler's own word for its source."""
    if meter.generation == kepler.REWRITE:
        path = label("path")
        hwmon = path.str.contains("hwmon", regex=False)
        words = kepler.GPU if meter.power_domain == kepler.GPU else np.where(hwmon, "hwmon", "rapl")
        return pd.Series(words, index=path.index, dtype="str")
    source = label("source")
    measured = source.str.contains("rapl", regex=False)
    modelled = source.isin(["estimator", "trained_power_model"])
    words = np.where(measured, "rapl", np.where(modelled, "model", source.where(source != "", "unknown")))
    return pd.Series(words, index=source.index, dtype="str")


def pods_only(series: pd.DataFrame) -> np.ndarray:
    """Which rows are pods: not host processes, pause containers or podman (they have no pod id)."""
    host = series["pod"].isin(HOST_ROWS) & series["namespace"].isin(["system", "kernel"])
    nameless = (series["generation"] == kepler.REWRITE) & (series["pod_uid"] == "") & (series["pod"] == "")
    return np.asarray((series["level"] == kepler.NODE) | ~(host | nameless))
