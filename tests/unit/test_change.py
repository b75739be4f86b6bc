"""What changed and why, by hand."""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sci_batch import change
from sci_batch.comparison import Change, between
from sci_batch.errors import UsageError
from sci_batch.report import Report
from sci_batch.result import Result
from tests.cli import handmade

Row = tuple[Any, ...]


def report(*rows: Row, **provenance: Any) -> Report:
    """Rows of (workload, E, O, M, R), one window; the totals are their sums."""
    frame = handmade.result(
        tuple((0, "shop", name, "Deployment", e, 0.0, o, m, r, 1.0, "") for name, e, o, m, r in rows)
    )
    sums: dict[str, Any] = {
        name: float(frame[name].sum())
        for name in ("energy_kwh", "operational_gco2e", "embodied_gco2e", "carbon_gco2e", "functional_units")
    }
    made = handmade.report(
        frame=frame, **sums, sci_gco2e_per_unit=sums["carbon_gco2e"] / sums["functional_units"]
    )
    method = provenance.pop("method", {})
    known = dataclasses.replace(
        made.provenance, method={**made.provenance.method, **method}, end="2026-03-01T01:00:00Z", **provenance
    )
    return dataclasses.replace(made, provenance=known)


def row(found: Change, workload: str) -> dict[str, Any]:
    (one,) = found.rows[found.rows["workload"] == workload].to_dict("records")
    return {str(name): value for name, value in one.items()}


def test_effects_by_hand() -> None:
    """E 2 to 3 kWh, I 400 to 300 g/kWh, M 100 to 150 g, R 1000 to 1200."""
    found = between(report(("web", 2.0, 800.0, 100.0, 1000.0)), report(("web", 3.0, 900.0, 150.0, 1200.0)))
    web = row(found, "web")
    assert web["effect_energy_gco2e"] == 1.0 * 350
    assert web["effect_intensity_gco2e"] == -100 * 2.5
    assert web["effect_embodied_gco2e"] == 50.0
    assert web["change_gco2e"] == 150.0
    assert web["change_percent"] == pytest.approx(100 * 150 / 900)
    mean = (1 / 1000 + 1 / 1200) / 2
    assert web["effect_energy_gco2e_per_unit"] == pytest.approx(350 * mean)
    assert web["effect_intensity_gco2e_per_unit"] == pytest.approx(-250 * mean)
    assert web["effect_embodied_gco2e_per_unit"] == pytest.approx(50 * mean)
    assert web["effect_units_gco2e_per_unit"] == pytest.approx((1 / 1200 - 1 / 1000) * 975)
    assert web["change_gco2e_per_unit"] == pytest.approx(1050 / 1200 - 900 / 1000)
    assert found.total["effect_energy_gco2e"] == 350.0
    assert found.total["change_gco2e_per_unit"] == web["change_gco2e_per_unit"]


def test_less_than_a_gram_before_has_a_percentage() -> None:
    found = between(report(("web", 1.0, 0.25, 0.25, 10.0)), report(("web", 1.0, 0.75, 0.0, 10.0)))
    assert row(found, "web")["change_percent"] == 50.0


def test_new_and_gone_are_told_and_are_no_change_of_the_grid() -> None:
    base = report(("old", 1.0, 300.0, 50.0, 10.0), ("web", 1.0, 300.0, 50.0, 10.0))
    now = report(("web", 1.0, 300.0, 50.0, 10.0), ("young", 2.0, 800.0, 70.0, 10.0))
    found = between(base, now)
    assert found.rows["workload"].tolist() == ["young", "old", "web"]
    assert found.rows["status"].tolist() == ["new", "gone", ""]
    old, young, web = (row(found, name) for name in ("old", "young", "web"))
    assert (young["effect_energy_gco2e"], young["effect_intensity_gco2e"]) == (800.0, 0.0)
    assert (young["effect_embodied_gco2e"], young["change_gco2e"]) == (70.0, 870.0)
    assert (old["effect_energy_gco2e"], old["effect_intensity_gco2e"], old["change_gco2e"]) == (
        -300.0,
        0.0,
        -350.0,
    )
    assert web["change_gco2e"] == 0.0
    # Neither had a score on both sides, and nothing had a percentage of nothing.
    assert math.isnan(young["change_gco2e_per_unit"])
    assert math.isnan(young["change_percent"])
    assert math.isnan(old["now_sci_gco2e_per_unit"])
    assert found.total["change_gco2e"] == 520.0


