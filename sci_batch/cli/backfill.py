"""`sci-batch backfill`: a long range, step by step, which goes on where it was broken off."""

from __future__ import annotations

import os
from collections.abc import Sequence

from sci_batch.cli.ending import Followed, followed
from sci_batch.cli.log import say, show_error
from sci_batch.cli.options import with_options
from sci_batch.cli.running import run
from sci_batch.cli.terminal import now_ms
from sci_batch.errors import GateBreached, NoDataError, PartialError, SciBatchError
from sci_batch.schedule import lock
from sci_batch.schedule.backfill import Manifest, Step, chosen, steps
from sci_batch.settings import Loaded, Settings
from sci_batch.windows import rfc3339

_GO_ON = (NoDataError, PartialError, GateBreached)
"""Belong to a step: the others need not wait for it."""
_WORST_FIRST = (PartialError, NoDataError, GateBreached)


@with_options("backfill")
def backfill(loaded: Loaded) -> None:
    """Compute a long range in steps, one after the other; run again, it does what is missing.

    Example: sci-batch backfill --start 2026-03-01T00:00:00Z --end 2026-04-01T00:00:00Z --every 1d
    -p http://prometheus:9090 --intensity 380 -o parquet=out/{date}.parquet

    In file names, {date}, {start} and {end} are those of the step.
    """
    settings = loaded.settings
    with followed(settings.health_file) as seen, lock.held(filter(None, [settings.state])):
        found = steps(settings, now_ms(os.environ))
        manifest = Manifest(settings.state, settings)
        wanted = chosen(found, settings.index)
        open_ = [step for step in wanted if not manifest.has(step)]
        seen.start, seen.end = rfc3339(wanted[0].start_ms), rfc3339(wanted[-1].end_ms)
        _announce(settings, wanted, open_, manifest)
        failures = [failure for step in open_ if (failure := _walk(step, len(found), settings, manifest))]
        seen.words = f"{len(wanted) - len(failures)} of {len(wanted)} steps are done"
        if not settings.quiet:
            say(f"backfill: {seen.words}")
        _judge(failures)


def _announce(settings: Settings, wanted: Sequence[Step], open_: Sequence[Step], manifest: Manifest) -> None:
    if settings.quiet:
        return
    done = len(wanted) - len(open_)
    span = f"{rfc3339(wanted[0].start_ms)} to {rfc3339(wanted[-1].end_ms)}"
    say(f"backfill: {span}, steps of {settings.every}: {done} of {len(wanted)} done before")
    if len(wanted) > 1 and not manifest.remembers:
        say("note: without --state a walk that is broken off begins anew")


def _walk(step: Step, count: int, settings: Settings, manifest: Manifest) -> SciBatchError | None:
    """Run one step; what is wrong with it alone is told, and given back."""
    words = f"step {step.number + 1} of {count}, {rfc3339(step.start_ms)} to {rfc3339(step.end_ms)}"
    try:
        run(
            step.settings(settings), step.outputs, Followed(),
            when_written=lambda _report: manifest.add(step), step=words,
        )  # fmt: skip
    except _GO_ON as error:
        error.what = f"{words}: {error.what}"
        show_error(error)
        return error
    except SciBatchError as error:
        error.what = f"{words}: {error.what}"
        raise
    return None


def _judge(failures: Sequence[SciBatchError]) -> None:
    """One error for all steps that went wrong, of the worst kind."""
    for kind in _WORST_FIRST:
        if any(isinstance(failure, kind) for failure in failures):
            count = len(failures)
            raise kind(
                f"{count} {'step' if count == 1 else 'steps'} of the backfill went wrong, see above",
                "All other steps are done. The same command does those without results again.",
            )
