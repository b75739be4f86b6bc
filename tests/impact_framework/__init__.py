"""The real Impact Framework, installed from npm by `make if-run` after the lock file beside this."""

from __future__ import annotations

import sys
from pathlib import Path

IF_RUN = Path(sys.prefix) / "if" / "node_modules" / ".bin" / "if-run"


def if_run() -> Path:
    """The program; where it is missing the tests fail, as the numbers are not checked then."""
    if not IF_RUN.is_file():
        raise RuntimeError(f"{IF_RUN} is not installed: these tests run it.\nRun: make if-run")
    return IF_RUN
