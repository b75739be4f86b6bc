from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sci_batch.errors import UsageError
from sci_batch.windows import (
    MAX_WINDOWS,
    check_window,
    cut,
    day_of,
    duration_text,
    floor_ms,
    of_range,
    parse_duration,
    parse_lifespan,
    parse_time,
    rfc3339,
)

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def ms(text: str) -> int:
    """An independent way from RFC 3339 to milliseconds."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


NOW = ms("2026-03-05T14:37:12.345+00:00")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("15m", 15 * 60),
        ("24h", 24 * 3600),
        ("7d", 7 * 86400),
        ("1w", 7 * 86400),
        ("1h30m", 3600 + 30 * 60),
        ("1d2h3m4s", 86400 + 2 * 3600 + 3 * 60 + 4),
    ],
)
def test_durations(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "60", "1.5h", "-1h", "h", "1y", "1 h", "1H", "0s", "0h0m", "1hour", "²h"]
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_duration(text)
    assert "24h" in caught.value.cure


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("4y", 126_144_000), ("35040h", 126_144_000), ("1460d", 126_144_000), ("1y6w", 31_536_000 + 3_628_800)],
)
def test_lifespans_count_years_of_365_days(text: str, seconds: int) -> None:
    assert parse_lifespan(text) == seconds


def test_a_life_of_more_than_a_thousand_years_is_a_slip() -> None:
    with pytest.raises(UsageError, match="1000 years"):
        parse_lifespan("35040000y")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01T00:00:00Z", ms("2026-03-01T00:00:00+00:00")),
        ("2026-03-01T00:00Z", ms("2026-03-01T00:00:00+00:00")),
        ("2026-03-01t00:00:00z", ms("2026-03-01T00:00:00+00:00")),
        ("2026-03-01T02:00:00+01:00", ms("2026-03-01T01:00:00+00:00")),
        ("2026-03-01T02:00:00-0530", ms("2026-03-01T07:30:00+00:00")),
        ("2026-03-01T00:00:00.25Z", ms("2026-03-01T00:00:00+00:00") + 250),
        ("2026-03-01T00:00:00.123456789Z", ms("2026-03-01T00:00:00+00:00") + 123),
        ("1772323200", 1_772_323_200_000),
        ("1772323200.5", 1_772_323_200_500),
        ("now", NOW),
        ("now-2d", NOW - 2 * DAY_MS),
        ("now-1h30m", NOW - 90 * 60_000),
        ("now+1m", NOW + 60_000),
        ("1772323200.1239", 1_772_323_200_123),
        ("99999999999", 99_999_999_999_000),
        ("now/m", ms("2026-03-05T14:37:00+00:00")),
        ("now/h", ms("2026-03-05T14:00:00+00:00")),
        ("now-38m/h", ms("2026-03-05T13:00:00+00:00")),
        ("now-1d/d", ms("2026-03-04T00:00:00+00:00")),
    ],
)
def test_times(text: str, expected: int) -> None:
    assert parse_time(text, NOW) == expected


def test_a_day_is_rounded_in_the_zone() -> None:
    assert parse_time("now/d", NOW, "Europe/Paris") == ms("2026-03-05T00:00:00+01:00")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("2026-03-01", "2026-03-01T00:00:00Z"),
        ("2026-03-01T00:00:00", "2026-03-01T00:00:00Z"),
        ("2026-02-30T00:00:00Z", "RFC 3339"),
        ("2026-03-01T25:00:00Z", "RFC 3339"),
        ("2026-03-01T00:00:00+25:00", "RFC 3339"),
        ("yesterday", "now-2d"),
        ("now-", "now-2d"),
        ("now-1d/w", "/d"),
        ("-5", "Unix"),
    ],
)
def test_what_is_no_time(text: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_time(text, NOW)
    assert hint in caught.value.cure


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0001-01-01T00:00:00Z", -62_135_596_800_000),  # 719,162 days before 1970
        ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),  # 2,932,897 days after it, but for 1 ms
    ],
)
def test_the_calendar_from_end_to_end(text: str, expected: int) -> None:
    assert parse_time(text, NOW) == expected


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"])
def test_what_is_beyond_the_calendar_in_utc(text: str) -> None:
    with pytest.raises(UsageError, match="beyond the calendar"):
        parse_time(text, NOW)


@pytest.mark.parametrize("seconds", [1, 59, 60, 5400, 86_399, 86_400, 604_800])
def test_a_length_is_written_as_it_is_read(seconds: int) -> None:
    assert parse_duration(duration_text(seconds)) == seconds


def test_a_length_is_written_in_the_largest_unit_that_fits() -> None:
    assert [duration_text(seconds) for seconds in (90, 5400, 7200, 172_800)] == ["90s", "90m", "2h", "2d"]


def test_a_window_is_a_length_or_all() -> None:
    assert [check_window(text) for text in ("all", "15m")] == ["all", "15m"]
    with pytest.raises(UsageError, match="'fortnight' is not a length of time"):
        check_window("fortnight")


def test_down_to_the_edge_of_a_window() -> None:
    assert floor_ms(NOW, "1h") == ms("2026-03-05T14:00:00+00:00")
    assert floor_ms(NOW, "all") == ms("2026-03-05T14:37:00+00:00")
    # On the evening before, in New York it is winter time: UTC-5.
    assert floor_ms(NOW - 12 * HOUR_MS, "1d", "America/New_York") == ms("2026-03-04T05:00:00+00:00")


def test_the_day_of_an_instant_is_that_of_the_zone() -> None:
    late = ms("2026-03-05T23:30:00+00:00")
    assert [day_of(late, tz) for tz in ("UTC", "Europe/Paris")] == ["2026-03-05", "2026-03-06"]


def test_both_ends_are_aligned_down() -> None:
    windows = cut(ms("2026-03-01T00:59:59+00:00"), ms("2026-03-01T03:59:59+00:00"), "1h")
    assert [rfc3339(edge) for edge in windows.edges_ms] == [
        "2026-03-01T00:00:00Z",
        "2026-03-01T01:00:00Z",
        "2026-03-01T02:00:00Z",
        "2026-03-01T03:00:00Z",
    ]
    assert (windows.count, windows.start_ms, windows.end_ms) == (3, windows.edges_ms[0], windows.edges_ms[-1])
    assert (windows.label, windows.tz) == ("1h", "UTC")


def test_windows_are_multiples_since_the_epoch_whatever_the_zone() -> None:
    here = cut(NOW - DAY_MS, NOW, "7h", "Asia/Kolkata")
    assert all(edge % (7 * HOUR_MS) == 0 for edge in here.edges_ms)
    assert here.edges_ms == cut(NOW - DAY_MS, NOW, "7h", "UTC").edges_ms


@pytest.mark.parametrize(
    ("first", "hours"), [("2026-03-28", (24, 23, 24)), ("2026-10-24", (24, 25, 24))], ids=["spring", "autumn"]
)
def test_days_of_paris_when_the_clocks_change(first: str, hours: tuple[int, ...]) -> None:
    start = datetime.fromisoformat(first).replace(tzinfo=ZoneInfo("Europe/Paris"))
    end = (start + timedelta(days=3)).replace(fold=0)  # aware arithmetic in local time
    windows = cut(round(start.timestamp() * 1000), round(end.timestamp() * 1000), "1d", "Europe/Paris")
    lengths = [
        (after - before) / HOUR_MS
        for before, after in zip(windows.edges_ms, windows.edges_ms[1:], strict=False)
    ]
    assert lengths == list(hours)


def test_the_edges_of_the_short_day_by_hand() -> None:
    windows = cut(ms("2026-03-29T12:00:00+02:00"), ms("2026-03-30T12:00:00+02:00"), "1d", "Europe/Paris")
    assert [rfc3339(edge) for edge in windows.edges_ms] == ["2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"]


def test_the_edges_of_the_long_day_by_hand() -> None:
    windows = cut(ms("2026-10-25T12:00:00+01:00"), ms("2026-10-26T12:00:00+01:00"), "1d", "Europe/Paris")
    assert [rfc3339(edge) for edge in windows.edges_ms] == ["2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"]


def test_hours_stay_hours_when_the_clocks_change() -> None:
    windows = cut(ms("2026-03-28T23:00:00+00:00"), ms("2026-03-29T22:00:00+00:00"), "1h", "Europe/Paris")
    assert windows.count == 23


def test_weeks_are_counted_from_the_first_of_january_1970() -> None:
    # 1970-01-01 was a Thursday, and so is every edge.
    windows = cut(ms("2026-03-01T00:00:00+00:00"), ms("2026-03-31T00:00:00+00:00"), "7d")
    assert [datetime.fromtimestamp(edge / 1000, UTC).strftime("%a %m-%d") for edge in windows.edges_ms] == [
        "Thu 02-26", "Thu 03-05", "Thu 03-12", "Thu 03-19", "Thu 03-26",
    ]  # fmt: skip


def test_a_day_that_a_zone_skipped_is_no_window() -> None:
    # Samoa went from 2011-12-29 straight to 2011-12-31.
    windows = cut(ms("2011-12-29T12:00:00-10:00"), ms("2012-01-01T12:00:00+14:00"), "1d", "Pacific/Apia")
    assert [rfc3339(edge) for edge in windows.edges_ms] == [
        "2011-12-29T10:00:00Z",
        "2011-12-30T10:00:00Z",
        "2011-12-31T10:00:00Z",
    ]


def test_all_is_one_window_of_whole_minutes() -> None:
    windows = cut(NOW - DAY_MS, NOW, "all", "Europe/Paris")
    assert (windows.label, windows.tz) == ("all", "Europe/Paris")
    assert [rfc3339(edge) for edge in windows.edges_ms] == ["2026-03-04T14:37:00Z", "2026-03-05T14:37:00Z"]


@pytest.mark.parametrize("window", ["0h", "-1h", "1.5h", "", "every", "1y"])
def test_what_is_no_window(window: str) -> None:
    with pytest.raises(UsageError):
        cut(NOW - DAY_MS, NOW, window)


def test_no_whole_window_in_the_range() -> None:
    with pytest.raises(UsageError, match="no whole window of 1h") as caught:
        cut(ms("2026-03-01T00:10:00+00:00"), ms("2026-03-01T00:50:00+00:00"), "1h")
    assert "--window" in caught.value.cure


def test_too_many_windows() -> None:
    second = 1000
    assert cut(0, MAX_WINDOWS * second, "1s").count == MAX_WINDOWS
    with pytest.raises(UsageError, match="100,000"):
        cut(0, (MAX_WINDOWS + 1) * second, "1s")


def test_an_unknown_zone_gets_a_suggestion() -> None:
    with pytest.raises(UsageError, match="Europe/Pari") as caught:
        cut(0, DAY_MS, "1d", "Europe/Pari")
    assert caught.value.cure == "Did you mean Europe/Paris?"


@pytest.mark.parametrize("zone", ["../etc/passwd", "Europe", "/etc/localtime", "", "\0"])
def test_strange_zones_are_refused(zone: str) -> None:
    with pytest.raises(UsageError):
        cut(0, DAY_MS, "1d", zone)


def span(window: str = "1h", tz: str = "UTC", **given: object) -> tuple[str, str, int]:
    """Range and number of windows of command line arguments."""
    known: dict[str, object] = {"since_seconds": None, "start": None, "end": None, **given}
    windows = of_range(window=window, tz=tz, now_ms=NOW, **known)  # type: ignore[arg-type]
    return rfc3339(windows.start_ms), rfc3339(windows.end_ms), windows.count


def test_since_counts_back_from_the_last_whole_window() -> None:
    assert span(since_seconds=86_400) == ("2026-03-04T14:00:00Z", "2026-03-05T14:00:00Z", 24)


def test_nothing_given_is_the_last_day() -> None:
    assert span() == span(since_seconds=86_400)
    assert span("7d")[2] == 1


def test_since_with_days_counts_calendar_days() -> None:
    now = ms("2026-03-31T09:00:00+02:00")
    windows = of_range(
        since_seconds=7 * 86_400, start=None, end=None, window="1d", tz="Europe/Paris", now_ms=now
    )
    assert windows.count == 7
    assert rfc3339(windows.start_ms) == "2026-03-23T23:00:00Z"  # 00:00 of the 24th, still winter time
    assert rfc3339(windows.end_ms) == "2026-03-30T22:00:00Z"


def test_since_in_one_window() -> None:
    assert span("all", since_seconds=86_400) == ("2026-03-04T14:37:00Z", "2026-03-05T14:37:00Z", 1)


def test_start_and_end() -> None:
    assert span(start="2026-03-01T00:30:00Z", end="2026-03-01T06:30:00Z") == (
        "2026-03-01T00:00:00Z", "2026-03-01T06:00:00Z", 6,
    )  # fmt: skip


def test_start_alone_ends_now() -> None:
    assert span(start="now-3h") == ("2026-03-05T11:00:00Z", "2026-03-05T14:00:00Z", 3)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"end": "now"}, "without --start"),
        ({"start": "now", "end": "now-1h"}, "starts at"),
        ({"start": "now-1h", "end": "now+1h"}, "future"),
        ({"start": "0", "end": "now", "window": "1s"}, "100,000"),
        ({"start": "1960-01-01T00:00:00Z", "end": "now"}, "1970"),
        ({"since_seconds": 1800}, "shorter than one window of 1h"),
        ({"since_seconds": 30, "window": "all"}, "shorter"),
        ({"since_seconds": 90 * 365 * 86_400, "window": "1d"}, "1970"),
        ({"since_seconds": 90 * 365 * 86_400}, "1970"),
    ],
)
def test_ranges_that_make_no_sense(given: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        span(**given)  # type: ignore[arg-type]


SUCH = "such as 15m, 24h, 7d or 1h30m."
RANGE = ms("2026-03-01T00:10:00+00:00"), ms("2026-03-01T00:50:00+00:00")


@pytest.mark.parametrize(
    ("refused", "what", "cure"),
    [
        (lambda: parse_duration("x"), "'x' is not a length of time",
         f"Give a whole number and a unit (s, m, h, d, w), {SUCH}"),
        (lambda: parse_lifespan("x"), "'x' is not a length of time",
         "Give a whole number and a unit (s, m, h, d, w, y), such as 4y, 1460d or 35040h."),
        (lambda: parse_duration("0s"), "'0s' is no time at all", f"Give more than 0, {SUCH}"),
        (lambda: parse_lifespan("1001y"), "'1001y' is more than 1000 years",
         "Give less, such as 4y, 1460d or 35040h."),
        (lambda: parse_time("2026-03-01", NOW), "'2026-03-01' does not say when the day starts",
         "Give 2026-03-01T00:00:00Z."),
        (lambda: parse_time("noon", NOW), "'noon' is not a time",
         "Give RFC 3339 (2026-03-01T00:00:00Z), Unix seconds, or now, now-2d, now-1d/d."),
        (lambda: parse_time("now/w", NOW), "'now/w' rounds to an unknown unit",
         "Round to /m, /h or /d, such as now-1d/d."),
        (lambda: parse_time("2026-03-01T00:00", NOW), "'2026-03-01T00:00' has no time zone",
         "Give 2026-03-01T00:00Z, or an offset such as 2026-03-01T00:00+01:00."),
        (lambda: parse_time("2026-03-01T24:30Z", NOW), "'2026-03-01T24:30Z' is not a time: ",
         "Give RFC 3339, such as 2026-03-01T00:00:00Z."),
        (lambda: parse_time("0001-01-01T00:00+01:00", NOW),
         "'0001-01-01T00:00+01:00' is beyond the calendar in UTC",
         "Give a time that can have been measured."),
        (lambda: cut(0, DAY_MS, "1d", "qqqq"), "there is no time zone 'qqqq'",
         "Give an IANA name such as Europe/Paris, or UTC."),
        (lambda: cut(-1, DAY_MS, "1h"), "the range starts before 1970",
         "Give a shorter --since or a later --start."),
        (lambda: cut(*RANGE, "1h"),
         "no whole window of 1h lies between 2026-03-01T00:10:00Z and 2026-03-01T00:50:00Z",
         "Give a longer range (--since, --start, --end) or a shorter --window."),
        (lambda: cut(0, NOW, "1s"), "the range holds more than 100,000 windows of 1s",
         "Give a longer --window or a shorter range."),
        (lambda: span(end="now"), "--end is given without --start", "Give --start too, or only --since."),
        (lambda: span(start="1969-12-31T23:59Z", end="now"), "the range starts before 1970",
         "Give a later --start and --end."),
        (lambda: span(start="now", end="now"),
         "the range starts at 2026-03-05T14:37:12Z and ends at 2026-03-05T14:37:12Z",
         "Give a --start before --end."),
        (lambda: span(start="now-1h", end="now+1h"), "the range ends in the future: 2026-03-05T15:37:12Z",
         "Give an --end that has passed, or now."),
        (lambda: span(since_seconds=3599), "--since is shorter than one window of 1h",
         "Give a longer --since or a shorter --window."),
        (lambda: span("all", since_seconds=59), "--since is shorter than one window of 1m",
         "Give a longer --since or a shorter --window."),
    ],
)  # fmt: skip
def test_what_is_refused_and_the_cure(refused: Callable[[], object], what: str, cure: str) -> None:
    with pytest.raises(UsageError) as caught:
        refused()
    assert caught.value.what.startswith(what)
    assert what.endswith(": ") or caught.value.what == what
    assert caught.value.cure == cure


def test_what_is_just_allowed() -> None:
    """The beginning of 1970, the end now, one window of time, a thousand years."""
    assert span(start="0", end="3600") == ("1970-01-01T00:00:00Z", "1970-01-01T01:00:00Z", 1)
    assert span(start="now-1h", end="now") == ("2026-03-05T13:00:00Z", "2026-03-05T14:00:00Z", 1)
    assert span(since_seconds=3600) == ("2026-03-05T13:00:00Z", "2026-03-05T14:00:00Z", 1)
    assert span("all", since_seconds=60) == ("2026-03-05T14:36:00Z", "2026-03-05T14:37:00Z", 1)
    assert parse_lifespan("1000y") == 1000 * 365 * 86_400


def test_no_window_ends_before_the_data_have_settled() -> None:
    """40 minutes before 14:37 it was 13:57."""
    assert span(since_seconds=7200, settle_ms=40 * 60_000) == (
        "2026-03-05T11:00:00Z", "2026-03-05T13:00:00Z", 2,
    )  # fmt: skip
    for end in (None, "now"):
        assert span(start="now-4h", end=end, settle_ms=40 * 60_000)[1] == "2026-03-05T13:00:00Z"
    assert span(start="now-4h", end="now-3h", settle_ms=40 * 60_000)[1] == "2026-03-05T11:00:00Z"


def test_days_and_a_half_are_counted_in_hours() -> None:
    """36 h before the 5th begins is noon of the 3rd, which lies in that day."""
    assert span("1d", since_seconds=36 * 3600) == ("2026-03-03T00:00:00Z", "2026-03-05T00:00:00Z", 2)


def test_several_days_follow_each_other_from_1970_on() -> None:
    """The 5th of March 2026 is day 20,517, and 20,517 is a multiple of 3."""
    windows = cut(ms("2026-03-07T22:00:00+00:00"), ms("2026-03-13T22:00:00+00:00"), "3d")
    assert [rfc3339(edge)[:10] for edge in windows.edges_ms] == ["2026-03-05", "2026-03-08", "2026-03-11"]


@given(
    start=st.integers(0, 2_000_000_000_000),
    length=st.integers(60_000, 400 * DAY_MS),
    window=st.sampled_from(["7m", "1h", "5h", "1d", "3d", "7d"]),
    tz=st.sampled_from(
        ["UTC", "Europe/Paris", "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Apia", "America/Havana"]
    ),
)
def test_edges_rise_and_cover_the_aligned_range(start: int, length: int, window: str, tz: str) -> None:
    try:
        windows = cut(start, start + length, window, tz)
    except UsageError as error:
        assert "no whole window" in error.what or "100,000" in error.what
        return
    edges = windows.edges_ms
    assert all(before < after for before, after in itertools.pairwise(edges))
    longest = parse_duration(window) * 1000 + 26 * HOUR_MS * (window.endswith("d"))
    assert edges[0] <= start < edges[0] + longest
    assert edges[-1] <= start + length < edges[-1] + longest
    if window.endswith("d"):
        zone = ZoneInfo(tz)
        days = int(window[:-1])
        for edge in edges:
            local = datetime.fromtimestamp(edge / 1000, zone)
            before = datetime.fromtimestamp(edge / 1000 - 1, zone)
            # The first instant of its date, a whole number of windows since 1970-01-01 (but for
            # Samoa, which skipped a day).
            assert before.date() < local.date()
            assert tz == "Pacific/Apia" or (local.date() - date(1970, 1, 1)).days % days == 0
