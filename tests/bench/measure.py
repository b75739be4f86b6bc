"""Wall time, CPU time and peak memory of a whole process.

This file runs itself in a bare interpreter: the kernel counts the memory of the process that starts
another one as the other's, and that of a benchmark with numpy loaded would hide curl's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_WITHHELD = {"PYTHONDONTWRITEBYTECODE"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one process took."""

    wall_seconds: float
    cpu_seconds: float
    peak_mib: float


def cost(command: Sequence[str], folder: Path | None = None) -> Cost:
    """Run a command that must succeed, in a folder if given, its standard output thrown away.

    Python may keep its compiled files, as in an installed program: some environments forbid it.
    """
    launcher = [sys.executable, "-I", "-S", __file__, *command]
    environment = {name: text for name, text in os.environ.items() if name not in _WITHHELD}
    done = subprocess.run(launcher, capture_output=True, text=True, check=False, env=environment, cwd=folder)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return Cost(**json.loads(done.stdout))


def _launch(command: list[str]) -> int:
    nowhere = os.open(os.devnull, os.O_RDWR)
    begin = time.perf_counter()
    child = os.posix_spawnp(command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, nowhere, 1)])
    _, status, usage = os.wait4(child, 0)
    wall = time.perf_counter() - begin
    print(json.dumps({
        "wall_seconds": wall, "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_mib": usage.ru_maxrss / (1024 if sys.platform == "linux" else 1024 * 1024),
    }))  # fmt: skip
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(_launch(sys.argv[1:]))
