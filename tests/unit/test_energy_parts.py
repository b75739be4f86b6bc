"""The pieces that energy is worked out with, each by hand: overlaps, clocks, shadows, steps of windows."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from sci_batch.counters import FLAG_BITS, composite
from sci_batch.energy import Energy, in_windows
from sci_batch.energy.clock import _covered, count_upto, without_shadow
from sci_batch.energy.intervals import (
    Intervals,
    Kinds,
    book,
    join,
    joined,
    lived_seconds,
    of_keys,
    spread,
    without_overlap,
)
from sci_batch.energy.totals import watched

CLAMPED, GAP, NO_NODE, TWO = (
    FLAG_BITS[name] for name in ("clamped", "gap", "no-node-energy", "two-generations")
)


def intervals(*rows: tuple[int, int, int, float, float, int]) -> Intervals:
    """(key, from, to, joules, alive, flags)."""
    key, from_ms, to_ms, joules, alive, flags = (np.array(column) for column in zip(*rows, strict=True))
    return Intervals(key, from_ms, to_ms, joules.astype(float), alive.astype(float), flags)


def keys(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
    """(generation, level, pod, kind), all of one node."""
    frame = pd.DataFrame(rows, columns=["generation", "level", "pod", "kind"])
    return frame.assign(node="n1", namespace="shop", pod_uid="", power_domain="package").astype("str")


def test_each_begins_where_the_earlier_ones_of_its_owner_end() -> None:
    """0 to 10, then 2 to 12 is 10 to 12, and 5 to 8 is nothing; another owner's time is its own."""
    begin, lasting = without_overlap(np.array([0, 0, 0, 1]), np.array([0, 5, 2, 0]), np.array([10, 8, 12, 4]))
    assert begin.tolist() == [0, 12, 10, 0]
    assert lasting.tolist() == [True, False, True, True]


def test_time_covered_by_intervals_that_touch_overlap_and_hold_each_other() -> None:
    at_ms, covered_ms = _covered(np.array([0, 5, 20, 30, 31]), np.array([10, 12, 30, 40, 33]))
    assert at_ms.tolist() == [0, 5, 10, 12, 20, 30, 31, 33, 40]
    assert covered_ms.tolist() == [0, 5, 10, 12, 12, 22, 23, 25, 32]


def test_marks_are_counted_up_to_a_time_each_node_for_itself() -> None:
    marks = composite(np.array([0, 0, 1]), np.array([5, 9, 7]))
    asked = np.array([0, 0, 0, 1, 1, 2]), np.array([4, 5, 9, 6, 7, 100])
    assert count_upto(marks, *asked).tolist() == [0, 1, 2, 0, 1, 0]
    assert count_upto(marks[:0], *asked).tolist() == [0] * 6


def test_the_time_of_the_newer_kepler_is_taken_out() -> None:
    """A quarter of 100 ms; all of it; more than all; none. Nothing taken from nothing is no doubt."""
    made = intervals(*[(0, 0, 100, 8.0, 0.5, CLAMPED)] * 4, (0, 0, 100, 0.0, 1.0, 0))
    left = without_shadow(made, np.array([10.0, 0, 0, 50, 0]), np.array([35.0, 100, 130, 50, 50]))
    assert left.joules.tolist() == [6.0, 0.0, 0.0, 8.0, 0.0]
    assert left.alive.tolist() == [0.375, 0.0, 0.0, 0.5, 0.5]
    assert left.flags.tolist() == [CLAMPED | TWO] * 3 + [CLAMPED, 0]
    assert (left.from_ms.tolist(), left.to_ms.tolist()) == ([0] * 5, [100] * 5)


