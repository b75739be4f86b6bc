"""`sci-batch report`: a stored result as any output, without a Prometheus to ask."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sci_batch.cli.log import say
from sci_batch.cli.options import with_options
from sci_batch.cli.terminal import on_terminal, sink_options
from sci_batch.cli.writing import refuse_early, refuse_reading, write
from sci_batch.settings import Loaded, Output, Settings, push_settings
from sci_batch.sinks import SINKS


@with_options(
    "report", (("result", "Result stored with -o parquet=FILE, DIR/ or s3://..., json=FILE or csv=FILE."),)
)
def report(loaded: Loaded, result: str) -> None:
    """Show a stored result (Parquet, JSON or CSV), or write it to further outputs; nothing is computed.

    Example: sci-batch report result.parquet -o markdown=summary.md
    """
    settings = loaded.settings
    outputs = settings.output or (Output("table" if on_terminal() else "csv", None),)
    refuse_early(outputs, settings, os.environ)
    write_stored(settings, result, outputs)


def write_stored(settings: Settings, place: str, outputs: Sequence[Output]) -> None:
    """Write the result of a file or data set to all outputs.

    Raises
    ------
    UsageError
        The file is none of ours, is of another cluster or unit, or is one of the outputs.
    SinkError
        An output failed; the others are written.
    """
    refuse_reading(place, outputs)
    from sci_batch import stored

    cluster = settings.cluster_label[1] if settings.cluster_label else ""
    made = stored.read(place, settings.unit_name, cluster, push_settings(settings))
    whole = bool(made.provenance.method)
    if not settings.quiet and not whole:
        say(f"note: {made.provenance.notes[0]}")
    source = Output("parquet", None, place) if whole else Output("csv", Path(place))
    options = replace(sink_options(settings, os.environ), computed=False)
    _, failed = write(made, outputs, options, SINKS, source)
    if failed is not None:
        raise failed
    if not settings.quiet and any(output.target or output.path for output in outputs):
        made_of = made.provenance
        say(f"{made_of.start} to {made_of.end}, written: {', '.join(map(str, outputs))}")
