"""The GitHub Action and the GitLab template: their scripts, run by bash on the recording of the demo."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import sci_batch
from sci_batch.settings import OPTIONS
from tests.ci import dockerfile, steps
from tests.ci.conftest import clean_environment
from tests.k8s.manifests import ROOT

DEMO = {"args": "--demo\n--top\n3\n", "since": "2h", "output": "a folder"}


def environment_of_tool(names: set[str]) -> set[str]:
    return {name for name in names if name.startswith("SCI_BATCH_")}


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the tree."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=ROOT, check=True
    )
    (file,) = folder.glob("*.whl")
    return file


@pytest.fixture(scope="session")
def needed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PYTHONPATH with the packages of these tests, but not the tool.

    That the pins can be installed is what tests of the image show.
    """
    folder = tmp_path_factory.mktemp("needed")
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if not path.name.startswith(("sci_batch", "_sci_batch", "_editable", "pip", "setuptools")):
            (folder / path.name).symlink_to(path)
    return folder


@pytest.fixture(scope="session")
def installed(wheel: Path, needed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel; what it depends on is linked, not installed again."""
    folder = tmp_path_factory.mktemp("installed") / "sci-batch"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", folder / "bin/python", "install", "--quiet", "--no-deps",
         wheel],
        check=True, env=clean_environment(),
    )  # fmt: skip
    (site,) = folder.glob("lib/python3*/site-packages")
    (site / "needed.pth").write_text(f"{needed}\n")
    return folder


@pytest.fixture
def ready(installed: Path, tmp_path: Path) -> Path:
    """A folder in which the step before, the installation, is done."""
    program = tmp_path / "temp" / "sci-batch"
    program.parent.mkdir()
    program.symlink_to(installed)
    return tmp_path


# --- GitHub ---


def test_the_action_installs_into_an_environment_of_its_own(needed: Path, tmp_path: Path) -> None:
    """The packages are there already; the tool is not."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "python"], check=True)
    path = {"PATH": f"{tmp_path}/python/bin:/usr/bin:/bin", "PYTHONPATH": str(needed)}
    ran = steps.run_step("Install sci-batch", tmp_path, {}, path)
    assert ran.code == 0, ran.stderr
    assert ran.stdout == f"sci-batch {sci_batch.__version__}\n"
    (site,) = (tmp_path / "temp/sci-batch/lib").glob("python3*/site-packages")
    assert (site / "sci_batch").is_dir()


def test_the_action_installs_what_the_image_does() -> None:
    (step,) = [step for step in steps.action()["runs"]["steps"] if step["name"] == "Install sci-batch"]
    for text in (step["run"], " ".join(dockerfile.of("RUN"))):
        assert set(re.findall(r"ci/requirements[\w-]*\.txt", text)) == {
            "ci/requirements.txt", "ci/requirements-build.txt",
        }  # fmt: skip
        assert "--require-hashes --only-binary :all:" in text
        assert "--no-deps" in text


def test_the_action_computes_keeps_and_summarizes(ready: Path) -> None:
    ran = steps.run_step("Compute", ready, DEMO)
    assert ran.code == 0, ran.stderr
    assert ran.outputs == {
        "exit-code": "0", "csv": "a folder/result.csv", "json": "a folder/result.json",
    }  # fmt: skip
    assert set(ran.outputs) == set(steps.action()["outputs"])
    folder = ready / "a folder"
    assert {path.name for path in folder.iterdir()} == {"result.csv", "result.json", "result.parquet"}
    assert json.loads((folder / "result.json").read_text())
    assert (
        pq.read_table(folder / "result.parquet").num_rows
        == len((folder / "result.csv").read_text().splitlines()) - 1
    )
    assert ran.summary.startswith("<!-- sci-batch: namespace_workload -->")
    assert "inference" in ran.summary
    assert "inference" in ran.stdout, "the table is in the log"


def test_a_passed_limit_fails_the_job_and_the_result_is_kept(ready: Path) -> None:
    ran = steps.run_step("Compute", ready, DEMO | {"fail-on": "carbon_gco2e>1"})
    assert ran.code == 3
    assert ran.outputs["exit-code"] == "3"
    assert "limit passed" in ran.stderr
    assert (ready / ran.outputs["csv"]).is_file()
    assert ran.summary
    (keep,) = [step for step in steps.action()["runs"]["steps"] if "upload-artifact" in step.get("uses", "")]
    assert keep["if"] == "${{ !cancelled() && steps.compute.outcome != 'skipped' }}"
    assert keep["with"]["path"] == "${{ inputs.output }}"


def test_inputs_reach_the_tool_as_they_are(ready: Path) -> None:
    """No input is read by bash as words: blanks, quotes and commands arrive as text."""
    unit = 're quest=prometheus:sum by (pod) (increase(a{b="$(touch owned)"}[{window}]))'
    ran = steps.run_step(
        "Compute", ready, {"functional-unit": unit, "args": "--snapshot\n/no such;x", "intensity": "1"}
    )
    assert ran.code == 2
    assert "/no such;x" in ran.stderr
    assert not (ready / "owned").exists()


def test_without_a_server_the_cure_is_shown(ready: Path) -> None:
    ran = steps.run_step("Compute", ready, {})
    assert ran.code == 2
    assert "--prometheus-url" in ran.stderr
    assert ran.summary == ""


def test_secrets_come_from_the_environment_of_the_step_only(ready: Path) -> None:
    document = steps.action()
    assert not {name for name in document["inputs"] if re.search("token|password|secret|header|auth", name)}
    ran = steps.run_step(
        "Compute", ready, DEMO | {"args": "--demo"}, {"SCI_BATCH_HEADERS": "Authorization: Bearer s3cret"}
    )
    assert ran.code == 0, ran.stderr
    kept = "".join(path.read_text(errors="replace") for path in (ready / "a folder").iterdir())
    assert "s3cret" not in ran.stdout + ran.stderr + ran.summary + kept


def test_scripts_name_inputs_through_the_environment_only() -> None:
    """An expression inside of a script would be code of whoever writes the input."""
    for step in steps.action()["runs"]["steps"]:
        assert "${{" not in step.get("run", "")
        if "run" in step:
            assert step["shell"] == "bash"
    used = set(re.findall(r"inputs\.([\w-]+)", (ROOT / "action.yml").read_text()))
    assert used == set(steps.action()["inputs"])


def test_variables_are_those_of_the_tool() -> None:
    known = {option.environment for option in OPTIONS.values()}
    (compute,) = [step for step in steps.action()["runs"]["steps"] if step["name"] == "Compute"]
    assert environment_of_tool(set(compute["env"])) <= known
    assert environment_of_tool(set(steps.gitlab()["variables"])) <= known
    text = (ROOT / "ci/gitlab.yml").read_text() + (ROOT / "action.yml").read_text()
    of_factors = {"SCI_BATCH_ELECTRICITYMAPS_TOKEN"}
    assert set(re.findall(r"SCI_BATCH_[A-Z_]+\b", text)) - of_factors <= known | {"SCI_BATCH_"}


# --- GitLab ---


def gitlab(folder: Path, wheel: Path, needed: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """The job in one shell, as a runner has it; what the tool depends on is there already."""
    job = steps.gitlab()
    script = "\n".join([*job["before_script"], *job["script"]])
    environ = clean_environment() | {
        **job["variables"], "SCIBATCH_PACKAGE": f"sci-batch[push] @ {wheel.as_uri()}", **variables,
        "PYTHONPATH": str(needed), "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
    }  # fmt: skip
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script], cwd=folder, env=environ, capture_output=True, text=True,
        check=False, timeout=600,
    )  # fmt: skip


