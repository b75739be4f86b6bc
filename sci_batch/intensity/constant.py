"""One number for the whole range."""

from __future__ import annotations

import math

from sci_batch.errors import UsageError
from sci_batch.intensity.frame import HIGHEST_GCO2E_PER_KWH, Intensity, Request
from sci_batch.intensity.frame import constant as one_slot


def load(argument: str, request: Request) -> Intensity:
    """`380` or `380.5`; of the kind and basis that are asked for, as the user vouches for it.

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
    return Intensity(
        slots=one_slot(request, grid_zone="", gco2e_per_kwh=value, source=f"constant:{value:g}"),
        kind=request.wanted,
        basis=request.basis or "unknown",
        zones=("",),
    )
