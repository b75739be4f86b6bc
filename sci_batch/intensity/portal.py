"""The CSV files that the Electricity Maps portal offers (ODbL): the user's own download.

The names of columns vary by year ("Zone Id", "Zone id"; "(LCA)", "(Life cycle)"): matched on prefix.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from sci_batch.errors import UsageError
from sci_batch.intensity.frame import DAY_MS, HOUR_MS
from sci_batch.intensity.tabular import LINE, at, numbers, times, yes_no

_TIME, _INTENSITY, _ZONE, _ESTIMATED = "datetime", "carbon intensity", "zone id", "data estimated"
_BASES = {"lifecycle": ("life", "lca"), "direct": ("direct",)}


def is_portal(columns: Iterable[str]) -> bool:
    """Whether a head is that of the portal."""
    names = [str(name).lower() for name in columns]
    return any(name.startswith(_TIME) for name in names) and any(
        name.startswith(_INTENSITY) for name in names
    )


def rows(path: Path, frame: pd.DataFrame, basis: str) -> pd.DataFrame:
    """Rows as of `file.Table`; hours without a value are left out.

    Parameters
    ----------
    basis
        `lifecycle` or `direct`: which of the two columns.

    Raises
    ------
    UsageError
        A column is missing, a cell is wrong, or the file is coarser than a day.
    """
    time = _column(path, frame, _TIME)
    value = _column(path, frame, _INTENSITY, _BASES[basis])
    values = numbers(path, frame, value, blank=True)
    start = times(path, frame, time)
    zone = frame[_column(path, frame, _ZONE)] if _find(frame, _ZONE) else pd.Series("", index=frame.index)
    estimated = _find(frame, _ESTIMATED)
    table = pd.DataFrame(
        {
            "zone": zone.astype("str"),
            "start_ms": start,
            "end_ms": start + _step(path, frame, start, zone, time),
            "gco2e_per_kwh": values,
            "kind": "average",
            "basis": basis,
            "estimated": yes_no(path, frame, estimated) if estimated else False,
            "source": f"file:{path.name}",
            LINE: frame[LINE],
        }
    )
    found: pd.DataFrame = table.loc[np.isfinite(values)].reset_index(drop=True)
    return found


def _find(frame: pd.DataFrame, prefix: str, words: tuple[str, ...] = ("",)) -> str:
    names = [str(name) for name in frame.columns]
    found = [
        name
        for name in names
        if name.lower().startswith(prefix) and any(word in name.lower() for word in words)
    ]
    return found[0] if found else ""


def _column(path: Path, frame: pd.DataFrame, prefix: str, words: tuple[str, ...] = ("",)) -> str:
    found = _find(frame, prefix, words)
    if not found:
        raise UsageError(
            f"{path} line 1: there is no column '{prefix.capitalize()} ... {words[0]}'",
            "Download the file again, or write our own form: see `sci-batch factors list`.",
        )
    return found


def _step(path: Path, frame: pd.DataFrame, start: np.ndarray, zone: pd.Series, time: str) -> int:
    """Length of a slot [ms]: the shortest distance in one zone."""
    ordered = pd.DataFrame({"zone": zone.to_numpy(), "start": start}).sort_values(["zone", "start"])
    apart = ordered["start"].diff()[(ordered["zone"] == ordered["zone"].shift()).to_numpy()]
    shortest = int(apart[apart > 0].min()) if (apart > 0).any() else HOUR_MS
    if shortest > DAY_MS:
        cure = "Download the hourly file."
        raise at(path, frame, np.ones(len(frame), bool), time, "the file is coarser than a day", cure)
    return shortest
