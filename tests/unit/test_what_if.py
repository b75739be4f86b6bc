"""Intensities of windows, and rows under other factors, by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from sci_batch import what_if
from tests.cli import handmade

# Half hours of 100, 100, 200 and 300 g/kWh, then one hour of 50.
SLOTS = pd.DataFrame(
    {"start_ms": [0, 30, 60, 90, 120], "end_ms": [30, 60, 90, 120, 180],
     "gco2e_per_kwh": [100.0, 100.0, 200.0, 300.0, 50.0]}
)  # fmt: skip


@pytest.mark.parametrize(
    ("start", "end", "value"),
    [
        (0, 60, 100.0),  # two slots that say the same
        (10, 20, 100.0),
        (60, 90, 200.0),
        (60, 120, None),  # it changes within
        (30, 61, None),
        (120, 180, 50.0),
        (150, 181, None),  # beyond what is known
        (-1, 30, None),
        (200, 210, None),
    ],
)
def test_the_intensity_of_a_span(start: int, end: int, value: float | None) -> None:
    (found,) = what_if.intensity_at(SLOTS, np.array([start]), np.array([end]))
    assert math.isnan(found) if value is None else found == value


def test_the_lowest_within_reach() -> None:
    hours = SLOTS.iloc[[1, 2, 4]].assign(start_ms=[0, 60, 120], end_ms=[60, 120, 180])
    start = np.array([0, 60])
    assert what_if.lowest(hours, start, start + 60, 59).tolist() == [100.0, 200.0]
    assert what_if.lowest(hours, start, start + 60, 60).tolist() == [100.0, 50.0]
    both = what_if.lowest(hours, start, start + 60, 120)
    assert both[0] == 50.0
    assert math.isnan(both[1]), "its last try lies beyond what is known"


def test_pue_in_effect_and_another_grid() -> None:
    result = handmade.result().assign(intensity_gco2e_per_kwh=200.0)
    assert what_if.pue_in_effect(result).tolist() == pytest.approx([1.9] * 4)
    per_kwh = pd.Series(100.0, result.index)
    other = what_if.with_grid(result, per_kwh, pd.Series(1.5, result.index), "made-up")
    assert other["operational_gco2e"].tolist() == [150.0, 75.0, 450.0, 75.0]
    assert other["carbon_gco2e"].tolist() == [170.0, 85.0, 510.0, 85.0]
    assert other["sci_gco2e_per_unit"].tolist()[0] == 0.17
    assert other["sci_gco2e_per_unit"].isna().tolist() == [False, True, False, True]
    assert set(other["intensity_source"]) == {"made-up"}
    assert list(other) == list(result)


def test_without_energy_no_factor_matters() -> None:
    row = (0, "shop", "web", "Deployment", 0.0, 0.0, 0.0, 20.0, 10.0, 1.0, "")
    result = handmade.result((row,))
    unknown = what_if.pue_in_effect(result)
    assert unknown.isna().all()
    other = what_if.with_grid(result, pd.Series([100.0]), unknown)
    assert other["carbon_gco2e"].tolist() == [20.0]


def test_another_lifespan_scales_the_bounds_too() -> None:
    result = handmade.result().assign(embodied_gco2e_low=1.0, embodied_gco2e_high=[2.0, math.nan, 2.0, 2.0])
    other = what_if.with_lifespan(result, 0.5)
    assert other["embodied_gco2e"].tolist() == [10.0, 5.0, 30.0, 5.0]
    assert other["embodied_gco2e_low"].tolist() == [0.5] * 4
    assert other["carbon_gco2e"].tolist() == [390.0, 195.0, 1170.0, 195.0]


def test_other_hardware_by_hand() -> None:
    """TE 1000 kg over 4 years to 900 kg, 600 to 1500, over 6: M x 0.6, bounds x 0.4 and x 1."""
    before = pd.DataFrame(
        {"node": ["a", "b"], "embodied_kgco2e": [1000.0, 500.0], "low_kgco2e": math.nan,
         "high_kgco2e": math.nan, "lifespan_seconds": 4.0, "embodied_source": "kg:1"}
    )  # fmt: skip
    after = before.assign(
        embodied_kgco2e=[900.0, 500.0], low_kgco2e=[600.0, math.nan], high_kgco2e=[1500.0, math.nan],
        lifespan_seconds=[6.0, 4.0], embodied_source=["file:n.csv", "model"],
    )  # fmt: skip
    factors = what_if.hardware_factors(before, after)
    assert factors["embodied_gco2e"].tolist() == pytest.approx([0.6, 1.0])
    result = handmade.result().assign(embodied_gco2e_low=1.0, embodied_gco2e_high=2.0)
    other = what_if.with_hardware(result, factors.loc[[0, 1, 1, 0]])
    assert other["embodied_gco2e"].tolist() == pytest.approx([12.0, 10.0, 60.0, 6.0])
    assert other["embodied_gco2e_low"].tolist() == pytest.approx([8.0, math.nan, math.nan, 4.0], nan_ok=True)
    assert other["embodied_gco2e_high"].tolist()[0] == pytest.approx(20.0)
    assert other["carbon_gco2e"].tolist() == pytest.approx([392.0, 200.0, 1200.0, 196.0])
    assert other["embodied_source"].tolist() == ["file:n.csv", "model", "model", "file:n.csv"]


def test_who_may_wait() -> None:
    result = handmade.result().assign(workload_kind=["CronJob+Job", "Deployment", "Job", "CronJob"])
    assert what_if.may_wait(result, ["CronJob"]).tolist() == [True, False, False, True]
    assert what_if.may_wait(result, ["we*"]).tolist() == [True, False, True, False]
    by_namespace = result.drop(columns="workload")
    assert what_if.may_wait(by_namespace, ["Job"]).tolist() == [True, False, True, False]


def test_only_active_energy_moves() -> None:
    result = handmade.result()  # active 0.75 of 1, 0.3 of 0.5, 2.25 of 3, 0.3 of 0.5
    steady, best = pd.Series(100.0, result.index), pd.Series(40.0, result.index)
    waits = pd.Series([True, True, False, False], result.index)
    moved = what_if.moved_intensity(result, steady, best, waits)
    assert moved.tolist() == pytest.approx([55.0, 64.0, 100.0, 100.0])
