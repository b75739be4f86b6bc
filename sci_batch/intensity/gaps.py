"""Holes in the slots of a source: found, and closed by a policy; every slot that closes one is flagged."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from sci_batch.intensity.frame import (
    DTYPES,
    FALLBACK,
    HOUR_MS,
    INTERPOLATED,
    Request,
    no_slots,
    slots,
    stacked,
)

INTERPOLATE_AT_MOST_MS = 2 * HOUR_MS


def clipped(frame: pd.DataFrame, request: Request) -> pd.DataFrame:
    """The parts of slots inside the range."""
    start = frame["start_ms"].clip(lower=request.start_ms)
    end = frame["end_ms"].clip(upper=request.end_ms)
    return frame.assign(start_ms=start, end_ms=end)[start < end].reset_index(drop=True)


def holes(frame: pd.DataFrame, zones: Iterable[str], request: Request) -> pd.DataFrame:
    """grid_zone, start_ms, end_ms of every part of the range that no slot covers."""
    inside = clipped(frame, request)
    parts = []
    for zone in zones:
        own = inside[inside["grid_zone"] == zone]
        begin = np.concatenate([[request.start_ms], own["end_ms"].to_numpy()])
        end = np.concatenate([own["start_ms"].to_numpy(), [request.end_ms]])
        parts.append(pd.DataFrame({"grid_zone": zone, "start_ms": begin, "end_ms": end})[begin < end])
    if not parts:
        return no_slots()[["grid_zone", "start_ms", "end_ms"]]
    return pd.concat(parts, ignore_index=True).astype(
        {"grid_zone": "str", "start_ms": "int64", "end_ms": "int64"}
    )


def interpolated(frame: pd.DataFrame, zones: Iterable[str]) -> pd.DataFrame:
    """With holes of at most 2 h filled between the middles of the slots on both sides.

    A hole is cut into slots of the source's length, each with the value of the line at its middle. Slots
    outside the range count as neighbours; a hole without a neighbour on one side stays.
    """
    return stacked([frame, *(_drawn(frame[frame["grid_zone"] == zone], zone) for zone in zones)])


def _drawn(own: pd.DataFrame, zone: str) -> pd.DataFrame:
    if len(own) < 2:
        return no_slots()
    start, end = own["start_ms"].to_numpy(), own["end_ms"].to_numpy()
    length = start[1:] - end[:-1]
    before = np.flatnonzero((length > 0) & (length <= INTERPOLATE_AT_MOST_MS))
    if not len(before):
        return no_slots()
    step = int((end - start).min())
    count = -(-length[before] // step)
    hole = np.repeat(np.arange(len(before)), count)
    first = np.concatenate([[0], np.cumsum(count)[:-1]])
    number = np.arange(len(hole)) - first[hole]
    begin = end[before][hole] + number * step
    finish = np.minimum(begin + step, start[before + 1][hole])
    middle = (start + end) / 2
    value = np.interp((begin + finish) / 2, middle, own["gco2e_per_kwh"].to_numpy())
    source = own["source"].to_numpy()[before][hole]
    drawn = slots(grid_zone=zone, start_ms=begin, end_ms=finish, gco2e_per_kwh=value, source="")
    words = pd.Series(source, dtype="str") + ", interpolated"
    return drawn.assign(source=words, flags=INTERPOLATED).astype(DTYPES)


def overlaid(
    frame: pd.DataFrame, missing: pd.DataFrame, other: pd.DataFrame, instead_of: str
) -> pd.DataFrame:
    """The parts of another source's slots that lie in holes, flagged, named `X instead of Y`.

    Parameters
    ----------
    frame
        INTENSITY with the holes.
    missing
        grid_zone, start_ms, end_ms of the holes.
    other
        INTENSITY to take from, with the zone names of `frame`.
    instead_of
        What is missing.
    """
    parts = [frame]
    for zone in missing["grid_zone"].unique():
        gaps = missing[missing["grid_zone"] == zone]
        spare = other[other["grid_zone"] == zone]
        if len(spare):
            parts.append(_inside(gaps, spare, instead_of))
    return stacked(parts)


def _inside(gaps: pd.DataFrame, spare: pd.DataFrame, instead_of: str) -> pd.DataFrame:
    borders = [part[name].to_numpy() for part in (gaps, spare) for name in ("start_ms", "end_ms")]
    edges = np.unique(np.concatenate(borders))
    begin, finish = edges[:-1], edges[1:]
    gap = np.searchsorted(gaps["start_ms"].to_numpy(), begin, side="right") - 1
    slot = np.searchsorted(spare["start_ms"].to_numpy(), begin, side="right") - 1
    in_gap = (gap >= 0) & (begin < gaps["end_ms"].to_numpy()[gap])
    in_slot = (slot >= 0) & (begin < spare["end_ms"].to_numpy()[slot])
    keep = in_gap & in_slot
    taken = spare.iloc[slot[keep]].reset_index(drop=True)
    return taken.assign(
        start_ms=begin[keep],
        end_ms=finish[keep],
        source=taken["source"] + f" instead of {instead_of}",
        flags=taken["flags"] | FALLBACK,
    ).astype(DTYPES)


def merged(frame: pd.DataFrame) -> pd.DataFrame:
    """With neighbours in time that say the same as one slot; `frame` is ordered by grid zone and time."""
    same = (frame["start_ms"] == frame["end_ms"].shift()).to_numpy()
    for name in ("grid_zone", "gco2e_per_kwh", "estimated", "source", "flags"):
        same = same & (frame[name] == frame[name].shift()).to_numpy(bool)
    first = np.flatnonzero(~same)
    last = np.append(first[1:], len(frame)) - 1
    ends = frame["end_ms"].to_numpy()[last]
    return frame.iloc[first].assign(end_ms=ends).reset_index(drop=True)
