"""From a server's answers, by way of the cache, to INTENSITY of one grid zone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from sci_batch.intensity import cache
from sci_batch.intensity.frame import Basis, Intensity, Kind, no_slots, slots
from sci_batch.intensity.http import Api, redacted
from sci_batch.intensity.points import sound


def one_zone(shelf: cache.Shelf, fetch: cache.Fetch, *, kind: Kind, basis: Basis, source: str) -> Intensity:
    """INTENSITY of one series.

    Raises
    ------
    SciBatchError
        From `cache.through`, `fetch` and `points.sound`.
    """
    frame = cache.through(shelf, fetch)
    frame, notes = sound(frame, shelf.name)
    found = no_slots() if frame.empty else slots(
        grid_zone=shelf.zone, start_ms=frame["start_ms"], end_ms=frame["end_ms"],
        gco2e_per_kwh=frame["gco2e_per_kwh"], estimated=frame["estimated"], source=source,
    )  # fmt: skip
    return Intensity(slots=found, kind=kind, basis=basis, zones=(shelf.zone,), notes=(*shelf.notes, *notes))


def provider(name: str, api: Api, default_url: str) -> str:
    """Name of the cache folder: another server's answers do not mix with those of the usual one."""
    return name if api.url == default_url else f"{name} {redacted(api.url)}"


def parsed(api: Api, body: bytes, parse: Callable[[Any], pd.DataFrame]) -> pd.DataFrame:
    """POINTS of a body.

    Raises
    ------
    SourceError
        The body has another shape.
    """
    data = api.json(body)
    try:
        return parse(data)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise api.broken(f"{type(error).__name__} {error}") from None
