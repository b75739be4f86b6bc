"""`if-run`: found, run in a folder of its own, judged by its output: it ends with 0 also when it failed."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sci_batch.errors import SourceError, UsageError, no_room
from sci_batch.impact.yaml_file import mapping, text_of

PACKAGE = "@grnsft/if@1.1.0"
LONGEST_SECONDS = 1800
MAX_OUTPUT_BYTES = 400_000_000
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def program(given: Path | None) -> Path:
    """The program that was named, or the one on the PATH.

    Raises
    ------
    UsageError
        There is none.
    """
    found = shutil.which(given if given is not None else "if-run")
    if found is None:
        missing = (
            "if-run is not installed here" if given is None else f"{given} is no program that can be run"
        )
        raise UsageError(
            f"{missing}: the Impact Framework is needed to verify",
            f"Run: npm install -g {PACKAGE} (node 18 or newer), or give --if-run PATH.",
        )
    return Path(found).absolute()


def outputs(if_run: Path, manifest: str) -> dict[str, Any]:
    """What IF makes of a manifest, when it says that it succeeded.

    Raises
    ------
    SourceError
        IF cannot be run, takes too long, wrote nothing, or says that it failed.
    """
    with _folder(manifest) as place:
        said = _run([str(if_run), "-m", "manifest.yaml", "-o", "out.yaml"], place)
        out = place / "out.yaml"
        if not out.is_file():
            raise _failed(said or "it wrote no output and said nothing")
        found = mapping(text_of(out, max_bytes=MAX_OUTPUT_BYTES), "the output of if-run")
    execution = found.get("execution")
    execution = execution if isinstance(execution, dict) else {}
    if execution.get("status") != "success":
        raise _failed(str(execution.get("error") or execution.get("status") or said or "no status"))
    return found


@contextmanager
def _folder(manifest: str) -> Iterator[Path]:
    try:
        made = tempfile.TemporaryDirectory(prefix="sci-batch-if-")  # removed also where the next lines fail
        place = Path(made.name)
        (place / "manifest.yaml").write_text(manifest, encoding="utf-8")
        # IF asks npm for its packages; without this file npm would look in the folders above.
        (place / "package.json").write_text("{}", encoding="utf-8")
    except OSError as error:
        raise no_room(error) from None
    with made:
        yield place


def _run(command: list[str], place: Path) -> str:
    """Run to the end; the last words. The exit code is not asked: it says nothing."""
    words = place / "words.txt"
    try:
        with words.open("wb") as stream:
            process = subprocess.Popen(  # noqa: S603 -- the program that the user named
                command, cwd=place, env=_environment(), stdin=subprocess.DEVNULL, stdout=stream,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
    except OSError as error:
        raise SourceError(
            f"{command[0]} cannot be run: {error.strerror or error}", "Check --if-run and node."
        ) from None
    try:
        process.wait(LONGEST_SECONDS)
    except BaseException as stopped:  # also when we are interrupted: nothing that it started stays
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if isinstance(stopped, subprocess.TimeoutExpired):
            raise _failed(f"it took more than {LONGEST_SECONDS / 60:.0f} minutes") from None
        raise
    return _last_words(words.read_text(encoding="utf-8", errors="replace"))


def _environment() -> dict[str, str]:
    """The environment without our settings, which may hold secrets, and without what bends IF's paths."""
    kept = {
        name: text
        for name, text in os.environ.items()
        if not name.startswith("SCI_BATCH_") and name != "CURRENT_DIR"
    }
    return {**kept, "NO_UPDATE_NOTIFIER": "1", "npm_config_update_notifier": "false"}


def _last_words(text: str) -> str:
    lines = [line.strip() for line in _COLOURS.sub("", text).splitlines() if line.strip()]
    return " ".join(lines[-3:])[-500:]


def _failed(why: str) -> SourceError:
    words = " ".join(_COLOURS.sub("", why).split())[:500]
    return SourceError(
        f"the Impact Framework failed: {words}",
        "It comes to no numbers for this manifest, so nothing is verified.",
    )
