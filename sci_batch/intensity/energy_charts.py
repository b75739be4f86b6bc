"""Countries of Europe: energy-charts.info of Fraunhofer ISE, quarters of an hour or hours."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from sci_batch.errors import UsageError
from sci_batch.intensity import cache
from sci_batch.intensity.frame import Intensity, Request
from sci_batch.intensity.http import Api, base_url
from sci_batch.intensity.points import no_points, points, step_of
from sci_batch.intensity.served import one_zone, parsed, provider
from sci_batch.units import MS_PER_SECOND
from sci_batch.windows import rfc3339

URL = "https://api.energy-charts.info"
URL_VARIABLE = "SCI_BATCH_ENERGY_CHARTS_URL"
CHUNK_DAYS = 30


def load(argument: str, request: Request) -> Intensity:
    """`DE`: a country's two letters. Which factors stand behind the figures is not said, so basis `unknown`.

    Raises
    ------
    UsageError
        No country; marginal intensities are asked for.
    SourceError
        Not reached.
    """
    if request.wanted != "average":
        raise UsageError("energy-charts gives average intensities", "Leave out --intensity-kind marginal.")
    country = argument.strip().lower()
    if not re.fullmatch(r"[a-z]{2}", country):
        raise UsageError(
            f"energy-charts:{argument} is no country",
            "Give its two letters, such as --intensity energy-charts:DE.",
        )
    name = f"energy-charts:{country.upper()}"
    with Api(
        name="energy-charts", url=base_url(request, URL_VARIABLE, URL), request=request,
        where=f"Check the network and {URL_VARIABLE}.",
    ) as api:  # fmt: skip
        shelf = cache.Shelf(
            request=request, provider=provider("energy-charts", api, URL), zone=country.upper(),
            basis="unknown", chunk_days=CHUNK_DAYS, name=name,
        )  # fmt: skip

        def fetch(start_ms: int, end_ms: int) -> tuple[pd.DataFrame, str]:
            span = {"start": f"{rfc3339(start_ms)[:16]}Z", "end": f"{rfc3339(end_ms)[:16]}Z"}
            return parsed(api, api.get("/co2eq", {"country": country, **span}), parse), ""

        return one_zone(shelf, fetch, kind="average", basis="unknown", source=name)


def parse(answer: Any) -> pd.DataFrame:
    """POINTS of parallel arrays: measured wins over forecast, which counts as estimated; nulls are holes.

    Raises
    ------
    KeyError, TypeError, ValueError
        Another shape.
    """
    start = np.array(answer["unix_seconds"], np.int64) * MS_PER_SECOND
    if not len(start):
        return no_points()
    measured, forecast = _array(answer, "co2eq", start), _array(answer, "co2eq_forecast", start)
    estimated = np.isnan(measured)
    return points(start, np.where(estimated, forecast, measured), estimated, step_ms=step_of(start))


def _array(answer: Any, name: str, start: np.ndarray) -> np.ndarray:
    values = answer.get(name)
    if values is None:
        return np.full(len(start), np.nan)
    found = np.array([np.nan if value is None else value for value in values], np.float64)
    if len(found) != len(start):
        raise ValueError(f"{name} has {len(found)} values for {len(start)} times")
    return found
