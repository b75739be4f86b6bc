"""Cases worked out by hand in `fixtures/cases/*/NOTE.md`, from stored samples to the written result.

`kepler.csv` has a row per series (labels, then its readings by time into the range, HH:MM; empty: not
scraped), `units.csv` the units of work, other tables are facts of kube-state-metrics. `expected.csv` holds
the columns that were worked out, as the csv output writes them; the result may have more.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path

import pandas as pd
import pytest

from sci_batch import pipeline
from sci_batch.report import Report
from sci_batch.schema import result_columns
from sci_batch.settings import windows_of
from sci_batch.sinks import SINKS, SinkOptions
from sci_batch.source import plan_of
from tests.properties import recorded, sources
from tests.properties.recorded import Series

CASES = Path(__file__).parents[2] / "fixtures" / "cases"
NAMES = sorted(path.name for path in CASES.iterdir())
END_OF_TIME_MS = 4_000_000_000_000


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def minutes(time: str) -> int:
    """`01:30` as milliseconds."""
    hours, minutes = time.split(":")
    return (int(hours) * 60 + int(minutes)) * 60_000


def series(case: Path, start_ms: int) -> list[Series]:
    found = []
    for row in rows(case / "kepler.csv"):
        labels = {name: text for name, text in row.items() if ":" not in name and text}
        labels["__name__"] = labels.pop("metric")
        readings = [
            (start_ms + minutes(time), float(text)) for time, text in row.items() if ":" in time and text
        ]
        found.append(Series(labels=labels, samples=tuple(readings)))
    return found


def node_names(found: list[Series]) -> dict[str, str]:
    """Of targets whose node tells its name, as `fetch.discover` asks."""
    pairs = [(one.labels.get("instance", ""), one.labels.get("exported_instance", "")) for one in found]
    return {instance: name for instance, name in pairs if name}


def units(case: Path, start_ms: int) -> dict[str, pd.DataFrame]:
    """UNITS of the only functional unit, `request`."""
    path = case / "units.csv"
    if not path.exists():
        return {}
    frame = pd.DataFrame(rows(path))
    spans = {f"{name}_ms": start_ms + frame[name].map(minutes) for name in ("start", "end")}
    r = frame["functional_units"].astype("float64")
    return {"request": frame.drop(columns=["start", "end"]).assign(**spans, functional_units=r)}


def computed(case: Path) -> Report:
    chosen = sources.settings({}, str(case / "settings.toml"))
    windows = windows_of(chosen, END_OF_TIME_MS)
    found = series(case, windows.start_ms)
    facts = sources.kube(
        {
            name: pd.DataFrame(rows(case / f"{name}.csv"))
            for name in sources.KUBE_COLUMNS
            if (case / f"{name}.csv").exists()
        }
    )
    counters = recorded.counters(found, plan_of(chosen, windows), node_names=node_names(found))
    source = sources.source(counters, windows, chosen, facts=facts, units=units(case, windows.start_ms))
    return pipeline.compute(source, chosen)


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
