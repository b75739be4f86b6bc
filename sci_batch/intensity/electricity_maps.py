"""Electricity Maps, API v4: hourly, flow-traced averages; a token is needed.

`past-range` is for paying plans; where it is refused, `history` gives the last 24 h, so that a run a day
and the cache make a whole month.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from sci_batch.errors import AuthError, SourceError, UsageError
from sci_batch.intensity import cache
from sci_batch.intensity.frame import HOUR_MS, MINUTE_MS, Basis, Intensity, Request, slots, stacked
from sci_batch.intensity.http import Api, base_url, secret
from sci_batch.intensity.places import AUTO, regions_of_nodes
from sci_batch.intensity.points import points, sound, times_ms
from sci_batch.intensity.served import parsed, provider
from sci_batch.intensity.tables import Region
from sci_batch.windows import rfc3339

URL = "https://api.electricitymaps.com/v4"
URL_VARIABLE = "SCI_BATCH_ELECTRICITYMAPS_URL"
TOKEN_VARIABLE = "SCI_BATCH_ELECTRICITYMAPS_TOKEN"  # noqa: S105 -- a variable's name
CHUNK_DAYS = 10
_STEPS_MS = {"5_minutes": 5 * MINUTE_MS, "15_minutes": 15 * MINUTE_MS, "hourly": HOUR_MS}
_NAME = "Electricity Maps"


def load(argument: str, request: Request) -> Intensity:
    """`DE`, `US-CAL-CISO`; `auto` is the zone of each node's cloud region.

    Raises
    ------
    UsageError
        No zone; a node's region is not known; marginal intensities are asked for.
    AuthError
        No token, or a refused one.
    SourceError
        Not reached, or an answer for another zone.
    """
    if request.wanted != "average":
        raise UsageError(
            "electricitymaps gives average intensities here",
            "Leave out --intensity-kind marginal, or give watttime.",
        )
    zone = argument.strip()
    if not zone:
        raise UsageError("electricitymaps needs a zone", "Give for example --intensity electricitymaps:DE.")
    if zone == AUTO:
        of_node = {
            node: _place(region) for node, region in regions_of_nodes(request, "electricitymaps:auto").items()
        }
    else:
        of_node = {"": ({"zone": zone}, zone)}
    places = {name: params for params, name in of_node.values()}
    basis: Basis = request.basis or "lifecycle"
    url = base_url(request, URL_VARIABLE, URL)
    parts, notes = [], []
    with Api(name=_NAME, url=url, request=request, login=f"Check {TOKEN_VARIABLE} and what the plan allows.",
             where=f"Check the network and {URL_VARIABLE}.") as api:  # fmt: skip
        for name, params in sorted(places.items()):
            frame, its_notes = _zone(api, name, params, basis)
            notes += its_notes
            if len(frame):
                parts.append(
                    slots(
                        grid_zone=name, start_ms=frame["start_ms"], end_ms=frame["end_ms"],
                        gco2e_per_kwh=frame["gco2e_per_kwh"], estimated=frame["estimated"],
                        source=f"electricitymaps:{name} ({basis})",
                    )
                )  # fmt: skip
    return Intensity(
        slots=stacked(parts), kind="average", basis=basis, zones=tuple(sorted(places)),
        zone_of_node={} if zone != AUTO else {node: name for node, (_, name) in of_node.items()},
        notes=tuple(dict.fromkeys(notes)),
    )  # fmt: skip


def _place(region: Region) -> tuple[dict[str, str], str]:
    """Parameters that name a region, and its zone; without one, Electricity Maps finds it."""
    if region.grid_zone:
        return {"zone": region.grid_zone}, region.grid_zone
    return {"dataCenterProvider": region.provider, "dataCenterRegion": region.region}, (
        f"{region.provider}:{region.region}"
    )


def _zone(api: Api, name: str, params: dict[str, str], basis: Basis) -> tuple[pd.DataFrame, list[str]]:
    shelf = cache.Shelf(
        request=api.request, provider=provider("electricitymaps", api, URL), zone=name, basis=basis,
        chunk_days=CHUNK_DAYS, name=f"electricitymaps:{name}",
    )  # fmt: skip
    frame = cache.through(shelf, _fetcher(api, params, basis, shelf.notes))
    frame, more = sound(frame, shelf.name)
    return frame, [*shelf.notes, *more]


def _fetcher(api: Api, params: dict[str, str], basis: Basis, notes: list[str]) -> cache.Fetch:
    """Asks `past-range`, and once it is refused, `history`."""
    of_plan: list[pd.DataFrame] = []

    def fetch(start_ms: int, end_ms: int) -> tuple[pd.DataFrame, str]:
        if not of_plan:
            span = {"start": rfc3339(start_ms), "end": rfc3339(end_ms), "temporalGranularity": "hourly"}
            try:
                body = _get(api, "past-range", {**params, **span}, basis)
            except AuthError:
                of_plan.append(_parse(api, _get(api, "history", params, basis), params, basis))
                notes.append(
                    "Electricity Maps refuses past-range with this plan: history, the last 24 h, was used; "
                    "run once a day and keep the cache for longer ranges"
                )
            else:
                return _parse(api, body, params, basis), ""
        return of_plan[0], ""

    return fetch


def _get(api: Api, path: str, params: dict[str, str], basis: str) -> bytes:
    token = secret(api.request, TOKEN_VARIABLE, "the token of Electricity Maps")
    api.secrets = (token,)
    # Without disableCallerLookup a zone that is not known silently becomes that of our address.
    asked = {**params, "emissionFactorType": basis, "disableCallerLookup": "true"}
    return api.get(f"/carbon-intensity/{path}", asked, {"auth-token": token})


def _parse(api: Api, body: bytes, params: dict[str, str], basis: str) -> pd.DataFrame:
    return parsed(api, body, lambda answer: parse(answer, params.get("zone"), basis))


def parse(answer: Any, zone: str | None, basis: str) -> pd.DataFrame:
    """POINTS of `past-range` or `history`.

    Raises
    ------
    SourceError
        The answer is for another zone or basis.
    KeyError, TypeError, ValueError, AttributeError
        Another shape.
    """
    found = answer.get("zone")
    items = answer["data"] if "data" in answer else answer["history"]
    zones = {item.get("zone", found) for item in items} | {found}
    if zone is not None and zones - {zone}:
        other = min(map(str, zones - {zone}))
        raise SourceError(
            f"Electricity Maps answered for the zone {other}, and {zone} was asked for",
            "Check the zone in --intensity electricitymaps:ZONE.",
        )
    bases = {item.get("emissionFactorType", basis) for item in items}
    if bases - {basis}:
        raise SourceError(
            f"Electricity Maps answered with {min(map(str, bases - {basis}))} factors, "
            f"and {basis} was asked for",
            "Try --intensity-basis with the other.",
        )
    granularity = answer.get("temporalGranularity", "hourly")
    if granularity not in _STEPS_MS:
        raise ValueError(f"temporalGranularity {granularity}")
    return points(
        times_ms([item["datetime"] for item in items]),
        [item.get("carbonIntensity") for item in items],
        [bool(item.get("isEstimated")) for item in items],
        step_ms=_STEPS_MS[granularity],
    )