def test_work_that_moves_to_a_cleaner_grid_is_an_effect_of_energy() -> None:
    """Each workload keeps its own intensity: the mean over both falls, and no grid became greener."""
    base = report(("here", 3.0, 1500.0, 0.0, 1.0), ("there", 1.0, 100.0, 0.0, 1.0))
    now = report(("here", 1.0, 500.0, 0.0, 1.0), ("there", 3.0, 300.0, 0.0, 1.0))
    total = between(base, now).total
    assert total["effect_intensity_gco2e"] == 0.0
    assert total["effect_energy_gco2e"] == -800.0


def test_without_energy_on_one_side_all_is_the_effect_of_energy() -> None:
    found = between(report(("web", 0.0, 0.0, 10.0, 1.0)), report(("web", 2.0, 600.0, 10.0, 1.0)))
    assert row(found, "web")["effect_energy_gco2e"] == 600.0
    assert row(found, "web")["effect_intensity_gco2e"] == 0.0
    found = between(report(("web", 0.0, 0.0, 10.0, 1.0)), report(("web", 0.0, 0.0, 15.0, 1.0)))
    assert row(found, "web")["effect_embodied_gco2e"] == 5.0
    assert row(found, "web")["change_gco2e"] == 5.0


def test_the_unknown_stays_unknown() -> None:
    nan = math.nan
    base = report(("web", 1.0, 300.0, 50.0, 10.0), ("db", 1.0, 300.0, 50.0, None))
    now = report(("web", 1.0, 300.0, 50.0, 10.0), ("db", nan, nan, nan, None))
    found = between(base, now)
    db = row(found, "db")
    assert db["status"] == ""
    for name in ("change_gco2e", "effect_energy_gco2e", "effect_embodied_gco2e", "change_gco2e_per_unit"):
        assert math.isnan(db[name]), name
    # The sums of both sides are not of the same things.
    assert (found.total["base_carbon_gco2e"], found.total["now_carbon_gco2e"]) == (700.0, 350.0)
    assert found.total["change_gco2e"] is None
    assert found.total["effect_energy_gco2e"] is None
    assert found.total["change_gco2e_per_unit"] is None
    assert "1 rows of the later result have no known carbon" in found.notes[0]
    again = between(now, now)
    assert again.total["change_gco2e"] == 0.0, "what neither side knows takes nothing from the others"


def test_a_kind_that_changes_is_still_the_same_workload() -> None:
    made = report(("web", 1.0, 300.0, 50.0, 10.0))
    moved = dataclasses.replace(
        made, rows=Result.of(made.result.assign(workload_kind="Rollout").astype(made.result.dtypes))
    )
    found = between(made, moved)
    assert row(found, "web")["workload_kind"] == "Deployment to Rollout"
    assert row(found, "web")["status"] == ""


def test_two_kinds_with_one_name_are_two_rows() -> None:
    frame = handmade.result(
        tuple(
            (0, "shop", "web", kind, 1.0, 0.0, o, 1.0, 1.0, 1.0, "")
            for kind, o in (("Job", 1.0), ("DaemonSet", 2.0))
        )
    )
    made = handmade.report(frame=frame)
    found = between(made, dataclasses.replace(made, rows=Result.of(frame[:1])))
    assert found.rows[["workload_kind", "status"]].to_numpy().tolist() == [["DaemonSet", "gone"], ["Job", ""]]


