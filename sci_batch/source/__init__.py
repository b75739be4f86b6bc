"""Where the inputs come from: a server, a recording, or the bundled one. The windows come from here too."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sci_batch import grid as grids
from sci_batch import snapshot
from sci_batch.asking.plan import Discovery, Plan
from sci_batch.errors import UsageError
from sci_batch.files import path_of
from sci_batch.grid import Grid
from sci_batch.inputs import Inputs, Kube, Progress
from sci_batch.intensity import Kept
from sci_batch.settings import FunctionalUnit, Settings, factors
from sci_batch.source import unit_file
from sci_batch.windows import Windows

if TYPE_CHECKING:
    from sci_batch.prometheus.client import Client


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


def unit_path(unit: FunctionalUnit) -> Path:
    """Where a unit that stands in a file stands."""
    return path_of(unit.argument)


def with_files(inputs: Inputs, units: tuple[FunctionalUnit, ...], plan: Plan) -> Inputs:
    """Inputs with the units of work that stand in files; what a recording holds already stays."""
    files = [unit for unit in units if unit.kind == "file" and unit.name not in inputs.units]
    read = {unit.name: unit_file.read(unit_path(unit), plan.edges_ms) for unit in files}
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
    # each loads what it needs: a recording no network, which takes a moment
    if named:
        from sci_batch.source.recorded import recorded

        yield recorded(settings, now_ms)
        return
    if settings.prometheus_url is None:
        raise UsageError(
            "no source of energy is given",
            "Give -p/--prometheus-url http://host:9090, or --demo to see the tool work on bundled data.",
        )
    from sci_batch.source.live import live

    with live(settings, now_ms, progress, to_keep=to_keep, begun=begun) as source:
        yield source


def grid_of(
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
