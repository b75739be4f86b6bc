"""`sci-batch compute`: query, calculate, write, judge."""

from __future__ import annotations

import os

from sci_batch import gate
from sci_batch.cli.options import with_options
from sci_batch.cli.terminal import now_ms, on_terminal, progress, say, show_error, sink_options
from sci_batch.cli.writing import refuse_early, write
from sci_batch.errors import GateBreached, PartialError, SciBatchError, SinkError
from sci_batch.report import Report
from sci_batch.schema import FLAGS
from sci_batch.settings import Loaded, Output, Settings


@with_options("compute")
def compute(loaded: Loaded) -> None:
    """Energy, carbon and SCI score of each workload and window.

    Example: sci-batch compute --since 24h -p http://prometheus:9090 --intensity 380

    Without a Prometheus: sci-batch compute --demo
    """
    settings = loaded.settings
    outputs = settings.output or (Output("table" if on_terminal() else "csv", None),)
    refuse_early(outputs, settings, os.environ)
    from sci_batch import pipeline

    with progress(settings) as tell:
        report = pipeline.run(settings, now_ms=now_ms(os.environ), progress=tell)
    if not settings.quiet:
        _introduce(report)
    failed = write(report, outputs, sink_options(settings, os.environ))
    if not settings.quiet:
        _explain_flags(report)
    _judge(report, settings, failed)


def _introduce(report: Report) -> None:
    made = report.provenance
    days = "" if made.tz == "UTC" else f", days of {made.tz}"
    say(f"range: {made.start} to {made.end}, windows of {made.window}{days}; source: {made.source}")
    for note in made.notes:
        say(f"note: {note}")


def _explain_flags(report: Report) -> None:
    for flag, rows in report.flag_counts.items():
        say(f"flag {flag} ({rows} {'row' if rows == 1 else 'rows'}): {FLAGS.get(flag, 'no explanation')}")


def _judge(report: Report, settings: Settings, failed: SinkError | None) -> None:
    """Raise what applies; when several do, the one that says "do not trust the number" wins."""
    errors: list[SciBatchError] = []
    written = "Not all outputs are written" if failed else "The outputs are written"
    if reasons := gate.partial(report, min_coverage=settings.min_coverage, strict=settings.strict):
        errors.append(PartialError("; ".join(reasons), f"{written}; look at their flags first."))
    if failed:
        errors.append(failed)
    breaches = gate.breaches(settings.fail_on, report)
    if breaches and settings.warn_only:
        for breach in breaches:
            say(f"warning: limit passed: {breach}")
    elif breaches:
        errors.append(GateBreached("limit passed: " + "; ".join(breaches), f"{written}. See --fail-on."))
    for error in errors[1:]:
        show_error(error)
    if errors:
        raise errors[0]
