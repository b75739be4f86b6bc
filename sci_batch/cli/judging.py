"""What became of limits: told when all outputs are written, and as an output of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sci_batch.cli.log import say, show_error
from sci_batch.errors import GateBreached, PartialError, SciBatchError, SinkError
from sci_batch.settings import Settings
from sci_batch.sinks import SinkOptions
from sci_batch.verdict import Verdict, breaches


def limits_sink(
    verdicts: Sequence[Verdict], suite: str, settings: Settings
) -> Callable[[Any, Path | None, SinkOptions], None]:
    """The sink of `-o junit`, which writes the verdicts, whatever else is written."""

    def write(_: Any, path: Path | None, options: SinkOptions) -> None:
        from sci_batch.sinks import junit

        junit.write(verdicts, path, options, suite=suite, warn_only=settings.warn_only)

    return write


def judge(
    verdicts: Sequence[Verdict], settings: Settings, failed: SinkError | None, doubts: Sequence[str] = ()
) -> None:
    """Raise what applies; when several do, the one that says "do not trust the number" wins.

    `doubts` are the sentences on why not to trust it, `failed` is an output that could not be written.
    """
    errors: list[SciBatchError] = []
    written = "Not all outputs are written" if failed else "The outputs are written"
    if doubts:
        errors.append(PartialError("; ".join(doubts), f"{written}; look at their flags first."))
    if failed:
        errors.append(failed)
    passed = breaches(verdicts)
    if passed and settings.warn_only:
        for breach in passed:
            say(f"warning: limit passed: {breach}")
    elif passed:
        errors.append(GateBreached("limit passed: " + "; ".join(passed), f"{written}. See --fail-on."))
    for error in errors[1:]:
        show_error(error)
    if errors:
        raise errors[0]
