"""`sci-batch compute`: query, calculate, write, judge; of a range, or since the last run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sci_batch.cli.ending import Followed, followed
from sci_batch.cli.log import say
from sci_batch.cli.options import with_options
from sci_batch.cli.running import run
from sci_batch.cli.terminal import now_ms, on_terminal
from sci_batch.errors import UsageError
from sci_batch.report import Report
from sci_batch.schedule import last_run, lock
from sci_batch.schedule.naming import for_range
from sci_batch.settings import Loaded, Output, Settings, push_settings
from sci_batch.sinks import PARTITIONED
from sci_batch.units import MS_PER_SECOND
from sci_batch.windows import LAST_RUN, rfc3339


@with_options("compute")
def compute(loaded: Loaded) -> None:
    """Energy, carbon and SCI score of each workload and window.

    Example: sci-batch compute --since 24h -p http://prometheus:9090 --intensity 380

    Without a Prometheus: sci-batch compute --demo
    """
    settings = loaded.settings
    outputs = settings.output or (Output("table" if on_terminal() else "csv", None),)
    with followed(settings.health_file) as seen, lock.held(filter(None, [settings.checkpoint])):
        if settings.since_seconds == LAST_RUN:
            _since_last_run(settings, outputs, seen)
        else:
            run(settings, outputs, seen)


def _since_last_run(settings: Settings, outputs: Sequence[Output], seen: Followed) -> None:
    data_sets = [output.target for output in outputs if output.format in PARTITIONED and output.target]
    if settings.state is None and not data_sets:
        raise UsageError(
            "--since last-run has nowhere to look for the last run",
            "Give --state FILE, on a disk that outlives this run; or write into a data set.",
        )
    if settings.state is None and any(output.place and output.target not in data_sets for output in outputs):
        raise UsageError(
            "--since last-run without --state follows the data set, which does not know whether the other "
            "outputs were written",
            "Give --state FILE, on a disk that outlives this run.",
        )
    cluster = settings.cluster_label[1] if settings.cluster_label else ""
    with lock.held([*filter(None, [settings.state]), *_folders(data_sets)]):
        if settings.state is not None:
            last_ms = last_run.read(settings.state, cluster)
        else:
            last_ms = _newest_end_ms(data_sets, settings, cluster)
        now = now_ms(os.environ)
        stopped_ms = _stopped_ms(settings.checkpoint, last_ms)
        if stopped_ms is None:
            found = last_run.following(last_ms, settings, now)
        else:  # it goes on, however many hours have passed: what it has read need not be caught up on
            span = max(settings.max_catch_up_seconds, (now - stopped_ms) // MS_PER_SECOND + 1)
            found = last_run.following(stopped_ms, replace(settings, max_catch_up_seconds=span), now)
        for words in found.words:
            if not settings.quiet or words.startswith("warning"):
                say(words)
        if found.windows is None:
            seen.words, seen.end = found.words[0], rfc3339(last_ms or now)
            return
        start_ms, end_ms = found.windows.start_ms, found.windows.end_ms
        seen.start, seen.end = rfc3339(start_ms), rfc3339(end_ms)

        def remember(report: Report) -> None:
            """Windows without data at the end are asked for again: late samples may still come."""
            done_ms = end_ms if report.seen_end_ms is None else report.seen_end_ms
            if settings.state is not None:
                last_run.write(settings.state, done_ms, cluster)
            if done_ms < end_ms and not settings.quiet:
                say(f"note: no data after {rfc3339(done_ms)} yet: the next run starts there")

        fixed = replace(settings, since_seconds=None, start=seen.start, end=seen.end, settle_seconds=0)
        run(fixed, for_range(outputs, start_ms, end_ms, settings.tz), seen, when_written=remember)


def _stopped_ms(folder: Path | None, last_ms: int | None) -> int | None:
    """Start of a run that was stopped since the last success [Unix ms]; None: there is none."""
    if folder is None:
        return None
    from sci_batch.fetch import checkpoint

    begun_ms = checkpoint.begun_ms(folder)
    return begun_ms if begun_ms is not None and (last_ms is None or begun_ms >= last_ms) else None


def _newest_end_ms(data_sets: Sequence[str], settings: Settings, cluster: str) -> int | None:
    """Up to where all of them are filled [ms since the Unix epoch]; None: one of them is empty."""
    from sci_batch.sinks.dataset import newest_end_ms

    push = push_settings(settings)
    ends = [newest_end_ms(target, cluster, push, settings.namespace) for target in data_sets]
    return min((end for end in ends if end is not None), default=None) if None not in ends else None


def _folders(data_sets: Sequence[str]) -> list[Path]:
    """Those on this machine; object storage knows no locks."""
    return [Path(target) for target in data_sets if "://" not in target]
