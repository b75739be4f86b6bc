"""The build steps of the Dockerfile, run once without Docker."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ci import dockerfile
from tests.k8s.manifests import ROOT


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `src`, `opt` and `python` in which every RUN of the Dockerfile has run.

    `python` is the fresh environment that stands for the base image of both stages.
    """
    root = tmp_path_factory.mktemp("image")
    subprocess.run([sys.executable, "-m", "venv", root / "python"], check=True)
    (root / "src").mkdir()
    for one in dockerfile.instructions():
        if one.word == "COPY" and "--from=" not in one.text:
            *sources, to = one.text.split()
            for source in sources:
                _copy(Path(source), root / "src" / to)
        elif one.word == "RUN":
            _run(one.text, root)
    return root


def clean_environment() -> dict[str, str]:
    """Ours without settings of the tool; pip may use the files that it already has, and need not compile."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("SCI_BATCH_")}
    return {**kept, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_COMPILE": "1"}


def _copy(source: Path, to: Path) -> None:
    for path in dockerfile.context():
        if path == source:
            place = to / path.name
        elif source in path.parents:
            place = to / path.relative_to(source)
        else:
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, place)


def _run(text: str, root: Path) -> None:
    """As `RUN` does, with /opt and /src inside of the folder."""
    here = re.sub(r"(?<![\w.])/(opt|src)\b", rf"{root}/\1", text)
    done = subprocess.run(
        ["bash", "-ec", here], cwd=root / "src", capture_output=True, text=True, check=False, timeout=600,
        env=clean_environment() | {"PATH": f"{root}/python/bin:/usr/bin:/bin"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
