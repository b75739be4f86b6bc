"""The same work under another choice: other grid, PUE, hardware or hour. Arithmetic only, on RESULT.

Energy, units of work and their times stay; what is not known from the rows cannot be asked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

import numpy as np
import pandas as pd

EMBODIED = ["embodied_gco2e", "embodied_gco2e_low", "embodied_gco2e_high"]


def pue_in_effect(result: pd.DataFrame) -> pd.Series:
    """`O / (E x I)` of each row [1]; null where there is no energy."""
    at_one = result["energy_kwh"] * result["intensity_gco2e_per_kwh"]
    return result["operational_gco2e"] / at_one.where(at_one != 0)


def intensity_at(slots: pd.DataFrame, start_ms: np.ndarray, end_ms: np.ndarray) -> np.ndarray:
    """Grid intensity throughout each span [gCO2e/kWh]; NaN where it changes within, or is not known.

    Parameters
    ----------
    slots
        start_ms, end_ms, gco2e_per_kwh: of one grid zone, in order, without holes.
    """
    begin, end = slots["start_ms"].to_numpy(), slots["end_ms"].to_numpy()
    values = slots["gco2e_per_kwh"].to_numpy()
    first = np.searchsorted(begin, start_ms, side="right") - 1
    last = np.searchsorted(begin, end_ms, side="left") - 1
    known = (first >= 0) & (end_ms <= end[np.clip(last, 0, None)])
    # The number of changes up to each slot: none between the first and the last means one value throughout.
    changes = np.concatenate([[0], np.cumsum(values[1:] != values[:-1])])
    steady = changes[np.clip(first, 0, None)] == changes[np.clip(last, 0, None)]
    return np.where(known & steady, values[np.clip(first, 0, None)], np.nan)


def with_grid(
    result: pd.DataFrame, intensity: pd.Series, pue: pd.Series, source: str | None = None
) -> pd.DataFrame:
    """RESULT with `O = E x PUE x I` of that intensity [gCO2e/kWh] and PUE [1] of each row."""
    words = {} if source is None else {"intensity_source": pd.Series(source, result.index, dtype="str")}
    operational = result["energy_kwh"] * pue * intensity
    # A row without energy emits nothing by it, whatever the factors.
    operational = operational.mask(result["energy_kwh"] == 0, 0.0)
    return _carbon(result.assign(operational_gco2e=operational, intensity_gco2e_per_kwh=intensity, **words))


def with_lifespan(result: pd.DataFrame, factor: float) -> pd.DataFrame:
    """RESULT with `factor` times the embodied carbon: the nodes live so much longer, or shorter."""
    names = [name for name in EMBODIED if name in result]
    return _carbon(result.assign(**{name: result[name] * factor for name in names}))


def with_hardware(result: pd.DataFrame, factors: pd.DataFrame) -> pd.DataFrame:
    """RESULT on other hardware.

    Parameters
    ----------
    factors
        For each row of RESULT: embodied_gco2e and its bounds (new TE/EL by that of before; null: no
        bounds), and embodied_source.
    """
    grams = {name: result["embodied_gco2e"] * factors[name].to_numpy() for name in EMBODIED if name in result}
    words = factors["embodied_source"].astype("str").to_numpy()
    return _carbon(result.assign(**grams, embodied_source=words).astype({"embodied_source": "str"}))


def hardware_factors(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """What M of a node is multiplied by, `EMBODIED` and embodied_source, by node; both are NODES."""
    both = before.merge(after, on="node", suffixes=("_before", ""), validate="1:1")
    grams = both["lifespan_seconds_before"] / both["embodied_kgco2e_before"] / both["lifespan_seconds"]
    return pd.DataFrame({
        "node": both["node"],
        "embodied_gco2e": both["embodied_kgco2e"] * grams,
        "embodied_gco2e_low": both["low_kgco2e"] * grams,
        "embodied_gco2e_high": both["high_kgco2e"] * grams,
        "embodied_source": both["embodied_source"],
    })  # fmt: skip


def _carbon(result: pd.DataFrame) -> pd.DataFrame:
    """C and every score, from O, M and R."""
    carbon = result["operational_gco2e"] + result["embodied_gco2e"]
    served = [str(name) for name in result if str(name).startswith("functional_units")]
    scores = {
        name.replace("functional_units", "sci_gco2e_per_unit", 1): carbon
        / result[name].where(result[name] > 0)
        for name in served
    }
    return result.assign(carbon_gco2e=carbon, **scores)


def may_wait(result: pd.DataFrame, globs: Sequence[str]) -> pd.Series:
    """Which rows a glob names, by kind or by name of the workload."""
    names = result["workload"] if "workload" in result else pd.Series("", result.index, dtype="str")
    both = result["workload_kind"] + "\n" + names
    named = [
        text
        for text in both.unique()
        if any(fnmatchcase(word, glob) for word in re.split(r"[+\n]", text) for glob in globs)
    ]
    return both.isin(named)


def lowest(slots: pd.DataFrame, start_ms: np.ndarray, end_ms: np.ndarray, within_ms: int) -> np.ndarray:
    """For each window the lowest intensity [gCO2e/kWh] among itself and those that it may move to.

    A window moves by whole lengths of itself, at most `within_ms`. NaN where any of them has no intensity, or
    several.
    """
    length = end_ms - start_ms
    tries = int(within_ms // length.min()) + 1 if len(length) else 1
    waits = np.arange(tries)[:, None] * length
    found = np.array([intensity_at(slots, start_ms + wait, end_ms + wait) for wait in waits])
    return np.asarray(np.where(waits <= within_ms, found, np.inf).min(axis=0))


def moved_intensity(result: pd.DataFrame, steady: pd.Series, best: pd.Series, waits: pd.Series) -> pd.Series:
    """Intensity in effect [gCO2e/kWh] when the active energy of the rows that wait moves to its best hour.

    Their part of the nodes' idle energy stays in its hour: a node idles whether the work waits or not.
    """
    active = result["active_kwh"].fillna(0.0) / result["energy_kwh"].where(result["energy_kwh"] > 0)
    mixed = steady + (best - steady) * active.fillna(0.0)
    return steady.where(~waits, mixed)
