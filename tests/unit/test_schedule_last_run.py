"""Which windows follow the last run."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sci_batch.errors import UsageError
from sci_batch.schedule import last_run
from sci_batch.settings import Settings
from sci_batch.windows import parse_time, rfc3339

HOUR = 3_600_000
NOW = "2026-03-05T14:37:00Z"


def ms(text: str) -> int:
    return parse_time(text, 0)


def span(last: str | None, now: str = NOW, **given: Any) -> tuple[str, ...]:
    found = last_run.following(None if last is None else ms(last), Settings(**given), ms(now)).windows
    return () if found is None else (rfc3339(found.start_ms)[5:16], rfc3339(found.end_ms)[5:16])


@pytest.mark.parametrize(
    ("last", "given", "wanted"),
    [
        ("2026-03-05T13:00:00Z", {}, ("03-05T13:00", "03-05T14:00")),
        ("2026-03-05T14:00:00Z", {}, ()),
        ("2026-03-05T09:00:00Z", {}, ("03-05T09:00", "03-05T14:00")),  # four runs did not happen
        ("2026-03-05T13:30:00Z", {}, ("03-05T13:00", "03-05T14:00")),  # windows were shorter then
        ("2026-03-05T14:00:00Z", {"window": "15m"}, ("03-05T14:00", "03-05T14:30")),
        ("2026-03-05T14:00:00Z", {"window": "15m", "settle_seconds": 480}, ("03-05T14:00", "03-05T14:15")),
        ("2026-03-05T14:30:00Z", {"window": "all"}, ("03-05T14:30", "03-05T14:35")),
        ("2026-03-04T23:00:00Z", {"window": "1d", "tz": "Europe/Paris"}, ()),
        ("2026-03-03T23:00:00Z", {"window": "1d", "tz": "Europe/Paris"}, ("03-03T23:00", "03-04T23:00")),
        ("2026-02-01T00:00:00Z", {}, ("02-26T14:00", "03-05T14:00")),  # held to --max-catch-up
        ("2026-02-01T00:00:00Z", {"max_catch_up_seconds": 60}, ("03-05T13:00", "03-05T14:00")),
        (None, {}, ("03-04T14:00", "03-05T14:00")),
        (None, {"first_since_seconds": 7200}, ("03-05T12:00", "03-05T14:00")),
        (None, {"first_since_seconds": 60}, ("03-05T13:00", "03-05T14:00")),
        (None, {"window": "2d"}, ("03-02T00:00", "03-04T00:00")),
    ],
)
def test_the_windows_that_follow(last: str | None, given: dict[str, Any], wanted: tuple[str, ...]) -> None:
    assert span(last, **given) == wanted


@pytest.mark.parametrize(
    ("now", "wanted"),
    [("2026-03-05T14:01:59Z", "03-05T13:00"), ("2026-03-05T14:02:00Z", "03-05T14:00")],
)
def test_a_window_ends_two_minutes_before_now(now: str, wanted: str) -> None:
    assert span("2026-03-05T10:00:00Z", now)[1] == wanted


def test_what_is_left_out_is_told_with_the_command_that_does_it() -> None:
    (words,) = last_run.following(ms("2026-02-01T00:00:00Z"), Settings(), ms(NOW)).words
    assert words.startswith(
        "warning: the last run ended at 2026-02-01T00:00:00Z, longer ago than --max-catch"
    )
    assert words.endswith("backfill --start 2026-02-01T00:00:00Z --end 2026-02-26T14:00:00Z --every 1h")


def test_a_last_run_in_the_future_is_refused() -> None:
    with pytest.raises(UsageError, match="in the future") as caught:
        span("2026-03-05T14:38:00Z")
    assert "Check the clock" in caught.value.cure


@given(
    starts=st.lists(st.integers(0, 40 * HOUR), min_size=2, max_size=12),
    window=st.sampled_from(["5m", "1h", "7h", "1d", "all"]),
    tz=st.sampled_from(["UTC", "Europe/Paris", "Asia/Kolkata"]),
)
def test_runs_at_any_times_cover_all_windows_once(starts: list[int], window: str, tz: str) -> None:
    """However late or often the runs come: no gap, no window twice."""
    settings = Settings(window=window, tz=tz, max_catch_up_seconds=10 * 86_400)
    last, spans = None, []
    for start in sorted(starts):
        found = last_run.following(last, settings, ms("2026-03-28T00:30:00Z") + start).windows
        if found is not None:
            spans.append((found.start_ms, found.end_ms))
            last = found.end_ms
    assert spans  # the first run always finds something
    assert all(end == start for (_, end), (start, _) in pairwise(spans))


def test_the_state_comes_back_and_does_not_change_with_the_clock(tmp_path: Path) -> None:
    path = tmp_path / "new" / "state.json"
    assert last_run.read(path, "") is None
    last_run.write(path, ms("2026-03-05T14:00:00Z"), "eu")
    first = path.read_bytes()
    assert last_run.read(path, "eu") == ms("2026-03-05T14:00:00Z")
    last_run.write(path, ms("2026-03-05T14:00:00Z"), "eu")
    assert path.read_bytes() == first
    assert [item.name for item in path.parent.iterdir()] == ["state.json"]


def test_the_state_of_another_cluster_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    last_run.write(path, ms("2026-03-05T14:00:00Z"), "eu")
    with pytest.raises(UsageError, match="the state of cluster eu, not us"):
        last_run.read(path, "us")
    with pytest.raises(UsageError, match=r"the state of cluster eu, not \(none given\)"):
        last_run.read(path, "")


WHOLE = {"schema_version": 1, "kind": "last-run", "end": "2026-03-05T14:00:00Z", "cluster": ""}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is no state of sci-batch: it is not JSON"),
        ("{", "is no state of sci-batch: it is not JSON"),
        ("\x00\xff", "is no state of sci-batch: it is not JSON"),
        ("[" * 100_000, "is no state of sci-batch: it is not JSON"),
        ("[]", "is no state of sci-batch"),
        ("{}", "is no state of sci-batch"),
        ({**WHOLE, "schema_version": True}, "is no state of sci-batch"),
        ({**WHOLE, "schema_version": 0}, "is no state of sci-batch"),
        ({**WHOLE, "schema_version": "1"}, "is no state of sci-batch"),
        ({**WHOLE, "schema_version": 2}, "was written by a newer sci-batch"),
        ({**WHOLE, "kind": "backfill"}, "is not of the kind last-run, but 'backfill'"),
        ({**WHOLE, "end": None}, "is no state of sci-batch: None is not a time"),
        ({**WHOLE, "end": "now"}, "is no state of sci-batch: 'now' is not a time"),
        ({**WHOLE, "end": 1772719200}, "is no state of sci-batch: 1772719200 is not a time"),
        ({"schema_version": 1, "kind": "last-run"}, "is no state of sci-batch"),
    ],
)
def test_a_file_that_is_no_state_is_a_sentence(tmp_path: Path, content: Any, words: str) -> None:
    path = tmp_path / "state.json"
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError) as caught:
        last_run.read(path, "")
    assert words in caught.value.what
    assert caught.value.cure
    assert path.read_bytes() == text.encode("latin-1")


def test_a_later_field_is_no_reason_to_refuse(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text(json.dumps({**WHOLE, "more": 1}))
    assert last_run.read(path, "") == ms("2026-03-05T14:00:00Z")


def test_a_folder_is_no_state(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        last_run.read(tmp_path, "")
