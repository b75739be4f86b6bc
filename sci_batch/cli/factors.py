"""`sci-batch factors`: grid intensity to look at, to check, and to carry to a place without a network."""

from __future__ import annotations

import os
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sci_batch.cli.help import GroupedHelp
from sci_batch.cli.log import say
from sci_batch.cli.options import CONFIG_HELP
from sci_batch.cli.schema import aligned
from sci_batch.cli.terminal import now_ms
from sci_batch.errors import NoDataError, SinkError, UsageError
from sci_batch.files import path_of
from sci_batch.settings import OPTIONS, Settings, http_settings, load, windows_of
from sci_batch.settings.factors import Spec

if TYPE_CHECKING:
    from sci_batch.intensity import Intensity, Request
    from sci_batch.prometheus.client import Client

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    help="Grid carbon intensity: fetch, list, show, validate.",
)

_HOUR_MS = 3_600_000


def _help(field: str) -> str:
    item = OPTIONS[field]
    return f"{item.help} [env: {item.environment}]"


@app.command(cls=GroupedHelp)
def fetch(
    out: Annotated[str, typer.Option(help="File to write: .csv or .parquet.", metavar="FILE")],
    intensity: Annotated[
        list[str] | None,
        typer.Option(help="Source, as for compute. Repeatable.", metavar="KIND:ARG"),
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="The last whole hours before now.", metavar="TIME")
    ] = None,
    start: Annotated[str | None, typer.Option(help=_help("start"), metavar="TIME")] = None,
    end: Annotated[str | None, typer.Option(help=_help("end"), metavar="TIME")] = None,
    intensity_kind: Annotated[
        str | None, typer.Option(help=_help("intensity_kind"), metavar="average|marginal")
    ] = None,
    intensity_basis: Annotated[
        str | None, typer.Option(help=_help("intensity_basis"), metavar="lifecycle|direct")
    ] = None,
    allow_world_average: Annotated[bool, typer.Option(help=_help("allow_world_average"))] = False,
    offline: Annotated[bool, typer.Option(help=_help("offline"))] = False,
    cache_dir: Annotated[str | None, typer.Option(help=_help("cache_dir"), metavar="DIR")] = None,
    prometheus_url: Annotated[
        str | None,
        typer.Option("--prometheus-url", "-p", help=_help("prometheus_url"), metavar="URL"),
    ] = None,
    config: Annotated[str | None, typer.Option(help=CONFIG_HELP, metavar="FILE")] = None,
) -> None:
    """Write the intensity of a range into a file, for --intensity file:FILE where there is no network.

    Example: sci-batch factors fetch --intensity electricitymaps:DE --since 30d --out ci.parquet
    """
    flags = {
        "intensity_kind": intensity_kind, "intensity_basis": intensity_basis, "since_seconds": since,
        "start": start, "end": end, "cache_dir": cache_dir, "prometheus_url": prometheus_url,
        "allow_world_average": allow_world_average or None, "offline": offline or None,
    }  # fmt: skip
    settings = load(flags, os.environ, "show", config).settings
    specs: list[Spec] = [OPTIONS["intensity"].parse(text) for text in intensity or ()]
    if not specs and settings.intensity is not None:
        specs = [settings.intensity]
    if not specs:
        raise UsageError(
            "no source is given", "Give --intensity KIND:ARG; `sci-batch factors list` shows them."
        )
    path = path_of(out)
    if path.suffix.lower() not in (".csv", ".parquet", ".pq"):
        raise UsageError(f"{out} is neither .csv nor .parquet", "Give for example --out ci.parquet.")
    if settings.prometheus_url is None:
        found = _read_all(specs, settings, None)
    else:
        from sci_batch.prometheus.client import Client

        with Client(http_settings(settings)) as client:
            found = _read_all(specs, settings, client)
    _write(found, path)


def _read_all(specs: list[Spec], settings: Settings, client: Client | None) -> list[Intensity]:
    """What the sources themselves have in the range: holes stay holes, and are told."""
    from sci_batch.intensity import gaps, read

    request = _request(settings, client)
    found = []
    for spec in specs:
        one = read(spec.kind, spec.argument, request)
        one = replace(one, slots=gaps.clipped(one.slots, request))
        for note in one.notes:
            say(f"note: {note}")
        if one.slots.empty:
            raise NoDataError(f"{spec} has no intensity in this range", "Take another range or source.")
        missing = gaps.holes(one.slots, one.zones, request)
        hours = float((missing["end_ms"] - missing["start_ms"]).sum()) / _HOUR_MS
        say(
            f"{spec}: {len(one.slots)} slots, {one.kind}, {one.basis}, mean {one.gco2e_per_kwh:.1f} gCO2e/kWh"
        )
        if hours:
            say(f"warning: {spec} has no intensity for {hours:g} h; they are not in the file")
        found.append(one)
    return found


def _request(settings: Settings, client: Client | None) -> Request:
    from sci_batch.intensity import Request

    now = now_ms(os.environ)
    windows = windows_of(replace(settings, window="1h", tz="UTC"), now, settle_ms=0)
    return Request(
        start_ms=windows.start_ms, end_ms=windows.end_ms, kind=settings.intensity_kind,
        basis=settings.intensity_basis, allow_world_average=settings.allow_world_average, client=client,
        offline=settings.offline, cache_dir=settings.cache_dir, now_ms=now,
    )  # fmt: skip


