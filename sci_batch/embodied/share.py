"""Grams per pod and window: `M = TE x TiR/EL x RR/ToR` (SCI, ISO/IEC 21031). Arithmetic only."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sci_batch.counters import FLAG_BITS, by_uid_else_name
from sci_batch.units import GRAMS_PER_KILOGRAM

SHARES = ("cpu", "memory", "mean")
"""What RR and ToR are counted in."""
NODE_KEY = ["window", "node"]


def node_gco2e(
    embodied_kgco2e: float | np.ndarray, seconds: np.ndarray, lifespan_seconds: float | np.ndarray
) -> np.ndarray:
    """Embodied carbon that a whole node uses up in some time [gCO2e]: TE x TiR / EL.

    >>> float(node_gco2e(1000.0, np.array([3600.0]), 4 * 365 * 86400)[0])
    28.538812785388128
    """
    return np.asarray(embodied_kgco2e * GRAMS_PER_KILOGRAM * (seconds / lifespan_seconds))


def reserved(
    pods: pd.DataFrame, window_seconds: np.ndarray, by: str = "cpu"
) -> tuple[np.ndarray, np.ndarray]:
    """RR/ToR of each pod, 0..1, and flag bits.

    cpu: the larger of the CPU request (for the time lived) and the pod's share of the node's energy, of
    the node's cores; its share of the energy alone where requests or cores are unknown. memory: the
    memory request (for the time lived) of the node's memory, as Kepler does not see what is used; the CPU
    share, flagged, where the node's memory is unknown. mean: half of each. More than the whole node is
    scaled to the node, each resource for itself.

    Parameters
    ----------
    pods
        window, node, active_kwh, node_kwh, seconds [lived], request_cores, node_cores; for memory and
        mean also request_bytes, node_bytes.
    window_seconds
        Length of each window [s].
    by
        One of `SHARES`.
    """
    lived = pods["seconds"].to_numpy() / window_seconds[pods["window"].to_numpy()]
    place = _places(pods)
    cpu, over = _at_most_the_node(place, _of_cores(pods, place, lived))
    if by == "cpu":
        return cpu, np.where(over, FLAG_BITS["overcommitted"], 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        asked = (pods["request_bytes"].fillna(0.0) * lived / pods["node_bytes"]).to_numpy()
    memory, memory_over = _at_most_the_node(place, np.nan_to_num(asked))
    unknown = np.isnan(asked)
    share = np.where(unknown, cpu, memory if by == "memory" else (cpu + memory) / 2)
    over = memory_over | (over & (unknown | (by == "mean")))
    flags = np.where(over, FLAG_BITS["overcommitted"], 0)
    return share, flags | np.where(unknown & (cpu > 0), FLAG_BITS["memory-unknown"], 0)


def _of_cores(pods: pd.DataFrame, place: np.ndarray, lived: np.ndarray) -> np.ndarray:
    """The larger of request and use, as a share of the node."""
    pods_kwh = _per_node(place, np.nan_to_num(pods["active_kwh"].to_numpy()))
    # pods that exceed their node are held against each other, as no node holds more than itself
    whole = np.fmax(pods["node_kwh"].to_numpy(), pods_kwh)
    with np.errstate(invalid="ignore", divide="ignore"):
        by_energy = np.where(whole > 0, pods["active_kwh"].to_numpy() / whole, 0.0)
        by_request = (pods["request_cores"] * lived / pods["node_cores"]).to_numpy()
    return np.asarray(np.fmax(by_energy, by_request))


def _at_most_the_node(place: np.ndarray, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shares that add up to at most 1 per node and window, and which were scaled."""
    total = _per_node(place, share)
    return share / np.maximum(total, 1.0), total > 1 + 1e-9


def _places(rows: pd.DataFrame) -> np.ndarray:
    """A number for the window and node of each row, from 0."""
    return np.asarray(rows.groupby(NODE_KEY, sort=False, dropna=False).ngroup(), np.int64)


