"""The totals of each day: those of a run over the first day alone, and what remains for the second."""

from __future__ import annotations

from typing import Any

import pytest

from sci_batch import pipeline
from sci_batch.report import Report, Totals
from sci_batch.settings import load

NOW_MS = 1_795_507_200_000
"""2026-11-24T08:00:00Z: the recording ends there, with a midnight in it."""
SUMS = (
    "rows", "energy_kwh", "operational_gco2e", "embodied_gco2e", "carbon_gco2e", "functional_units",
    "node_energy_kwh", "pods_kwh", "unattributed_kwh", "residual_kwh", "open_books", "books", "not_shown_kwh",
)  # fmt: skip


def run(start: str, end: str, **more: Any) -> Report:
    flags = {"demo": True, "start": start, "end": end, **more}
    return pipeline.run(load(flags, {}, "compute").settings, now_ms=NOW_MS, progress=lambda *_: None)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"unattributed": "drop", "namespace": ["shop"]},
        {"functional_unit": ["order=5", "request=0.5"], "group_by": "namespace"},
    ],
)
def test_days_of_a_longer_run(more: dict[str, Any]) -> None:
    both = run("2026-11-23T20:00:00Z", "2026-11-24T06:00:00Z", **more)
    alone = run("2026-11-23T20:00:00Z", "2026-11-24T00:00:00Z", **more)
    assert list(both.days) == ["2026-11-23", "2026-11-24"]
    assert alone.days == {}
    first, second = both.days.values()
    assert first.books > 0
    for name, value in sums(both.totals).items():
        assert sums(first)[name] == pytest.approx(sums(alone.totals)[name], rel=1e-9, abs=1e-9), name
        assert sums(second)[name] == pytest.approx(value - sums(first)[name], rel=1e-9, abs=1e-9), name
    for day in (first, second):
        for number, unit in enumerate(day.units):
            assert unit.functional_units is not None
            assert day.carbon_gco2e is not None
            assert day.of_unit(number)[0] == unit.functional_units
            assert day.of_unit(number)[1] == pytest.approx(day.carbon_gco2e / unit.functional_units)


def sums(totals: Totals) -> dict[str, float]:
    """What adds up, by name; unknown counts as 0."""
    found = {name: getattr(totals, name) or 0.0 for name in SUMS}
    return found | {unit.name: unit.functional_units or 0.0 for unit in totals.units}
