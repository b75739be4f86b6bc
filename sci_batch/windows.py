"""Time on the command line: durations, instants, and the windows a range is cut into.

A window is `[start, end)`, in UTC milliseconds inside. Windows of whole days are calendar days of
a time zone, so the day the clocks change has 23 or 25 hours; all other windows are multiples of
their length since the Unix epoch, the same for everybody.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from difflib import get_close_matches
from zoneinfo import ZoneInfo, available_timezones

from sci_batch.errors import UsageError
from sci_batch.notation import DAY, OFFSET
from sci_batch.units import DAYS_PER_YEAR, MS_PER_SECOND, SECONDS_PER_DAY, SECONDS_PER_HOUR

MAX_WINDOWS = 100_000
MAX_SECONDS = 1_000 * DAYS_PER_YEAR * SECONDS_PER_DAY
DEFAULT_SINCE_SECONDS = SECONDS_PER_DAY
"""Range without `--since`, `--start` and `--end`: the last whole 24 h."""
ALL = "all"
LAST_RUN = "last-run"
"""Value of `--since`: where the last successful run ended."""

_SECONDS = {"s": 1, "m": 60, "h": SECONDS_PER_HOUR, "d": SECONDS_PER_DAY, "w": 7 * SECONDS_PER_DAY}
_LIFESPAN_SECONDS = {**_SECONDS, "y": DAYS_PER_YEAR * SECONDS_PER_DAY}
_PARTS = re.compile(r"([0-9]{1,15})([a-z]+)")
_INSTANT = re.compile(rf"({DAY})[Tt ](\d\d:\d\d)(:\d\d)?(\.\d{{1,9}})?(z|{OFFSET})?", re.ASCII)
_DATE = re.compile(DAY)
_UNIX = re.compile(r"[0-9]{1,11}(\.[0-9]{1,9})?")
_NOW = re.compile(r"now(?:([+-])([0-9a-z]+?))?(?:/([a-z]))?")
_FLOOR_SECONDS = {"m": 60, "h": SECONDS_PER_HOUR, "d": SECONDS_PER_DAY}
_MINUTE_MS = 60 * MS_PER_SECOND
_EPOCH = date(1970, 1, 1)
_FIRST_MS, _YEAR_10000_MS = -62_135_596_800_000, 253_402_300_800_000


@dataclass(frozen=True, slots=True)
class Windows:
    """Consecutive windows: window i is `[edges_ms[i], edges_ms[i + 1])`.

    Parameters
    ----------
    edges_ms
        UTC [ms since the Unix epoch], strictly rising, at least two.
    label
        Length as the user gave it: `1h`, `1d`, `all`.
    tz
        Time zone whose days the windows are.
    """

    edges_ms: tuple[int, ...]
    label: str
    tz: str

    @property
    def start_ms(self) -> int:
        """Start of the range, inclusive [ms]."""
        return self.edges_ms[0]

    @property
    def end_ms(self) -> int:
        """End of the range, exclusive [ms]."""
        return self.edges_ms[-1]

    @property
    def count(self) -> int:
        """Number of windows."""
        return len(self.edges_ms) - 1


def parse_duration(text: str) -> int:
    """Length of `90s`, `15m`, `24h`, `7d`, `1w` or `1h30m` [s]; more than 0, else `UsageError`."""
    return _seconds(text, _SECONDS, "15m, 24h, 7d or 1h30m")


def duration_text(seconds: int) -> str:
    """The shortest text that `parse_duration` reads as this many seconds, in one unit.

    >>> duration_text(5400), duration_text(86400)
    ('90m', '1d')
    """
    return next(f"{seconds // _SECONDS[unit]}{unit}" for unit in "dhms" if seconds % _SECONDS[unit] == 0)


def parse_lifespan(text: str) -> int:
    """Length of `4y`, `1460d` or `35040h` [s]; a year has 365 days."""
    return _seconds(text, _LIFESPAN_SECONDS, "4y, 1460d or 35040h")


def _seconds(text: str, units: dict[str, int], examples: str) -> int:
    parts = _PARTS.findall(text)
    whole = "".join(number + unit for number, unit in parts) == text
    if not parts or not whole or any(unit not in units for _, unit in parts):
        raise UsageError(
            f"{text!r} is not a length of time",
            f"Give a whole number and a unit ({', '.join(units)}), such as {examples}.",
        )
    total = sum(int(number) * units[unit] for number, unit in parts)
    if total == 0:
        raise UsageError(f"{text!r} is no time at all", f"Give more than 0, such as {examples}.")
    if total > MAX_SECONDS:
        raise UsageError(f"{text!r} is more than 1000 years", f"Give less, such as {examples}.")
    return total


def parse_time(text: str, now_ms: int, tz: str = "UTC") -> int:
    """Instant [ms since the Unix epoch].

    Parameters
    ----------
    text
        RFC 3339 with `Z` or an offset, Unix seconds, or `now`, `now-2d`, `now/h`, `now-1d/d`
        (`/d`: down to the start of the day in `tz`; `/h`, `/m`: in UTC).
    now_ms
        The clock [ms since the Unix epoch].
    tz
        Time zone of `/d`.

    Raises
    ------
    UsageError
        Not one of these forms.
    """
    if _UNIX.fullmatch(text):
        seconds, _, fraction = text.partition(".")
        return int(seconds) * MS_PER_SECOND + int(fraction.ljust(3, "0")[:3])
    if match := _NOW.fullmatch(text):
        return _relative(text, match, now_ms, tz)
    if match := _INSTANT.fullmatch(text):
        return _rfc3339(text, match)
    if _DATE.fullmatch(text):
        raise UsageError(f"{text!r} does not say when the day starts", f"Give {text}T00:00:00Z.")
    raise UsageError(
        f"{text!r} is not a time",
        "Give RFC 3339 (2026-03-01T00:00:00Z), Unix seconds, or now, now-2d, now-1d/d.",
    )


def _relative(text: str, match: re.Match[str], now_ms: int, tz: str) -> int:
    sign, length, unit = match.groups()
    instant = now_ms
    if length:
        instant += (1 if sign == "+" else -1) * parse_duration(length) * MS_PER_SECOND
    if unit is None:
        return instant
    if unit not in _FLOOR_SECONDS:
        raise UsageError(f"{text!r} rounds to an unknown unit", "Round to /m, /h or /d, such as now-1d/d.")
    if unit == "d":
        zone = time_zone(tz)
        return _midnight_ms(_day(instant, zone), zone)
    step = _FLOOR_SECONDS[unit] * MS_PER_SECOND
    return instant // step * step


def _rfc3339(text: str, match: re.Match[str]) -> int:
    day, minute, second, fraction, offset = match.groups()
    if offset is None:
        raise UsageError(f"{text!r} has no time zone", f"Give {text}Z, or an offset such as {text}+01:00.")
    try:
        instant = datetime.fromisoformat(f"{day}T{minute}{second or ':00'}").replace(tzinfo=_offset(offset))
    except ValueError as error:
        raise UsageError(
            f"{text!r} is not a time: {error}", "Give RFC 3339, such as 2026-03-01T00:00:00Z."
        ) from None
    milliseconds = int((fraction or ".0")[1:].ljust(3, "0")[:3])
    if not _FIRST_MS <= (found := _ms(instant) + milliseconds) < _YEAR_10000_MS:
        raise UsageError(
            f"{text!r} is beyond the calendar in UTC", "Give a time that can have been measured."
        )
    return found


def _offset(text: str) -> timezone:
    if text in "Zz":
        return UTC
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


def time_zone(name: str) -> ZoneInfo:
    """Time zone by its IANA name; `UsageError` with a suggestion when there is none."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError):  # a folder of zones, a path out of the database
        pass
    except KeyError:  # ZoneInfoNotFoundError
        pass
    near = get_close_matches(name, available_timezones(), n=1)
    hint = f"Did you mean {near[0]}?" if near else "Give an IANA name such as Europe/Paris, or UTC."
    raise UsageError(f"there is no time zone {name!r}", hint)


