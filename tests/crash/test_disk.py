"""Disks that are full, read-only or forbidden: a sentence, an exit code, and nothing half-written."""

from __future__ import annotations

import gc
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from sci_batch import ledger, pipeline, spill
from sci_batch.cli.main import main
from sci_batch.errors import SinkError, SourceError
from sci_batch.impact.if_run import outputs
from sci_batch.schedule import lock
from sci_batch.sinks.target import opened
from tests.cli.process import ROOT, environment

MOST_BYTES = 20_000
DEMO = ("compute", "--demo", "--since", "24h", "-q")


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file may grow beyond some bytes: what a full disk does, without one."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_BYTES, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def rows(count: int) -> pd.DataFrame:
    noise = pd.Series(range(count)) ** 3 % 1_000_003
    return pd.DataFrame({"window": range(count), "value": noise.astype(float)})


@pytest.mark.usefixtures("small_files")
def test_outputs_do_not_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = tmp_path / "day.csv"
    old.write_text("old")
    assert main([*DEMO, "-o", f"csv={old}", "-o", f"parquet={tmp_path}/set/"]) == 8
    said = capsys.readouterr().err
    assert f"{old} could not be written: File too large" in said
    assert "Traceback" not in said
    assert old.read_text() == "old"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [old]


@pytest.mark.usefixtures("small_files")
def test_no_room_for_what_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module, name in ((ledger, "ROWS_IN_MEMORY"), (pipeline, "ROWS_IN_MEMORY")):
        monkeypatch.setattr(module, name, 100)
    assert main([*DEMO, "-o", f"csv={tmp_path}/day.csv"]) == 7
    gc.collect()  # the file that did not fit is closed without a word
    said = capsys.readouterr().err
    assert "error: no temporary file can be written (" in said
    assert "Set TMPDIR to a folder with rights and space." in said
    assert "Traceback" not in said
    assert not list(tmp_path.iterdir())


def test_no_folder_for_temporary_files(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "TemporaryFile", refused)
    monkeypatch.setattr(tempfile, "TemporaryDirectory", refused)
    with pytest.raises(SourceError, match="no temporary file can be written") as caught:
        spill.Spill(1).add(rows(2))
    assert "TMPDIR" in caught.value.cure
    with pytest.raises(SourceError, match="no temporary file can be written"):
        outputs(Path("/bin/true"), "name: x")


def test_what_waits_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    waiting = spill.Spill(1)
    waiting.add(rows(10))
    assert not list(tmp_path.iterdir())
    assert len(waiting.within(0, 10)) == 10


def test_a_lock_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with lock.held([tmp_path / "state.json"]):
        assert (tmp_path / "state.json.lock").exists()


def test_leftovers_of_killed_runs_go_and_files_at_work_stay(tmp_path: Path) -> None:
    target = tmp_path / "day.csv"
    left = tmp_path / ".day.csv.0123456789ab.tmp"
    others = [tmp_path / name for name in (".day.csv.tmp", ".other.csv.0123456789ab.tmp", ".day.csv.x.tmp")]
    for path in (left, *others):
        path.write_text("half")
    with opened(target) as first:
        first.write(b"first")
        (at_work,) = [path for path in tmp_path.glob(".day.csv.*.tmp") if path not in (left, *others)]
        with opened(target) as second:
            second.write(b"second")
        assert at_work.exists()
        assert target.read_bytes() == b"second"
    assert target.read_bytes() == b"first"
    assert sorted(tmp_path.iterdir()) == sorted([target, *others])


def test_a_name_of_many_bytes(tmp_path: Path) -> None:
    target = tmp_path / ("東" * 84)  # 252 bytes, of 255
    with opened(target) as stream:
        stream.write(b"whole")
    assert target.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((*DEMO, "-o", "csv={at}/folder"), "folder could not be written: it is a folder"),
        ((*DEMO, "-o", "csv=/dev/full"), "/dev/full could not be written: No space left on device"),
        ((*DEMO, "-o", "csv={at}/file/day.csv"), "day.csv could not be written: File exists"),
        (
            (*DEMO, "-o", "csv={at}/day.csv", "--health-file", "/dev/full"),
            "/dev/full could not be written: No space left on device",
        ),
        (("record", "--demo", "--out", "{at}/file/rec"), "rec could not be written: "),
    ],
)
def test_places_that_cannot_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    assert main([word.format(at=tmp_path) for word in arguments]) == 8
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said


def _nobody() -> list[str]:
    """Root may do everything: how to be somebody else; empty where we are."""
    if os.geteuid():
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("root may write everywhere, and there is no setpriv to be somebody else")
    return [setpriv, "--reuid=65534", "--regid=65534", "--clear-groups"]


def test_no_permission() -> None:
    """In one process, as loading the tool is what takes time."""
    code = """
import sys
from sci_batch.cli.main import main
for line in sys.argv[1].splitlines():
    print(main(line.split()), flush=True)
"""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "forbidden"
        folder.mkdir(mode=0o700)
        (folder / "day.csv").write_text("old")
        folder.chmod(0o000)
        Path(place).chmod(0o755)
        demo = "compute --demo --since 24h -q"
        live = "compute -p http://127.0.0.1:1 --intensity 380 -q --retries 0"
        lines = [
            f"{demo} -o csv={folder}/day.csv -o parquet={folder}/day.parquet -o parquet={folder}/set/",
            f"{demo} -o csv={folder}/day.csv --no-clobber",
            f"{demo} -o csv=/dev/null --health-file {folder}/health.json",
            f"record --demo --out {folder}/recording",
            f"{live} -o csv=/dev/null --checkpoint {folder}/kept",
            f"{live} -o csv=/dev/null --since last-run --state {folder}/state.json",
        ]
        done = subprocess.run(
            [*_nobody(), sys.executable, "-c", code, "\n".join(lines)],
            capture_output=True, text=True, cwd=ROOT, env=environment({"HOME": place}, may_write=False),
            check=False,
        )  # fmt: skip
        folder.chmod(0o700)
        assert done.stdout.split() == ["8"] * len(lines), done.stderr
        assert done.stderr.count("Permission denied") == len(lines) + 2
        assert "Traceback" not in done.stderr
        assert [(path.name, path.read_text()) for path in folder.iterdir()] == [("day.csv", "old")]


def test_a_recording_does_not_fit(tmp_path: Path, small_files: None) -> None:
    from sci_batch.source import record
    from tests.properties import sources

    chosen = sources.settings({"demo": True, "since": "24h", "out": str(tmp_path / "rec")})
    with pytest.raises(SinkError, match="rec could not be written: "):
        record(chosen, now_ms=1_780_272_000_000, progress=lambda *_: None)
    assert not list(tmp_path.iterdir())
