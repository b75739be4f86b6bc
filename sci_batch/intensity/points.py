"""POINTS: what one answer of a server holds, before it is known what is missing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from sci_batch.errors import SourceError
from sci_batch.intensity.frame import HIGHEST_GCO2E_PER_KWH, HOUR_MS, MINUTE_MS

DTYPES = {"start_ms": "int64", "end_ms": "int64", "gco2e_per_kwh": "float64", "estimated": "bool"}
"""One row per slot with a value, ordered; slots do not overlap."""
_STEPS_MS = np.array([1, 5, 10, 15, 30, 60], np.int64) * MINUTE_MS


def no_points() -> pd.DataFrame:
    """POINTS without a row."""
    return pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in DTYPES.items()})


def points(
    start_ms: Any, values: Any, estimated: Any = False, end_ms: Any = None, step_ms: int = 0
) -> pd.DataFrame:
    """POINTS from parallel arrays; rows without a number are left out.

    Parameters
    ----------
    start_ms
        Starts of slots [Unix ms], in any order; of equal ones the last counts.
    values
        gCO2e/kWh; null or NaN: none.
    estimated
        Whether the source calls the value estimated.
    end_ms, step_ms
        Ends [Unix ms]; else the length of a slot [ms]; else it is read off the starts, those without a value
        included.
    """
    start = np.asarray(start_ms, np.int64)
    if not len(start):
        return no_points()
    if end_ms is None:
        step = step_ms or step_of(start)
        end = start + step
    else:
        end = np.asarray(end_ms, np.int64)
    frame = pd.DataFrame(
        {
            "start_ms": start,
            "end_ms": end,
            "gco2e_per_kwh": pd.to_numeric(pd.Series(list(values), dtype=object), errors="coerce"),
            "estimated": np.broadcast_to(np.asarray(estimated, bool), len(start)),
        }
    )
    frame = frame[np.isfinite(frame["gco2e_per_kwh"].to_numpy(np.float64, na_value=np.nan))]
    return one_per_start(frame.astype(DTYPES))


def one_per_start(frame: pd.DataFrame) -> pd.DataFrame:
    """The last row of each start, in order of time."""
    return frame.drop_duplicates("start_ms", keep="last").sort_values("start_ms", ignore_index=True)


def step_of(start_ms: np.ndarray) -> int:
    """Length of a slot [ms]: the shortest distance of two starts, at most an hour; an hour for one start."""
    apart = np.diff(np.unique(start_ms))
    if not len(apart):
        return HOUR_MS
    shortest = int(apart.min())
    fitting = _STEPS_MS[shortest >= _STEPS_MS]
    return int(fitting[-1]) if len(fitting) else shortest


def times_ms(texts: Any) -> np.ndarray:
    """Unix ms of ISO 8601 texts; a text without an offset is UTC.

    Raises
    ------
    ValueError
        A text that is no time.
    """
    parsed = pd.to_datetime(pd.Series(list(texts), dtype="str"), utc=True, format="ISO8601")
    if parsed.isna().any():
        raise ValueError("a time is missing")
    return parsed.dt.as_unit("ms").astype("int64").to_numpy()


def sound(frame: pd.DataFrame, name: str) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Leave out values that are not above 0, and say how many; refuse what no grid has.

    A slot of 0 g, as some direct and marginal figures are when wind is in surplus, is treated as missing:
    taken as it is, an hour would cost no carbon at all.

    Raises
    ------
    SourceError
        Above 2000 g.
    """
    values = frame["gco2e_per_kwh"].to_numpy()
    if (values > HIGHEST_GCO2E_PER_KWH).any():
        worst = float(values.max())
        raise SourceError(
            f"{name} says {worst:g} gCO2e/kWh, and no grid comes near: it must be another unit",
            f"Take another source: up to {HIGHEST_GCO2E_PER_KWH} gCO2e/kWh is accepted.",
        )
    wrong = values <= 0
    if not wrong.any():
        return frame, ()
    words = f"{name}: {int(wrong.sum())} slots of {float(values.min()):g} gCO2e/kWh are treated as missing"
    return frame[~wrong].reset_index(drop=True), (words,)
