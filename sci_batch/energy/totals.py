"""All stretches together: ENERGY per window, pod and node."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sci_batch.counters import FLAG_BITS, any_flag
from sci_batch.energy.intervals import Booked
from sci_batch.units import JOULES_PER_KWH, MS_PER_SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """ENERGY. `pods`: one row per window, node, pod; `nodes`: one row per window and node.

    pods: window, node, namespace, pod, pod_uid, level, source, active_kwh, seconds [alive], flags [bits].
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
    rises = rises.join(keys, on="key", validate="m:1")
    rises["kwh"] = rises["joules"] / JOULES_PER_KWH
    is_node = rises["level"] == "node"
    pods = _pods(rises[~is_node])
    return Energy(pods=pods, nodes=_nodes(rises[is_node], pods, parts, nodes, edges_ms))


def _pods(rises: pd.DataFrame) -> pd.DataFrame:
    per_key = rises.groupby([*POD_KEY, "key"], as_index=False, dropna=False).agg(
        kwh=("kwh", "sum"), seconds=("seconds", "sum"), level=("level", "first"), source=("source", "first")
    )
    grouped = per_key.groupby(POD_KEY, as_index=False, dropna=False)
    pods = grouped.agg(
        active_kwh=("kwh", "sum"),
        seconds=("seconds", "max"),
        level=("level", "first"),
        source=("source", "first"),
    )
    number = rises.groupby(POD_KEY, dropna=False).ngroup().to_numpy()
    bits = any_flag(number, rises["flags"].to_numpy(), len(pods))
    rewrite_container = (pods["level"] == "container") & (pods["pod_uid"] != "")
    domains = (
        rises.assign(total=rises["power_domain"] == "total").groupby(POD_KEY, dropna=False)["total"].any()
    )
    bits = bits | np.where(rewrite_container, FLAG_BITS["container-level"], 0)
    bits = bits | np.where(domains.to_numpy(), FLAG_BITS["legacy-total"], 0)
    pods = pods.assign(flags=bits).drop(columns="level")
    # old Kepler goes on showing containers that ended, flat
    shown = (pods["active_kwh"] > 0) | (pods["seconds"] > 0) | (pods["flags"] != 0)
    return pods.loc[shown].reset_index(drop=True)


def _nodes(
    rises: pd.DataFrame, pods: pd.DataFrame, parts: list[Booked], nodes: pd.DataFrame, edges_ms: np.ndarray
) -> pd.DataFrame:
    own = rises.groupby(NODE_KEY, as_index=False).agg(node_kwh=("kwh", "sum"), source=("source", "first"))
    number = rises.groupby(NODE_KEY).ngroup().to_numpy()
    own["flags"] = any_flag(number, rises["flags"].to_numpy(), len(own))
    frame = (
        pd.concat([own[NODE_KEY], pods[NODE_KEY]], ignore_index=True)
        .drop_duplicates()
        .sort_values(NODE_KEY, ignore_index=True)
        .merge(own, on=NODE_KEY, how="left", validate="1:1")
        .merge(_seen(parts, nodes), on=NODE_KEY, how="left", validate="1:1")
    )
    length = np.diff(edges_ms)[frame["window"].to_numpy()] / MS_PER_SECOND
    coverage = np.minimum(frame["seconds"].fillna(0.0).to_numpy() / length, 1.0)
    coverage = np.where(coverage > 1 - 1e-9, 1.0, coverage)
    bits = frame["flags"].fillna(0).to_numpy().astype(np.int64)
    bits = bits | np.where(coverage < 1.0, FLAG_BITS["gap"], 0)
    bits = bits | np.where(frame["node_kwh"].isna(), FLAG_BITS["no-node-energy"], 0)
    source = frame["source"].fillna("").astype("str")
    return frame.assign(coverage=coverage, flags=bits, source=source).drop(columns="seconds")


def _seen(parts: list[Booked], nodes: pd.DataFrame) -> pd.DataFrame:
    """Seconds in which each node was watched; two generations on a node at once count once, at most."""
    seen = pd.concat([part.seen for part in parts], ignore_index=True)
    seen["node"] = nodes["node"].to_numpy()[seen["node"].to_numpy()]
    return seen.groupby(NODE_KEY, as_index=False).agg(seconds=("seconds", "sum"))
