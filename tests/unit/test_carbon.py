"""O, C and SCI against published values (Impact Framework's own tests)."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from sci_batch.carbon import operational_gco2e, sci
from sci_batch.sums import known_sum


@pytest.mark.parametrize(
    ("carbon", "units", "score"),
    [(5.02, 100.0, 0.050199999999999995), (0.205, 10.0, 0.020499999999999997)],
)
def test_published_scores(carbon: float, units: float, score: float) -> None:
    assert sci(pd.Series([carbon]), pd.Series([units])).tolist() == [score]


def test_no_units_no_score() -> None:
    """The Impact Framework gives the carbon itself; a rate without its unit is none."""
    found = sci(pd.Series([0.205, 0.205, 0.205]), pd.Series([0.0, math.nan, -3.0]))
    assert found.isna().all()


def test_less_than_one_unit_has_a_score() -> None:
    assert sci(pd.Series([3.0, 3.0]), pd.Series([0.5, 1.0])).tolist() == [6.0, 3.0]


def test_no_carbon_known_no_score() -> None:
    assert sci(pd.Series([math.nan]), pd.Series([4.0])).isna().all()


def test_published_operational_carbon() -> None:
    """E 10 kWh at I 50, and 15 at 60 [gCO2e/kWh]."""
    found = operational_gco2e(pd.Series([10.0, 15.0]), 1.0, pd.Series([50.0, 60.0]))
    assert found.tolist() == [500.0, 900.0]


def test_overhead_of_the_data_centre_counts() -> None:
    assert operational_gco2e(pd.Series([0.5]), 1.2, pd.Series([400.0])).tolist() == [0.5 * 1.2 * 400]


def test_sums_of_nothing_are_unknown() -> None:
    assert known_sum(pd.Series([], dtype="float64")) is None
    assert known_sum(pd.Series([math.nan, math.nan])) is None
    assert known_sum(pd.Series([math.nan, 2.0, 0.5])) == 2.5
    assert known_sum(pd.Series([0.0])) == 0.0
