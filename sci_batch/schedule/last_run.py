"""Where the last successful run ended, and which windows follow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sci_batch.errors import UsageError
from sci_batch.schedule import documents
from sci_batch.settings import Settings, settle_of
from sci_batch.units import MS_PER_SECOND
from sci_batch.windows import ALL, Windows, cut, floor_ms, of_range, parse_duration, rfc3339

KIND = "last-run"
_FLAG = "--state"


@dataclass(frozen=True, slots=True)
class Next:
    """The windows to compute; None: there is nothing new. And words on how they were found."""

    windows: Windows | None
    words: tuple[str, ...]


def read(path: Path, cluster: str) -> int | None:
    """End of the last successful run [ms since the Unix epoch]; None where there was none.

    Raises
    ------
    UsageError
        The file is no state, or that of another cluster.
    """
    found = documents.read(path, KIND, _FLAG)
    if found is None:
        return None
    if found.get("cluster", "") != cluster:
        raise UsageError(
            f"{path} is the state of cluster {found.get('cluster') or '(none given)'}, "
            f"not {cluster or '(none given)'}",
            "Give each cluster a --state of its own.",
        )
    return documents.time_ms(found.get("end"), path, _FLAG)


def write(path: Path, end_ms: int, cluster: str) -> None:
    """Remember that all windows before `end_ms` are done; the same end gives the same bytes."""
    documents.write(path, KIND, {"end": rfc3339(end_ms), "cluster": cluster}, _FLAG)


def following(last_ms: int | None, settings: Settings, now_ms: int) -> Next:
    """The windows after the last run.

    Parameters
    ----------
    last_ms
        Where the last successful run ended [ms since the Unix epoch]; None: this is the first.
    now_ms
        The clock [ms since the Unix epoch].

    Raises
    ------
    UsageError
        The last run ended in the future.
    """
    window, tz = settings.window, settings.tz
    if last_ms is None:
        return _first(settings, now_ms)
    if last_ms > now_ms:
        raise UsageError(
            f"the last run ended at {rfc3339(last_ms)}, which is in the future",
            "Check the clock of this machine, or delete the state.",
        )
    start, end = floor_ms(last_ms, window, tz), floor_ms(now_ms - settle_of(settings), window, tz)
    if start >= end:
        return Next(None, (f"nothing to do: all windows up to {rfc3339(last_ms)} are done",))
    earliest = floor_ms(min(end - settings.max_catch_up_seconds * MS_PER_SECOND, end - 1), window, tz)
    words: tuple[str, ...] = ()
    if start < earliest:
        words = (_left_out(start, earliest, window),)
        start = earliest
    return Next(cut(start, end, window, tz), words)


def _first(settings: Settings, now_ms: int) -> Next:
    windows = of_range(
        since_seconds=max(settings.first_since_seconds, _length_ms(settings.window) // MS_PER_SECOND),
        start=None, end=None, window=settings.window, tz=settings.tz, now_ms=now_ms,
        settle_ms=settle_of(settings),
    )  # fmt: skip
    words = "note: no earlier run is known: this one goes back by --first-since"
    return Next(windows, (words,))


def _length_ms(window: str) -> int:
    return 0 if window == ALL else parse_duration(window) * MS_PER_SECOND


def _left_out(start_ms: int, earliest_ms: int, window: str) -> str:
    every = "" if window == ALL else f" --every {window}"
    span = f"--start {rfc3339(start_ms)} --end {rfc3339(earliest_ms)}{every}"
    return (
        f"warning: the last run ended at {rfc3339(start_ms)}, longer ago than --max-catch-up: what lies "
        f"before {rfc3339(earliest_ms)} is left out. To have it, with the flags of this run: "
        f"sci-batch backfill {span}"
    )
