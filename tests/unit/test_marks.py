"""When a node was seen, and over which intervals it was watched."""

from __future__ import annotations

import numpy as np

from sci_batch.fetch.marks import distinct, marks, observed_between
from sci_batch.fetch.registry import Readings, Registry
from sci_batch.fetch.series import Series, table

GAP = 60


def between(
    pairs: list[tuple[int, int]], last: dict[int, int] | None = None, end: int | None = None
) -> list[tuple[int, int, int]]:
    """(node, from, to) of marks (node, time)."""
    node, time_ms = (np.array([pair[n] for pair in pairs], np.int64) for n in (0, 1))
    found = observed_between(node, time_ms, {} if last is None else last, GAP, end_ms=end)
    return list(zip(*(column.tolist() for column in found), strict=True))


def test_neighbours_within_the_gap_are_watched() -> None:
    assert between([(0, 0), (0, 30), (0, 90), (0, 151), (0, 160)]) == [(0, 0, 30), (0, 30, 90), (0, 151, 160)]


def test_nodes_are_watched_each_by_itself() -> None:
    assert between([(1, 0), (0, 30), (1, 40), (0, 60)]) == [(0, 30, 60), (1, 0, 40)]


def test_the_newest_mark_is_carried_to_the_next_stretch() -> None:
    last: dict[int, int] = {}
    assert between([(0, 0), (0, 50), (1, 10)], last) == [(0, 0, 50)]
    assert last == {0: 50, 1: 10}
    assert between([(0, 100), (1, 100)], last) == [(0, 50, 100)]
    assert last == {0: 100, 1: 100}
    assert between([], last) == []
    assert between([(0, 160)], last) == [(0, 100, 160)]


def test_the_end_of_the_range_closes_what_is_open() -> None:
    """A node seen within the gap before the end was watched up to it; one gone for longer was not."""
    assert between([(0, 0), (0, 50), (1, 0), (1, 39)], end=100) == [(0, 0, 50), (0, 50, 100), (1, 0, 39)]
    assert between([(0, 50), (0, 100)], end=100) == [(0, 50, 100)]
    assert between([(0, 50), (0, 99)], end=100) == [(0, 50, 99), (0, 99, 100)]


def test_the_end_is_not_a_mark() -> None:
    last: dict[int, int] = {}
    between([(0, 50)], last, end=100)
    assert last == {0: 50}


def test_stretches_give_the_intervals_of_the_whole() -> None:
    times = [0, 20, 75, 100, 190, 200]
    whole = between([(0, t) for t in times], end=230)
    for cut in range(len(times) + 1):
        last: dict[int, int] = {}
        parts = between([(0, t) for t in times[:cut]], last) + between(
            [(0, t) for t in times[cut:]], last, end=230
        )
        assert parts == whole, cut


def test_marks_seen_twice_count_once() -> None:
    node, time_ms = distinct(np.array([1, 0, 1, 1]), np.array([5, 9, 5, 2]))
    assert (node.tolist(), time_ms.tolist()) == ([0, 1, 1], [9, 2, 5])


def test_a_node_speaks_for_itself_else_its_pods_do() -> None:
    """n1 has counters of its own: its pod's moments say nothing. n2 has none."""
    registry = Registry()
    none = Series(*[""] * len(Series._fields))._replace(generation="rewrite", power_domain="package")
    series = [
        none._replace(level=level, node=node, pod=pod)
        for level, node, pod in (("node", "n1", ""), ("pod", "n1", "a"), ("pod", "n2", "b"))
    ]
    found = Readings(
        series=table(series), sets=[()] * 3, key_of_series=registry.add(series),
        row=np.array([0, 1, 2, 0, 2]),
        time_ms=np.array([10, 11, 12, 10, 13]), joules=np.ones(5),
    )  # fmt: skip
    node, time_ms = marks(found, registry)
    assert (node.tolist(), time_ms.tolist()) == ([0, 1, 1], [10, 12, 13])
