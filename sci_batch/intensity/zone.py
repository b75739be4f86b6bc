"""A grid zone of the shipped yearly table."""

from __future__ import annotations

from difflib import get_close_matches

from sci_batch.errors import UsageError
from sci_batch.intensity.frame import Intensity, Request, constant
from sci_batch.intensity.tables import WORLD, Zone, zones


def averages_only() -> UsageError:
    """The table has no marginal figures."""
    return UsageError(
        "the shipped table holds average intensities, not marginal ones",
        "Give --intensity watttime:REGION, or file:FILE or prometheus:QUERY with marginal figures; "
        "or leave out --intensity-kind marginal.",
    )


def load(argument: str, request: Request) -> Intensity:
    """`DE`, `US-EGRID-SRVC`: the yearly mean of the newest year in the table.

    Raises
    ------
    UsageError
        Not in the table; the world without `--allow-world-average`; marginal or another basis is asked for.
    """
    found = find(argument)
    if found.zone == WORLD and not request.allow_world_average:
        raise UsageError(
            "the world's average says little of any grid: grids differ more than twentyfold",
            "Give the country, such as zone:DE, or add --allow-world-average.",
        )
    check(found, request)
    return Intensity(
        slots=constant(request, grid_zone=found.zone, gco2e_per_kwh=found.gco2e_per_kwh, source=found.words),
        kind=found.kind,
        basis=found.basis,
        zones=(found.zone,),
        notes=(note(found),),
    )


def check(zone: Zone, request: Request) -> None:
    """Refuse what is not asked for."""
    if request.wanted != zone.kind:
        raise averages_only()
    if request.basis not in (None, zone.basis):
        raise UsageError(
            f"the shipped table has {zone.zone} with {zone.basis} factors, not {request.basis}",
            f"Give --intensity-basis {zone.basis}, or another zone: US and the countries are lifecycle, "
            "US-EGRID-... and the states of the USA are direct.",
        )


def note(zone: Zone) -> str:
    """Where a row comes from, for the report."""
    figure = f"{zone.gco2e_per_kwh:g} gCO2e/kWh, mean of {zone.year}"
    return f"grid {zone.zone} ({zone.name}): {figure}, {zone.source}"


def find(argument: str) -> Zone:
    """A row by its code, without case.

    Raises
    ------
    UsageError
        With codes that are near, by code or by name.
    """
    code = argument.strip().upper()
    table = zones()
    if code in table:
        return table[code]
    raise UsageError(f"the grid zone {argument!r} is not in the shipped table", _near(code))


def _near(code: str) -> str:
    table = zones()
    if code[:2] in table and code[2:3] == "-":
        return (
            f"It has no part of that country; zone:{code[:2]} is the mean of {table[code[:2]].name}. "
            "electricitymaps:ZONE or a file can be finer."
        )
    by_name = {zone.name.upper(): zone.zone for zone in table.values()}
    near = [by_name[name] for name in by_name if code and code in name][:3]
    near += [by_name[name] for name in get_close_matches(code, by_name, n=3)]
    near += get_close_matches(code, table, n=3)
    if not near:
        return "`sci-batch factors list --zones` prints all of them."
    shown = ", ".join(f"{zone} ({table[zone].name})" for zone in dict.fromkeys(near[:4]))
    return f"Did you mean {shown}? `sci-batch factors list --zones` prints all of them."
