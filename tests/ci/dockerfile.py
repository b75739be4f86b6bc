"""A Dockerfile as its instructions, and the ignore file beside it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tests.k8s.manifests import ROOT


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction with its lines joined; `stage` counts from 0, -1 before the first FROM."""

    stage: int
    word: str
    text: str


def instructions() -> list[Instruction]:
    """Those of the Dockerfile, in order."""
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    found: list[Instruction] = []
    stage = -1
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        if not line.strip():
            continue
        word, _, rest = line.partition(" ")
        stage += word == "FROM"
        found.append(Instruction(stage, word, rest.strip()))
    return found


def of(word: str, stage: int | None = None) -> list[str]:
    """Texts of all instructions of a word."""
    return [one.text for one in instructions() if one.word == word and stage in (None, one.stage)]


def context() -> set[Path]:
    """Files that `docker build .` sends, by .dockerignore: the last pattern that fits decides."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    sent: set[Path] = set()
    for path in ROOT.rglob("*"):
        inside = path.relative_to(ROOT)
        if path.is_file() and inside.parts[0] not in (".git", ".venv") and not _ignored(inside, patterns):
            sent.add(inside)
    return sent


def _ignored(path: Path, patterns: list[str]) -> bool:
    ignored = False
    for pattern in patterns:
        if any(_fits(part, pattern.removeprefix("!")) for part in (path, *path.parents)):
            ignored = not pattern.startswith("!")
    return ignored


def _fits(path: Path, pattern: str) -> bool:
    if pattern.startswith("**/"):
        return path.match(pattern.removeprefix("**/"))
    return path != Path() and len(path.parts) == len(Path(pattern).parts) and path.match(pattern)
