"""One run: compute, write all outputs, remember it, say what was done, judge."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sci_batch import gate
from sci_batch.cli.ending import Followed
from sci_batch.cli.judging import judge, limits_sink
from sci_batch.cli.log import say
from sci_batch.cli.quick import loading, spare
from sci_batch.cli.terminal import now_ms, progress, sink_options
from sci_batch.cli.writing import refuse_early, write
from sci_batch.report import Report
from sci_batch.schedule.naming import for_range
from sci_batch.schema import FLAGS
from sci_batch.settings import Output, Settings
from sci_batch.sinks import LIMITS, SINKS, load
from sci_batch.verdict import breaches
from sci_batch.windows import parse_time

if TYPE_CHECKING:
    from sci_batch.prometheus.client import Client


def run(
    settings: Settings,
    outputs: Sequence[Output],
    followed: Followed,
    *,
    when_written: Callable[[Report], None] = lambda _report: None,
    step: str = "",
) -> None:
    """Compute a range and write it.

    Parameters
    ----------
    outputs
        Where to; `{start}`, `{end}` and `{date}` in file names are filled with the range.
    followed
        Is told the range and a line on the result.
    when_written
        Called with the report when every output is written; a failed check or a passed limit is no reason
        not to.
    step
        Words in front of that line, of one run among many: the rest is said with `--verbose` only.

    Raises
    ------
    SciBatchError
        Any expected failure.
    """
    refuse_early(outputs, settings, os.environ)
    spare()
    now = now_ms(os.environ)
    talkative = settings.verbose if step else not settings.quiet
    began = time.monotonic()
    with _begun(settings, now) as begun:
        with loading("sci_batch.pipeline"):
            from sci_batch import pipeline

        if settings.prometheus_url:  # while the server is waited for
            threading.Thread(target=load, args=([one.format for one in outputs],), daemon=True).start()
        with progress(settings) as tell:
            report = pipeline.run(settings, now_ms=now, progress=tell, begun=begun)
    made = report.provenance
    followed.start, followed.end = made.start, made.end
    if talkative:
        _introduce(report)
    outputs = for_range(outputs, parse_time(made.start, 0), parse_time(made.end, 0), made.tz)
    trust = gate.trust(report, min_coverage=settings.min_coverage, strict=settings.strict)
    limits = gate.verdicts(settings.fail_on, report)
    sinks = {**SINKS, LIMITS: limits_sink([*trust, *limits], "sci-batch compute", settings)}
    written, failed = write(report, outputs, sink_options(settings, os.environ), sinks)
    if talkative:
        _explain_flags(report)
    if len(written) == len(outputs):
        # First: a checkpoint that outlived its run would be in the way of the next one.
        if settings.checkpoint is not None:
            from sci_batch.fetch import checkpoint

            checkpoint.clear(settings.checkpoint)
        when_written(report)
    words, fields = _summary(report, written, time.monotonic() - began)
    followed.words = words
    if not settings.quiet:
        say(f"{step or ('computed' if failed else 'done')}: {words}", **fields)
    judge(limits, settings, failed, breaches(trust))


@contextmanager
def _begun(settings: Settings, now_ms: int) -> Iterator[Client | None]:
    """Let the server work while pandas is loaded, of which the questions need nothing."""
    if settings.prometheus_url is None:
        yield None
        return
    from sci_batch.asking import early

    with early.begun(settings, now_ms) as client:
        yield client


def _introduce(report: Report) -> None:
    made = report.provenance
    days = "" if made.tz == "UTC" else f", days of {made.tz}"
    say(f"range: {made.start} to {made.end}, windows of {made.window}{days}; source: {made.source}")
    for note in made.notes:
        say(f"note: {note}")


def _explain_flags(report: Report) -> None:
    for flag, rows in report.flag_counts.items():
        say(f"flag {flag} ({rows} {'row' if rows == 1 else 'rows'}): {FLAGS.get(flag, 'no explanation')}")


def _summary(report: Report, written: Sequence[Output], seconds: float) -> tuple[str, dict[str, Any]]:
    """The run in one line, and its figures in base units."""
    from sci_batch.sinks.numbers import percent, quantity

    sums = report.totals
    places = [str(output) for output in written]
    words = (
        f"{sums.rows:,} {'row' if sums.rows == 1 else 'rows'}, {quantity(sums.energy_kwh, 'kWh')}, "
        f"{quantity(sums.carbon_gco2e, 'gCO2e')}, coverage {percent(sums.coverage)} %, {seconds:.1f} s; "
        f"written: {', '.join(places) or 'nothing'}"
    )
    return words, {
        "start": report.provenance.start, "end": report.provenance.end, "rows": sums.rows,
        "energy_kwh": sums.energy_kwh, "carbon_gco2e": sums.carbon_gco2e, "coverage": sums.coverage,
        "seconds": round(seconds, 3), "outputs": places,
    }  # fmt: skip
