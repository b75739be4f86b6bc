"""What must not change a number: how time is cut into windows, stretches and ranges, and scrapes lost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracle import Row, World
from tests.properties import worlds
from tests.properties.worlds import SECOND, START, booked


def same(found: dict[tuple[int, int], Row], expected: dict[tuple[int, int], Row]) -> None:
    assert found.keys() == expected.keys()
    for place, row in expected.items():
        assert found[place].joules == pytest.approx(row.joules, rel=1e-9, abs=1e-6), place
        assert found[place].seconds == pytest.approx(row.seconds, rel=1e-9, abs=1e-6), place
        assert found[place].flags == row.flags, place


@given(worlds.worlds(), st.data())
@settings(max_examples=200)
def test_stretches_of_any_length_book_the_same(world: World, data: st.DataObject) -> None:
    times = sorted({t for meter in world.meters for t, _ in meter.samples})
    between = st.sampled_from(times) | st.integers(times[0], times[-1])
    cuts = data.draw(st.lists(between, min_size=1, max_size=4))
    same(booked(world, cuts), booked(world))
