"""Cases of `fixtures/cases` as inputs of the pipeline."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd

from sci_batch import pipeline
from sci_batch.asking.planned import plan_of
from sci_batch.report import Report
from sci_batch.settings import windows_of
from sci_batch.source import Source
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


def source_of(case: Path) -> Source:
    """The inputs of a case; they can be read once."""
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
    return sources.source(counters, windows, chosen, facts=facts, units=units(case, windows.start_ms))


def computed(case: Path) -> Report:
    source = source_of(case)
    return pipeline.compute(source, source.settings)
