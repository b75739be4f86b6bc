"""A run that is stopped goes on from its last whole stretch, and ends in the same numbers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sci_batch import fetch, pipeline
from sci_batch.asking import plan
from sci_batch.errors import UsageError
from sci_batch.fetch import checkpoint
from sci_batch.prometheus import remote_offer
from sci_batch.prometheus.client import Client
from sci_batch.prometheus.decode import Decoded
from sci_batch.report import Report
from sci_batch.settings import Settings
from tests.live.cluster import HOUR, served, small
from tests.properties import sources
from tests.simulator import simulate

pytestmark = pytest.mark.live

START = int(small().start)
HOURS = 3


class Stopped(Exception):
    """As if the machine had gone down."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Both Keplers, one after the other."""
    with served(simulate(small("upgrade", range_seconds=HOURS * HOUR, upgrade_at=1.4 * HOUR))) as address:
        yield address


@pytest.fixture(autouse=True)
def short_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "ahead", iter)  # a thread would outlive the run that is stopped here
    monkeypatch.setattr(plan, "EDGE_BUDGET", 1)
    monkeypatch.setattr(plan, "RAW_BUDGET", 10_000)


def settings(url: str, folder: Path | None, hours: int = HOURS, **flags: Any) -> Settings:
    given = {
        "prometheus_url": url, "start": str(START), "end": str(START + hours * HOUR), "window": "1h",
        "intensity": "380", **flags,
    }  # fmt: skip
    return sources.settings(given | ({"checkpoint": str(folder)} if folder else {}))


def run(chosen: Settings, stop_after: int = 1_000) -> tuple[Report, int]:
    """The report, and how many stretches went by."""
    seen = 0

    def progress(words: str, _share: float) -> None:
        nonlocal seen
        if words.startswith("pulling"):
            seen += 1
            if seen == stop_after:
                raise Stopped

    return pipeline.run(chosen, now_ms=(START + 24 * HOUR) * 1000, progress=progress), seen


