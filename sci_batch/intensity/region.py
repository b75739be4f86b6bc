"""A cloud region, or the region of each node, by the shipped tables."""

from __future__ import annotations

from sci_batch.errors import UsageError
from sci_batch.intensity.frame import Intensity, Request, constant, stacked
from sci_batch.intensity.places import AUTO, best, candidates, parse_region, regions_of_nodes
from sci_batch.intensity.tables import Region, Zone, zones
from sci_batch.intensity.zone import averages_only, note


def load(argument: str, request: Request) -> Intensity:
    """`aws:eu-west-1`, or `auto`: each node's region, so one cluster may span several grids.

    Raises
    ------
    UsageError
        A region or its zone is not known; the zones are not of one basis.
    """
    if request.wanted != "average":
        raise averages_only()
    if argument == AUTO:
        of_node = regions_of_nodes(request, "--intensity region:auto")
    else:
        of_node = {"": parse_region(argument)}
    chosen = {(row.provider, row.region): choose(row, request) for row in of_node.values()}
    _one_basis(chosen)
    parts: dict[str, tuple[Zone, set[str]]] = {}
    for key, (zone, level) in chosen.items():
        parts.setdefault(zone.zone, (zone, set()))[1].add(f"{level} of {':'.join(key)}")
    return Intensity(
        slots=stacked(
            [
                constant(request, grid_zone=zone.zone, gco2e_per_kwh=zone.gco2e_per_kwh, source=zone.words)
                for zone, _ in parts.values()
            ]
        ),
        kind="average",
        basis=next(iter(chosen.values()))[0].basis,
        zones=tuple(sorted(parts)),
        zone_of_node={}
        if argument != AUTO
        else {node: chosen[row.provider, row.region][0].zone for node, row in of_node.items()},
        notes=tuple(f"{note(zone)}; {', '.join(sorted(levels))}" for zone, levels in parts.values()),
    )


def choose(region: Region, request: Request) -> tuple[Zone, str]:
    """The row for a region, and its level in words.

    Raises
    ------
    UsageError
        No row of the basis asked for.
    """
    known = {code: zone for code, zone in zones().items() if request.basis in (None, zone.basis)}
    found = best(region, known, allow_world_average=request.allow_world_average)
    if found is not None:
        return known[found.zone], found.level
    tried = ", ".join(item.zone for item in candidates(region, allow_world_average=True)) or "nothing"
    basis = f" with {request.basis} factors" if request.basis else ""
    raise UsageError(
        f"the shipped table has no zone for {region.provider}:{region.region}{basis} (tried: {tried})",
        f"{region.note.capitalize() + '. ' if region.note else ''}Give --intensity zone:ZONE or a file; "
        "--allow-world-average takes the world's mean.",
    )


def _one_basis(chosen: dict[tuple[str, str], tuple[Zone, str]]) -> None:
    bases: dict[str, str] = {}
    for key, (zone, _) in sorted(chosen.items()):
        bases.setdefault(zone.basis, f"{':'.join(key)} is {zone.zone}")
    if len(bases) > 1:
        words = "; ".join(f"{example}, {basis}" for basis, example in sorted(bases.items()))
        raise UsageError(
            f"the nodes' grids have lifecycle and direct factors, which are not added up ({words})",
            "--intensity-basis lifecycle takes the country's row for regions in the USA.",
        )
