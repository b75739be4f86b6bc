"""One number for the whole range."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sci_batch.errors import UsageError

HIGHEST_GCO2E_PER_KWH = 2_000
"""No grid comes near; more is a wrong unit (kg, lb/MWh) or a typing error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intensity:
    """Grid carbon intensity [gCO2e/kWh] and the words that say where it comes from."""

    gco2e_per_kwh: float
    source: str


def load(argument: str) -> Intensity:
    """`380` or `380.5`.

    Raises
    ------
    UsageError
        Not a number, not above 0, or above 2000.
    """
    try:
        value = float(argument)
    except ValueError:
        value = math.nan
    if not 0 < value <= HIGHEST_GCO2E_PER_KWH:
        raise UsageError(
            f"not a grid intensity: {argument}",
            f"--intensity takes gCO2e per kWh, above 0 and up to {HIGHEST_GCO2E_PER_KWH}, for example 380.",
        )
    return Intensity(gco2e_per_kwh=value, source=f"constant:{value:g}")
