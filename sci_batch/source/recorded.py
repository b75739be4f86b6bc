"""A recording as the source: one that is given, or the bundled one."""

from __future__ import annotations

from dataclasses import replace

from sci_batch import gate, snapshot
from sci_batch.asking.planned import plan_of
from sci_batch.settings import FunctionalUnit, Settings, factors, windows_of
from sci_batch.source import Source, grid_of, unit_path, units_of, with_files
from sci_batch.windows import cut


def recorded(settings: Settings, now_ms: int) -> Source:
    """Read the recording that the settings name."""
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
        grid = grid_of(settings, tables, windows, recorded=snapshot.intensities(recording))
    plan = replace(plan, cut_ms=grid.changes_ms if grid else ())
    asked = [unit for unit in units if unit.kind != "file" or not unit_path(unit).exists()]
    inputs = snapshot.inputs(recording, tables, plan, asked)
    return Source(
        settings=settings, inputs=with_files(inputs, units, plan), windows=windows, plan=plan,
        units=units, grid=grid,
        name="bundled recording" if settings.demo else str(recording.manifest["source"]),
        queries=lambda: tuple(recording.manifest["queries"]),
        warnings=lambda: tuple(recording.manifest["warnings"]),
    )  # fmt: skip
