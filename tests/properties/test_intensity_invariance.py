"""The choice of the intensity is a choice of the intensity: it moves no energy and no hardware."""

from __future__ import annotations

from functools import cache

import pandas as pd
import pytest

from sci_batch import pipeline
from sci_batch.errors import UsageError
from sci_batch.report import Report
from tests.properties import sources

HOURLY = "file:made-up-grid.csv"
"""Recorded with the demo; it changes every hour."""


@cache
def demo(window: str, *flags: tuple[str, str]) -> Report:
    chosen = sources.settings({"demo": True, "since": "24h", "window": window, **dict(flags)})
    return pipeline.run(chosen, now_ms=1_790_000_000_000, progress=lambda _word, _done: None)


def same(found: pd.DataFrame, wanted: pd.DataFrame, columns: tuple[str, ...]) -> None:
    for column in columns:
        values = wanted[column].fillna(-1.0)
        assert found[column].fillna(-1.0).tolist() == pytest.approx(values.tolist(), rel=1e-12), column


@pytest.mark.parametrize("window", ["all", "6h"])
def test_energy_and_hardware_do_not_depend_on_the_step_of_the_intensity(window: str) -> None:
    constant, hourly = demo(window, ("intensity", "380")), demo(window)
    columns = ("active_kwh", "shared_kwh", "energy_kwh", "embodied_gco2e", "functional_units", "coverage")
    same(hourly.result, constant.result, columns)
    assert hourly.result["flags"].tolist() == constant.result["flags"].tolist()


def test_a_column_beside_changes_nothing_else() -> None:
    """The other intensity changes every hour, the chosen one does not."""
    alone = demo("all", ("intensity", "zone:DE"))
    beside = demo("all", ("intensity", "zone:DE"), ("also_intensity", HOURLY))
    numbers = tuple(map(str, alone.result.select_dtypes("float64")))
    same(beside.result, alone.result, numbers)
    for column in alone.result.columns.difference(list(numbers)):
        assert beside.result[column].tolist() == alone.result[column].tolist(), column
    assert beside.provenance.fingerprint == alone.provenance.fingerprint


def test_the_column_beside_is_what_that_intensity_gives_alone() -> None:
    beside = demo("all", ("intensity", "zone:DE"), ("also_intensity", HOURLY))
    alone = demo("all")
    column = beside.result[f"operational_gco2e:{HOURLY}"]
    assert column.tolist() == pytest.approx(alone.result["operational_gco2e"].tolist(), rel=1e-12)
    (total,) = beside.totals.also
    assert total.source == HOURLY
    assert total.operational_gco2e == pytest.approx(alone.totals.operational_gco2e, rel=1e-12)


def test_hours_add_up_to_the_day_in_total() -> None:
    day, hours = demo("all"), demo("1h")
    for name in ("energy_kwh", "operational_gco2e", "embodied_gco2e", "node_energy_kwh"):
        assert getattr(day.totals, name) == pytest.approx(getattr(hours.totals, name), rel=1e-9), name


def test_lifecycle_and_direct_do_not_stand_side_by_side() -> None:
    with pytest.raises(UsageError, match=r"lifecycle factors and --also-intensity .* direct ones"):
        demo("all", ("intensity", "zone:DE"), ("also_intensity", "zone:US-EGRID-SRVC"))
