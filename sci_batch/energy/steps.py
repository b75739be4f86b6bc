"""Energy inside the windows: what steps add up to, and how a window's energy lies in them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sci_batch.counters import FLAG_BITS, any_flag, joined_words, window_of_step
from sci_batch.energy.totals import NODE_KEY, POD_KEY, Energy, watched
from sci_batch.units import MS_PER_SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Where in its window energy was used. Factors that change inside a window are weighted by it.

    pods: row (`energy_row` of ENERGY), step, node, active_kwh. nodes: window, step, node, left_kwh (energy
    of no pod, null where unknown), seconds [length of the step]. edges_ms: edges of the steps.
    """

    pods: pd.DataFrame
    nodes: pd.DataFrame
    edges_ms: np.ndarray


def in_windows(energy: Energy, steps_ms: np.ndarray, windows_ms: np.ndarray) -> tuple[Energy, Steps | None]:
    """ENERGY of steps as ENERGY of the windows that hold them.

    A step without energy of the node's own counters adds nothing; a window of such steps stays unknown.

    Returns
    -------
    ENERGY with the number of each pod row as `energy_row`, and its steps; None where windows are not cut.
    """
    if np.array_equal(steps_ms, windows_ms):
        return replace(energy, pods=_numbered(energy.pods)), None
    window = window_of_step(steps_ms, windows_ms)
    pods = energy.pods.rename(columns={"window": "step"})
    pods = pods.assign(window=window[pods["step"].to_numpy()])
    nodes = energy.nodes.rename(columns={"window": "step"})
    nodes = nodes.assign(window=window[nodes["step"].to_numpy()])
    together, row = _pods(pods)
    steps = Steps(
        pods=pods[["step", "node", "active_kwh"]].assign(row=row),
        nodes=_left(nodes, pods, np.diff(steps_ms)),
        edges_ms=steps_ms,
    )
    whole = _nodes(nodes, np.diff(steps_ms), np.diff(windows_ms))
    return Energy(pods=_numbered(together), nodes=whole), steps


def _numbered(pods: pd.DataFrame) -> pd.DataFrame:
    return pods.assign(energy_row=np.arange(len(pods)))


def _pods(pods: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """The pods by window, and for each row of a step the number of its window's row."""
    groups = pods.groupby(POD_KEY, sort=True, dropna=False)
    row = groups.ngroup().to_numpy()
    out = groups[["active_kwh", "gpu_kwh", "seconds"]].sum(min_count=1).reset_index()
    return (
        out.assign(
            source=joined_words(row, pods["source"], len(out)),
            flags=any_flag(row, pods["flags"].to_numpy(), len(out)),
        ),
        row,
    )


def _nodes(nodes: pd.DataFrame, step_ms: np.ndarray, window_ms: np.ndarray) -> pd.DataFrame:
    seen = nodes.assign(seen_ms=nodes["coverage"] * step_ms[nodes["step"].to_numpy()])
    groups = seen.groupby(NODE_KEY, sort=True)
    row = groups.ngroup().to_numpy()
    out = groups[["node_kwh", "seen_ms"]].sum(min_count=1).reset_index()
    of_whole = FLAG_BITS["gap"] | FLAG_BITS["no-node-energy"]  # of the window, whatever its steps say
    told = out.drop(columns="seen_ms").assign(
        source=joined_words(row, nodes["source"], len(out)),
        flags=any_flag(row, nodes["flags"].to_numpy(), len(out)) & ~of_whole,
    )
    return watched(told, out["seen_ms"].to_numpy() / window_ms[out["window"].to_numpy()])


def _left(nodes: pd.DataFrame, pods: pd.DataFrame, step_ms: np.ndarray) -> pd.DataFrame:
    """What no pod of a node used in each step."""
    claimed = pods.groupby(["step", "node"], as_index=False).agg(pods_kwh=("active_kwh", "sum"))
    both = nodes.merge(claimed, on=["step", "node"], how="left", validate="1:1")
    left = (both["node_kwh"] - both["pods_kwh"].fillna(0.0)).clip(lower=0.0)
    return both[["window", "step", "node"]].assign(
        left_kwh=left, seconds=step_ms[both["step"].to_numpy()] / MS_PER_SECOND
    )