def test_intervals_of_some_keys_and_of_both_parts() -> None:
    made = intervals(*[(key, 0, 1, float(key), 1.0, 0) for key in (1, 1, 2, 4, 5)])
    assert of_keys(made, np.array([2, 2, 4])).key.tolist() == [2, 4]
    assert of_keys(made, np.array([1])).joules.tolist() == [1.0, 1.0]
    both = join(of_keys(made, np.array([5, 9])), of_keys(made, np.array([2, 3])))
    assert (both.key.tolist(), both.joules.tolist()) == ([5, 2], [5.0, 2.0])
    none = of_keys(made, np.empty(0, np.int64))
    assert join(made, none) is join(none, made) is made


def test_an_interval_over_three_windows_and_more() -> None:
    """From 50 to 350, with edges at each 100: a sixth, a third, a third; the rest lies behind the end."""
    row, window, share = spread(np.array([50, 0]), np.array([350, 100]), np.array([0, 100, 200, 300]))
    assert list(zip(row.tolist(), window.tolist(), share.tolist(), strict=True)) == [
        (0, 0, 50 / 300), (0, 1, 100 / 300), (0, 2, 100 / 300), (1, 0, 1.0),
    ]  # fmt: skip


def test_a_pod_lives_as_long_as_any_container_and_dead_ones_do_not_count() -> None:
    """Two containers of the legacy, 0 to 4 s and 2 to 6 s; one that stays flat; the node for itself."""
    known = keys(
        ("legacy", "container", "a", "dynamic"), ("legacy", "container", "a", "dynamic"),
        ("legacy", "container", "b", "dynamic"), ("legacy", "node", "", "active"),
    )  # fmt: skip
    made = intervals(
        (0, 0, 4000, 1.0, 1.0, 0), (1, 2000, 6000, 1.0, 1.0, 0), (2, 0, 4000, 0.0, 1.0, 0),
        (3, 0, 4000, 0.0, 0.5, 0),
    )  # fmt: skip
    assert lived_seconds(made, Kinds.of(known)).tolist() == [4.0, 2.0, 0.0, 2.0]
    alive = known.assign(generation="rewrite", level="pod")
    assert lived_seconds(made, Kinds.of(alive)).tolist() == [4.0, 4.0, 4.0, 2.0]


def test_what_is_booked_is_one_row_of_a_key_and_window() -> None:
    """4 J from 0 to 2 s, cut in half at 1 s; 6 J more of that key in the first window."""
    known = Kinds.of(keys(("rewrite", "pod", "a", "use"), ("rewrite", "pod", "b", "use")))
    made = intervals((1, 0, 1000, 5.0, 0.5, 0), (0, 0, 2000, 4.0, 1.0, CLAMPED), (0, 0, 1000, 6.0, 1.0, GAP))
    found = joined([book(made, np.array([0, 1000, 2000]), known)])
    assert found[["key", "window", "joules", "seconds", "flags"]].to_numpy().tolist() == [
        [0, 0, 8.0, 2.0, CLAMPED | GAP], [0, 1, 2.0, 1.0, CLAMPED], [1, 0, 5.0, 0.5, 0],
    ]  # fmt: skip
    none = of_keys(made, np.array([7, 9]))
    for nothing in (joined([]), joined([book(none, np.array([0, 1000, 2000]), known)])):
        assert (len(nothing), nothing.columns.tolist()) == (0, found.columns.tolist())
        assert nothing.dtypes.to_dict() == found.dtypes.to_dict()


def test_joules_of_a_key_and_window_are_added_up_in_their_order() -> None:
    """So that the last bit is the same in every run: three keys, their intervals mixed."""
    chance = np.random.default_rng(7)
    key, joules = chance.integers(0, 3, 600), chance.random(600)
    made = intervals(*[(k, 0, 1000, j, 1.0, 0) for k, j in zip(key.tolist(), joules.tolist(), strict=True)])
    kinds = Kinds.of(keys(*[("rewrite", "pod", name, "use") for name in "abc"]))
    found = book(made, np.array([0, 1000]), kinds)
    assert found["joules"].tolist() == [np.add.reduceat(joules[key == n], [0])[0] for n in range(3)]


