"""Of an old manifest: grid intensity, hardware, unit of work."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sci_batch.impact.kepler_importer import Component
from sci_batch.impact.migration import Migration, duration
from sci_batch.impact.yaml_file import numbers
from sci_batch.units import GRAMS_PER_KILOGRAM

_UNIT_SECONDS = {
    "s": 1, "sec": 1, "second": 1, "m": 60, "min": 60, "minute": 60, "h": 3600, "hr": 3600, "hour": 3600,
    "d": 86_400, "day": 86_400, "week": 604_800, "month": 2_628_000, "y": 31_536_000, "year": 31_536_000,
}  # fmt: skip
_TIME_UNITS = {1: "second", 60: "minute", 3600: "hour", 86_400: "day", 604_800: "week"}
_EMBODIED = ("device/emissions-embodied", "total-embodied-emissions")
_LIFESPAN = ("device/expected-lifespan", "expected-lifespan")
_INTENSITY = ("grid/carbon-intensity", "grid-carbon-intensity")


def intensity(made: Migration, found: Sequence[Component]) -> None:
    """One number where there was one; else words on where to take it from."""
    values = numbers(value for component in found for value in component.values(*_INTENSITY))
    for component in found:
        for plugin in component.others:
            if plugin.method == "Coefficient" and plugin.config.get("input-parameter") == "energy":
                values += numbers([plugin.config.get("coefficient")])
    if len(values) == 1:
        made.values["intensity"] = (
            f"{values[0]:g}" if float(f"{values[0]:g}") == values[0] else repr(values[0])
        )
        made.say(
            "intensity",
            "was grid/carbon-intensity, one typed number [gCO2e/kWh]. zone:DE or a live source says where "
            "its figure is from, and for which time (`sci-batch factors list`).",
        )
    elif values:
        made.say(
            "intensity",
            f"grid/carbon-intensity had {len(values)} values, {min(values):g} to {max(values):g}: put them "
            "into a file with their times (file:ci.csv), or name a source such as zone:DE. Needed.",
        )
    else:
        made.say(
            "intensity",
            "The manifest has no grid/carbon-intensity. Needed, as no default is near to all grids.",
        )


def hardware(made: Migration, found: Sequence[Component]) -> None:
    """TE and lifespan of a node where there was one figure each."""
    grams = [value for component in found for value in component.values(*_EMBODIED)]
    lives = [value for component in found for value in component.values(*_LIFESPAN)]
    for component in found:
        for plugin in component.others:
            if plugin.method == "SciEmbodied":
                grams.append(plugin.config.get("baseline-emissions"))
                lives.append(plugin.config.get("lifespan"))
    known = [value for value in numbers(grams) if value > 0]
    if len(known) == 1:
        made.values["embodied"] = f"kg:{known[0] / GRAMS_PER_KILOGRAM:.12g}"
        made.say(
            "embodied",
            "was device/emissions-embodied or baseline-emissions [g]. It was charged whole to one container. "
            "Now it is that of a node, and a pod gets what it reserves of the node (RR/ToR): M becomes much "
            "smaller.",
        )
    else:
        several = f"{len(known)} different figures" if known else "no figure"
        made.say(
            "embodied",
            f"The manifest has {several} of embodied carbon. Without a setting the median of vendor figures "
            "is taken, and flagged; catalogue knows the instance types of clouds.",
        )
    seconds = [value for value in numbers(lives) if value >= 1]
    if len(seconds) == 1 and seconds[0] == round(seconds[0]):
        made.values["lifespan"] = duration(round(seconds[0]), longest="y")
        made.say("lifespan", "was device/expected-lifespan or lifespan")


def units(made: Migration, found: Sequence[Component], window_seconds: int) -> None:
    """R, where all components had the same number; a score per time is a number per window."""
    told = dict(unit for component in found if (unit := _unit(component, window_seconds)))
    if len(told) == 1:
        made.values["functional-unit"] = list(told)
        made.say(
            "functional-unit",
            *told.values(),
            "A number counts for each window and is shared by all rows. Better: what the software did, such "
            "as request=prometheus:... or a preset (`sci-batch functional-units`).",
        )
    elif told:
        made.say(
            "functional-unit",
            f"The components had {len(told)} different ones ({', '.join(told)}). A number here is one for "
            "all rows: count the work in Prometheus or in a file (`sci-batch functional-units`).",
        )
    else:
        made.say(
            "functional-unit", "The manifest has no functional unit with a number: without one no score."
        )


def _unit(component: Component, window_seconds: int) -> tuple[str, str] | None:
    """`NAME=NUMBER` and what it was; None where there is none."""
    asked: dict[str, Any] = {}
    for row in component.inputs:
        asked |= {name: row[name] for name in ("functional-unit", "functional-unit-time") if name in row}
    for plugin in component.others:
        if plugin.method == "Sci":
            asked |= plugin.config
    name, time = asked.get("functional-unit"), asked.get("functional-unit-time")
    counts = numbers(component.values(str(name))) if isinstance(name, str) else []
    count = counts[0] if len(counts) == 1 and counts[0] > 0 else None
    size = _seconds(time)
    plain = name if isinstance(name, str) and re.fullmatch(r"[A-Za-z][\w /.-]{0,60}", name) else None
    if count is not None and plain and size is None:
        return f"{plain}={count:.12g}", f"was functional-unit: {plain}"
    if size is None:
        return None
    hours = window_seconds / size * (count or 1.0)
    label = _TIME_UNITS.get(size, f"{size} s" if plain is None else "time")
    label = f"{plain} {label}" if count is not None and plain else label
    if not label[0].isalpha():
        label = f"period of {label}"
    return f"{label}={hours:.12g}", f"was functional-unit-time: {time}"


def _seconds(text: object) -> int | None:
    """Length of `1 hour`, `10 min`, `1 day` [s]; None where it is none."""
    match = re.fullmatch(r"\s*(\d{1,6})?\s*-?\s*([a-z]+?)s?\s*", text) if isinstance(text, str) else None
    if match is None or match[2] not in _UNIT_SECONDS:
        return None
    return int(match[1] or 1) * _UNIT_SECONDS[match[2]] or None
