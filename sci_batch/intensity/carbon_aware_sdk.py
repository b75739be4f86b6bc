"""A self-hosted Carbon Aware SDK of the Green Software Foundation.

Whether its figures are average or marginal depends on the source behind it, and the answer does not say.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from sci_batch.errors import SourceError, UsageError
from sci_batch.intensity import cache
from sci_batch.intensity.frame import Intensity, Request
from sci_batch.intensity.http import Api, checked_url, redacted
from sci_batch.intensity.points import no_points, points, step_of, times_ms
from sci_batch.intensity.served import one_zone, parsed
from sci_batch.units import MS_PER_SECOND
from sci_batch.windows import rfc3339

CHUNK_DAYS = 7
_DURATION = re.compile(r"(?:(?P<days>\d+)\.)?(?P<hours>\d+):(?P<minutes>\d\d):(?P<seconds>\d\d)(?:\.\d+)?")


def load(argument: str, request: Request) -> Intensity:
    """`http://host:8080,eastus`: its address and a location that it knows.

    Raises
    ------
    UsageError
        The kind is not stated, or the argument is not `URL,LOCATION`.
    SourceError
        Not reached, or an answer for another location.
    """
    address, _, location = argument.rpartition(",")
    address, location = address.strip(), location.strip()
    if not address or not location:
        raise UsageError(
            "carbon-aware-sdk needs an address and a location",
            "Give for example --intensity carbon-aware-sdk:http://host:8080,eastus.",
        )
    url = checked_url(address, "the address in carbon-aware-sdk:URL,LOCATION")
    if request.kind is None:
        raise UsageError(
            "a Carbon Aware SDK does not say whether its figures are average or marginal",
            "Give --intensity-kind: marginal with WattTime behind it, average with Electricity Maps.",
        )
    name = f"carbon-aware-sdk:{location}"
    with Api(
        name="the Carbon Aware SDK", url=url, request=request, where="Check the address and the network."
    ) as api:
        shelf = cache.Shelf(
            request=request, provider=f"carbon-aware-sdk {redacted(url)}", zone=location, basis=request.kind,
            chunk_days=CHUNK_DAYS, name=name,
        )  # fmt: skip

        def fetch(start_ms: int, end_ms: int) -> tuple[pd.DataFrame, str]:
            span = {"location": location, "time": rfc3339(start_ms), "toTime": rfc3339(end_ms)}
            body = api.get("/emissions/bylocation", span)
            return parsed(api, body, lambda answer: parse(answer, location)), ""

        return one_zone(shelf, fetch, kind=request.kind, basis="unknown", source=name)


def parse(answer: Any, location: str) -> pd.DataFrame:
    """POINTS of a list of ratings [gCO2e/kWh]; without a duration the distance of two counts.

    Raises
    ------
    SourceError
        The answer is for another location.
    KeyError, TypeError, ValueError
        Another shape.
    """
    items = list(answer or [])
    if not items:
        return no_points()
    others = {str(item["location"]) for item in items if str(item["location"]).lower() != location.lower()}
    if others:
        raise SourceError(
            f"the Carbon Aware SDK answered for {sorted(others)[0]}, and {location} was asked for",
            "Check the location in --intensity carbon-aware-sdk:URL,LOCATION.",
        )
    start = times_ms([item["time"] for item in items])
    step = step_of(start)
    length = np.array([_milliseconds(item.get("duration")) or step for item in items], np.int64)
    # A source that gives 5-minute marks of hourly figures says the hour each time.
    return points(
        start,
        [item["rating"] for item in items],
        end_ms=start + np.minimum(length, step) if len(items) > 1 else start + length,
    )


def _milliseconds(duration: str | None) -> int:
    """`00:05:00` or `1.00:00:00`, as .NET writes it; 0 when it is missing."""
    found = _DURATION.fullmatch(duration or "")
    if found is None:
        return 0
    days, hours, minutes, seconds = (
        int(found[name] or 0) for name in ("days", "hours", "minutes", "seconds")
    )
    return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * MS_PER_SECOND
