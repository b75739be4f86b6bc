"""The documents say what the code does."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from sci_batch.settings import OPTIONS, load
from tests.docs.generate import PARTS, ROOT, filled
from tests.docs.screenshots import MOST_BYTES, PICTURES

BY_FLAG = {
    flag: name
    for name, option in OPTIONS.items()
    for flag in (option.flag, option.short, *option.aliases)
    if flag
}
DOCUMENTS = [
    "README.md", "docs/method.md", "docs/publish.md", "docs/doctor.md", "docs/explain.md",
    "docs/changes.md", "docs/html.md", "docs/impact-framework.md", "docs/access.md", "docs/hostile.md",
    "docs/scale.md",
    "CONTRIBUTING.md", "k8s/README.md",
]  # fmt: skip
OF_OTHERS = {
    "--from-env-file", "--from-file", "--metric-labels-allowlist", "--metrics", "--nthreads", "--only",
    "--port", "--quick", "--storage",
}  # fmt: skip
"""Flags of kubectl, kube-state-metrics, Kepler, Prometheus, Dask and our benchmark that documents name."""


@pytest.mark.parametrize("document", sorted(PARTS))
def test_generated_parts_are_up_to_date(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    assert filled(document, text) == text, "run `make docs`"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_flags_named_in_documents_exist(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    known = {*BY_FLAG, *OF_OTHERS, "--config", "--help", "--version"}
    named = {word for line in text.splitlines() if "test" not in line and "promtool's" not in line
             for word in re.findall(r"(?<![\w-])--[a-z][a-z-]+(?![\w-]|\.\w)", line)}  # fmt: skip
    assert named - known == set()


def commands() -> list[str]:
    """The command lines of the documents that take settings."""
    text = "\n".join((ROOT / name).read_text(encoding="utf-8") for name in DOCUMENTS).replace("\\\n", " ")
    found = re.findall(r"^\$? ?(sci-batch (?:compute|backfill|doctor|record|push) .*)$", text, re.MULTILINE)
    return sorted({line for line in found if "..." not in line})


@pytest.mark.parametrize("line", commands())
def test_commands_of_the_documents_parse(line: str) -> None:
    _, command, *words = shlex.split(line)
    flags: dict[str, object] = {"from_file": words.pop(0)} if command == "report" else {}
    while words:
        word = words.pop(0)
        name = BY_FLAG[word]
        if OPTIONS[name].switch:
            flags[name] = True
        elif OPTIONS[name].repeatable:
            flags.setdefault(name, []).append(words.pop(0))  # type: ignore[attr-defined]
        else:
            flags[name] = words.pop(0)
    load(flags, {}, command)  # type: ignore[arg-type]


def test_links_lead_to_files() -> None:
    for document in DOCUMENTS:
        text = (ROOT / document).read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#:]+)\)", text):
            assert (ROOT / Path(document).parent / target).exists(), f"{document} links to {target}"


def test_pictures_are_there_and_light_enough_for_a_repository() -> None:
    for name in PICTURES:
        picture = (ROOT / "docs" / name).read_bytes()
        assert picture.startswith(b"\x89PNG")
        assert 50_000 < len(picture) <= MOST_BYTES, "run `make screenshots`"


def test_the_first_screen_of_the_readme() -> None:
    first = "\n".join((ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:20])
    assert "make demo" in first
    assert "make test" in first
