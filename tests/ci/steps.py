"""The jobs for GitHub and GitLab as their runners would start them, without their clouds."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.ci.conftest import clean_environment
from tests.k8s.manifests import ROOT

_EXPRESSION = re.compile(r"\$\{\{\s*([\w.-]+)\s*\}\}")


def action() -> dict[str, Any]:
    """The document action.yml."""
    document: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    return document


def gitlab() -> dict[str, Any]:
    """The only job of the template."""
    document = yaml.safe_load((ROOT / "ci/gitlab.yml").read_text(encoding="utf-8"))
    (job,) = document.values()
    found: dict[str, Any] = job
    return found


@dataclass(frozen=True, slots=True)
class Ran:
    """What a step of the action left behind."""

    code: int
    stdout: str
    stderr: str
    outputs: dict[str, str]
    summary: str


def run_step(
    name: str, folder: Path, inputs: Mapping[str, str], environ: Mapping[str, str] | None = None
) -> Ran:
    """Run a step of the action in `folder`, as a GitHub runner does.

    Parameters
    ----------
    inputs
        Those that the workflow gives; the others have their defaults.
    environ
        `env` of the step in the workflow, and what an installed Python adds.
    """
    document = action()
    (step,) = [step for step in document["runs"]["steps"] if step["name"] == name]
    assert step["shell"] == "bash"
    values = {f"inputs.{key}": one["default"] for key, one in document["inputs"].items()}
    unknown = set(inputs) - set(document["inputs"])
    assert not unknown
    values |= {f"inputs.{key}": text for key, text in inputs.items()}
    temp = folder / "temp"
    temp.mkdir(exist_ok=True)
    values |= {"github.action_path": str(ROOT), "runner.temp": str(temp)}
    script, output, summary = folder / "step.sh", folder / "output", folder / "summary.md"
    script.write_text(step["run"])
    output.touch()
    summary.touch()
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", script],
        cwd=folder, capture_output=True, text=True, check=False, timeout=600,
        env=clean_environment()
        | dict(environ or {})
        | {key: evaluated(text, values) for key, text in step["env"].items()}
        | {"GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(summary)},
    )  # fmt: skip
    pairs = dict(line.split("=", 1) for line in output.read_text().splitlines())
    return Ran(done.returncode, done.stdout, done.stderr, pairs, summary.read_text())


def evaluated(text: str, values: Mapping[str, str]) -> str:
    """The text with `${{ NAME }}` replaced; an unknown name is a `KeyError`."""
    return _EXPRESSION.sub(lambda found: values[found[1]], text)
