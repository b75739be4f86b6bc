"""The health file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sci_batch.cli.ending import exit_code, followed
from sci_batch.errors import NoDataError, SciBatchError, SinkError


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCI_BATCH_NOW", "1772715600")


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_bytes())
    return found


def fail(path: Path, error: BaseException) -> None:
    with pytest.raises(type(error)), followed(path):
        raise error


def test_the_last_success_outlives_a_failure_and_the_other_way_round(tmp_path: Path) -> None:
    path = tmp_path / "new" / "health.json"
    with followed(path) as run:
        run.start, run.end, run.words = "A", "B", "4 rows"
    good = read(path)
    success = {
        "finished": "2026-03-05T13:00:00Z",
        "exit_code": 0,
        "message": "4 rows",
        "start": "A",
        "end": "B",
    }
    assert good == {"schema_version": 1, "kind": "health", "status": "ok", **success,
                    "last_success": success, "last_failure": None}  # fmt: skip
    fail(path, NoDataError("nothing there", "Look elsewhere."))
    bad = read(path)
    assert (bad["status"], bad["exit_code"], bad["message"]) == ("failed", 4, "nothing there")
    assert (bad["last_success"], bad["last_failure"]["exit_code"]) == (success, 4)
    with followed(path):
        pass
    assert (read(path)["status"], read(path)["last_failure"]) == ("ok", bad["last_failure"])
    assert [item.name for item in path.parent.iterdir()] == ["health.json"]


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (SystemExit(143), 143, "terminated"),
        (ZeroDivisionError("secret"), 1, "a bug in sci-batch: ZeroDivisionError"),
        (SinkError("disk full"), 8, "disk full"),
        (SciBatchError("odd"), 1, "odd"),
    ],
)
def test_every_end_is_told(tmp_path: Path, error: BaseException, code: int, words: str) -> None:
    path = tmp_path / "health.json"
    fail(path, error)
    assert exit_code(error) == code
    assert (read(path)["status"], read(path)["exit_code"], read(path)["message"]) == ("failed", code, words)


@pytest.mark.parametrize("junk", ["", "{", "[]", '{"schema_version": 99}', '{"last_success": 3}'])
def test_whatever_stood_there_is_replaced(tmp_path: Path, junk: str) -> None:
    path = tmp_path / "health.json"
    path.write_text(junk)
    with followed(path):
        pass
    assert read(path)["status"] == "ok"


def test_a_health_file_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SinkError, match="it is a folder") as caught, followed(tmp_path):
        pass
    assert "--health-file" in caught.value.cure
    fail(tmp_path, NoDataError("nothing there"))  # the first failure is the one to show
    assert "warning: " in capsys.readouterr().err


def test_without_a_file_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with followed(None):
        pass
    assert list(tmp_path.iterdir()) == []
