"""The SCI disclosure: the keys of Appendix A, and unknown where nobody told."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from sci_batch.errors import UsageError
from sci_batch.report import Report
from sci_batch.settings import load
from sci_batch.settings.values import DISCLOSED, disclosed
from sci_batch.sinks import SINKS, SinkOptions
from tests.cli import handmade
from tests.cli.process import COMPUTE, sci_batch

NOW_MS = int(datetime(2026, 3, 2, 5, tzinfo=UTC).timestamp() * 1000)


def of(report: Report, folder: Path, **options: Any) -> dict[str, dict[str, Any]]:
    path = folder / "sci.yaml"
    SINKS["sci-yaml"](report, path, SinkOptions(now_ms=NOW_MS, **options))
    found: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def test_what_is_known_without_being_told(tmp_path: Path) -> None:
    found = of(handmade.report(), tmp_path)
    assert list(found) == ["sci", "metadata"]
    assert list(found["sci"]) == ["software-boundary", "sci", "r", "r-source"]
    assert (found["sci"]["sci"], found["sci"]["r"], found["sci"]["r-source"]) == (1.0, 2000.0, "request")
    assert "namespaces shop of a Kubernetes cluster" in found["sci"]["software-boundary"]
    assert "Excluded, as Kepler does not meter them: storage" in found["sci"]["software-boundary"]
    made = found["metadata"]
    information = made.pop("calculation-information")
    assert made == {
        "name": "unknown", "contact-name": "unknown", "contact-email": "unknown", "organization": "unknown",
        "guid": "unknown", "entity-version": "unknown", "sci-version": 1.1, "calculation-date": "2026-03-02",
        "workload-start-time": "2026-03-01T00:00:00Z", "calculation-period": 7200,
        "report-information-url": "unknown",
    }  # fmt: skip
    for words in (
        "C = 2 kgCO2e",
        "O = 1.9 kgCO2e",
        "M = 100 gCO2e",
        "E = 5 kWh",
        "coverage = 65.0 %",
        "gap (2 rows)",
    ):
        assert words in information


def test_no_score_is_unknown_and_not_0(tmp_path: Path) -> None:
    found = of(handmade.report(unit=None, functional_units=None, sci_gco2e_per_unit=None), tmp_path)["sci"]
    assert (found["sci"], found["r"], found["r-source"]) == ("unknown", "unknown", "unknown")


def test_what_is_told_stands_there(tmp_path: Path) -> None:
    told = tuple((key, f"the {key}: \u00fc #1") for key in DISCLOSED)
    found = of(handmade.report(), tmp_path, disclosed=told)
    both = {**found["sci"], **found["metadata"]}
    assert {key: both[key] for key in DISCLOSED} == dict(told)
    assert "unknown" not in both.values()


def test_the_source_of_r_is_how_it_is_counted(tmp_path: Path) -> None:
    report = handmade.report()
    method = {**report.provenance.method, "functional_units": ("request=prometheus:sum(x)",)}
    report = dataclasses.replace(report, provenance=dataclasses.replace(report.provenance, method=method))
    assert of(report, tmp_path)["sci"]["r-source"] == "request=prometheus:sum(x)"


def test_a_stored_result_does_not_say_when_it_was_calculated(tmp_path: Path) -> None:
    SINKS["parquet"](handmade.report(), tmp_path / "r.parquet", SinkOptions())
    done = sci_batch("report", str(tmp_path / "r.parquet"), "-o", "sci-yaml", "-q")
    assert yaml.safe_load(done.stdout)["metadata"]["calculation-date"] == "unknown"


def test_by_flag_and_by_file(tmp_path: Path) -> None:
    done = sci_batch(*COMPUTE, "-o", "sci-yaml", "-q", "--disclose", "name=shop=web")
    assert yaml.safe_load(done.stdout)["metadata"]["name"] == "shop=web"
    config = tmp_path / "c.toml"
    config.write_text('disclose = ["name=shop", "entity-version=2.1"]\ndemo = true\n', encoding="utf-8")
    assert load({}, {}, "compute", str(config)).settings.disclose == (
        ("name", "shop"),
        ("entity-version", "2.1"),
    )


@pytest.mark.parametrize("text", ["name", "nme=x", "sci=1", "name= ", "guid=1234"])
def test_what_is_no_disclosure(text: str) -> None:
    with pytest.raises(UsageError):
        disclosed(text)


def test_a_guid() -> None:
    assert disclosed("guid=25c78b6d-b049-424d-87c1-28f07e41bb23")[1].startswith("25c7")


@pytest.mark.parametrize("path", ["if.json", "if"])
def test_if_reads_yaml_files_only(path: str) -> None:
    done = sci_batch(*COMPUTE, "-o", f"impact-framework={path}")
    assert done.returncode == 2
    assert "names end in .yaml or .yml" in done.stderr
