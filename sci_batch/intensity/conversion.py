"""Units of others to gCO2e/kWh."""

from __future__ import annotations

import re

GRAMS_PER_KWH_OF_LB_PER_MWH = 0.45359237
"""Exact: 1 lb is 453.59237 g, 1 MWh is 1000 kWh."""

_UNIT = re.compile(r"(?P<mass>g|grams?|kg|lbs?|pounds?)(ofco2|co2)?(e|eq)?(per|/)(?P<energy>kwh|mwh)")
_GRAMS = {"g": 1.0, "kg": 1_000.0, "l": 453.59237, "p": 453.59237}
_KWH = {"kwh": 1, "mwh": 1_000}


def grams_per_kwh(unit: str) -> float | None:
    """Factor from a unit in words to gCO2e/kWh; None when the unit is not known.

    >>> grams_per_kwh("gCO2e per kWh"), grams_per_kwh("lbCO2e per MWh"), grams_per_kwh("percent")
    (1.0, 0.45359237, None)
    >>> grams_per_kwh("lbs_co2_per_mwh"), grams_per_kwh("kgCO2e/MWh")
    (0.45359237, 1.0)
    """
    found = _UNIT.fullmatch(re.sub(r"[\s_.-]", "", unit.lower()))
    if found is None:
        return None
    mass = found["mass"]
    if mass[0] in "lp" and found["energy"] == "mwh":
        return GRAMS_PER_KWH_OF_LB_PER_MWH
    return _GRAMS["kg" if mass == "kg" else mass[0]] / _KWH[found["energy"]]
