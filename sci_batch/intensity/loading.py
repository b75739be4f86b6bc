"""The chosen source, its holes closed by the chosen policy; figures of two kinds are never mixed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from difflib import get_close_matches
from importlib import import_module

import numpy as np
import pandas as pd

from sci_batch.errors import NoDataError, SourceError, UsageError
from sci_batch.intensity.frame import (
    HIGHEST_GCO2E_PER_KWH,
    HOUR_MS,
    Gap,
    Intensity,
    Named,
    RejectedError,
    Request,
    stacked,
)
from sci_batch.intensity.gaps import clipped, holes, interpolated, merged, overlaid
from sci_batch.intensity.market import refuse_market
from sci_batch.windows import rfc3339

Source = Callable[[str, Request], Intensity]


def _source(module: str) -> Source:
    def load(argument: str, request: Request) -> Intensity:
        # Imported late: most runs take one, and need no other's packages.
        found: Intensity = import_module(f"sci_batch.intensity.{module}").load(argument, request)
        return found

    return load


SOURCES: dict[str, Source] = {
    "constant": _source("constant"),
    "zone": _source("zone"),
    "region": _source("region"),
    "file": _source("file"),
    "prometheus": _source("prometheus"),
    "electricitymaps": _source("electricity_maps"),
    "uk": _source("uk"),
    "energy-charts": _source("energy_charts"),
    "carbon-aware-sdk": _source("carbon_aware_sdk"),
    "watttime": _source("watttime"),
}
"""Each gives slots that may have holes; `load` closes them."""
AT_HAND = ("constant", "zone", "region", "file")
"""Sources that need nobody: a fallback to one of them is looked at before it is needed."""
_LONGEST_LIST = 3


def load(kind: str, argument: str, request: Request) -> Intensity:
    """The intensity that `--intensity KIND:ARGUMENT` names, for the whole range.

    Returns
    -------
    The slots of each grid zone tile `[start_ms, end_ms)`: no hole, no overlap, each slot flagged. Neighbours
    that say the same are one slot: every change costs the energy side a query.

    Raises
    ------
    UsageError
        The source or its argument is wrong; or average and marginal, lifecycle and direct would be mixed.
    NoDataError
        Holes that the policy does not close.
    AuthError, SourceError
        From the source, when no fallback is given.
    """
    policy = gap_policy(request)
    fallbacks = request.fallbacks if policy != "error" else ()
    ready = [read(item.kind, item.argument, request) if item.kind in AT_HAND else None for item in fallbacks]
    name = f"{kind}:{argument}"
    chain = list(zip(fallbacks, ready, strict=True))
    try:
        found = read(kind, argument, request)
    except (SourceError, NoDataError) as failed:
        if isinstance(failed, RejectedError) or not chain:
            raise
        found = _in_its_place(name, failed, chain, request)
    for item, other in chain:
        if other is not None:
            refuse_mixing(found, name, other, _role(item))
    if policy == "interpolate":
        found = replace(found, slots=interpolated(found.slots, found.zones))
    found = replace(found, slots=clipped(found.slots, request))
    for item, other in chain:
        missing = holes(found.slots, found.zones, request)
        if missing.empty:
            break
        spare = other if other is not None else read(item.kind, item.argument, request)
        refuse_mixing(found, name, spare, _role(item))
        moved = _with_zones_of(found, spare, item)
        notes = tuple(note for note in spare.notes if note not in found.notes)
        found = replace(
            found, slots=overlaid(found.slots, missing, moved, name), notes=(*found.notes, *notes)
        )
    _no_hole(found, name, request)
    slots = merged(found.slots)
    return replace(found, slots=slots, step_ms=step_ms(slots))


def read(kind: str, argument: str, request: Request) -> Intensity:
    """What the source itself has, holes and all, also beyond the range; checked.

    Raises
    ------
    UsageError
        No such source; market-based; or not of the kind or basis asked for.
    SourceError
        Figures that no grid has.
    """
    if kind not in SOURCES:
        refuse_market(kind)
        near = get_close_matches(kind, SOURCES, n=1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise UsageError(
            f"unknown kind of grid intensity: {kind}",
            f"{hint}--intensity takes a number, or one of {', '.join(SOURCES)}, then a colon.",
        )
    name = f"{kind}:{argument}"
    found = as_wanted(SOURCES[kind](argument, request), name, request, "another source")
    slots = stacked([found.slots])
    _sound(slots, name)
    return replace(found, slots=slots, zones=tuple(found.zones), step_ms=step_ms(slots))


def as_wanted(found: Intensity, name: str, request: Request, instead: str) -> Intensity:
    """Of the kind and basis asked for; a basis that nobody says is the one asked for.

    Raises
    ------
    UsageError
        Of another kind or basis. `instead` is what else than that flag could help.
    """
    if found.kind != request.wanted:
        raise UsageError(
            f"{name} gives {found.kind} intensities, and {request.wanted} ones are wanted",
            f"Give --intensity-kind {found.kind}, or {instead}.",
        )
    if request.basis is not None and found.basis == "unknown":
        words = f"{name} does not say its basis: it is {request.basis} by --intensity-basis"
        found = replace(found, basis=request.basis, notes=(*found.notes, words))
    if request.basis not in (None, found.basis):
        raise UsageError(
            f"{name} has {found.basis} factors, and {request.basis} ones are wanted",
            f"Give --intensity-basis {found.basis}, or {instead}.",
        )
    return found


def gap_policy(request: Request) -> Gap:
    """What is done with holes.

    Raises
    ------
    UsageError
        A fallback without leave to use it, or the reverse.
    """
    policy: Gap = request.gap or ("fallback" if request.fallbacks else "error")
    if policy == "fallback" and not request.fallbacks:
        raise UsageError(
            "--intensity-gap fallback is given without a fallback",
            "Give --intensity-fallback KIND:ARGUMENT, such as zone:DE.",
        )
    if policy == "error" and request.fallbacks:
        raise UsageError(
            "--intensity-fallback is given, and --intensity-gap error forbids its use",
            "Leave out one of them.",
        )
    return policy


def _in_its_place(
    name: str,
    failed: SourceError | NoDataError,
    chain: list[tuple[Named, Intensity | None]],
    request: Request,
) -> Intensity:
    """The grid zones of the first fallback, with nothing in them, and why."""
    item, ready = chain[0]
    other = ready if ready is not None else read(item.kind, item.argument, request)
    chain[0] = (item, other)
    words = f"{name} failed, the fallback is used throughout: {failed.what}"
    return replace(other, slots=other.slots[:0], notes=(words,))


def _role(fallback: Named) -> str:
    return f"the fallback {fallback.kind}:{fallback.argument}"


def refuse_mixing(chosen: Intensity, name: str, other: Intensity, role: str) -> None:
    """Average and marginal, lifecycle and direct do not stand in one result.

    `role` names the other source: `the fallback zone:DE`. An unknown basis stands beside any.

    Raises
    ------
    UsageError
        They are of two kinds, or of two known bases.
    """
    if chosen.kind != other.kind:
        raise UsageError(
            f"{name} is {chosen.kind} and {role} is {other.kind}: they are not mixed in one result",
            "Give sources of the same kind.",
        )
    known = {chosen.basis, other.basis} - {"unknown"}
    if len(known) > 1:
        raise UsageError(
            f"{name} has {chosen.basis} factors and {role} has {other.basis} ones: "
            "they are not mixed in one result",
            "Give sources of the same basis; --intensity-basis asks those that have both.",
        )


def _with_zones_of(found: Intensity, other: Intensity, item: Named) -> pd.DataFrame:
    """The fallback's slots under the grid zones of the chosen source, matched by the nodes in them.

    Raises
    ------
    UsageError
        The nodes of one grid zone are spread over several of the fallback.
    """
    parts = []
    for zone_name in found.zones:
        if other.zone_of_node and found.zone_of_node:
            nodes = [node for node, own in found.zone_of_node.items() if own == zone_name]
            theirs = {other.zone_of_node[node] for node in nodes if node in other.zone_of_node}
        else:
            theirs = set(other.zones)
        if len(theirs) > 1:
            raise UsageError(
                f"the fallback {item.kind}:{item.argument} has several grid zones "
                f"({', '.join(sorted(theirs))}) for {zone_name or 'the nodes'}",
                "Give a fallback with one grid zone.",
            )
        for their_zone in theirs:
            slots = other.slots[other.slots["grid_zone"] == their_zone]
            parts.append(slots.assign(grid_zone=zone_name).astype({"grid_zone": "str"}))
    return stacked(parts)


def _no_hole(found: Intensity, name: str, request: Request) -> None:
    missing = holes(found.slots, found.zones, request)
    if missing.empty:
        return
    hours = float((missing["end_ms"] - missing["start_ms"]).sum()) / HOUR_MS
    several = len(found.zones) > 1
    shown = [
        f"{zone_name + ' ' if several else ''}{rfc3339(start)} to {rfc3339(end)}"
        for zone_name, start, end in missing.head(_LONGEST_LIST).itertuples(index=False)
    ]
    more = f" and {len(missing) - _LONGEST_LIST} more" if len(missing) > _LONGEST_LIST else ""
    notes = f" ({'; '.join(found.notes)})" if found.notes else ""
    raise NoDataError(
        f"{name} has no intensity for {hours:g} h: {', '.join(shown)}{more}{notes}",
        "Give --intensity-fallback KIND:ARGUMENT, such as zone:DE; --intensity-gap interpolate draws a line "
        "over holes of at most 2 h.",
    )


def _sound(slots: pd.DataFrame, name: str) -> None:
    values = slots["gco2e_per_kwh"].to_numpy()
    wrong = ~((values > 0) & (values <= HIGHEST_GCO2E_PER_KWH))
    if wrong.any():
        first = int(np.argmax(wrong))
        raise SourceError(
            f"{name} says {values[first]:g} gCO2e/kWh at {rfc3339(int(slots['start_ms'].iloc[first]))}, "
            f"and no grid has that",
            f"Intensities are above 0 and at most {HIGHEST_GCO2E_PER_KWH} gCO2e/kWh: check the unit, or take "
            "another source.",
        )
    start, end = slots["start_ms"].to_numpy(), slots["end_ms"].to_numpy()
    same = (slots["grid_zone"] == slots["grid_zone"].shift()).to_numpy()[1:]
    over = np.flatnonzero(same & (start[1:] < end[:-1]))
    if (start >= end).any() or len(over):
        at = int(start[1:][over[0]]) if len(over) else int(start[start >= end][0])
        raise SourceError(
            f"{name} says two things of the same time, at {rfc3339(at)}", "Take another source, or a file."
        )


def step_ms(slots: pd.DataFrame) -> int | None:
    """Shortest slot [ms]; None: constant over the range."""
    if len(slots) == slots["grid_zone"].nunique():
        return None
    return int((slots["end_ms"] - slots["start_ms"]).min())
