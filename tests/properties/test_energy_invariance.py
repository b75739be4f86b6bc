"""What must not change a number: how time is cut into windows, stretches and ranges, and scrapes lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracle import Meter, Row, World
from tests.properties import worlds
from tests.properties.worlds import SECOND, START, booked, energy, node_rows


def same(found: Mapping[tuple[int, int], Row], expected: Mapping[tuple[int, int], Row]) -> None:
    assert found.keys() == expected.keys()
    for place, row in expected.items():
        assert found[place].joules == pytest.approx(row.joules, rel=1e-9, abs=1e-6), place
        assert found[place].seconds == pytest.approx(row.seconds, rel=1e-9, abs=1e-6), place
        assert found[place].flags == row.flags, place


def by_meter(rows: Mapping[tuple[int, int], Row]) -> dict[int, float]:
    """Joules of each counter in all windows."""
    out: dict[int, float] = {}
    for (_, number), row in rows.items():
        out[number] = out.get(number, 0.0) + row.joules
    return out


def lived(rows: Mapping[tuple[int, int], Row]) -> dict[int, float]:
    out: dict[int, float] = {}
    for (_, number), row in rows.items():
        out[number] = out.get(number, 0.0) + row.seconds
    return out


def keeping(world: World, times: Sequence[int] | set[int]) -> World:
    """The world with only these scrapes."""
    kept = set(times)
    return replace(
        world,
        meters=tuple(_without(meter, kept) for meter in world.meters),
        scrapes={node: tuple(t for t in marks if t in kept) for node, marks in world.scrapes.items()},
    )


def _without(meter: Meter, kept: set[int]) -> Meter:
    inside = [n for n, (t, _) in enumerate(meter.samples) if t in kept]
    return replace(
        meter,
        samples=tuple(meter.samples[n] for n in inside),
        alive=tuple(meter.alive[n] for n in inside) if meter.alive else (),
    )


@given(worlds.worlds(), st.data())
@settings(max_examples=50)
def test_stretches_of_any_length_book_the_same(world: World, data: st.DataObject) -> None:
    times = sorted({t for meter in world.meters for t, _ in meter.samples})
    between = st.sampled_from(times) | st.integers(times[0], times[-1])
    cuts = data.draw(st.lists(between, min_size=1, max_size=4))
    same(booked(world, cuts), booked(world))


@given(worlds.worlds())
@settings(max_examples=50)
def test_windows_of_any_length_add_up_to_the_same(world: World) -> None:
    one = booked(replace(world, edges_ms=(world.edges_ms[0], world.edges_ms[-1])))
    many = booked(world)
    assert by_meter(many) == pytest.approx(by_meter(one), rel=1e-9, abs=1e-6)
    assert lived(many) == pytest.approx(lived(one), rel=1e-9, abs=1e-6)


@given(worlds.worlds(), st.integers(60, 3000))
@settings(max_examples=30)
def test_ranges_that_follow_each_other_add_up(world: World, length: int) -> None:
    """The second range sees what lies before it; the first one sees nothing after its end."""
    first, end = START, START + SECOND * 4000
    middle = START + SECOND * length
    times = {t for meter in world.meters for t, _ in meter.samples}
    world = keeping(world, {t for t in times if t <= end})
    early = replace(keeping(world, {t for t in times if t <= middle}), edges_ms=(first, middle))
    parts = [by_meter(booked(part)) for part in (early, replace(world, edges_ms=(middle, end)))]
    whole = by_meter(booked(replace(world, edges_ms=(first, end))))
    for number, joules in whole.items():
        assert sum(part.get(number, 0.0) for part in parts) == pytest.approx(joules, rel=1e-9, abs=1e-6)


@given(worlds.true_worlds())
@settings(max_examples=70)
def test_resets_never_add_energy(made: tuple[World, dict[str, float]]) -> None:
    world, truth = made
    found = by_meter(booked(world))
    for number, meter in enumerate(world.meters):
        if meter.pod is not None:
            assert found.get(number, 0.0) <= truth[meter.pod[1]] + 1e-6
        else:
            assert found.get(number, 0.0) <= truth[meter.kind] + 1e-6


@given(worlds.true_worlds(restarts=0))
@settings(max_examples=30)
def test_without_resets_all_energy_is_found(made: tuple[World, dict[str, float]]) -> None:
    """The sums of a counter that never fell are what its meter measured since the first scrape."""
    world, truth = made
    found = by_meter(booked(world))
    for number, meter in enumerate(world.meters):
        name = meter.kind if meter.pod is None else meter.pod[1]
        assert found.get(number, 0.0) == pytest.approx(truth[name], abs=1e-6), name


@given(worlds.true_worlds(restarts=1), st.data())
@settings(max_examples=70)
def test_a_lost_scrape_never_raises_a_total(
    made: tuple[World, dict[str, float]], data: st.DataObject
) -> None:
    """The first and the last scrape stay, and so does the sight of every restart of Kepler."""
    world, _ = made
    times = world.scrapes["rewrite", "n1"]
    lost = data.draw(st.sets(st.sampled_from(times[1:-1]), min_size=1))
    before, after = by_meter(booked(world)), by_meter(booked(keeping(world, set(times) - lost)))
    for number, meter in enumerate(world.meters):
        assert after.get(number, 0.0) <= before.get(number, 0.0) + 1e-6, meter.kind


@given(worlds.true_worlds(restarts=0), st.data())
@settings(max_examples=8)
def test_a_lost_scrape_never_raises_coverage(
    made: tuple[World, dict[str, float]], data: st.DataObject
) -> None:
    world, _ = made
    times = world.scrapes["rewrite", "n1"]
    lost = data.draw(st.sets(st.sampled_from(times[1:-1]), min_size=1))
    widths = data.draw(worlds.edges())
    before = node_rows(energy(replace(world, edges_ms=widths)))
    after = node_rows(energy(replace(keeping(world, set(times) - lost), edges_ms=widths)))
    assert before.keys() == after.keys()
    for place, row in before.items():
        assert 0 <= after[place].coverage <= row.coverage + 1e-9 <= 1 + 1e-9, place
