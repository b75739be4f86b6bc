"""Where the inputs come from: a server, a recording, or the bundled one. The windows come from here too."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sci_batch import fetch, gate, snapshot
from sci_batch import grid as grids
from sci_batch.asking.planned import plan_of
from sci_batch.errors import UsageError
from sci_batch.fetch import Discovery, Inputs, Kube, Plan, Progress, unit_file
from sci_batch.fetch.checkpoint import Checkpoint
from sci_batch.files import path_of
from sci_batch.grid import Grid
from sci_batch.intensity import Kept
from sci_batch.prometheus.client import Client
from sci_batch.settings import FunctionalUnit, Settings, factors, http_settings, windows_of
from sci_batch.windows import Windows, cut


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Inputs, the windows they are for, and how they were got."""

    settings: Settings
    """As given; in a demo, what was recorded stands where nothing was given."""
    inputs: Inputs
    windows: Windows
    plan: Plan
    units: tuple[FunctionalUnit, ...]
    """Presets are resolved."""
    grid: Grid | None
    """None while recording without an intensity."""
    name: str
    """Server without its login, or recording."""
    queries: Callable[[], tuple[str, ...]]
    """The PromQL sent so far; ask when the counters have been read."""
    warnings: Callable[[], tuple[str, ...]]
    found: Discovery | None = None
    """What a server holds; None for a recording."""


def units_of(settings: Settings, plan: Plan) -> tuple[FunctionalUnit, ...]:
    """The functional units, presets resolved."""
    return tuple(unit.resolved(plan.cluster) for unit in settings.functional_unit)


def _path(unit: FunctionalUnit) -> Path:
    return path_of(unit.argument)


def _with_files(inputs: Inputs, units: tuple[FunctionalUnit, ...], plan: Plan) -> Inputs:
    """Inputs with the units of work that stand in files; what a recording holds already stays."""
    files = [unit for unit in units if unit.kind == "file" and unit.name not in inputs.units]
    read = {unit.name: unit_file.read(_path(unit), plan.edges_ms) for unit in files}
    notes = [note for _, notes in read.values() for note in notes if note not in inputs.notes]
    tables = {name: table for name, (table, _) in read.items()}
    return replace(inputs, units={**inputs.units, **tables}, notes=(*inputs.notes, *notes))


@contextmanager
def opened(
    settings: Settings, now_ms: int, progress: Progress, *,
    to_keep: bool = False, begun: Client | None = None,
) -> Iterator[Source]:  # fmt: skip
    """Open the one source that the settings name; `to_keep`: ask also for what a later run may need.

    `begun` is a client of these settings, if there is one already.

    Raises
    ------
    UsageError
        None, or more than one.
    """
    named = [
        flag
        for flag, given in (("--demo", settings.demo), ("--snapshot", settings.snapshot)) if given
    ]  # fmt: skip
    if len(named) > 1:
        raise UsageError("--demo and --snapshot are both given", "Give one source.")
    if settings.checkpoint is not None and settings.engine != "process":
        raise UsageError("--checkpoint is for one process", "Leave out --checkpoint or --engine.")
    if named and settings.engine != "process":
        raise UsageError(f"{named[0]} is read by one process", "Leave out --engine.")
    if named and settings.checkpoint is not None:
        raise UsageError(
            f"{named[0]} reads what is on this disk already: nothing could be lost",
            "Leave out --checkpoint.",
        )
    if named:
        yield _recorded(settings, now_ms)
        return
    if settings.prometheus_url is None:
        raise UsageError(
            "no source of energy is given",
            "Give -p/--prometheus-url http://host:9090, or --demo to see the tool work on bundled data.",
        )
    windows = windows_of(settings, now_ms)
    plan = plan_of(settings, windows)
    plan = replace(plan, sockets=plan.sockets or to_keep)
    units = units_of(settings, plan)
    for unit in units:  # a bad file is told before anything is fetched
        if unit.kind == "file":
            unit_file.read(_path(unit), plan.edges_ms)
    http = http_settings(settings)
    with begun or Client(http) as client:
        progress("looking for Kepler", 0.0)
        found, nodes = fetch.beforehand(client, plan)
        grid = _grid(settings, nodes, windows, client=client) if settings.intensity else None
        plan = replace(plan, cut_ms=grid.changes_ms if grid else ())
        kept = Checkpoint(settings.checkpoint, http.redacted_url) if settings.checkpoint else None
        here = settings.engine == "process"
        found = found if here else fetch.paced(client, plan, found)
        inputs = fetch.everything(client, plan, found, nodes, units, progress, kept, here=here)
        yield Source(
            settings=settings, inputs=_with_files(inputs, units, plan), windows=windows, plan=plan,
            units=units, grid=grid, name=http.redacted_url, found=found,
            queries=lambda: tuple(client.queries), warnings=lambda: _warnings(client),
        )  # fmt: skip