def test_the_gitlab_job_keeps_what_it_computed_also_where_a_limit_is_passed(
    wheel: Path, needed: Path, tmp_path: Path
) -> None:
    done = gitlab(
        tmp_path, wheel, needed,
        SCI_BATCH_DEMO="true", SCIBATCH_ARGUMENTS="--top 3", SCI_BATCH_FAIL_ON="carbon_gco2e>1",
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    job = steps.gitlab()
    (kept,) = job["artifacts"]["paths"]
    assert kept.endswith("/"), "expose_as takes a folder only so"
    assert {path.name for path in (tmp_path / kept).iterdir()} == {
        "result.csv", "result.json", "result.parquet", "summary.md",
    }  # fmt: skip
    assert job["artifacts"]["when"] == "always"
    assert re.fullmatch(r"[\w -]+", job["artifacts"]["expose_as"]), "GitLab takes no other characters"
    assert "inference" in done.stdout
    assert (tmp_path / ".sci-batch/bin/sci-batch").exists()


def test_the_gitlab_template_names_this_version() -> None:
    assert steps.gitlab()["variables"]["SCIBATCH_PACKAGE"] == f"sci-batch[push]=={sci_batch.__version__}"


# --- Both ---


def scripts() -> dict[str, str]:
    found = {step["name"]: step["run"] for step in steps.action()["runs"]["steps"] if "run" in step}
    job = steps.gitlab()
    return {**found, "GitLab": "\n".join([*job["before_script"], *job["script"]])}


@pytest.mark.parametrize("name", scripts())
def test_shellcheck_finds_nothing(name: str) -> None:
    """GitLab's $SCIBATCH_ARGUMENTS is divided at blanks on purpose."""
    ignored = ["--exclude=SC2086"] if name == "GitLab" else []
    done = subprocess.run(
        [Path(sys.executable).parent / "shellcheck", "--shell=bash", *ignored, "-"],
        input=scripts()[name], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")
