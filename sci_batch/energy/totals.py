"""All stretches together: ENERGY per window, pod and node."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sci_batch.counters import FLAG_BITS, any_flag, joined_words
from sci_batch.energy.intervals import Booked, meter_numbers
from sci_batch.units import JOULES_PER_KWH, MS_PER_SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """ENERGY. `pods`: one row per window, node, pod; `nodes`: one row per window and node.

    pods: window, node, namespace, pod, pod_uid, active_kwh, gpu_kwh (null
    where no GPU is measured), seconds [alive], source, flags [bits].
    nodes: window, node, node_kwh (null where the node has no counters of its own), coverage [0..1],
    flags [bits].
    """

    pods: pd.DataFrame
    nodes: pd.DataFrame


POD_KEY = ["window", "node", "namespace", "pod", "pod_uid"]
NODE_KEY = ["window", "node"]


def total(parts: list[Booked], keys: pd.DataFrame, nodes: pd.DataFrame, edges_ms: np.ndarray) -> Energy:
    """Add up all stretches: power domains, sockets, containers and both modes become one number.

    J become kWh here and nowhere else (1 kWh = 3 600 000 J).
    """
    rises = pd.concat([part.rises for part in parts], ignore_index=True)
    rises["kwh"] = rises["joules"] / JOULES_PER_KWH
    is_node = (keys["level"] == "node").to_numpy()[rises["key"].to_numpy()]
    pods = _pods(rises[~is_node], keys)
    of_nodes = rises[is_node].join(keys[["node", "source"]], on="key", validate="m:1")
    return Energy(pods=pods, nodes=_nodes(of_nodes, pods, parts, nodes, edges_ms))


def _pods(rises: pd.DataFrame, keys: pd.DataFrame) -> pd.DataFrame:
    key = rises["key"].to_numpy()
    gpu = (keys["power_domain"] == "gpu").to_numpy()[key]
    # a number per pod, in the order of the names: grouping names once per row would take ten times as long
    rises = rises.assign(
        pod_number=keys.groupby(POD_KEY[1:], dropna=False).ngroup().to_numpy()[key],
        gpu_kwh=rises["kwh"].where(gpu) if gpu.any() else np.nan,
    )
    by_pod = ["window", "pod_number"]
    # containers tell a part of their pod's life each, power domains and modes all of it
    per_meter = rises.assign(meter=meter_numbers(keys)[key]).groupby([*by_pod, "meter"], as_index=False)
    pods = (
        per_meter.agg(
            kwh=("kwh", "sum"), gpu_kwh=("gpu_kwh", "sum"), seconds=("seconds", "sum"), key=("key", "first")
        )
        .groupby(by_pod, as_index=False)
        .agg(
            active_kwh=("kwh", "sum"), gpu_kwh=("gpu_kwh", "sum"), seconds=("seconds", "max"),
            key=("key", "first"),
        )
    )  # fmt: skip
    of_pod = keys.iloc[pods["key"].to_numpy()].reset_index(drop=True)
    number = rises.groupby(by_pod).ngroup().to_numpy()
    legacy_total = np.where(keys["power_domain"] == "total", FLAG_BITS["legacy-total"], 0)
    bits = any_flag(number, rises["flags"].to_numpy() | legacy_total[key], len(pods))
    rewrite_container = (of_pod["level"] == "container") & (of_pod["pod_uid"] != "")
    bits = bits | np.where(rewrite_container, FLAG_BITS["container-level"], 0)
    pods = pods.assign(
        **{name: of_pod[name] for name in POD_KEY[1:]},
        source=joined_words(number, keys["source"].take(key), len(pods)),
        flags=bits,
        gpu_kwh=pods["gpu_kwh"] if gpu.any() else np.nan,
    )[[*POD_KEY, "active_kwh", "gpu_kwh", "seconds", "source", "flags"]]
    # old Kepler goes on showing containers that ended, flat
    shown = (pods["active_kwh"] > 0) | (pods["seconds"] > 0) | (pods["flags"] != 0)
    return pods.loc[shown].reset_index(drop=True)


def _nodes(
    rises: pd.DataFrame, pods: pd.DataFrame, parts: list[Booked], nodes: pd.DataFrame, edges_ms: np.ndarray
) -> pd.DataFrame:
    own = rises.groupby(NODE_KEY, as_index=False).agg(node_kwh=("kwh", "sum"))
    number = rises.groupby(NODE_KEY).ngroup().to_numpy()
    own["source"] = joined_words(number, rises["source"], len(own))
    own["flags"] = any_flag(number, rises["flags"].to_numpy(), len(own))
    frame = (
        pd.concat([own[NODE_KEY], pods[NODE_KEY]], ignore_index=True)
        .drop_duplicates()
        .sort_values(NODE_KEY, ignore_index=True)
        .merge(own, on=NODE_KEY, how="left", validate="1:1")
        .merge(_seen(parts, nodes), on=NODE_KEY, how="left", validate="1:1")
    )
    length = np.diff(edges_ms)[frame["window"].to_numpy()] / MS_PER_SECOND
    told = frame.drop(columns="seconds").assign(
        flags=frame["flags"].fillna(0).astype("int64"), source=frame["source"].fillna("").astype("str")
    )
    return watched(told, frame["seconds"].fillna(0.0).to_numpy() / length)


def watched(nodes: pd.DataFrame, share: np.ndarray) -> pd.DataFrame:
    """Nodes with their coverage, `share` of the time [0..1, and what rounding adds], and flags of doubt."""
    coverage = np.minimum(share, 1.0)
    coverage = np.where(coverage > 1 - 1e-9, 1.0, coverage)
    bits = nodes["flags"].to_numpy() | np.where(coverage < 1.0, FLAG_BITS["gap"], 0)
    bits = bits | np.where(nodes["node_kwh"].isna(), FLAG_BITS["no-node-energy"], 0)
    return nodes.assign(coverage=coverage, flags=bits)


def _seen(parts: list[Booked], nodes: pd.DataFrame) -> pd.DataFrame:
    """Seconds in which each node was watched; two generations on a node at once count once, at most."""
    seen = pd.concat([part.seen for part in parts], ignore_index=True)
    seen["node"] = nodes["node"].to_numpy()[seen["node"].to_numpy()]
    return seen.groupby(NODE_KEY, as_index=False).agg(seconds=("seconds", "sum"))
