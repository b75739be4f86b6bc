"""Steps and stretches: no hole, no overlap, edges of windows on edges of steps."""

from __future__ import annotations

from itertools import pairwise

import pytest

from sci_batch.asking.plan import (
    EDGE_BUDGET,
    LONGEST_STEP_MS,
    RAW_BUDGET,
    SEED_MS,
    SHORTEST_EDGES_MS,
    Plan,
    Stretch,
    edge_stretches,
    raw_stretches,
    step_ms,
)

SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000


def plan(*widths: int, start: int = 1_700_000_400_000) -> Plan:
    edges = [start]
    for width in widths:
        edges.append(edges[-1] + width)
    return Plan(
        edges_ms=tuple(edges), pull="edges", power_domains=("package",), cluster=(), max_gap_ms=180_000
    )


@pytest.mark.parametrize(
    ("widths", "step"),
    [
        ([HOUR] * 24, HOUR),
        ([15 * MINUTE] * 4, 15 * MINUTE),
        ([5 * MINUTE], 5 * MINUTE),
        ([DAY], HOUR),
        ([23 * HOUR, DAY, 25 * HOUR], HOUR),  # days with a clock change
        ([90 * MINUTE], 45 * MINUTE),
        ([61 * MINUTE], 61 * MINUTE // 2),
        ([7 * HOUR], HOUR),
        ([MINUTE], MINUTE),
        ([7 * DAY], HOUR),
        ([100 * MINUTE], 50 * MINUTE),
        ([HOUR + 10 * SECOND], (HOUR + 10 * SECOND) // 2),
    ],
)
def test_the_longest_part_of_the_window_up_to_an_hour(widths: list[int], step: int) -> None:
    assert step_ms(plan(*widths).edges_ms) == step


@pytest.mark.parametrize("minutes", range(5, 24 * 60 + 1, 7))
def test_steps_are_whole_seconds_and_parts_of_the_window(minutes: int) -> None:
    step = step_ms(plan(minutes * MINUTE).edges_ms)
    assert step % SECOND == 0
    assert step <= LONGEST_STEP_MS
    if minutes % 60 == 0 or minutes < 60:
        assert step == min(minutes * MINUTE, HOUR)
    assert (minutes * MINUTE) % step == 0


def whole(asked: Plan, found: list[Stretch]) -> None:
    """The seed, then all of the range, each moment once, in whole steps."""
    assert (found[0].start_ms, found[0].end_ms) == (asked.start_ms - SEED_MS, asked.start_ms)
    assert found[-1].end_ms == asked.end_ms
    assert all(before.end_ms == after.start_ms for before, after in pairwise(found))
    assert all(one.start_ms < one.end_ms for one in found)
    assert all((one.end_ms - one.start_ms) % one.step_ms == 0 for one in found)


@pytest.mark.parametrize(
    "widths", [[HOUR] * 24, [DAY] * 7, [23 * HOUR, DAY], [90 * MINUTE] * 3, [3607 * SECOND] * 5]
)
@pytest.mark.parametrize("series", [0, 1, 4000, 400_000, 10_000_000])
def test_edge_stretches_hold_the_range_within_the_budget(widths: list[int], series: int) -> None:
    asked = plan(*widths)
    found = list(edge_stretches(asked, series))
    whole(asked, found)
    for one in found[1:]:
        steps = (one.end_ms - one.start_ms) // one.step_ms
        assert steps == 1 or steps * series <= EDGE_BUDGET
        assert steps <= 10_000


@pytest.mark.parametrize("series", [0, 1, 2000, 100_000, 10_000_000])
@pytest.mark.parametrize("per_second", [0.0, 1 / 30, 1.0])
def test_raw_stretches_hold_the_range_within_the_budget(series: int, per_second: float) -> None:
    asked = plan(*[HOUR] * 5)
    found = list(raw_stretches(asked, series, per_second))
    whole(asked, found)
    for one in found[1:]:
        seconds = (one.end_ms - one.start_ms) / SECOND
        assert seconds <= 60 or seconds * per_second * series <= RAW_BUDGET
    for one in found[1:-1]:
        assert one.end_ms % MINUTE == 0


def test_unequal_windows_meet_edges_of_steps() -> None:
    asked = plan(23 * HOUR, DAY, 25 * HOUR)
    step = step_ms(asked.edges_ms)
    assert all((edge - asked.start_ms) % step == 0 for edge in asked.edges_ms)


def test_a_window_of_a_prime_number_of_seconds_has_no_step_of_its_own() -> None:
    """No part of 3607 s is whole; the hour is the step, and the windows' energy is spread at their edges."""
    assert step_ms(plan(3607 * SECOND).edges_ms) == HOUR
    assert SHORTEST_EDGES_MS == 300_000
