"""`--settle`: how long before now the last window ends at the latest."""

from __future__ import annotations

from typing import Any

import pytest

from sci_batch.errors import UsageError
from sci_batch.settings import load, windows_of
from sci_batch.windows import parse_time, rfc3339

NOW = parse_time("2026-03-05T14:01:00Z", 0)


def span(**flags: Any) -> tuple[str, str]:
    settings = load({"prometheus_url": "http://h:1", "intensity": "1", **flags}, {}, "compute").settings
    found = windows_of(settings, NOW)
    return rfc3339(found.start_ms)[11:16], rfc3339(found.end_ms)[11:16]


@pytest.mark.parametrize(
    ("flags", "wanted"),
    [
        ({"since_seconds": "2h"}, ("11:00", "13:00")),
        ({"since_seconds": "2h", "settle_seconds": "0"}, ("12:00", "14:00")),
        ({"since_seconds": "2h", "settle_seconds": "60s"}, ("12:00", "14:00")),
        ({"since_seconds": "2h", "settle_seconds": "2h"}, ("10:00", "12:00")),
        ({"start": "2026-03-05T10:00:00Z"}, ("10:00", "13:00")),
        ({"start": "2026-03-05T10:00:00Z", "end": "now"}, ("10:00", "14:00")),
        ({"start": "2026-03-05T10:00:00Z", "end": "2026-03-05T14:00:00Z"}, ("10:00", "14:00")),
        ({"start": "2026-03-05T10:00:00Z", "end": "now", "settle_seconds": "5m"}, ("10:00", "13:00")),
        ({"start": "2026-03-05T10:00:00Z", "end": "2026-03-05T11:00:00Z", "settle_seconds": "5m"},
         ("10:00", "11:00")),
    ],
)  # fmt: skip
def test_where_the_last_window_ends(flags: dict[str, Any], wanted: tuple[str, str]) -> None:
    assert span(**flags) == wanted


def test_a_future_end_is_refused_all_the_same() -> None:
    with pytest.raises(UsageError, match="in the future"):
        span(start="2026-03-05T10:00:00Z", end="2026-03-05T15:00:00Z", settle_seconds="2h")


@pytest.mark.parametrize("text", ["-1", "5", "soon", ""])
def test_a_wrong_settle(text: str) -> None:
    with pytest.raises(UsageError, match="--settle"):
        span(settle_seconds=text)


def test_a_recording_is_complete() -> None:
    settings = load({"demo": True, "since_seconds": "1h"}, {}, "compute").settings
    assert rfc3339(windows_of(settings, NOW, settle_ms=0).end_ms) == "2026-03-05T14:00:00Z"
