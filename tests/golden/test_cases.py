"""Cases worked out by hand in `fixtures/cases/*/NOTE.md`, from stored samples to the written result.

`kepler.csv` has a row per series (labels, then its readings by time into the range, HH:MM; empty: not
scraped), `units.csv` the units of work, other tables are facts of kube-state-metrics. `expected.csv` holds
the columns that were worked out, as the csv output writes them; the result may have more.
"""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from sci_batch.schema import result_columns
from sci_batch.sinks import SINKS, SinkOptions
from tests.golden.cases import CASES, NAMES, computed, rows


@pytest.mark.parametrize("name", NAMES)
def test_result(name: str, tmp_path: Path) -> None:
    report = computed(CASES / name)
    SINKS["csv"](report, tmp_path / "result.csv", SinkOptions())
    found, expected = rows(tmp_path / "result.csv"), rows(CASES / name / "expected.csv")
    columns = result_columns(report.provenance.group_by)
    numbers = {column.name for column in columns if column.dtype == "float64"}
    assert len(found) == len(expected)
    assert [name for name in found[0] if name in expected[0]] == list(expected[0])
    for number, (mine, theirs) in enumerate(zip(found, expected, strict=True)):
        for column, text in theirs.items():
            if column in numbers and text and mine[column]:
                close = math.isclose(float(mine[column]), float(text), rel_tol=1e-9, abs_tol=1e-12)
                assert close, (number, column, mine[column], text)
            else:
                assert mine[column] == text, (number, column)


@pytest.mark.parametrize("name", NAMES)
def test_totals(name: str) -> None:
    report = computed(CASES / name)
    for row in rows(CASES / name / "totals.csv"):
        found = getattr(report.totals, row["name"])
        if row["value"]:
            assert found == pytest.approx(float(row["value"]), rel=1e-9, abs=1e-12), row["name"]
        else:
            assert found is None, row["name"]


@pytest.mark.parametrize("name", NAMES)
def test_every_case_tells_how_it_was_worked_out(name: str) -> None:
    note = (CASES / name / "NOTE.md").read_text(encoding="utf-8")
    assert note.startswith("# ")
    for row in rows(CASES / name / "expected.csv"):
        assert row["workload"] in note


def test_the_cases_are_there() -> None:
    """An empty folder would pass everything above."""
    assert {"one_node_two_pods", "kepler_restart", "legacy_dynamic_idle", "upgrade_in_range"} <= set(NAMES)
