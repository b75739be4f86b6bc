"""Old days are asked for once, young ones again; the folder may be broken, copied or missing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from sci_batch.errors import UsageError
from sci_batch.intensity import Request, cache
from sci_batch.intensity.frame import DAY_MS, HOUR_MS
from sci_batch.intensity.points import no_points, points

T0 = 1_768_003_200_000
OLD = T0 + 30 * DAY_MS


class Server:
    """Hourly values; remembers what it was asked for, in hours since T0."""

    def __init__(self, offset: float = 100.0, version: str = "", only: tuple[int, int] | None = None) -> None:
        self.offset, self.version, self.only = offset, version, only
        self.asked: list[tuple[int, int]] = []

    def __call__(self, start_ms: int, end_ms: int) -> tuple[pd.DataFrame, str]:
        self.asked.append(((start_ms - T0) // HOUR_MS, (end_ms - T0) // HOUR_MS))
        hours = range((start_ms - T0) // HOUR_MS, -(-(end_ms - T0) // HOUR_MS))
        kept = [hour for hour in hours if self.only is None or self.only[0] <= hour < self.only[1]]
        if not kept:
            return no_points(), self.version
        starts = [T0 + hour * HOUR_MS for hour in kept]
        return points(starts, [self.offset + hour for hour in kept], step_ms=HOUR_MS), self.version


@pytest.fixture
def shelf(tmp_path: Path) -> cache.Shelf:
    request = Request(start_ms=T0 + 30 * 60_000, end_ms=T0 + 3 * DAY_MS, cache_dir=tmp_path, now_ms=OLD)
    return cache.Shelf(request=request, provider="p", zone="A/B", basis="direct", chunk_days=2, name="p:A/B")


def at(shelf: cache.Shelf, now_ms: int, **change: object) -> cache.Shelf:
    request = replace(shelf.request, now_ms=now_ms, **change)  # type: ignore[arg-type]
    return replace(shelf, request=request, notes=[])


def test_whole_days_are_asked_once(shelf: cache.Shelf) -> None:
    server = Server()
    first = cache.through(shelf, server)
    assert server.asked == [(0, 48), (48, 72)]
    assert first["gco2e_per_kwh"].tolist() == [100.0 + hour for hour in range(72)]
    assert sorted(path.name for path in shelf.folder.iterdir()) == [
        "2026-01-10.json", "2026-01-11.json", "2026-01-12.json",
    ]  # fmt: skip
    assert shelf.folder.name == "direct"
    assert shelf.folder.parent.name == "A%2FB"
    again = cache.through(shelf, Server(999.0))
    pd.testing.assert_frame_equal(again, first)
    assert shelf.notes == []


def test_a_day_is_final_three_days_after_its_end(shelf: cache.Shelf) -> None:
    cache.through(at(shelf, T0 + 3 * DAY_MS), Server())
    server = Server(200.0)
    found = cache.through(at(shelf, T0 + 4 * DAY_MS), server)
    assert server.asked == [(0, 48), (48, 72)]
    assert found["gco2e_per_kwh"].iloc[0] == 200.0
    server = Server(300.0)
    found = cache.through(
        at(shelf, T0 + 5 * DAY_MS), server
    )  # the first was fetched at 4 days: now it is final
    assert server.asked == [(24, 72)]
    assert found["gco2e_per_kwh"].tolist()[:25] == [200.0 + hour for hour in range(24)] + [324.0]


def test_hours_to_come_are_not_asked_for(shelf: cache.Shelf) -> None:
    server = Server()
    late = T0 + 50 * HOUR_MS + 5 * 60_000
    cache.through(at(shelf, late, end_ms=T0 + 49 * HOUR_MS), server)
    assert server.asked == [(0, 48), (48, 50)]


def test_daily_runs_with_the_last_24_hours_only_make_a_whole_month(shelf: cache.Shelf) -> None:
    for run in range(6):
        now = T0 + 12 * HOUR_MS + run * DAY_MS
        end = (now - T0) // HOUR_MS
        span = at(shelf, now, start_ms=T0 + (end - 24) * HOUR_MS, end_ms=now)
        cache.through(span, Server(100.0, only=(end - 24, end)))
    whole = cache.through(at(shelf, T0 + 6 * DAY_MS), Server(only=(0, 0)))
    assert whole["gco2e_per_kwh"].tolist() == [100.0 + hour for hour in range(72)]


def test_an_empty_answer_is_not_kept(shelf: cache.Shelf) -> None:
    assert cache.through(shelf, Server(only=(0, 0))).empty
    assert not shelf.folder.exists()
    assert len(cache.through(shelf, Server())) == 72


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        "null",
        '{"format": 2}',
        '{"format": 1, "fetched_ms": 9999999999999, "version": "", "start_ms": [1], "end_ms": [2], '
        '"gco2e_per_kwh": [3], "estimated": [false]}',
        '{"format": 1, "fetched_ms": 9999999999999, "version": "", "start_ms": [1, 2], "end_ms": [2], '
        '"gco2e_per_kwh": [3], "estimated": [false]}',
        '{"format": 1, "fetched_ms": 9999999999999, "version": "", "start_ms": [1768003200000], '
        '"end_ms": [1768006800000], "gco2e_per_kwh": ["x"], "estimated": [false]}',
        '{"format": 1, "fetched_ms": 9999999999999, "version": "", "start_ms": [1768003200000], '
        '"end_ms": [1768006800000], "gco2e_per_kwh": [NaN], "estimated": [false]}',
        "\x00\xff",
    ],
)
def test_a_broken_file_is_replaced(shelf: cache.Shelf, text: str) -> None:
    cache.through(shelf, Server())
    path = shelf.folder / "2026-01-10.json"
    path.write_bytes(text.encode("latin-1"))
    server = Server()
    assert len(cache.through(shelf, server)) == 72
    assert server.asked == [(0, 24)]
    assert json.loads(path.read_text())["gco2e_per_kwh"][0] == 100.0
    assert [item.name for item in shelf.folder.iterdir() if item.suffix != ".json"] == []


def test_offline_serves_what_is_there_and_refuses_the_rest(shelf: cache.Shelf) -> None:
    cache.through(shelf, Server())
    offline = at(shelf, OLD, offline=True)
    server = Server()
    assert len(cache.through(offline, server)) == 72
    (shelf.folder / "2026-01-11.json").unlink()
    with pytest.raises(UsageError, match="not on disk for 1 of 3 days, from 2026-01-11"):
        cache.through(offline, server)
    assert server.asked == []


def test_two_versions_of_a_model_are_not_mixed(shelf: cache.Shelf) -> None:
    cache.through(at(shelf, OLD, end_ms=T0 + 2 * DAY_MS), Server(100.0, "old"))
    server = Server(500.0, "new")
    found = cache.through(shelf, server)
    assert server.asked == [(48, 72), (0, 48), (48, 72)]
    assert found["gco2e_per_kwh"].tolist() == [500.0 + hour for hour in range(72)]
    day = shelf.folder / "2026-01-10.json"
    day.write_text(day.read_text().replace('"new"', '"odd"'))
    with pytest.raises(UsageError, match="two versions of its model"):
        cache.through(at(shelf, OLD, offline=True), server)
    server = Server(700.0, "new")
    assert cache.through(shelf, server)["gco2e_per_kwh"].iloc[0] == 700.0
    assert server.asked == [(0, 48), (48, 72)]


def test_a_new_answer_replaces_what_it_overlaps(shelf: cache.Shelf) -> None:
    young = at(shelf, T0 + DAY_MS, end_ms=T0 + DAY_MS)

    def quarters(start_ms: int, end_ms: int) -> tuple[pd.DataFrame, str]:
        starts = range(start_ms, end_ms, HOUR_MS // 4)
        return points(starts, [1.0] * len(starts), step_ms=HOUR_MS // 4), ""

    cache.through(young, quarters)
    found = cache.through(young, Server(only=(0, 6)))
    assert found["end_ms"].to_numpy()[:6].tolist() == [T0 + hour * HOUR_MS for hour in range(1, 7)]
    assert len(found) == 6 + 18 * 4
    assert (found["start_ms"].to_numpy()[1:] >= found["end_ms"].to_numpy()[:-1]).all()


def test_a_folder_that_cannot_be_written_is_told_and_no_failure(shelf: cache.Shelf, tmp_path: Path) -> None:
    (tmp_path / "p").write_text("a file where the folder should be")
    assert len(cache.through(shelf, Server())) == 72
    (note,) = shelf.notes
    assert "--cache-dir" in note


def test_the_folder_follows_the_desktop_standard(tmp_path: Path) -> None:
    where = Request(start_ms=0, end_ms=1, environ={"XDG_CACHE_HOME": str(tmp_path)})
    assert cache.root(where) == tmp_path / "sci-batch" / "intensity"
    home = Request(start_ms=0, end_ms=1, environ={"XDG_CACHE_HOME": "relative"})
    assert cache.root(home) == Path("~/.cache/sci-batch/intensity").expanduser()
    assert cache.root(replace(home, cache_dir=tmp_path)) == tmp_path
