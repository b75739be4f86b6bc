"""A file system that is read-only, as in a Pod with `readOnlyRootFilesystem`: what can be written is."""

from __future__ import annotations

import errno
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sci_batch.cli.main import main
from tests.cli.process import ROOT, environment

DEMO = "compute --demo --since 24h -q"
LIVE = "compute -p http://127.0.0.1:1 --intensity 380 -q --retries 0"
REFUSED = {
    "outputs": (
        f"{DEMO} -o csv={{at}}/day.csv -o json={{at}}/new/day.json -o csv={{free}}/beside.csv"
        " --health-file {at}/health.json",
        ("day.csv could not be written", "day.json could not be written", "health.json could not be written"),
    ),
    "data set": (f"{DEMO} -o parquet={{at}}/set/", ("/set/ cannot be used",)),
    "recording": ("record --demo --out {at}/recording", ("recording could not be written",)),
    "state": (
        f"{LIVE} -o csv={{free}}/none.csv --since last-run --state {{at}}/state.json",
        ("state.json.lock could not be written",),
    ),
    "checkpoint": (
        f"{LIVE} -o csv={{free}}/none.csv --checkpoint {{at}}/kept", ("kept.lock could not be written",)
    ),
}  # fmt: skip
"""A command, and what of its words names the places."""
IN_ONE_PROCESS = """
import os, sys
from sci_batch import ledger, pipeline
from sci_batch.cli.main import main

def run(line):
    print(f"<{line}>", file=sys.stderr, flush=True)
    print(main(line.split()), flush=True)

demo, free, *lines = sys.argv[1:]
for line in lines:
    run(line)
ledger.ROWS_IN_MEMORY = pipeline.ROWS_IN_MEMORY = 100
run(f"{demo} -o csv={free}/no-room.csv")
os.environ["TMPDIR"] = free
run(f"{demo} -o csv={free}/room.csv")
"""


def test_all_but_one_folder_is_read_only(tmp_path: Path) -> None:
    free, at = tmp_path / "free", tmp_path / "at"
    free.mkdir()
    at.mkdir()
    (at / "day.csv").write_text("old")
    lines = [line.format(at=at, free=free) for line, _ in REFUSED.values()]
    ended = _with_all_read_only(free, [IN_ONE_PROCESS, DEMO, str(free), *lines], at)
    *codes, without_room, with_room = ended.stdout.split()[: len(lines) + 2]
    assert codes == ["8"] * len(lines), ended.stderr
    said = dict(zip(REFUSED, ended.stderr.split("\n<")[: len(lines)], strict=True))
    for name, (_, words) in REFUSED.items():
        assert [word for word in words if word not in said[name]] == [], said[name]
        assert "Read-only file system" in said[name]
        assert "\n  C" in said[name], "no cure"  # "Check ...", "Choose ..."
    assert (without_room, with_room) == ("7", "0"), ended.stderr
    assert "no temporary file can be written (none of the usual folders)" in ended.stderr
    assert "Set TMPDIR to a folder with rights and space." in ended.stderr
    assert "Traceback" not in ended.stderr
    assert sorted(ended.stdout.split()[len(lines) + 2 :]) == ["beside.csv", "room.csv"]
    assert [(path.name, path.read_text()) for path in at.iterdir()] == [("day.csv", "old")]


def _with_all_read_only(free: Path, argv: list[str], read_only: Path) -> subprocess.CompletedProcess[str]:
    """Run Python where only `free`, new and empty, can be written to; list that afterwards."""
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("no unshare (util-linux) to mount for this test alone")
    places = {Path("/"), *map(_mount, (Path("/tmp"), Path("/var/tmp"), ROOT, read_only))}  # noqa: S108
    isolated = [unshare, "--user", "--map-root-user", "--mount", "sh", "-c"]
    mounts = "".join(f"mount -o remount,bind,ro '{place}' && " for place in sorted(places))
    mounts += f"mount -t tmpfs none '{free}'"
    tried = subprocess.run([*isolated, mounts], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"nothing can be mounted here: {tried.stderr.strip()}")
    script = f"{mounts} && cd / && \"$@\"; ls -A '{free}'"
    home = environment({"HOME": str(read_only), "PYTHONPATH": str(ROOT)}, may_write=False)
    return subprocess.run(
        [*isolated, script, "sh", sys.executable, "-c", *argv],
        capture_output=True, text=True, env=home, check=False, timeout=120,
    )  # fmt: skip


def _mount(path: Path) -> Path:
    path = path.resolve()
    return next(place for place in (path, *path.parents) if place.is_mount())


@pytest.mark.parametrize("name", [name for name in REFUSED if name != "data set"])  # Arrow writes that itself
def test_a_folder_that_refuses_as_one_that_is_read_only(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same without rights to mount."""
    free, at = tmp_path / "free", tmp_path / "at"
    free.mkdir()
    at.mkdir()
    for module, function in ((io, "open"), (os, "open"), (os, "mkdir")):
        monkeypatch.setattr(module, function, _refusing(getattr(module, function), at))
    line, words = REFUSED[name]
    assert main(line.format(at=at, free=free).split()) == 8
    said = capsys.readouterr().err
    assert [word for word in words if word not in said] == [], said
    assert "Read-only file system" in said
    assert not list(at.iterdir())
    assert [path.name for path in free.iterdir()] == ["beside.csv"] * (name == "outputs")


def _refusing(real: Callable[..., Any], below: Path) -> Callable[..., Any]:
    def called(path: Any, how: Any = "r", *more: Any, **options: Any) -> Any:
        reads = how in ("r", "rb", os.O_RDONLY)
        if not reads and not isinstance(path, int) and Path(path).is_relative_to(below):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        return real(path, how, *more, **options)

    return called
