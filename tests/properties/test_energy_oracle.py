"""The column operations of `sci_batch.energy` against the slow oracle."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TypeVar

import pytest
from hypothesis import given, settings

from tests import oracle
from tests.oracle import Row, World
from tests.properties import worlds
from tests.properties.worlds import booked, energy, node_rows, pod_rows

Place = TypeVar("Place", bound=Hashable)

NOT_OF_THE_ORACLE = {"gap", "no-node-energy"}


def same(found: Mapping[Place, Row], expected: Mapping[Place, Row]) -> None:
    assert found.keys() == expected.keys()
    for place, row in expected.items():
        assert found[place].joules == pytest.approx(row.joules, rel=1e-9, abs=1e-6), place
        assert found[place].seconds == pytest.approx(row.seconds, rel=1e-9, abs=1e-6), place
        assert found[place].coverage == pytest.approx(row.coverage, rel=1e-9, abs=1e-9), place
        assert found[place].flags - NOT_OF_THE_ORACLE == row.flags, place


@given(worlds.worlds())
@settings(max_examples=100)
def test_every_counter_and_window_equals_the_oracle(world: World) -> None:
    same(booked(world), oracle.booked(world))


@given(worlds.worlds())
@settings(max_examples=12)
def test_every_pod_node_and_window_equals_the_oracle(world: World) -> None:
    found = energy(world)
    pods, nodes = oracle.energy(world)
    same(pod_rows(found), pods)
    same(node_rows(found), nodes)


@given(worlds.upgrades())
@settings(max_examples=40)
def test_an_upgrade_counts_each_joule_once(world: World) -> None:
    same(booked(world), oracle.booked(world))