@pytest.mark.parametrize("pull", ["edges", "raw"])
def test_stopped_anywhere_it_goes_on(url: str, pull: str, tmp_path: Path) -> None:
    straight, whole = run(settings(url, None, pull=pull))
    assert whole >= 4
    for stop in (1, whole // 2):
        folder = tmp_path / str(stop)
        with pytest.raises(Stopped):
            run(settings(url, folder, pull=pull), stop)
        kept = len(list(folder.glob("[0-9]*")))
        assert kept == stop, "what was worked on is kept"
        with pytest.raises(Stopped):
            run(settings(url, folder, pull=pull), min(stop + 1, whole))
        again, _ = run(settings(url, folder, pull=pull))
        pd.testing.assert_frame_equal(again.result, straight.result, check_exact=True)
        assert again.totals == straight.totals
        checkpoint.clear(folder)
        assert not folder.exists()


def test_nothing_is_read_twice(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = settings(url, tmp_path / "kept", pull="raw")
    run(chosen)
    before, _ = run(settings(url, None, pull="raw"))
    asked: list[str] = []
    monkeypatch.setattr(Client, "raw", lambda _client, query, *_: asked.append(query))
    after, _ = run(chosen)
    assert not asked, "no raw samples were asked for"
    pd.testing.assert_frame_equal(after.result, before.result, check_exact=True)
    assert after.provenance == before.provenance, "it also says what was asked then"
    assert any(query.endswith("ms]") for query in before.provenance.queries)


def test_warnings_outlive_the_run_that_was_stopped(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With --allow-partial: that an answer was partial must not be forgotten with the process."""
    monkeypatch.setattr(remote_offer, "NEEDED", ("no.such",))  # remote read has no warnings
    chosen = settings(url, tmp_path / "kept", pull="raw", allow_partial=True)
    take_in = Client._take_in

    def warned(self: Client, decoded: Decoded, suffix: str, question: str) -> None:
        raw = "joules_total" in question and "ms%5D" in question
        take_in(
            self,
            replace(decoded, warnings=("a store is gone",), dropped=2) if raw else decoded,
            suffix,
            question,
        )

    with monkeypatch.context() as patch:
        patch.setattr(Client, "_take_in", warned)
        straight, whole = run(chosen)
    again, _ = run(chosen)
    assert "a store is gone" in straight.provenance.notes
    assert again.provenance.notes == straight.provenance.notes
    assert whole > 1


def test_a_later_end_goes_on(url: str, tmp_path: Path) -> None:
    """As a scheduled run does that follows one that was stopped."""
    folder = tmp_path / "kept"
    run(settings(url, folder, hours=2))
    longer, seen = run(settings(url, folder))
    straight, whole = run(settings(url, None))
    assert seen >= whole - 1
    pd.testing.assert_frame_equal(longer.result, straight.result, check_exact=True)
    shorter, _ = run(settings(url, folder, hours=2))
    pd.testing.assert_frame_equal(
        shorter.result, run(settings(url, None, hours=2))[0].result, check_exact=True
    )


def test_another_run_is_refused(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    run(settings(url, folder))
    before = sorted(path.name for path in folder.iterdir())
    with pytest.raises(UsageError, match="is of another run") as caught:
        run(settings(url, folder, pull="raw"))
    assert "pull edges, here raw" in str(caught.value)
    assert f"--start {straight_start()}" in caught.value.cure
    assert sorted(path.name for path in folder.iterdir()) == before


def straight_start() -> str:
    return pd.Timestamp(START, unit="s", tz="UTC").strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_folder_of_something_else_is_left_alone(url: str, tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("dear")
    with pytest.raises(UsageError, match="something else than a checkpoint"):
        run(settings(url, tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["letters.txt"]


def test_a_hole_is_read_again(url: str, tmp_path: Path) -> None:
    """As when the last run was killed while it removed stretches: what lies behind the hole is of no use."""
    folder = tmp_path / "kept"
    straight, _ = run(settings(url, folder))
    shutil.rmtree(folder / "00002")
    again, _ = run(settings(url, folder))
    pd.testing.assert_frame_equal(again.result, straight.result, check_exact=True)


@pytest.mark.parametrize("left", ["00000", "00001"])
def test_killed_while_it_forgets(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: str
) -> None:
    folder = tmp_path / "kept"
    straight, _ = run(settings(url, folder))
    remove = shutil.rmtree

    def killed(path: Path, **how: Any) -> None:
        if path.name.endswith(left):
            raise Stopped
        remove(path, **how)

    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(shutil, "rmtree", killed)
        checkpoint.clear(folder)
    assert (folder / "run.json").is_file()
    again, _ = run(settings(url, folder))
    pd.testing.assert_frame_equal(again.result, straight.result, check_exact=True)
    checkpoint.clear(folder)
    assert not folder.exists()


def test_killed_at_its_first_file(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "kept"

    def killed(_path: Path, _target: Path) -> None:
        raise Stopped

    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(Path, "replace", killed)
        run(settings(url, folder, hours=1))
    assert [path.name for path in folder.iterdir()] == [".part-run.json"]
    run(settings(url, folder, hours=1))
    checkpoint.clear(folder)
    assert not folder.exists()


@pytest.mark.parametrize("name", ["run.json", "00001/counters.parquet", "00001/stretch.json"])
@pytest.mark.parametrize("content", [b"", b"PAR1 nothing", b"[1]"])
def test_damage_is_told(url: str, tmp_path: Path, name: str, content: bytes) -> None:
    folder = tmp_path / "kept"
    run(settings(url, folder, hours=1))
    (folder / name).write_bytes(content)
    with pytest.raises(UsageError, match="damaged") as caught:
        run(settings(url, folder, hours=1))
    assert "Remove the folder" in caught.value.cure


def test_a_stretch_that_was_half_written_is_no_stretch(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    first, _ = run(settings(url, folder, hours=2))
    half = folder / ".part-x"
    shutil.copytree(folder / "00001", half)
    shutil.rmtree(folder / "00002")
    (half / "stretch.json").unlink()
    again, _ = run(settings(url, folder, hours=2))
    pd.testing.assert_frame_equal(again.result, first.result, check_exact=True)
