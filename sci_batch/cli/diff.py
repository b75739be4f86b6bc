"""`sci-batch diff`: what changed from one stored result to another, and why."""

from __future__ import annotations

import os

from sci_batch import gate
from sci_batch.cli.judging import judge, limits_sink
from sci_batch.cli.options import with_options
from sci_batch.cli.terminal import on_terminal, sink_options
from sci_batch.cli.writing import refuse_early, refuse_reading, tell, write
from sci_batch.settings import Loaded, Output
from sci_batch.sinks import CHANGE_SINKS, LIMITS

_FILE = "Result stored with -o parquet=FILE, DIR/ or s3://..., or json=FILE"


@with_options("diff", (("base", f"{_FILE}: before."), ("now", f"{_FILE}: after.")))
def diff(loaded: Loaded, base: str, now: str) -> None:
    """What changed from one stored result to another, and why: energy, grid, hardware, units of work.

    Example: sci-batch diff base.parquet now.parquet --fail-on 'increase>10%'
    """
    settings = loaded.settings
    outputs = settings.output or (Output("table" if on_terminal() else "csv", None),)
    refuse_early(outputs, settings, os.environ)
    for place in (base, now):
        refuse_reading(place, outputs)
    from sci_batch import comparison, stored

    report = stored.read(now)
    for wrong in gate.unjudgeable(settings.fail_on, report.provenance.units):
        raise wrong
    found = comparison.between(stored.read(base), report, allow_method_change=settings.allow_method_change)
    verdicts = gate.verdicts(settings.fail_on, report, found)
    sinks = {**CHANGE_SINKS, LIMITS: limits_sink(verdicts, "sci-batch diff", settings)}
    _, failed = write(found, outputs, sink_options(settings, os.environ), sinks)
    if not settings.quiet:
        tell(found.notes, outputs)
    judge(verdicts, settings, failed)
