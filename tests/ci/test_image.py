"""The image: rules for Dockerfiles, and its build steps run for real in a fresh environment."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import zipfile
from pathlib import Path

import sci_batch
from tests.ci import dockerfile
from tests.k8s.manifests import ROOT, objects, pods

BUILD, FINAL = 0, 1


def test_two_stages_of_the_same_base() -> None:
    assert dockerfile.of("FROM") == ["${PYTHON_IMAGE} AS build", "${PYTHON_IMAGE}"]
    (base,) = dockerfile.of("ARG", stage=-1)
    assert re.fullmatch(r"PYTHON_IMAGE=python:3\.\d+-slim", base), "a version, no registry, not `latest`"


def test_the_final_stage_installs_nothing() -> None:
    runs = dockerfile.of("RUN", stage=FINAL)
    assert [shlex.split(run)[:4] for run in runs] == [["python", "-m", "pip", "uninstall"]]
    assert dockerfile.of("COPY", stage=FINAL) == ["--from=build /opt/sci-batch /opt/sci-batch"]
    assert "--without-pip" in dockerfile.of("RUN", stage=BUILD)[0]


def test_it_runs_as_nobody_by_number_as_the_manifests_do() -> None:
    (user,) = dockerfile.of("USER", stage=FINAL)
    [(_, template)] = pods(objects("base"))
    context = template["spec"]["securityContext"]
    assert user == f"{context['runAsUser']}:{context['runAsGroup']}"
    assert context["runAsUser"] > 0


def test_the_entry_point_takes_the_arguments_of_the_manifests() -> None:
    assert json.loads(dockerfile.of("ENTRYPOINT")[0]) == ["sci-batch"]
    assert json.loads(dockerfile.of("CMD")[0]) == ["--help"]
    assert "PATH=/opt/sci-batch/bin:$PATH" in dockerfile.of("ENV", stage=FINAL)[0].split()


def test_rules_for_dockerfiles() -> None:
    known = {"ARG", "FROM", "ENV", "WORKDIR", "COPY", "RUN", "LABEL", "USER", "ENTRYPOINT", "CMD"}
    assert {one.word for one in dockerfile.instructions()} <= known, "no ADD, no MAINTAINER, no SHELL"
    for folder in dockerfile.of("WORKDIR"):
        assert folder.startswith("/")
    for run in dockerfile.of("RUN"):
        assert not {"sudo", "cd", "apt-get", "curl", "wget"} & set(shlex.split(run))
    (labels,) = dockerfile.of("LABEL")
    found = dict(part.split("=", 1) for part in shlex.split(labels))
    assert found["org.opencontainers.image.version"] == sci_batch.__version__
    assert found["org.opencontainers.image.licenses"] == "Apache-2.0"
    last_copies = [one.word for one in dockerfile.instructions() if one.stage == BUILD]
    assert last_copies.index("RUN") < len(last_copies) - 1 - last_copies[::-1].index("COPY"), (
        "pins before code"
    )


def test_the_build_sees_what_it_copies_and_nothing_else() -> None:
    sent = dockerfile.context()
    copied: set[Path] = set()
    for text in dockerfile.of("COPY", stage=BUILD):
        *sources, _ = text.split()
        for source in sources:
            assert (ROOT / source).exists(), source
            copied |= {path for path in sent if path == Path(source) or Path(source) in path.parents}
    assert copied == sent
    tracked = subprocess.run(
        ["git", "ls-files", "sci_batch"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert {Path(line) for line in tracked} <= sent
    assert not any("__pycache__" in path.parts for path in sent)


def test_the_installed_tool_runs_outside_of_the_source(built: Path, tmp_path: Path) -> None:
    program = built / "opt/sci-batch/bin/sci-batch"
    shown = subprocess.run([program, "--version"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert shown.stdout == f"sci-batch {sci_batch.__version__}\n"
    done = subprocess.run(
        [program, "compute", "--demo", "--since", "1h", "-o", "csv"],
        cwd=tmp_path, capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert len(done.stdout.splitlines()) > 5


def test_the_result_holds_the_pins_and_no_tools(built: Path) -> None:
    (site,) = (built / "opt/sci-batch/lib").glob("python3*/site-packages")
    installed = {path.name.partition("-")[0].lower() for path in site.glob("*.dist-info")}
    assert {"sci_batch", "pandas", "pyarrow", "prometheus_client"} <= installed
    assert (
        not {"pip", "setuptools", "wheel", "hatchling", "pytest", "mypy", "kubernetes_validate"} & installed
    )
    assert not list((built / "opt/sci-batch/bin").glob("pip*"))


def test_the_base_image_loses_its_pip(built: Path) -> None:
    """The last step of the fixture; both stages start from the same base, here one environment."""
    assert not list((built / "python/lib").glob("python3*/site-packages/pip*"))


def test_the_wheel_holds_the_package_only(built: Path) -> None:
    (wheel,) = (built / "src/dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    assert tops == {"sci_batch", f"sci_batch-{sci_batch.__version__}.dist-info"}
