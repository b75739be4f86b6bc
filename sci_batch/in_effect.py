"""The grid intensity in effect: where it changes inside a window, it is weighted by the energy used then.

`sum of E x I` over the steps is `E` of the window times the intensity in effect, so energy and hardware of
a row are the same whatever the step of the intensity.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sci_batch.counters import any_flag, joined_words, weighted_mean
from sci_batch.energy import Steps
from sci_batch.grid import Grid


def intensity(
    rows: pd.DataFrame, steps: Steps | None, windows_ms: np.ndarray, grid: Grid, name: str
) -> pd.DataFrame:
    """Intensity of each row by the source `name`.

    Parameters
    ----------
    rows
        window, node, energy_row, active_kwh, shared_kwh, as `sharing.share` returns them.
    steps
        Where in the windows energy was used; None: a window has one intensity.

    Returns
    -------
    gco2e_per_kwh, source, flags [bits], with the index of `rows`. The active energy of a pod is weighted
    by when it was used, its shared energy by when its node used energy of no pod.
    """
    if steps is None:
        return grid.at(name, rows["node"], rows["window"].to_numpy(), windows_ms)
    at = steps.nodes.join(grid.at(name, steps.nodes["node"], steps.nodes["step"].to_numpy(), steps.edges_ms))
    place = at.groupby(["window", "node"], sort=True).ngroup().to_numpy()
    places = at.assign(place=place).drop_duplicates("place").sort_values("place", ignore_index=True)
    value, weight, seconds = (
        column.to_numpy(np.float64)
        for column in (at["gco2e_per_kwh"], at["left_kwh"].fillna(0.0), at["seconds"])
    )
    left = weighted_mean(place, value, weight, len(places), otherwise=seconds)
    places = places[["window", "node"]].assign(
        left=left,
        source=joined_words(place, at["source"], len(places)),
        flags=any_flag(place, at["flags"].to_numpy(), len(places)),
    )
    mine = rows[["window", "node"]].merge(places, on=["window", "node"], how="left", validate="m:1")
    both = mine.assign(
        active=_active(rows, steps, at, mine["left"].to_numpy()),
        active_kwh=rows["active_kwh"].fillna(0.0).to_numpy(),
        shared_kwh=rows["shared_kwh"].fillna(0.0).to_numpy(),
    )
    return mine[["source", "flags"]].assign(gco2e_per_kwh=_of_both(both)).set_axis(rows.index)


def _active(rows: pd.DataFrame, steps: Steps, at: pd.DataFrame, left: np.ndarray) -> np.ndarray:
    """In effect for the active energy of each row; rows of no pod have none, and get that of what is left."""
    used = steps.pods.merge(
        at[["step", "node", "gco2e_per_kwh"]], on=["step", "node"], how="left", validate="m:1"
    )
    size = int(used["row"].max()) + 1 if len(used) else 0
    of_row = weighted_mean(
        used["row"].to_numpy(), used["gco2e_per_kwh"].to_numpy(), used["active_kwh"].to_numpy(), size
    )
    number = rows["energy_row"].to_numpy()
    out = left.copy()
    out[number >= 0] = of_row[number[number >= 0]]
    return out


def _of_both(rows: pd.DataFrame) -> np.ndarray:
    energy_kwh = rows["active_kwh"] + rows["shared_kwh"]
    grams = rows["active_kwh"] * rows["active"] + rows["shared_kwh"] * rows["left"]
    mean = np.where(energy_kwh > 0, grams / energy_kwh.where(energy_kwh > 0), rows["left"])
    return np.clip(mean, rows[["active", "left"]].min(axis=1), rows[["active", "left"]].max(axis=1))