def test_ranges_of_unlike_length_are_compared_at_the_same_length() -> None:
    base = report(("web", 2.0, 800.0, 100.0, 1000.0))
    now = report(("web", 3.0, 900.0, 150.0, 1200.0))
    now = dataclasses.replace(now, provenance=dataclasses.replace(now.provenance, end="2026-03-01T02:00:00Z"))
    found = between(base, now)
    web = row(found, "web")
    assert found.base_scale == 2.0
    assert (web["base_energy_kwh"], web["base_carbon_gco2e"], web["base_functional_units"]) == (
        4.0,
        1800.0,
        2000.0,
    )
    assert web["change_gco2e"] == -750.0
    assert web["base_sci_gco2e_per_unit"] == 0.9
    assert web["change_gco2e_per_unit"] == pytest.approx(1050 / 1200 - 0.9)
    assert "scaled by 2 to the length" in found.notes[0]


def test_unlike_windows_are_compared_by_their_sums() -> None:
    made = handmade.report()
    other = dataclasses.replace(made, provenance=dataclasses.replace(made.provenance, window="30m"))
    assert between(made, other).notes == ("windows of 1h before, 30m now: sums over the ranges are compared",)


def test_other_methods_are_refused_with_every_difference() -> None:
    base = report(("web", 1.0, 300.0, 50.0, 10.0))
    now = report(
        ("web", 1.0, 300.0, 50.0, 10.0),
        fingerprint="f",
        method={"pue": "1.2", "overhead_ratio": 0.25, "share": "cpu"},
    )
    with pytest.raises(UsageError) as caught:
        between(base, now)
    assert (
        "pue 1 before, 1.2 now; overhead_ratio 0.0 before, 0.25 now; share (not there) before, cpu now"
        in (caught.value.what)
    )
    assert "--allow-method-change" in caught.value.cure
    found = between(base, now, allow_method_change=True)
    assert found.notes[0] == "another method: pue 1 before, 1.2 now"
    assert len(found.notes) == 3


def test_a_change_of_the_arithmetic_itself_is_a_change_of_method() -> None:
    made = report(("web", 1.0, 300.0, 50.0, 10.0))
    later = report(("web", 1.0, 300.0, 50.0, 10.0), fingerprint="f", tool_version="0.1")
    with pytest.raises(UsageError, match=r"sci-batch 0\.0 before, 0\.1 now, which calculate in other ways"):
        between(made, later)


def test_other_rows_and_other_units_are_refused() -> None:
    made = report(("web", 1.0, 300.0, 50.0, 10.0))
    other = dataclasses.replace(made.provenance, group_by=("namespace",))
    with pytest.raises(UsageError, match="namespace,workload before, namespace now"):
        between(made, dataclasses.replace(made, provenance=other))
    other = dataclasses.replace(made.provenance, functional_unit="user")
    with pytest.raises(UsageError, match="units of work are not the same: request before, user now"):
        between(made, dataclasses.replace(made, provenance=other), allow_method_change=True)


def test_rows_without_a_workload_tell_all_its_kinds() -> None:
    """A namespace of a Job, a Deployment and a row of both, in two windows: 1 + 2 + 4 + 8 kWh."""
    frame = handmade.result(
        tuple(
            (window, "shop", name, kind, kwh, 0.0, 10 * kwh, 1.0, None, 1.0, "")
            for window, name, kind, kwh in (
                (0, "a", "Job", 1.0), (0, "b", "Deployment", 2.0),
                (1, "a", "Job", 4.0), (1, "c", "Job+Pod", 8.0),
            )
        )
    )  # fmt: skip
    (found,) = change.amounts(frame, ("namespace",), ("request",)).to_dict("records")
    assert list(found) == ["namespace", "workload_kind", *change.AMOUNTS, "functional_units"]
    assert (found["namespace"], found["workload_kind"]) == ("shop", "Deployment+Job+Pod")
    assert (found["energy_kwh"], found["operational_gco2e"], found["embodied_gco2e"]) == (15.0, 150.0, 4.0)
    assert (found["carbon_gco2e"], math.isnan(found["functional_units"])) == (154.0, True)


