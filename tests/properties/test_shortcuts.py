"""Shortcuts of the arithmetic, beside the plain searches that they save."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sci_batch.counters import TIME_BITS, composite
from sci_batch.energy.clock import NodeUse
from sci_batch.energy.intervals import window_from, window_to


@given(
    first=st.integers(-100, 100),
    widths=st.lists(st.integers(1, 30), min_size=1, max_size=6),
    even=st.booleans(),
    times=st.lists(st.integers(-300, 400), max_size=20),
)
def test_windows_of_times(first: int, widths: list[int], even: bool, times: list[int]) -> None:
    """Windows of one width are divided into, others searched."""
    edges = np.cumsum([first, *([widths[0]] * len(widths) if even else widths)])
    time_ms = np.array(times, np.int64)
    begun = [sum(edge <= time for edge in edges.tolist()) - 1 for time in times]
    ended = [sum(edge < time for edge in edges.tolist()) - 1 for time in times]
    assert window_from(edges, time_ms).tolist() == begun
    assert window_to(edges, time_ms).tolist() == ended


@given(st.data())
def test_use_around_samples(data: st.DataObject) -> None:
    """Samples that come when their node's do, a moment later, twice, out of order, or of an unknown node."""
    points = data.draw(
        st.dictionaries(st.tuples(st.integers(0, 2), st.integers(0, 12)), st.floats(0, 9), max_size=20)
    )
    asked = data.draw(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 13)), max_size=20))
    if data.draw(st.booleans()):
        asked = sorted(asked)
    of_key = np.array([0, 1, 2, -1])  # the last one's node shows nothing
    known = sorted(points)
    code = composite(np.array([node for node, _ in known]), np.array([time for _, time in known], np.int64))
    use = NodeUse({}, of_key, code.astype(np.int64), np.array([points[one] for one in known], np.float64))
    key, time_ms = (np.array([one[part] for one in asked], np.int64) for part in (0, 1))
    upto, behind = use.around(key, time_ms)
    for (owner, time), before, after in zip(asked, upto.tolist(), behind.tolist(), strict=True):
        mine = [(at, points[node, at]) for node, at in known if node == of_key[owner]]
        assert same(before, [joules for at, joules in mine if at <= time][-1:])
        assert same(after, [joules for at, joules in mine if at >= time][:1])
    assert (code >> TIME_BITS).tolist() == [node for node, _ in known]


def same(found: float, expected: list[float]) -> bool:
    """One number, or none."""
    return [found] == expected or (not expected and np.isnan(found))