def _write(found: list[Intensity], path: Path) -> None:
    from sci_batch.intensity import export
    from sci_batch.sinks.target import opened

    frame = export.rows(found)
    try:
        with opened(path) as stream:
            export.write(frame, path, stream)
    except SinkError as error:
        raise SinkError(error.what, "Check --out, its rights and space.") from None
    say(f"wrote {len(frame)} slots into {path}; use it with --intensity file:{path}")


@app.command("list")
def list_(
    pattern: Annotated[str, typer.Argument(help="With --zones: part of a code or name, or a glob.")] = "",
    zones: Annotated[bool, typer.Option("--zones", help="List the grid zones of the shipped table.")] = False,
) -> None:
    """Print the kinds of sources: what each gives and needs; with --zones the shipped grid zones.

    Example: sci-batch factors list --zones 'US-*'
    """
    from sci_batch.intensity.kinds import FORM, HEAD, KINDS

    if pattern and not zones:
        raise UsageError(f"{pattern!r} is a pattern for zones", "Add --zones.")
    if not zones:
        typer.echo("\n".join([*aligned([HEAD, *KINDS]), "", FORM]))
        return
    from sci_batch.intensity import tables

    wanted = [zone for zone in tables.zones().values() if _matches(pattern, zone.zone, zone.name)]
    if not wanted:
        raise UsageError(f"no grid zone matches {pattern!r}", "Leave the pattern out to see all of them.")
    rows = [("zone", "gCO2e/kWh", "year", "basis", "kind", "name")]
    rows += [
        (zone.zone, f"{zone.gco2e_per_kwh:g}", str(zone.year), zone.basis, zone.kind, zone.name)
        for zone in wanted
    ]
    typer.echo("\n".join([*aligned(rows), "", tables.ATTRIBUTION]))


def _matches(pattern: str, code: str, name: str) -> bool:
    wanted = pattern.lower()
    texts = (code.lower(), name.lower())
    return any(fnmatchcase(text, wanted) for text in texts) or any(wanted in text for text in texts)


@app.command()
def show(
    place: Annotated[
        str,
        typer.Argument(
            help="A grid zone such as DE, or a region such as aws:eu-west-1; as in --intensity, zone:DE too."
        ),
    ],
) -> None:
    """Print what the shipped tables say of a grid zone or a cloud region, and which row would be used."""
    from sci_batch.intensity import places, tables
    from sci_batch.intensity.zone import find

    lines: list[tuple[str, str]] = []
    place = place.strip().removeprefix("region:").removeprefix("zone:")
    if ":" in place:
        region = places.parse_region(place)
        lines += [
            ("region", f"{region.provider}:{region.region}"), ("location", region.location or "not certain"),
            ("grid zone", region.grid_zone or "not certain"),
        ]  # fmt: skip
        lines += [("note", region.note)] if region.note else []
        chain = list(places.candidates(region, allow_world_average=True))
        lines += [("tried", f"{item.zone} ({item.level}){_known(item.zone)}") for item in chain]
        chosen = places.best(region, tables.zones(), allow_world_average=False)
        zone = None if chosen is None else tables.zones()[chosen.zone]
    else:
        zone = find(place)
    if zone is not None:
        lines += [
            ("zone", f"{zone.zone} ({zone.name})"), ("intensity", f"{zone.gco2e_per_kwh:g} gCO2e/kWh"),
            ("year", str(zone.year)), ("kind", zone.kind), ("basis", zone.basis), ("flow", zone.flow),
            ("source", zone.source), ("licence", zone.licence),
        ]  # fmt: skip
    typer.echo("\n".join([*aligned(lines), "", tables.ATTRIBUTION]))


def _known(zone: str) -> str:
    from sci_batch.intensity import tables

    found = tables.zones().get(zone)
    return f": {found.gco2e_per_kwh:g} gCO2e/kWh, {found.basis}" if found else ": not in the table"


@app.command()
def validate(
    file: Annotated[str, typer.Argument(help="CSV or Parquet file, as for --intensity file:FILE.")],
) -> None:
    """Check a file of intensities: exit 2 and the line when it is wrong, else what it holds."""
    from sci_batch.intensity import Request
    from sci_batch.intensity.file import read, split_zone
    from sci_batch.windows import rfc3339

    path, wanted = split_zone(file)
    table = read(path, Request(start_ms=0, end_ms=_HOUR_MS)).rows
    rows = [("zone", "slots", "start", "end", "hours missing", "mean", "min", "max", "kind", "basis")]
    for zone in sorted(set(table["zone"])):
        own = table[table["zone"] == zone]
        if wanted not in (None, zone):
            continue
        length = own["end_ms"] - own["start_ms"]
        start, end = int(own["start_ms"].min()), int(own["end_ms"].max())
        values = own["gco2e_per_kwh"]
        mean = float((values * length).sum() / length.sum())
        rows.append(
            (
                zone or "-", str(len(own)), rfc3339(start), rfc3339(end),
                f"{(end - start - int(length.sum())) / _HOUR_MS:g}", f"{mean:.1f}", f"{values.min():g}",
                f"{values.max():g}", "+".join(sorted(set(own["kind"]))), "+".join(sorted(set(own["basis"]))),
            )
        )  # fmt: skip
    if len(rows) == 1:
        raise UsageError(f"{path} has no grid zone {wanted}", "Leave out #ZONE to see all of them.")
    typer.echo("\n".join(aligned(rows)))
