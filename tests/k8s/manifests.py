"""What kustomize makes of the folders in `k8s/`, and the parts of it that tests look at."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.servers import ServerError

ROOT = Path(__file__).parents[2]
K8S = ROOT / "k8s"
Object = dict[str, Any]
MODES = {"Job": ("spec", "template"), "CronJob": ("spec", "jobTemplate", "spec", "template")}
"""Where each kind has its pod."""
PARTS = {
    "job": ("spec", "job"), "worker": ("spec", "cluster", "spec", "worker"),
    "scheduler": ("spec", "cluster", "spec", "scheduler"),
}  # fmt: skip
"""Where a DaskJob has its pods, the one that runs the command first."""


def folders() -> list[str]:
    """Every folder in `k8s/` that is built on its own."""
    found = (path.parent for path in K8S.rglob("kustomization.yaml"))
    return sorted(str(path.relative_to(K8S)) for path in found if path.name != "image")


JOBS = [name for name in folders() if name.startswith(("base", "overlays"))]
"""Those that run the tool."""


@cache
def _kustomize() -> tuple[str, ...]:
    """The one that `make servers` built where kubectl is too old, else kubectl."""
    built = Path(sys.executable).parent / "kustomize"
    if built.exists():
        return (str(built), "build")
    if shutil.which("kubectl"):
        return ("kubectl", "kustomize")
    raise ServerError("neither kubectl nor kustomize is here.\nRun: make servers")


def build(folder: Path) -> list[Object]:
    """The objects of a folder.

    Raises
    ------
    ServerError
        With the words of kustomize, also where it only warns.
    """
    done = subprocess.run([*_kustomize(), str(folder)], capture_output=True, text=True, check=False)
    if done.returncode or done.stderr:
        raise ServerError(f"kustomize on {folder.name}: {done.stderr}")
    return list(yaml.safe_load_all(done.stdout))


@cache
def _built(name: str) -> tuple[Object, ...]:
    return tuple(build(K8S / name))


def objects(name: str) -> list[Object]:
    """The objects of a folder in `k8s/`, built once."""
    return list(_built(name))


def of_kind(found: list[Object], kind: str) -> list[Object]:
    """The objects of one kind."""
    return [one for one in found if one["kind"] == kind]


def pods(found: list[Object]) -> Iterator[tuple[str, Object]]:
    """Name of the owner and pod template of everything that runs."""
    for one in found:
        if one["kind"] in MODES:
            yield f"{one['kind']}/{one['metadata']['name']}", _at(one, MODES[one["kind"]])
        elif one["kind"] == "DaskJob":
            for part, steps in PARTS.items():
                yield f"DaskJob/{one['metadata']['name']}/{part}", _at(one, steps)


def _at(one: Object, steps: tuple[str, ...]) -> Object:
    for step in steps:
        one = one[step]
    return one
