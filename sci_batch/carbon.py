"""O, M, C and the score: arithmetic only (SCI specification v1.1, ISO/IEC 21031:2024)."""

from __future__ import annotations

import pandas as pd


def operational_gco2e(
    energy_kwh: pd.Series, pue: float | pd.Series, intensity_gco2e_per_kwh: pd.Series
) -> pd.Series:
    """`O = E x PUE x I` [gCO2e].

    >>> operational_gco2e(pd.Series([10.0]), 1.0, pd.Series([50.0])).tolist()
    [500.0]
    """
    return energy_kwh * pue * intensity_gco2e_per_kwh


def sci(carbon_gco2e: pd.Series, functional_units: pd.Series) -> pd.Series:
    """`SCI = C / R` [gCO2e per unit]; null where R is 0 or missing, never the carbon itself.

    >>> sci(pd.Series([5.02, 0.205]), pd.Series([100.0, 0.0])).tolist()
    [0.050199999999999995, nan]
    """
    return carbon_gco2e / functional_units.where(functional_units > 0)