def test_coverage_and_doubts_of_nodes() -> None:
    """Rounding is no gap, and no more than all is seen; without counters of its own a node is unknown."""
    nodes = pd.DataFrame({"node_kwh": [1.0, 1.0, 1.0, math.nan, 0.0], "flags": [0, CLAMPED, CLAMPED, 0, 0]})
    found = watched(nodes, np.array([1.25, 1 - 1e-12, 0.5, 1.0, 0.0]))
    assert found["coverage"].tolist() == [1.0, 1.0, 0.5, 1.0, 0.0]
    assert found["flags"].tolist() == [0, CLAMPED, CLAMPED | GAP, NO_NODE, GAP]


def test_steps_add_up_to_their_window() -> None:
    """Two steps of 1 s and 3 s in one window: pods a (on n, both steps) and b (on m, the second)."""
    pods = pd.DataFrame(
        {
            "window": [1, 0, 1], "node": ["n", "n", "m"], "namespace": "shop", "pod": ["a", "a", "b"],
            "pod_uid": "", "active_kwh": [2.0, 1.0, 4.0], "gpu_kwh": [0.5, math.nan, math.nan],
            "seconds": [2.0, 1.0, 3.0], "source": ["gpu+rapl", "rapl", "model"],
            "flags": [CLAMPED, GAP, TWO],
        }
    )  # fmt: skip
    nodes = pd.DataFrame(
        {
            "window": [0, 1, 1], "node": ["n", "n", "m"], "node_kwh": [1.5, 1.75, math.nan],
            "coverage": [1.0, 0.5, 1.0], "source": ["rapl", "model", ""],
            "flags": [CLAMPED, GAP, NO_NODE | TWO],
        }
    )  # fmt: skip
    texts = dict.fromkeys(("node", "namespace", "pod", "pod_uid", "source"), "str")
    made = Energy(pods=pods.astype(texts), nodes=nodes.astype({"node": "str", "source": "str"}))
    whole, steps = in_windows(made, np.array([0, 1000, 4000]), np.array([0, 4000]))
    assert steps is not None
    found = whole.pods
    assert found[["window", "node", "pod", "energy_row"]].to_numpy().tolist() == [
        [0, "m", "b", 0], [0, "n", "a", 1],
    ]  # fmt: skip
    assert found["active_kwh"].tolist() == [4.0, 3.0]
    assert found["gpu_kwh"].fillna(-1).tolist() == [-1, 0.5]
    assert found["seconds"].tolist() == [3.0, 3.0]
    assert found["source"].tolist() == ["model", "gpu+rapl"]
    assert found["flags"].tolist() == [TWO, CLAMPED | GAP]
    assert whole.nodes["node"].tolist() == ["m", "n"]
    assert whole.nodes["node_kwh"].fillna(-1).tolist() == [-1, 3.25]
    assert whole.nodes["coverage"].tolist() == [0.75, (1 + 3 * 0.5) / 4]
    assert whole.nodes["flags"].tolist() == [TWO | GAP | NO_NODE, CLAMPED | GAP]
    assert whole.nodes["source"].tolist() == ["", "model+rapl"]
    assert "seen_ms" not in whole.nodes
    assert steps.edges_ms.tolist() == [0, 1000, 4000]
    assert steps.pods.columns.tolist() == ["step", "node", "active_kwh", "row"]
    assert steps.pods[["step", "row"]].to_numpy().tolist() == [[1, 1], [0, 1], [1, 0]]
    left = steps.nodes
    assert left[["window", "step", "node", "seconds"]].to_numpy().tolist() == [
        [0, 0, "n", 1.0], [0, 1, "n", 3.0], [0, 1, "m", 3.0],
    ]  # fmt: skip
    assert left["left_kwh"].fillna(-1).tolist() == [0.5, 0.0, -1], "pods that exceed their node leave nothing"