def check_window(text: str) -> str:
    """`text` when it is a window length (`15m`, `1h`, `1d`, `all`), else `UsageError`."""
    if text != ALL:
        parse_duration(text)
    return text


def cut(start_ms: int, end_ms: int, window: str, tz: str = "UTC") -> Windows:
    """Whole windows of `[start, end)`, both ends aligned down.

    Parameters
    ----------
    start_ms, end_ms
        Range [ms since the Unix epoch].
    window
        Length such as `15m`, `1h`, `1d`; or `all`, one window of whole minutes. Whole days are
        calendar days in `tz`, several of them counted from 1970-01-01; other lengths are
        multiples since the Unix epoch in UTC.
    tz
        IANA time zone.

    Raises
    ------
    UsageError
        Bad length or zone, no whole window in the range, or more than `MAX_WINDOWS`.
    """
    if start_ms < 0:
        raise UsageError("the range starts before 1970", "Give a shorter --since or a later --start.")
    floor, following = _grid(window, tz)
    start, end = floor(start_ms), floor(end_ms)
    if start >= end:
        raise UsageError(
            f"no whole window of {window} lies between {rfc3339(start_ms)} and {rfc3339(end_ms)}",
            "Give a longer range (--since, --start, --end) or a shorter --window.",
        )
    if window == ALL:
        return Windows((start, end), window, tz)
    edges = [start]
    while edges[-1] < end:
        edges.append(following(edges[-1]))
        if len(edges) > MAX_WINDOWS + 1:
            raise UsageError(
                f"the range holds more than {MAX_WINDOWS:,} windows of {window}",
                "Give a longer --window or a shorter range.",
            )
    return Windows(tuple(edges), window, tz)


