"""The settings of time as windows."""

from __future__ import annotations

from sci_batch.errors import UsageError
from sci_batch.settings.table import Settings
from sci_batch.units import MS_PER_SECOND
from sci_batch.windows import Windows, of_range

DEFAULT_SETTLE_SECONDS = 120
"""Where no end is given: a scrape takes seconds, and a remote store some more, until it can be asked for."""


def windows_of(settings: Settings, now_ms: int, *, settle_ms: int | None = None) -> Windows:
    """The windows of `--since`, `--start`, `--end`, `--window`, `--tz`.

    `settle_ms` [ms] stands for that of the settings: a recording is complete.

    Raises
    ------
    UsageError
        As `windows.of_range`; or `--since last-run`, which is no range yet.
    """
    since = settings.since_seconds
    if since is not None and not isinstance(since, int):
        raise UsageError("--since last-run is for `sci-batch compute` alone", "Give a length, such as 24h.")
    return of_range(
        since_seconds=since, start=settings.start, end=settings.end, window=settings.window, tz=settings.tz,
        now_ms=now_ms, settle_ms=settle_of(settings) if settle_ms is None else settle_ms,
    )  # fmt: skip


def settle_of(settings: Settings) -> int:
    """How long before now the last window ends at the latest [ms]; a given `--end` means what it says."""
    if settings.settle_seconds is not None:
        return settings.settle_seconds * MS_PER_SECOND
    return 0 if settings.end is not None else DEFAULT_SETTLE_SECONDS * MS_PER_SECOND
