"""Embodied carbon: hardware to grams per pod and window. `M = TE x TiR/EL x RR/ToR` (SCI, ISO/IEC 21031)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sci_batch.counters import FLAG_BITS
from sci_batch.errors import UsageError
from sci_batch.units import GRAMS_PER_KILOGRAM

DEFAULT_KGCO2E = 1216.0
"""Median manufacturing footprint of 48 vendor server reports (465 to 2503 kg; e.g. Dell R740 1313)."""
NODE_KEY = ["window", "node"]


def node_gco2e(embodied_kgco2e: float, seconds: np.ndarray, lifespan_seconds: float) -> np.ndarray:
    """Embodied carbon that a whole node uses up in some time [gCO2e]: TE x TiR / EL.

    >>> float(node_gco2e(1000.0, np.array([3600.0]), 4 * 365 * 86400)[0])
    28.538812785388128
    """
    return np.asarray(embodied_kgco2e * GRAMS_PER_KILOGRAM * (seconds / lifespan_seconds))


def reserved(pods: pd.DataFrame, window_seconds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """RR/ToR of each pod, 0..1, and flag bits.

    The larger of the CPU request (for the time lived) and the pod's share of the node's energy, of the
    node's cores; its share of the energy alone where requests or cores are unknown. More than the whole
    node is scaled to the node.

    Parameters
    ----------
    pods
        window, node, active_kwh, node_kwh, seconds [lived], request_cores, node_cores.
    window_seconds
        Length of each window [s].
    """
    lived = pods["seconds"].to_numpy() / window_seconds[pods["window"].to_numpy()]
    pods_kwh = _per_node(pods, pods["active_kwh"].to_numpy())
    # pods that exceed their node are held against each other, as no node holds more than itself
    whole = np.fmax(pods["node_kwh"].to_numpy(), pods_kwh)
    with np.errstate(invalid="ignore", divide="ignore"):
        by_energy = np.where(whole > 0, pods["active_kwh"].to_numpy() / whole, 0.0)
        by_request = (pods["request_cores"] * lived / pods["node_cores"]).to_numpy()
    share = np.fmax(by_energy, by_request)
    total = _per_node(pods, share)
    over = total > 1 + 1e-9
    return share / np.maximum(total, 1.0), np.where(over, FLAG_BITS["overcommitted"], 0)


def _per_node(pods: pd.DataFrame, amount: np.ndarray) -> np.ndarray:
    """For each row, what the rows of its window and node add up to."""
    keys = [pods[key] for key in NODE_KEY]
    return np.asarray(pd.Series(amount, index=pods.index).groupby(keys).transform("sum"))


def embodied(
    rows: pd.DataFrame, window_seconds: np.ndarray, *, embodied_kgco2e: float, lifespan_seconds: float
) -> tuple[np.ndarray, np.ndarray]:
    """M of each row [gCO2e], and flag bits.

    What the pods reserve is theirs; the rest of the node follows the policy of `sharing.share` (column
    `share`). Per node and window, M adds up to TE x window / EL, unless the policy drops the rest.
    """
    node = node_gco2e(embodied_kgco2e, window_seconds, lifespan_seconds)[rows["window"].to_numpy()]
    part, flags = reserved(rows, window_seconds)
    rest = np.clip(1.0 - _per_node(rows, part), 0.0, None)
    return node * (part + rest * rows["share"].to_numpy()), flags


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """TE of one node [kgCO2e], the words that say where it comes from, and flag bits for its rows."""

    kgco2e: float
    source: str
    flags: int = 0


def load(spec: str | None) -> Hardware:
    """`kg:1200`; the default, flagged, without any.

    Raises
    ------
    UsageError
        Another kind, or not a number above 0.
    """
    if spec is None:
        return Hardware(
            kgco2e=DEFAULT_KGCO2E,
            source=f"default:kg:{DEFAULT_KGCO2E:g}",
            flags=FLAG_BITS["embodied-default"],
        )
    kind, _, argument = spec.partition(":")
    try:
        value = float(argument)
    except ValueError:
        value = math.nan
    if kind != "kg" or not value > 0:
        raise UsageError(f"not embodied carbon of a node: {spec}", "--embodied takes kg:1200.")
    return Hardware(kgco2e=value, source=f"kg:{value:g}")


def with_hardware(pods: pd.DataFrame, requests: pd.DataFrame, capacity: pd.DataFrame) -> pd.DataFrame:
    """Add request_cores and node_cores [cores]; null where kube-state-metrics does not know them.

    `requests`: namespace, pod, uid, cores; joined on the uid, else on namespace and pod.
    `capacity`: node, cores.
    """
    by_uid = requests[requests["uid"] != ""].drop_duplicates("uid", keep="last").set_index("uid")["cores"]
    by_pod = requests.drop_duplicates(["namespace", "pod"], keep="last")[["namespace", "pod", "cores"]]
    first = pods["pod_uid"].map(by_uid)
    second = pods[["namespace", "pod"]].merge(by_pod, on=["namespace", "pod"], how="left", validate="m:1")[
        "cores"
    ]
    cores = capacity.drop_duplicates("node", keep="last").set_index("node")["cores"]
    return pods.assign(
        request_cores=first.where(first.notna(), second.to_numpy()).astype("float64"),
        node_cores=pods["node"].map(cores).astype("float64"),
    )
