"""`sci-batch compute`: query, calculate, write, judge."""

from __future__ import annotations

import os

from sci_batch import gate
from sci_batch.cli.judging import judge, limits_sink
from sci_batch.cli.options import with_options
from sci_batch.cli.terminal import now_ms, on_terminal, progress, say, sink_options
from sci_batch.cli.writing import refuse_early, write
from sci_batch.report import Report
from sci_batch.schema import FLAGS
from sci_batch.settings import Loaded, Output
from sci_batch.sinks import LIMITS, SINKS


@with_options("compute")
def compute(loaded: Loaded) -> None:
    """Energy, carbon and SCI score of each workload and window.

    Example: sci-batch compute --since 24h -p http://prometheus:9090 --intensity 380

    Without a Prometheus: sci-batch compute --demo --intensity 380
    """
    settings = loaded.settings
    outputs = settings.output or (Output("table" if on_terminal() else "csv", None),)
    refuse_early(outputs, settings, os.environ)
    from sci_batch import pipeline

    with progress(settings) as tell:
        report = pipeline.run(settings, now_ms=now_ms(os.environ), progress=tell)
    if not settings.quiet:
        _introduce(report)
    trust = gate.trust(report, min_coverage=settings.min_coverage, strict=settings.strict)
    limits = gate.verdicts(settings.fail_on, report)
    options = sink_options(settings, os.environ)
    sinks = {**SINKS, LIMITS: limits_sink([*trust, *limits], "sci-batch compute", settings)}
    failed = write(report, outputs, options, sinks)
    if not settings.quiet:
        _explain_flags(report)
    doubts = [check.breach for check in trust if check.breach]
    judge(limits, settings, failed, doubts)


def _introduce(report: Report) -> None:
    made = report.provenance
    days = "" if made.tz == "UTC" else f", days of {made.tz}"
    say(f"range: {made.start} to {made.end}, windows of {made.window}{days}; source: {made.source}")
    for note in made.notes:
        say(f"note: {note}")


def _explain_flags(report: Report) -> None:
    for flag, rows in report.flag_counts.items():
        say(f"flag {flag} ({rows} {'row' if rows == 1 else 'rows'}): {FLAGS.get(flag, 'no explanation')}")
