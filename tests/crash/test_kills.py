"""Killed (SIGKILL) at any moment, a run leaves the old or the new whole thing; the next one ends the same.

Few kills here; `make kills` kills each kind a hundred times. Half of the kills come after a time, half just
before one change of the file system: those moments are short, and time alone would hardly hit them.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.crash.kinds import ALWAYS, HOURS, KINDS, START, Kind, last_run_checkpointed
from tests.crash.struck import Blow, Forge, contents, forge
from tests.live.cluster import HOUR, served, small
from tests.simulator import simulate

pytestmark = pytest.mark.live

CAMPAIGN = "SCI_BATCH_KILLS" in os.environ
KILLS = int(os.environ.get("SCI_BATCH_KILLS", "2"))
"""Of each kind; with the variable set, every kind is killed."""
SEED = int(os.environ.get("SCI_BATCH_KILLS_SEED", "7"))
_PASSING = re.compile(r"(.*/)?(\.[^/]+\.[0-9a-f]{12}\.tmp|[^/]+\.lock)|kept/.*")
"""Leftovers that nobody reads, and the checkpoint, whose form is its own."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with served(simulate(small(start=START, range_seconds=HOURS * HOUR))) as address:
        yield address


@pytest.fixture(scope="module")
def smith() -> Iterator[Forge]:
    with forge() as made:
        yield made


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if CAMPAIGN or kind.name in ALWAYS], ids=lambda kind: str(kind.name)
)
def test_killed_at_any_moment(url: str, smith: Forge, tmp_path: Path, kind: Kind) -> None:
    folder, kept = tmp_path / "out", tmp_path / "before"
    folder.mkdir()
    before, run = kind.before(url, str(folder)), kind.run(url, str(folder))
    first = smith.run(before)
    assert first.code == 0, first.said
    shutil.copytree(folder, kept)
    old = contents(folder)
    straight = smith.run(run)
    assert straight.code == 0, straight.said
    new = contents(folder)
    assert new != old
    assert not [name for name in new if _PASSING.fullmatch(name) and not name.endswith(".lock")]

    dice, killed, missed = random.Random(f"{SEED} {kind.name}"), 0, 0
    while killed < KILLS:
        shutil.rmtree(folder)
        shutil.copytree(kept, folder)
        if killed % 2:
            blow = Blow(after_seconds=dice.uniform(0, straight.seconds))
        else:
            blow = Blow(at_change=dice.randint(1, straight.changes))
        struck = smith.run(run, blow)
        if not struck.killed:  # it was quicker this time
            assert struck.code == 0, struck.said
            missed += 1
            assert missed <= 3 * KILLS + 10, "nothing is killed"
            continue
        killed += 1
        left = contents(folder)
        _whole(left, old, new, blow)
        again = smith.run(run)
        assert again.code == 0, f"{blow}: {again.said}"
        assert contents(folder) == new, f"{blow}: the next run ends otherwise, or leaves something behind"
    print(f"\n{kind.name}: {killed} killed, {missed} too late; {straight.changes} changes of files each")


def test_the_next_run_comes_an_hour_later(url: str, smith: Forge, tmp_path: Path) -> None:
    """The first run of all was killed: where it began is known from its checkpoint alone."""
    folder = tmp_path / "out"
    folder.mkdir()
    struck = smith.run(last_run_checkpointed(url, str(folder), 1), Blow(at_change=20))
    assert struck.killed, struck.said
    assert (folder / "kept" / "00000").is_dir()
    again = smith.run(last_run_checkpointed(url, str(folder), 2))
    assert again.code == 0, again.said
    assert json.loads((folder / "state.json").read_bytes())["end"] == "2026-03-02T00:00:00Z"
    assert [path.name for path in folder.glob("*.csv")] == ["20260301T220000Z.csv"]
    assert not (folder / "kept").exists()


def _whole(left: Mapping[str, bytes], old: Mapping[str, bytes], new: Mapping[str, bytes], blow: Blow) -> None:
    """Every file is that of before or of after; of a walk's state, the steps that it names are there."""
    assert not old.keys() - left.keys(), f"{blow}: a file is gone"
    for name, content in left.items():
        if _PASSING.fullmatch(name) or content in (old.get(name), new.get(name)):
            continue
        assert name == "state.json", f"{blow}: {name}"
        _steps_are_there(json.loads(content)["done"], left, new)


def _steps_are_there(done: list[str], left: Mapping[str, bytes], new: Mapping[str, bytes]) -> None:
    for step in done:
        stem = step.split("/")[0].replace("-", "").replace(":", "")
        for name in (f"{stem}.csv", f"{stem}.parquet"):
            assert left[name] == new[name]
