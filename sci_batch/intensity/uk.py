"""Great Britain: the Carbon Intensity API of the system operator NESO (CC BY 4.0), half hours, direct.

National figures are measured afterwards; until then, and for regions always, they are forecasts.
"""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from sci_batch.errors import SourceError, UsageError
from sci_batch.intensity import cache
from sci_batch.intensity.frame import MINUTE_MS, Intensity, Request
from sci_batch.intensity.http import Api, base_url
from sci_batch.intensity.points import points, times_ms
from sci_batch.intensity.served import one_zone, parsed, provider
from sci_batch.windows import rfc3339

URL = "https://api.carbonintensity.org.uk"
URL_VARIABLE = "SCI_BATCH_UK_URL"
NATIONAL = "national"
CHUNK_DAYS = 14
REGIONS = (
    "North Scotland", "South Scotland", "NW England", "NE England", "Yorkshire", "North Wales", "South Wales",
    "W Midlands", "E Midlands", "East England", "SW England", "South England", "London", "SE England",
    "England", "Scotland", "Wales",
)  # fmt: skip
"""Number 1 and on."""
_POSTCODE = re.compile(r"[A-Z]{1,2}[0-9][A-Z0-9]?")
_STEP_MS = 30 * MINUTE_MS


def load(argument: str, request: Request) -> Intensity:
    """`national` (or nothing), a region's number 1 to 17 or name, or a postcode.

    Raises
    ------
    UsageError
        None of these; marginal intensities are asked for.
    SourceError
        Not reached, or an answer for another region.
    """
    if request.wanted != "average":
        raise UsageError("uk gives average intensities", "Leave out --intensity-kind marginal.")
    place = parse_place(argument)
    zone = "GB" if place == NATIONAL else f"GB {place}"
    source = f"uk:{place.replace('regionid/', '').replace('postcode/', '')} (direct)"
    with Api(
        name="the Carbon Intensity API", url=base_url(request, URL_VARIABLE, URL), request=request,
        where=f"Check the network and {URL_VARIABLE}.",
    ) as api:  # fmt: skip
        shelf = cache.Shelf(
            request=request, provider=provider("uk", api, URL), zone=zone, basis="direct",
            chunk_days=CHUNK_DAYS, name=source.partition(" ")[0],
        )  # fmt: skip

        def fetch(start_ms: int, end_ms: int) -> tuple[pd.DataFrame, str]:
            span = f"{_minute(start_ms)}/{_minute(end_ms)}"
            path = f"/intensity/{span}" if place == NATIONAL else f"/regional/intensity/{span}/{place}"
            return parsed(api, api.get(path), lambda answer: parse(answer, place)), ""

        return one_zone(shelf, fetch, kind="average", basis="direct", source=source)


def parse_place(argument: str) -> str:
    """`national`, `regionid/13` or `postcode/RG10`.

    >>> parse_place(""), parse_place("London"), parse_place("rg10 9AA")
    ('national', 'regionid/13', 'postcode/RG10')
    """
    text = " ".join(argument.split())
    if text.lower() in ("", NATIONAL, "gb"):
        return NATIONAL
    if text.isdigit() and 1 <= int(text) <= len(REGIONS):
        return f"regionid/{int(text)}"
    names = [name.lower() for name in REGIONS]
    if text.lower() in names:
        return f"regionid/{names.index(text.lower()) + 1}"
    code = text.upper()
    outward = code.rpartition(" ")[0] or code
    if not _POSTCODE.fullmatch(outward) and _POSTCODE.fullmatch(code[:-3]):
        outward = code[:-3]  # RG109AA, without its space
    if _POSTCODE.fullmatch(outward):
        return f"postcode/{outward}"
    raise UsageError(
        f"uk:{argument} is no place in Great Britain",
        "Give uk:national, a region's number 1 to 17 (13 is London), its name, or a postcode's first half, "
        "such as uk:RG10.",
    )


def _minute(ms: int) -> str:
    return f"{rfc3339(ms)[:16]}Z"


def parse(answer: Any, place: str) -> pd.DataFrame:
    """POINTS of an answer; where nothing was measured the forecast counts as estimated.

    Raises
    ------
    SourceError
        The answer is for another region.
    KeyError, TypeError, ValueError, AttributeError, IndexError
        Another shape.
    """
    data = answer["data"]
    if place != NATIONAL:
        region = data[0] if isinstance(data, list) else data
        kind, _, wanted = place.partition("/")
        told = region.get(kind)
        if told is not None and str(told).upper() != wanted:
            raise SourceError(
                f"the Carbon Intensity API answered for {kind} {told}, and {wanted} was asked for",
                "Check the place in --intensity uk:PLACE.",
            )
        data = region["data"]
    items = data if isinstance(data, list) else [data]
    actual = pd.Series([item["intensity"].get("actual") for item in items], dtype="float64")
    forecast = pd.Series([item["intensity"].get("forecast") for item in items], dtype="float64")
    return points(
        times_ms([item["from"] for item in items]),
        actual.fillna(forecast),
        actual.isna().to_numpy(),
        step_ms=_STEP_MS,
    )
