"""Could `compute` write its files? Nothing is written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from sci_batch.doctor.finding import OK, OUTPUT, PROBLEM, Finding
from sci_batch.errors import SinkError, UsageError
from sci_batch.settings import Settings


def files(settings: Settings) -> Iterator[Finding]:
    """One finding per file of `--output`."""
    for output in settings.output:
        if output.path is not None:
            yield _file(output.path, no_clobber=settings.no_clobber)


def _file(path: Path, *, no_clobber: bool) -> Finding:
    target = path.resolve()
    folder = next(parent for parent in target.parents if parent.exists())
    why, code = "", SinkError.exit_code
    if target.is_dir():
        why = "it is a folder"
    elif no_clobber and target.exists():
        why, code = "it exists, and --no-clobber is given", UsageError.exit_code
    elif not folder.is_dir():
        why = f"{folder} is no folder"
    elif not os.access(folder, os.W_OK | os.X_OK):
        why = f"no right to write into {folder}"
    if not why:
        return Finding(subject=OUTPUT, check="file", status=OK, what=f"{path} can be written")
    return Finding(
        subject=OUTPUT, check="file", status=PROBLEM, what=f"{path} cannot be written: {why}",
        numbers="the run would be for nothing but its other outputs",
        cure="Give another path to -o/--output.",
        exit_code=code,
    )  # fmt: skip
