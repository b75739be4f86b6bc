"""Who carries the node energy of no pod (idle, host processes): a named policy, and closed books."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sci_batch.counters import FLAG_BITS
from sci_batch.schema import UNATTRIBUTED

POLICIES = ("by-energy", "by-request", "even", "separate", "drop")
TOLERANCE = 1e-9
"""Relative; above it a book is open."""
NODE_KEY = ["window", "node"]


def books(pods: pd.DataFrame, nodes: pd.DataFrame) -> pd.DataFrame:
    """BOOKS, one row per window and node: node_kwh = pods_kwh + unattributed_kwh + residual_kwh.

    `unattributed_kwh` is what the node used beyond its pods. When the pods claim more than their node,
    it is 0, the residual is negative and `closed` is False. Unknown node energy: both are null.
    Other columns: coverage, flags, source of `nodes`.
    """
    claimed = pods.groupby(NODE_KEY, as_index=False).agg(pods_kwh=("active_kwh", "sum"))
    frame = nodes.merge(claimed, on=NODE_KEY, how="left", validate="1:1")
    frame["pods_kwh"] = frame["pods_kwh"].fillna(0.0)  # no pod on the node is a known zero
    left = frame["node_kwh"] - frame["pods_kwh"]
    noise = left.abs() <= TOLERANCE * frame["node_kwh"]
    left = left.mask(noise & (left < 0), 0.0)
    exceeded = left < 0
    frame = frame.assign(
        unattributed_kwh=left.clip(lower=0.0),
        residual_kwh=left.clip(upper=0.0),
        closed=~exceeded & frame["node_kwh"].notna(),
    )
    return frame.assign(flags=frame["flags"] | np.where(exceeded, FLAG_BITS["pods-exceed-node"], 0))


def weights(pods: pd.DataFrame, policy: str) -> tuple[np.ndarray, np.ndarray]:
    """Each pod's share of what its node leaves over, 0..1, and flag bits.

    by-energy: by active energy. by-request: by CPU request x time lived (by energy where the node has no
    requests). even: by time lived. Shares of a node's pods add up to 1, or are all 0 where no pod can
    carry anything; separate and drop: all 0.
    """
    flags = np.zeros(len(pods), np.int64)
    if policy in ("separate", "drop"):
        return np.zeros(len(pods)), flags
    by_energy = _part(pods, pods["active_kwh"])
    by_life = _part(pods, pods["seconds"])
    fallback = np.where(np.isnan(by_energy), by_life, by_energy)
    if policy == "by-energy":
        share = fallback
    elif policy == "even":
        share = np.where(np.isnan(by_life), fallback, by_life)
    else:
        by_request = _part(pods, pods["request_cores"].fillna(0.0) * pods["seconds"])
        missing = np.isnan(by_request)
        share = np.where(missing, fallback, by_request)
        flags = np.where(missing, FLAG_BITS["requests-missing"], 0)
    return np.nan_to_num(share), flags


def _part(pods: pd.DataFrame, amount: pd.Series) -> np.ndarray:
    """Each row's part of its node and window; null where they add up to nothing."""
    whole = amount.groupby([pods[key] for key in NODE_KEY]).transform("sum").to_numpy()
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(whole > 0, amount.to_numpy() / whole, np.nan))


def share(pods: pd.DataFrame, book: pd.DataFrame, policy: str) -> pd.DataFrame:
    """Close the books: every pod with its part, and a row per node for what no pod carries.

    Parameters
    ----------
    pods
        window, node, ..., active_kwh, seconds, request_cores, flags. `energy_row` is -1 in rows added here.
    book
        BOOKS.
    policy
        One of `POLICIES`.

    Returns
    -------
    The pods with `share` [0..1 of what the node leaves over], `shared_kwh`, `coverage`, and rows with
    workload_kind `Unattributed`: for `separate`, and wherever no pod of the node can carry its share.
    Per window and node, active + shared = node energy, unless the policy is `drop`.
    """
    part, flags = weights(pods, policy)
    book_part = book[[*NODE_KEY, "node_kwh", "unattributed_kwh", "coverage", "source", "flags"]]
    frame = pods.assign(share=part, flags=pods["flags"] | flags).merge(
        book_part, on=NODE_KEY, how="left", validate="m:1", suffixes=("", "_node")
    )
    frame = frame.assign(
        shared_kwh=frame["unattributed_kwh"] * frame["share"],
        flags=frame["flags"] | frame["flags_node"],
        source=frame["source"].mask(frame["source_node"] != "", frame["source_node"]),
    ).drop(columns=["flags_node", "source_node", "unattributed_kwh"])
    if policy == "drop":
        dropped = np.where(frame["node_kwh"].notna(), FLAG_BITS["unattributed-dropped"], 0)
        return frame.assign(flags=frame["flags"] | dropped)
    return pd.concat([frame, _own_rows(frame, book, policy)], ignore_index=True)


def _own_rows(frame: pd.DataFrame, book: pd.DataFrame, policy: str) -> pd.DataFrame:
    """Rows for node energy that no pod carries."""
    carried = frame.groupby(NODE_KEY)["share"].sum()
    at = pd.MultiIndex.from_frame(book[NODE_KEY])
    nobody = carried.reindex(at).fillna(0.0).to_numpy() < 0.5
    mine = book[nobody & (book["node_kwh"].notna()).to_numpy()]
    empty = pd.Series("", index=mine.index, dtype="str")
    why = 0 if policy == "separate" else FLAG_BITS["unattributed-kept"]
    has_pods = pd.MultiIndex.from_frame(mine[NODE_KEY]).isin(pd.MultiIndex.from_frame(frame[NODE_KEY]))
    no_pods = np.where(has_pods | (policy == "separate"), 0, FLAG_BITS["no-pod-level"])
    return pd.DataFrame(
        {
            **{column: empty for column in frame.columns if frame[column].dtype == "str"},
            "window": mine["window"], "node": mine["node"], "energy_row": -1,
            "workload_kind": UNATTRIBUTED, "workload": mine["node"],
            "active_kwh": 0.0, "gpu_kwh": np.nan, "shared_kwh": mine["unattributed_kwh"],
            "seconds": 0.0, "share": 1.0,
            "request_cores": np.nan, "node_cores": np.nan, "inferred": False,
            "request_bytes": np.nan, "node_bytes": np.nan,
            "node_kwh": mine["node_kwh"], "coverage": mine["coverage"],
            "source": mine["source"], "flags": mine["flags"] | why | no_pods,
        }
    )[list(frame.columns)].astype({"workload_kind": "str"})  # fmt: skip
