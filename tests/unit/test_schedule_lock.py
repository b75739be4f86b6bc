"""One run at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sci_batch.errors import LockedError, SinkError
from sci_batch.schedule import lock

HOLD = """
import sys
from pathlib import Path
from sci_batch.schedule import lock
with lock.held([Path(sys.argv[1])]):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(path: Path) -> subprocess.Popen[str]:
    """Another process that holds the lock until its standard input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_run_is_told_who_is_at_work(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    with holder(state) as process:
        with pytest.raises(LockedError) as caught, lock.held([state]):
            pass
        assert f"another run (process {process.pid} on " in caught.value.what
        assert f"is at work on {state}; nothing was done" in caught.value.what
        assert caught.value.exit_code == 9
    with lock.held([state]):
        pass
    assert [(item.name, item.read_text()) for item in tmp_path.iterdir()] == [("state.json.lock", "")]


def test_the_lock_of_a_killed_run_blocks_nobody(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    with holder(state) as process:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert "process" in lock.beside(state).read_text()  # its words stay, its lock does not
        with lock.held([state]):
            assert str(os.getpid()) in lock.beside(state).read_text()


def test_one_of_several_is_taken_and_none_is_kept(tmp_path: Path) -> None:
    mine, theirs = tmp_path / "a", tmp_path / "b"
    with holder(theirs):
        with pytest.raises(LockedError), lock.held([mine, theirs]):
            pass
        with lock.held([mine]):
            pass


def test_two_ways_to_name_one_file_are_one_lock(tmp_path: Path) -> None:
    link = tmp_path / "link"
    (tmp_path / "real").mkdir()
    link.symlink_to(tmp_path / "real")
    with holder(tmp_path / "real" / "s"), pytest.raises(LockedError), lock.held([link / "s"]):
        pass
    with lock.held([link / "s", tmp_path / "real" / "s"]):
        pass


def test_where_no_file_can_be_written_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    words = r"file/state\.json\.lock could not be written"
    with pytest.raises(SinkError, match=words), lock.held([tmp_path / "file" / "state.json"]):
        pass


def test_no_state_no_lock(tmp_path: Path) -> None:
    with lock.held([]):
        assert list(tmp_path.iterdir()) == []
