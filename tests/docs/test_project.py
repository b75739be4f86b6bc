"""The files around the code say the same as the code."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import sci_batch

ROOT = Path(__file__).resolve().parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ALL, INSTALL, BUILD = "constraints.txt", "ci/requirements.txt", "ci/requirements-build.txt"
PINNED = {name: (ROOT / name).read_text(encoding="utf-8") for name in (ALL, INSTALL, BUILD)}
PIN = re.compile(r"[a-z0-9-]+==[0-9][0-9a-z.+]*( ; [a-z0-9_.<>=!'() ]+)?", flags=re.IGNORECASE)
SHA256 = re.compile(r"[0-9a-f]{64}")


def pins(file: str = ALL) -> list[tuple[str, list[str]]]:
    """Each pin as it stands (`name==version ; marker`), and its hashes."""
    lines = "\n".join(line for line in PINNED[file].splitlines() if not line.startswith("#"))
    parts = [line.split("--hash=sha256:") for line in lines.replace("\\\n", "").splitlines() if line]
    return [(pin.strip(), [value.strip() for value in hashes]) for pin, *hashes in parts]


def group(name: str) -> list[Requirement]:
    """A dependency group with the groups that it includes."""
    requirements: list[Requirement] = []
    for entry in PROJECT["dependency-groups"][name]:
        if isinstance(entry, str):
            requirements.append(Requirement(entry))
        else:
            requirements += group(entry["include-group"])
    return requirements


def recipes() -> set[str]:
    """Targets of the Makefile that a person may name."""
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))


def asked_of_make(document: str) -> set[str]:
    """Targets that a document tells its reader to make; options and NAME=VALUE are none."""
    text = (ROOT / document).read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"```.*?```|`[^`\n]+`", text, flags=re.DOTALL))
    return set(re.findall(r"\bmake ([a-z]+)\b(?!=)", code))


@pytest.mark.parametrize("file", PINNED)
def test_constraints_hold_names_versions_markers_and_hashes_only(file: str) -> None:
    assert len(pins()) > len(PROJECT["project"]["dependencies"])
    for pin, hashes in pins(file):
        assert PIN.fullmatch(pin), pin
        assert hashes, f"{pin} has no hash: pip --require-hashes would refuse the file"
        assert all(SHA256.fullmatch(value) for value in hashes), pin


@pytest.mark.parametrize("trace", [r"://", r"\bwww\.", r"--[a-z-]*(?:index|find-links|host)", r"(?:^|\s)/\w"])
@pytest.mark.parametrize("file", PINNED)
def test_constraints_name_no_place(trace: str, file: str) -> None:
    """Also not in comments: neither a server nor a folder of whoever made the file."""
    assert re.search(trace, PINNED[file], flags=re.MULTILINE) is None


def test_an_installation_has_the_packages_of_the_tests_and_no_others() -> None:
    """The pins of the image and of CI jobs are those of the whole file, without what only developers need."""
    whole = {pin.split(" ;")[0]: set(hashes) for pin, hashes in pins()}
    for file in (INSTALL, BUILD):
        for pin, hashes in pins(file):
            assert whole[pin.split(" ;")[0]] == set(hashes), f"{pin}: run `make lock`"
    names = {Requirement(pin).name for pin, _ in pins(INSTALL)}
    # Not `html`: its renderer is large, and a page can be made from a stored result anywhere.
    lines = [*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["push"]]
    assert {canonicalize_name(Requirement(line).name) for line in lines} <= names
    assert not {"pytest", "mypy", "ruff", "hatchling", "kubernetes-validate"} & names
    wanted = {canonicalize_name(requirement.name) for requirement in group("build")}
    assert wanted <= {Requirement(pin).name for pin, _ in pins(BUILD)}


@pytest.mark.parametrize("minor", [11, 12, 13, 14])
def test_each_python_gets_one_version_of_everything_that_is_asked_for(minor: int) -> None:
    environment = {
        "python_version": f"3.{minor}",
        "python_full_version": f"3.{minor}.4",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_python_implementation": "CPython",
    }
    versions: dict[str, str] = {}
    for pin in (Requirement(pin) for pin, _ in pins()):
        if pin.marker is None or pin.marker.evaluate(environment):
            assert pin.name not in versions, f"two versions of {pin.name}"
            versions[pin.name] = str(pin.specifier).removeprefix("==")
    wanted = [*map(Requirement, PROJECT["project"]["dependencies"]), *group("dev")]
    wanted += map(Requirement, PROJECT["build-system"]["requires"])
    for requirement in wanted:
        version = versions[canonicalize_name(requirement.name)]
        assert version in requirement.specifier, f"{requirement} against {version}: run `make lock`"


def test_the_package_declares_what_it_imports_and_nothing_more() -> None:
    imported: set[str] = set()
    for path in (ROOT / "sci_batch").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module is not None:
                imported.add(node.module.partition(".")[0])
    foreign = imported - sys.stdlib_module_names - {"sci_batch"}
    distributions = packages_distributions()
    extras = PROJECT["project"]["optional-dependencies"].values()
    lines = [*PROJECT["project"]["dependencies"], *(line for extra in extras for line in extra)]
    declared = {canonicalize_name(Requirement(line).name) for line in lines}
    used: set[str] = set()
    for module in foreign:  # azure and google are the roofs of many distributions
        homes = {str(canonicalize_name(name)) for name in distributions[module]}
        used |= homes & declared or homes
    assert used == declared - {"tzdata"}  # read by zoneinfo, not imported by us


def test_each_dependency_is_justified_once() -> None:
    """docs/dependencies.md names every package with its extra or group, and what it is for."""
    document = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")
    told: list[tuple[str, str]] = []
    for line in re.findall(r"^\| (?!package)([a-z].*) \|$", document, flags=re.MULTILINE):
        names, where, purpose, _ = (cell.strip() for cell in line.split("|"))
        assert purpose, line
        told += [(name, where) for name in names.split(", ")]
    wanted = [(line, "") for line in PROJECT["project"]["dependencies"]]
    for kinds in (PROJECT["project"]["optional-dependencies"], PROJECT["dependency-groups"]):
        wanted += [(line, kind) for kind, lines in kinds.items() for line in lines if isinstance(line, str)]
    assert sorted(told) == sorted((canonicalize_name(Requirement(line).name), kind) for line, kind in wanted)


def test_changelog_has_this_version_and_says_which_numbers_changed() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    _, *versions = re.split(r"^## ", text, flags=re.MULTILINE)
    assert f"[{sci_batch.__version__}]" in [version.split()[0] for version in versions]
    for version in versions:
        _, *headed = re.split(r"^### Numbers changed\n", version, flags=re.MULTILINE)
        assert len(headed) == 1, version.splitlines()[0]
        assert headed[0].split("###")[0].strip(), f"{version.splitlines()[0]}: say 'none' where none changed"


@pytest.mark.parametrize("document", ["CONTRIBUTING.md", "README.md"])
def test_documents_name_targets_that_exist(document: str) -> None:
    named = asked_of_make(document)
    assert {"demo", "test"} <= named, "the two commands for newcomers"
    assert named <= recipes()


def test_every_target_is_in_the_list_of_make() -> None:
    shown = subprocess.run(["make", "-s", "-C", ROOT], capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"^  make ([a-z]+) +\S", shown, flags=re.MULTILINE)) == recipes()


def test_wheel_holds_every_file_of_the_package(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if name.startswith("sci_batch/")}
    package = ROOT / "sci_batch"
    files = (path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    assert inside == {path.relative_to(ROOT).as_posix() for path in files}
