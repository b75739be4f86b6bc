"""A process that has loaded the tool, which is most of what a run costs: each run is done in a fork of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import sci_batch

_ROOT = Path(__file__).parents[1]


class Forge:
    """Asks `python -m MODULE`, which answers by `serve`. Safe for threads: one question at a time."""

    def __init__(self, module: str, *arguments: str, environ: Mapping[str, str]) -> None:
        self._asking = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments], cwd=_ROOT, text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, env={**environ, "OPENBLAS_NUM_THREADS": "1"},  # threads do not fork
        )  # fmt: skip

    def ask(self, question: object) -> Any:
        """A question and its answer are what JSON holds."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._asking:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())

    def end(self) -> None:
        """Let it go."""
        with self._process:
            assert self._process.stdin is not None
            self._process.stdin.close()


def serve(answer: Callable[[Any], object]) -> None:
    """Load all of the tool, then answer the lines of standard input."""
    for module in walk_packages(sci_batch.__path__, "sci_batch."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


def forked(run: Callable[[], object], stdout: int, stderr: int) -> int:
    """Begin a run in a fork, without input, and with these as its outputs; its process id.

    The fork ends as a process does that ran it as its main program.
    """
    if child := os.fork():
        return child
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)
    run()
    sys.exit()