def test_windows_without_known_carbon_count_in_no_amount() -> None:
    """Energy is known in both, carbon in one: what is compared stays C = O + M."""
    frame = handmade.result(
        (
            (0, "shop", "a", "Job", 1.0, 0.0, 300.0, 5.0, 10.0, 1.0, ""),
            (1, "shop", "a", "Job", 2.0, 0.0, math.nan, 5.0, 20.0, 1.0, ""),
        )
    )
    (found,) = change.amounts(frame, ("namespace", "workload"), ("request",)).to_dict("records")
    assert [found[name] for name in change.AMOUNTS] == [1.0, 300.0, 5.0, 305.0]
    assert found["functional_units"] == 30.0


def test_exact_moves_the_largest() -> None:
    changed, parts = change.exact(np.array([0.3]), np.array([[0.1, 0.2, 0.0]]))
    assert changed.tolist() == [0.3]
    # 0.1 + 0.2 is 0.30000000000000004
    assert parts.tolist() == [[0.1, 0.19999999999999998, 0.0]]


def test_exact_of_nothing_and_of_the_unknown() -> None:
    changed, parts = change.exact(np.zeros(0), np.zeros((0, 3)))
    assert (changed.shape, parts.shape) == ((0,), (0, 3))
    changed, parts = change.exact(np.array([math.nan, 1.0]), np.array([[1.0, 2.0], [1.0, 0.0]]))
    assert np.isnan(changed[0])
    assert np.isnan(parts[0]).all()
    assert parts[1].tolist() == [1.0, 0.0]


@pytest.mark.parametrize("effects", [[1.0 + 2.0**-52, 0.0], [1e-20, 0.0], [2.0**-1074, 0.0], [-0.0, 0.0]])
def test_exact_leaves_what_is_exact_to_the_last_bit(effects: list[float]) -> None:
    changed, parts = change.exact(np.array([effects[0]]), np.array([effects]))
    assert changed.tolist() == [effects[0]]
    assert parts.tolist() == [effects]
    assert not np.signbit(changed).any() and not np.signbit(parts).any()


def test_exact_also_where_the_largest_passes_a_power_of_two() -> None:
    """Just below 1 numbers lie twice as close as above it: the remainder lifts the largest over that."""
    changed, parts = change.exact(np.array([1.129]), np.array([[1 - 2.0**-53, 0.182, -0.053]]))
    assert changed.tolist() == [1.129]
    assert sum(map(Fraction, parts[0].tolist())) == Fraction(1.129)
    assert parts[0].tolist() == pytest.approx([1.0, 0.182, -0.053], abs=1e-15)


def test_exact_takes_each_row_for_itself() -> None:
    effects = np.array([[0.1, 0.2, 0.0], [-0.3, 1000.0, 0.1], [1e-9, 0.0, -3e-9]])
    changed, parts = change.exact(np.array([0.3, 999.8, -2e-9]), effects)
    assert changed.tolist() == [0.3, 999.8, -2e-9]
    for row in range(3):
        assert sum(map(Fraction, parts[row].tolist())) == Fraction(changed[row]), row
        assert parts[row].tolist() == pytest.approx(effects[row].tolist(), rel=1e-12, abs=1e-21)


def test_in_steps_the_largest_makes_up_for_the_rest() -> None:
    """2.6 in steps of 1 is 3; of 1.4, 0.8 and 0.4 in whole steps (1, 1, 0) one is missing."""
    whole, counts = change.in_steps(np.array([2.6, 26.0]), np.array([[1.4, 0.8, 0.4]] * 2) * [[1], [10]],
                                    np.array([1.0, 10.0]))  # fmt: skip
    assert whole.tolist() == [3, 3]
    assert counts.tolist() == [[2, 1, 0]] * 2
    assert (whole.dtype, counts.dtype) == (np.dtype("int64"),) * 2


def test_columns_are_those_of_the_frame() -> None:
    found = between(handmade.report(), handmade.report())
    assert list(found.rows) == change.columns(handmade.GROUP_BY, ("request",))
    assert isinstance(found.rows, pd.DataFrame)
