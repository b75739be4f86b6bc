"""Sums over rows that are told to people."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from sci_batch.sums import by_window, flag_counts, mean_coverage, of_rows, of_windows, together
from tests.cli import handmade

UNKNOWN = math.nan


def rows(*given: tuple[int, float, float, float]) -> pd.DataFrame:
    """(hour, kWh, gCO2e of operation, coverage), each with 10 g of hardware and of a workload of its own."""
    return handmade.result(
        tuple(
            (hour, "shop", f"w{n}", "Job", kwh, 0.0, grams, 10.0, None, covered, "")
            for n, (hour, kwh, grams, covered) in enumerate(given)
        )
    )


def test_windows_are_added_up_each_for_itself_in_order_of_time() -> None:
    made = rows((1, 1.0, 300.0, 1.0), (0, 2.0, 500.0, 0.5), (1, 3.0, 900.0, 0.2))
    found = by_window(made)
    assert found.index.tolist() == list(pd.to_datetime(["2026-03-01T00:00Z", "2026-03-01T01:00Z"]))
    assert found["rows"].tolist() == [1, 2]
    assert found["rows"].dtype == "int64"
    assert found["energy_kwh"].tolist() == [2.0, 4.0]
    assert found["operational_gco2e"].tolist() == [500.0, 1200.0]
    assert found["embodied_gco2e"].tolist() == [10.0, 20.0]
    assert found["carbon_gco2e"].tolist() == [510.0, 1220.0]
    assert found["weight"].tolist() == [2.0, 4.0]
    assert found["covered"].tolist() == pytest.approx([2 * 0.5, 1 * 1.0 + 3 * 0.2])
    assert found["seen"].tolist() == pytest.approx([0.5, 1.2])
    assert (found["least"].tolist(), found["most"].tolist()) == ([0.5, 0.2], [0.5, 1.0])


def test_rows_of_a_window_are_added_up_in_their_order() -> None:
    """So that the last bit is the same in every run: three windows, their rows mixed."""
    chance = np.random.default_rng(7)
    hour, kwh = chance.integers(0, 3, 600), chance.random(600)
    made = rows((0, 1.0, 1.0, 1.0)).loc[[0] * 600].reset_index(drop=True)
    start = made["window_start"] + pd.to_timedelta(hour, unit="h")
    found = by_window(made.assign(window_start=start, energy_kwh=kwh))
    assert found["energy_kwh"].tolist() == [np.add.reduceat(kwh[hour == n], [0])[0] for n in range(3)]


def test_a_second_intensity_is_added_up_as_well() -> None:
    made = rows((0, 1.0, 300.0, 1.0), (0, 2.0, 500.0, 1.0)).assign(**{"operational_gco2e:file": [7.0, 8.0]})
    assert by_window(made, ("file",))["operational_gco2e:file"].tolist() == [15.0]


def test_what_is_unknown_in_all_rows_of_a_window_is_unknown() -> None:
    made = rows((0, UNKNOWN, UNKNOWN, 1.0), (1, UNKNOWN, UNKNOWN, 1.0), (1, 2.0, 500.0, 1.0))
    found = by_window(made)
    assert found["energy_kwh"].fillna(-1).tolist() == [-1, 2.0]
    assert found["operational_gco2e"].fillna(-1).tolist() == [-1, 500.0]
    assert found["weight"].tolist() == [0.0, 2.0]


def test_no_rows_are_no_windows() -> None:
    nothing = by_window(rows())
    assert len(nothing) == 0
    assert of_windows(nothing, {})["carbon_gco2e"] is None


def test_sums_and_scores_of_rows() -> None:
    """1,000 g of 4 kWh, and 20 g of hardware; a score only where R is known and not 0."""
    found = of_rows(
        rows((0, 1.0, 300.0, 1.0), (1, 3.0, 700.0, 0.5)), {"request": 2040.0, "user": 0.0, "job": None}
    )
    assert (found["rows"], found["energy_kwh"], found["carbon_gco2e"]) == (2, 4.0, 1020.0)
    assert (found["operational_gco2e"], found["embodied_gco2e"]) == (1000.0, 20.0)
    assert (found["functional_units"], found["sci_gco2e_per_unit"]) == (2040.0, 0.5)
    assert [(unit.name, unit.functional_units, unit.sci_gco2e_per_unit) for unit in found["units"]] == [
        ("request", 2040.0, 0.5), ("user", 0.0, None), ("job", None, None),
    ]  # fmt: skip


def test_without_a_functional_unit_there_is_no_score() -> None:
    found = of_rows(rows((0, 1.0, 300.0, 1.0)), {})
    assert (found["functional_units"], found["sci_gco2e_per_unit"], found["units"]) == (None, None, ())
    unknown = of_rows(rows((0, UNKNOWN, UNKNOWN, 1.0)), {"request": 5.0})
    assert (unknown["functional_units"], unknown["sci_gco2e_per_unit"]) == (5.0, None)


def test_coverage_is_weighted_by_energy() -> None:
    """3 of 4 kWh were used where all was seen, 1 where a fifth was."""
    assert mean_coverage(rows((0, 3.0, 1.0, 1.0), (1, 1.0, 1.0, 0.2))) == pytest.approx((3 + 0.2) / 4)


def test_coverage_without_energy_is_the_plain_mean_of_rows() -> None:
    made = rows((0, 0.0, 0.0, 1.0), (1, 0.0, 0.0, 0.5), (1, UNKNOWN, UNKNOWN, 0.3))
    assert mean_coverage(made) == pytest.approx((1.0 + 0.5 + 0.3) / 3)


@pytest.mark.parametrize(("covered", "weights"), [(0.2, (2.5, 1.5, 2.0)), (0.6, (0.8, 1.7, 1.2))])
def test_coverage_never_leaves_that_of_the_rows(covered: float, weights: tuple[float, ...]) -> None:
    """In binary the first mean is 0.20000000000000004, the second 0.5999999999999999."""
    assert mean_coverage(rows(*[(hour, kwh, 0.0, covered) for hour, kwh in enumerate(weights)])) == covered


def test_flags_are_counted_by_row() -> None:
    found = flag_counts(pd.Series(["gap", "", "gap,inferred-owner", "inferred-owner,gap", "overcommitted"]))
    assert list(found.items()) == [("gap", 3), ("inferred-owner", 2), ("overcommitted", 1)]


def test_flags_of_several_frames_are_added_and_the_most_frequent_is_first() -> None:
    found = together([{"gap": 1, "inferred-owner": 2}, {"gap": 1, "inferred-owner": 3}, {"units-missing": 9}])
    assert list(found.items()) == [("units-missing", 9), ("inferred-owner", 5), ("gap", 2)]