def of_range(
    *,
    since_seconds: int | None,
    start: str | None,
    end: str | None,
    window: str,
    tz: str,
    now_ms: int,
    settle_ms: int = 0,
) -> Windows:
    """Windows of what `--since`, `--start` and `--end` say.

    `--since 24h` is `[floor(now) - 24h, floor(now))`, where floor goes down to a whole window; with
    windows of whole days it counts calendar days. `--start` alone ends now. Nothing at all is the
    last 24 h, or the last whole window where that is longer. No window ends later than `settle_ms`
    before now.

    Raises
    ------
    UsageError
        As `cut`; or the range ends in the future, or `--end` stands alone.
    """
    if start is None and end is None:
        return _last(since_seconds, window, tz, now_ms - settle_ms)
    if start is None:
        raise UsageError("--end is given without --start", "Give --start too, or only --since.")
    start_ms = parse_time(start, now_ms, tz)
    end_ms = parse_time(end, now_ms, tz) if end is not None else now_ms - settle_ms
    if min(start_ms, end_ms) < 0:
        raise UsageError("the range starts before 1970", "Give a later --start and --end.")
    if start_ms >= end_ms:
        raise UsageError(
            f"the range starts at {rfc3339(start_ms)} and ends at {rfc3339(end_ms)}",
            "Give a --start before --end.",
        )
    if end_ms > now_ms:
        raise UsageError(
            f"the range ends in the future: {rfc3339(end_ms)}", "Give an --end that has passed, or now."
        )
    return cut(start_ms, min(end_ms, now_ms - settle_ms), window, tz)


def floor_ms(instant_ms: int, window: str, tz: str = "UTC") -> int:
    """The instant [ms] down to the edge of a window."""
    floor, _ = _grid(window, tz)
    return floor(instant_ms)


def day_of(instant_ms: int, tz: str) -> str:
    """Calendar day of an instant [ms] in a time zone: `2026-03-01`."""
    return _day(instant_ms, time_zone(tz)).isoformat()


def _last(since_seconds: int | None, window: str, tz: str, now_ms: int) -> Windows:
    floor, _ = _grid(window, tz)
    end = floor(now_ms)
    length = 0 if window == ALL else parse_duration(window)
    if since_seconds is None:
        since_seconds = max(DEFAULT_SINCE_SECONDS, length)
    if since_seconds < max(length, 60):
        raise UsageError(
            f"--since is shorter than one window of {window if length else '1m'}",
            "Give a longer --since or a shorter --window.",
        )
    if not _whole_days(length) or since_seconds % SECONDS_PER_DAY:
        return cut(end - since_seconds * MS_PER_SECOND, end, window, tz)
    zone = time_zone(tz)
    first_day = _day(end, zone) - timedelta(days=since_seconds // SECONDS_PER_DAY)
    return cut(_midnight_ms(first_day, zone), end, window, tz)


def _grid(window: str, tz: str) -> tuple[Callable[[int], int], Callable[[int], int]]:
    """How to go down to a window's edge, and from an edge to the following one."""
    zone = time_zone(tz)
    if window == ALL:
        return lambda ms: ms // _MINUTE_MS * _MINUTE_MS, lambda ms: ms + _MINUTE_MS
    length = parse_duration(window)
    if _whole_days(length):
        days = length // SECONDS_PER_DAY
        return lambda ms: _days_floor(ms, days, zone), lambda ms: _days_following(ms, days, zone)
    step = length * MS_PER_SECOND
    return lambda ms: ms // step * step, lambda ms: ms + step


def _whole_days(length: int) -> bool:
    return length > 0 and length % SECONDS_PER_DAY == 0


def _days_floor(ms: int, days: int, zone: tzinfo) -> int:
    since_epoch = (_day(ms, zone) - _EPOCH).days
    return _midnight_ms(_EPOCH + timedelta(days=since_epoch // days * days), zone)


def _days_following(ms: int, days: int, zone: tzinfo) -> int:
    # Where a zone skipped a whole day (Samoa, 2011-12-30), that midnight is of the day behind it.
    return _midnight_ms(_day(ms, zone) + timedelta(days=days), zone)


def _day(ms: int, zone: tzinfo) -> date:
    return datetime.fromtimestamp(ms // MS_PER_SECOND, zone).date()


def _midnight_ms(day: date, zone: tzinfo) -> int:
    # fold=0 is the first of two midnights, and the moment of the change where there is none.
    return _ms(datetime(day.year, day.month, day.day, tzinfo=zone))


def _ms(instant: datetime) -> int:
    return int(instant.timestamp()) * MS_PER_SECOND


def rfc3339(ms: int) -> str:
    """`2026-03-01T00:00:00Z` [UTC] of an instant [ms], cut to whole seconds."""
    return datetime.fromtimestamp(ms // MS_PER_SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