def _warnings(client: Client) -> tuple[str, ...]:
    """What the server warned of, and what of its answers is no number."""
    if not client.dropped:
        return tuple(client.warnings)
    words = f"{client.dropped:,} values of the server are left out: not finite (NaN, infinite), or histograms"
    return (*client.warnings, words)


def _grid(
    settings: Settings, tables: Kube, windows: Windows, *,
    client: Client | None = None, recorded: Mapping[str, Kept] | None = None,
) -> Grid:  # fmt: skip
    """The grid that the settings name; in a demo without any, the recorded one."""
    recorded = recorded or {}
    chosen = settings.intensity
    if chosen is None and settings.demo and recorded:
        chosen = factors.intensity(next(iter(recorded)))
    if chosen is None:
        raise UsageError("no grid intensity is given", "Give --intensity, for example --intensity 380.")
    span = (windows.start_ms, windows.end_ms)
    return grids.load(settings, chosen, tables, span, client=client, recorded=recorded)


def _recorded(settings: Settings, now_ms: int) -> Source:
    if settings.snapshot is not None:
        recording = snapshot.open_(settings.snapshot)
    else:
        recording = snapshot.open_(snapshot.DEMO, now_ms=now_ms)
    now_ms = recording.end_ms
    if settings.demo and settings.embodied is None and recording.manifest["embodied"]:
        settings = replace(settings, embodied=factors.embodied(recording.manifest["embodied"]))
    ranged = (settings.since_seconds, settings.start, settings.end) != (None, None, None)
    if settings.demo or ranged:
        windows = windows_of(settings, now_ms, settle_ms=0)
    else:  # all that was recorded
        windows = cut(recording.start_ms, recording.end_ms, settings.window, settings.tz)
    plan = plan_of(settings, windows)
    units = units_of(settings, plan)
    if settings.demo and not units:
        units = tuple(
            FunctionalUnit(known["name"], known["kind"], known["argument"])
            for known in recording.manifest["functional_units"]
        )
        for wrong in gate.unjudgeable(settings.fail_on, [unit.name for unit in units]):
            raise wrong
    snapshot.check_range(recording, windows.start_ms, windows.end_ms)
    tables = snapshot.tables(recording)
    grid = None
    if settings.intensity or settings.demo:
        grid = _grid(settings, tables, windows, recorded=snapshot.intensities(recording))
    plan = replace(plan, cut_ms=grid.changes_ms if grid else ())
    asked = [unit for unit in units if unit.kind != "file" or not _path(unit).exists()]
    inputs = snapshot.inputs(recording, tables, plan, asked)
    return Source(
        settings=settings, inputs=_with_files(inputs, units, plan), windows=windows, plan=plan,
        units=units, grid=grid,
        name="bundled recording" if settings.demo else str(recording.manifest["source"]),
        queries=lambda: tuple(recording.manifest["queries"]),
        warnings=lambda: tuple(recording.manifest["warnings"]),
    )  # fmt: skip


def record(settings: Settings, *, now_ms: int, progress: Progress) -> None:
    """Store everything that `compute` would fetch with the same source and time flags.

    Raises
    ------
    SciBatchError
        What the source refuses; nothing is left on disk then.
    """
    if settings.out is None:
        raise UsageError("no place for the recording is given", "Give --out DIR.")
    with opened(settings, now_ms, progress, to_keep=True) as source:
        keep(source, settings.out)


def keep(source: Source, out: Path) -> None:
    """Write a recording of a source that is open; its counters are read."""

    def manifest() -> dict[str, object]:
        plan = source.plan
        return snapshot.manifest_of(
            source=source.name, start_ms=plan.start_ms, end_ms=plan.end_ms, pull=source.inputs.pull,
            step_ms=source.inputs.step_ms, power_domains=list(plan.power_domains),
            cluster=",".join(plan.cluster), max_gap_ms=plan.max_gap_ms, label_keys=list(plan.label_keys),
            platform=plan.platform, embodied=str(source.settings.embodied or ""),
            functional_units=snapshot.recorded_units(source.units, source.inputs.units),
            notes=list(source.inputs.notes), queries=list(source.queries()),
            warnings=list(source.warnings()),
        )  # fmt: skip

    grid = source.grid
    sources = {} if grid is None else {
        name: Kept(intensity=one, asked=grid.asked) for name, one in grid.sources.items()
    }  # fmt: skip
    snapshot.write(source.inputs, sources, out, manifest, no_clobber=source.settings.no_clobber)


def queries(settings: Settings, *, now_ms: int) -> list[str]:
    """The PromQL that would be sent; nothing is asked."""
    plan = plan_of(settings, windows_of(settings, now_ms))
    return fetch.queries(plan, units_of(settings, plan))
