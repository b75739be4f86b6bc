"""`sci-batch what-if`: the same work under another choice, from a stored result."""

from __future__ import annotations

import os

from sci_batch.cli.options import with_options
from sci_batch.cli.terminal import on_terminal, sink_options
from sci_batch.cli.writing import refuse_early, refuse_reading, tell, write
from sci_batch.settings import OPTIONS, Loaded, Output
from sci_batch.sinks import CHANGE_SINKS


@with_options("what-if", (("result", "Result stored with -o parquet=FILE, DIR/ or s3://..., or json=FILE."),))
def what_if(loaded: Loaded, result: str) -> None:
    """What the same work would have emitted elsewhere, at another hour, or on other hardware.

    Choices count from the command line alone: environment and file say how you compute.

    Example: sci-batch what-if result.parquet --intensity zone:FR
    """
    settings = loaded.settings
    outputs = settings.output or (Output("table" if on_terminal() else "csv", None),)
    refuse_early(outputs, settings, os.environ)
    refuse_reading(result, outputs)
    from sci_batch import alternative, comparison, stored

    chosen = [name for name in alternative.CHOICES if loaded.origins[name] == OPTIONS[name].flag]
    report = stored.read(result)
    other = alternative.of(report, settings, chosen)
    found = comparison.between(report, other.report, what_if=other.words, notes=other.notes)
    _, failed = write(found, outputs, sink_options(settings, os.environ), CHANGE_SINKS)
    if not settings.quiet:
        tell(found.notes, outputs)
    if failed is not None:
        raise failed
