"""Effects add up to the change exactly, and are those of a slow calculation without rounding."""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sci_batch import change
from sci_batch.comparison import between
from sci_batch.report import Report
from tests.cli import handmade

amounts = st.one_of(
    st.just(0.0),
    st.floats(min_value=1e-9, max_value=1e9),
    st.sampled_from([0.1, 1.0, 1 / 3, 2.0**30 - 2.0**-22, 1e6]),
)
# Energy [kWh], intensity [gCO2e/kWh], embodied [g], units of work.
sides = st.tuples(amounts, st.floats(min_value=1e-3, max_value=2e3), amounts, amounts)
worlds = st.dictionaries(st.sampled_from("abcdef"), sides, min_size=1)


def report(world: dict[str, tuple[float, float, float, float]]) -> Report:
    frame = handmade.result(
        tuple(
            (0, "shop", name, "Deployment", e, 0.0, e * i, m, r, 1.0, "")
            for name, (e, i, m, r) in world.items()
        )
    )
    names = ("energy_kwh", "operational_gco2e", "embodied_gco2e", "carbon_gco2e", "functional_units")
    sums: dict[str, Any] = {name: float(frame[name].sum()) for name in names}
    sci = sums["carbon_gco2e"] / sums["functional_units"] if sums["functional_units"] else None
    return handmade.report(frame=frame, **sums, sci_gco2e_per_unit=sci)


def slowly(base: dict[Any, Any] | None, now: dict[Any, Any] | None) -> dict[str, Fraction]:
    """The effects of one workload, without rounding, from the rows of RESULT."""

    def side(row: dict[Any, Any] | None) -> tuple[Fraction, ...]:
        names = ("energy_kwh", "operational_gco2e", "embodied_gco2e", "functional_units")
        return tuple(Fraction(row[name]) if row else Fraction(0) for name in names)

    (e0, o0, m0, r0), (e1, o1, m1, r1) = side(base), side(now)
    i0, i1 = (o / e if e else None for o, e in ((o0, e0), (o1, e1)))
    i0 = i1 if i0 is None else i0
    i1 = i0 if i1 is None else i1
    mean = Fraction(0) if i0 is None or i1 is None else (i0 + i1) / 2
    step = Fraction(0) if i0 is None or i1 is None else i1 - i0
    found = {"energy": (e1 - e0) * mean, "intensity": step * (e0 + e1) / 2, "embodied": m1 - m0}
    assert sum(found.values()) == (o1 + m1) - (o0 + m0)
    if r0 and r1:
        half = (1 / r0 + 1 / r1) / 2
        c0, c1 = o0 + m0, o1 + m1
        score = {f"{cause} per unit": grams * half for cause, grams in found.items()}
        score["units per unit"] = (1 / r1 - 1 / r0) * (c0 + c1) / 2
        assert sum(score.values()) == c1 / r1 - c0 / r0
        found |= score
    return found


def added(parts: list[Any]) -> Fraction:
    return sum(map(Fraction, parts), Fraction(0))


def close(found: float, true: Fraction, scale: Fraction) -> bool:
    return abs(Fraction(found) - true) <= scale * Fraction(1, 10**12)


@given(worlds, worlds)
@settings(max_examples=60)
def test_effects_add_up_to_the_last_bit(before: Any, after: Any) -> None:
    base, now = report(before), report(after)
    found = between(base, now)
    old, new = ({row["workload"]: row for row in side.result.to_dict("records")} for side in (base, now))
    for row in found.rows.to_dict("records"):
        name = row["workload"]
        truth = slowly(old.get(name), new.get(name))
        grams = [row[f"effect_{cause}_gco2e"] for cause in change.CAUSES]
        assert added(grams) == Fraction(row["change_gco2e"])
        largest = max(map(abs, grams))
        # To the last bit of what is shown, too, unless effects that cancel are larger than both sides.
        if largest <= max(row["base_carbon_gco2e"], row["now_carbon_gco2e"]):
            moved = row["change_gco2e"] - (row["now_carbon_gco2e"] - row["base_carbon_gco2e"])
            assert abs(moved) <= math.ulp(2 * largest)
        scale = (
            max(map(abs, truth.values()))
            + Fraction(row["base_carbon_gco2e"])
            + Fraction(row["now_carbon_gco2e"])
        )
        assert all(close(grams[place], truth[cause], scale) for place, cause in enumerate(change.CAUSES))
        per_unit = [row[f"effect_{cause}_gco2e_per_unit"] for cause in (*change.CAUSES, "units")]
        if "units per unit" in truth:
            assert added(per_unit) == Fraction(row["change_gco2e_per_unit"])
            scale = max(abs(truth[f"{cause} per unit"]) for cause in (*change.CAUSES, "units"))
            scale += Fraction(row["base_sci_gco2e_per_unit"]) + Fraction(row["now_sci_gco2e_per_unit"])
            scale += scale and max(map(abs, map(Fraction, per_unit)))
            for place, cause in enumerate((*change.CAUSES, "units")):
                assert close(per_unit[place], truth[f"{cause} per unit"], scale), cause
        else:
            assert math.isnan(row["change_gco2e_per_unit"])
    total = found.total
    grams = [total[f"effect_{cause}_gco2e"] for cause in change.CAUSES]
    assert added(grams) == added([total["change_gco2e"]])
    if total["change_gco2e_per_unit"] is not None:
        per_unit = [total[f"effect_{cause}_gco2e_per_unit"] for cause in (*change.CAUSES, "units")]
        assert added(per_unit) == added([total["change_gco2e_per_unit"]])


@given(
    st.lists(st.floats(min_value=-1e12, max_value=1e12), min_size=1, max_size=4),
    st.floats(min_value=-1e-3, max_value=1e-3),
)
@settings(max_examples=200)
def test_any_numbers_are_made_exact(parts: list[float], remainder: float) -> None:
    """Also where effects cancel, at powers of two, and with remainders far beyond those of rounding."""
    wanted = math.fsum(parts) * (1 + remainder)
    changed, found = change.exact(np.array([wanted]), np.array([parts]))
    assert added(found[0].tolist()) == Fraction(float(changed[0]))
    largest = max(abs(value) for value in [*parts, *found[0].tolist()])
    assert abs(changed[0] - wanted) <= 2 * math.ulp(largest)
    assert math.fsum(found[0]) == changed[0]
    kept = [place for place in range(len(parts)) if abs(parts[place]) < max(map(abs, parts))]
    assert all(abs(found[0][place] - parts[place]) <= 2 * math.ulp(largest) for place in kept)


@given(worlds, worlds)
def test_there_and_back(before: Any, after: Any) -> None:
    """No side comes first: what one direction says, the other takes back."""
    there, back = between(report(before), report(after)), between(report(after), report(before))
    ways = [found.rows.set_index("workload")["effect_energy_gco2e"].sort_index() for found in (there, back)]
    scale = ways[0].abs().max() + there.rows["change_gco2e"].abs().max()
    assert (abs(ways[0] + ways[1]) <= 1e-9 * scale).all()
    assert dataclasses.replace(there).notes == back.notes == ()
