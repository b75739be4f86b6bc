"""Intensity meets energy: each row of energy gets the intensity of its time and place."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sci_batch.counters import composite
from sci_batch.errors import UsageError
from sci_batch.intensity.frame import Intensity


def changes_ms(intensity: Intensity) -> tuple[int, ...]:
    """Moments [Unix ms] at which the intensity of any grid zone may change."""
    return tuple(np.unique(intensity.slots["start_ms"].to_numpy(np.int64)).tolist())


def matched(intensity: Intensity, nodes: pd.Series, window: np.ndarray, edges_ms: np.ndarray) -> pd.DataFrame:
    """Intensity of each row, which lies in one slot.

    Parameters
    ----------
    nodes
        Node of each row.
    window
        Number of each row's window.
    edges_ms
        Edges of these windows [Unix ms]; every change of the intensity is an edge, so that `E x I` is
        summed at the finer of the two time steps.

    Returns
    -------
    gco2e_per_kwh, source, flags [bits], with the index of `nodes`.

    Raises
    ------
    UsageError
        A node whose place on the grid is not known.
    """
    columns = ["gco2e_per_kwh", "source", "flags"]
    return slots_at(intensity, nodes, edges_ms[window], columns)


def slots_at(
    intensity: Intensity, nodes: pd.Series, at_ms: np.ndarray, columns: list[str] | None = None
) -> pd.DataFrame:
    """INTENSITY (or some columns of it) of the slot that each row lies in, with the index of `nodes`.

    `at_ms` in Unix ms.

    Raises
    ------
    UsageError
        A node whose place on the grid is not known.
    """
    slots = intensity.slots.sort_values(["grid_zone", "start_ms"], ignore_index=True)
    zones = slots["grid_zone"].unique()
    number = {zone: position for position, zone in enumerate(zones.tolist())}
    code = composite(slots["grid_zone"].map(number).to_numpy(np.int64), slots["start_ms"].to_numpy(np.int64))
    zone = _zone_number(intensity, nodes, number)
    at = np.searchsorted(code, composite(zone, at_ms), side="right") - 1
    return slots[columns or slots.columns].iloc[at].set_axis(nodes.index)


def _zone_number(intensity: Intensity, nodes: pd.Series, number: dict[str, int]) -> np.ndarray:
    if not intensity.zone_of_node:
        return np.full(len(nodes), number[intensity.zones[0]])
    zones = nodes.map(intensity.zone_of_node)
    lost = sorted(set(nodes[zones.isna()]))
    if lost:
        raise UsageError(
            f"the place of {', '.join(lost[:3])} on the grid is not known"
            + (f" ({len(lost)} nodes)" if len(lost) > 3 else ""),
            "Name the place for all nodes, such as --intensity region:aws:eu-west-1.",
        )
    return zones.map(number).to_numpy(np.int64)