def _per_node(place: np.ndarray, amount: np.ndarray) -> np.ndarray:
    """For each row, what the rows of its window and node add up to."""
    return np.asarray(np.bincount(place, amount)[place])


def embodied(
    rows: pd.DataFrame, window_seconds: np.ndarray, *, embodied_kgco2e: float | np.ndarray,
    lifespan_seconds: float | np.ndarray, by: str = "cpu",
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """M of each row [gCO2e], and flag bits.

    What the pods reserve is theirs; the rest of the node follows the policy of `sharing.share` (column
    `share`). Per node and window, M adds up to TE x window / EL, unless the policy drops the rest.

    Parameters
    ----------
    rows
        Columns of `reserved`, and share [0..1].
    window_seconds
        Length of each window [s].
    embodied_kgco2e, lifespan_seconds
        TE [kgCO2e] and EL [s]: of every node, or of the node of each row.
    by
        One of `SHARES`.
    """
    part, flags = shares(rows, window_seconds, by)
    node = node_gco2e(embodied_kgco2e, window_seconds[rows["window"].to_numpy()], lifespan_seconds)
    return node * part, flags


def shares(rows: pd.DataFrame, window_seconds: np.ndarray, by: str) -> tuple[np.ndarray, np.ndarray]:
    """Each row's part of its node's hardware, 0..1: what it reserves, and its part of the rest; flag bits."""
    part, flags = reserved(rows, window_seconds, by)
    place = _places(rows)
    rest = np.clip(1.0 - _per_node(place, part), 0.0, None)
    share = rows["share"].to_numpy()
    alone = rows["node_kwh"].isna().to_numpy()
    if alone.any():  # a node without counters of its own has no row for what its pods leave over
        nobody = alone & (_per_node(place, share) < 0.5)
        share = np.where(nobody, _by_part(place, part), share)
    return part + rest * share, flags


def _by_part(place: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Each row's share of a node that only these rows use: by what is reserved, else in equal parts."""
    reserved_of_node, count = _per_node(place, part), _per_node(place, np.ones(len(place)))
    with np.errstate(invalid="ignore"):  # nothing of nothing
        return np.asarray(np.where(reserved_of_node > 0, part / reserved_of_node, 1.0 / count))


def with_hardware(
    pods: pd.DataFrame, requests: pd.DataFrame, capacity: pd.DataFrame,
    memory_requests: pd.DataFrame | None = None, memory_capacity: pd.DataFrame | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Add request_cores and node_cores [cores]; with memory also request_bytes and node_bytes [bytes].

    Null where kube-state-metrics does not know them.

    `requests`: namespace, pod, uid, cores; joined on the uid, else on namespace and pod.
    `capacity`: node, cores. `memory_requests`, `memory_capacity`: the same in bytes.
    """
    pods = pods.assign(
        request_cores=_request(pods, requests, "cores"), node_cores=_capacity(pods, capacity, "cores")
    )
    if memory_requests is None or memory_capacity is None:
        return pods
    return pods.assign(
        request_bytes=_request(pods, memory_requests, "bytes"),
        node_bytes=_capacity(pods, memory_capacity, "bytes"),
    )


def _request(pods: pd.DataFrame, requests: pd.DataFrame, value: str) -> pd.Series:
    by_uid = requests[requests["uid"] != ""].drop_duplicates("uid", keep="last").set_index("uid")[value]
    by_pod = requests.drop_duplicates(["namespace", "pod"], keep="last")[["namespace", "pod", value]]
    return pd.Series(by_uid_else_name(pods, by_uid, by_pod), index=pods.index)


def _capacity(pods: pd.DataFrame, capacity: pd.DataFrame, value: str) -> pd.Series:
    of_node = capacity.drop_duplicates("node", keep="last").set_index("node")[value]
    return pods["node"].map(of_node).astype("float64")
