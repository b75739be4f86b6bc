"""R of a few rows, each count once in the total."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from sci_batch import functional_unit
from sci_batch.errors import UsageError
from sci_batch.functional_unit import Served, Units, constant, counted, names_pods, pods_of
from sci_batch.sums import known_sum

EDGES_MS = np.array([0, 100, 200])
BY_WORKLOAD = ("namespace", "workload")


@dataclass(frozen=True)
class Joined:
    units: Units
    served: Served

    @property
    def functional_units(self) -> pd.Series:
        return self.served.functional_units

    @property
    def total(self) -> float | None:
        return known_sum(self.served.by_window)

    @property
    def notes(self) -> tuple[str, ...]:
        return self.units.notes


def rows(*keys: tuple[int, str, str]) -> pd.DataFrame:
    """(window, namespace, workload)."""
    frame = pd.DataFrame(keys, columns=["window", "namespace", "workload"])
    return frame.astype({"namespace": "str", "workload": "str"})


def units(*counts: tuple[int, float], span: int = 100, **labels: list[str]) -> pd.DataFrame:
    """(start, R) of spans, and labels of each."""
    frame = pd.DataFrame(counts, columns=["start_ms", "functional_units"])
    frame = frame.assign(end_ms=frame["start_ms"] + span, **labels)
    return frame.astype(dict.fromkeys(labels, "str") | {"functional_units": "float64"})


ROWS = rows((0, "shop", "web"), (0, "shop", "db"), (0, "ops", "log"), (1, "shop", "web"))


def join(
    frame: pd.DataFrame, asked: pd.DataFrame, places: pd.DataFrame | None, group_by: tuple[str, ...],
    edges_ms: np.ndarray,
) -> Joined:  # fmt: skip
    return Joined(found := counted(asked, places, group_by, edges_ms), functional_unit.join(frame, found))


def r(values: pd.Series) -> list[float | None]:
    return [None if math.isnan(value) else float(value) for value in values]


def test_units_of_each_workload() -> None:
    asked = units(
        (0, 30), (0, 5), (100, 40), namespace=["shop", "ops", "shop"], workload=["web", "log", "web"]
    )
    served = join(ROWS, asked, None, BY_WORKLOAD, EDGES_MS)
    assert r(served.functional_units) == [30, None, 5, 40]
    assert served.total == 30 + 5 + 40
    assert served.notes == ()


def test_units_of_a_namespace_are_shared_and_count_once() -> None:
    """Both workloads of the shop serve its 30 requests."""
    asked = units((0, 30), (0, 5), (100, 40), namespace=["shop", "ops", "shop"])
    served = join(ROWS, asked, None, BY_WORKLOAD, EDGES_MS)
    assert r(served.functional_units) == [30, 30, 5, 40]
    assert served.total == 30 + 5 + 40


def test_units_without_labels_are_shared_by_all() -> None:
    served = join(ROWS, units((0, 7), (100, 9)), None, BY_WORKLOAD, EDGES_MS)
    assert r(served.functional_units) == [7, 7, 7, 9]
    assert served.total == 7 + 9


def test_a_fixed_number_is_one_per_window() -> None:
    served = join(ROWS, constant(2.5, EDGES_MS), None, BY_WORKLOAD, EDGES_MS)
    assert r(served.functional_units) == [2.5] * 4
    assert served.total == 2 * 2.5


def test_units_that_meet_no_row_do_not_count() -> None:
    asked = units((0, 30), (0, 1000), namespace=["shop", "gone"])
    assert join(ROWS, asked, None, BY_WORKLOAD, EDGES_MS).total == 30


def test_labels_without_a_key_are_summed_over_and_said() -> None:
    asked = units((0, 30), (0, 12), namespace=["shop", "shop"], method=["GET", "PUT"])
    served = join(ROWS, asked, None, ("namespace",), EDGES_MS)
    assert served.total == 42
    assert served.notes == ("units of work are summed over method: no group key has that name",)


def test_zero_units_are_known() -> None:
    asked = units((0, 0), namespace=["ops"])
    served = join(ROWS, asked, None, BY_WORKLOAD, EDGES_MS)
    assert r(served.functional_units) == [None, None, 0, None]
    assert served.total == 0


def test_no_units_at_all_are_unknown() -> None:
    served = join(ROWS, units(namespace=[]), None, BY_WORKLOAD, EDGES_MS)
    assert r(served.functional_units) == [None] * 4
    assert served.total is None


def test_spans_count_in_the_window_that_holds_them() -> None:
    """Two halves of the first window, one over the edge, one outside."""
    asked = units((0, 1), (50, 2), (75, 100), (200, 100), span=50)
    served = join(ROWS, asked, None, BY_WORKLOAD, EDGES_MS)
    assert r(served.functional_units) == [3, 3, 3, None]


def test_spans_across_edges_are_told_and_those_outside_are_not() -> None:
    """Over the start, the middle and the end; two that touch the range, two beyond, one of no length."""
    asked = pd.concat(
        [
            units((-50, 1), (50, 1), (150, 1)),
            units((-100, 1), (200, 1), (-300, 1), (400, 1)),
            units((200, 1), span=0),
        ],
        ignore_index=True,
    )
    served = join(ROWS, asked, None, BY_WORKLOAD, EDGES_MS)
    assert served.notes == (
        "3 spans of units of work lie across the edges of the windows and are not counted",
    )
    assert served.total is None
    assert join(ROWS, units((90, 1), span=20), None, BY_WORKLOAD, EDGES_MS).notes[0].startswith("1 spans")


def test_all_that_is_left_out_is_told() -> None:
    asked = units(
        (0, -1), (0, 2e24), (0, 5e-13), (50, 7), (0, 30), namespace=["a", "b", "c", "d", "a"], pod=["p"] * 5,
        method=["GET"] * 5, code=["2"] * 5,
    )  # fmt: skip
    found = counted(asked, None, ("namespace",), EDGES_MS)
    assert found.notes == (
        "1 spans of units of work lie across the edges of the windows and are not counted",
        "2 counts of units of work are below 1e-12 or above 1e+24 and taken as unknown",
        "units of work are summed over code, method: no group key has that name",
    )
    assert found.on == ("namespace",)
    assert found.counts["functional_units"].fillna(-1).tolist() == [29, -1, -1]
    assert found.offered == 29 + 5e-13
    alone = counted(asked[1:2].assign(functional_units=-2.0), None, ("namespace",), EDGES_MS)
    assert alone.notes[0] == "1 counts of units of work are below 0 and taken as unknown"
    assert alone.counts["functional_units"].isna().tolist() == [True]


PLACES = pd.DataFrame(
    [
        ("shop", "web-1", "web"),
        ("shop", "web-2", "web"),
        ("shop", "web-1", "web"),
        ("shop", "db-0", "db"),
    ],
    columns=["namespace", "pod", "workload"],
).astype("str")


def test_units_of_pods_are_those_of_their_workload() -> None:
    asked = units(
        (0, 10), (0, 20), (0, 4), (0, 99), namespace=["shop"] * 4, pod=["web-1", "web-2", "db-0", "stranger"]
    )
    served = join(ROWS, asked, PLACES, BY_WORKLOAD, EDGES_MS)
    assert r(served.functional_units) == [10 + 20, 4, None, None]
    assert served.total == 34


def test_units_of_pods_in_rows_of_pods() -> None:
    made = ROWS.iloc[:2].assign(pod=["web-1", "db-0"]).astype({"pod": "str"})
    asked = units((0, 10), (0, 20), namespace=["shop"] * 2, pod=["web-1", "web-2"])
    served = join(made, asked, PLACES, ("namespace", "pod"), EDGES_MS)
    assert r(served.functional_units) == [10, None]


def test_a_workload_label_of_the_units_gives_way_to_the_pods_own() -> None:
    """Its value may be another vocabulary; the pod is certain."""
    asked = units((0, 10), namespace=["shop"], pod=["web-1"], workload=["frontend"])
    assert r(join(ROWS, asked, PLACES, BY_WORKLOAD, EDGES_MS).functional_units)[0] == 10


def test_exported_labels_are_the_true_ones() -> None:
    """Without honorLabels, `pod` and `namespace` are those of the scrape target."""
    asked = units(
        (0, 10),
        namespace=["monitoring"],
        pod=["exporter-1"],
        exported_namespace=["shop"],
        exported_pod=["web-2"],
    )
    assert names_pods(asked)
    assert pods_of(asked).to_numpy().tolist() == [["shop", "web-2"]]
    assert r(join(ROWS, asked, PLACES, BY_WORKLOAD, EDGES_MS).functional_units)[0] == 10


def test_an_empty_exported_label_is_that_of_the_target() -> None:
    """Several jobs in one query: one of them exports no pod, and has no exported label."""
    asked = units(
        (0, 10), (0, 20), namespace=["ops", "shop"], pod=["exporter-1", "web-1"],
        exported_namespace=["shop", ""], exported_pod=["web-2", ""],
    )  # fmt: skip
    assert pods_of(asked).to_numpy().tolist() == [["shop", "web-2"], ["shop", "web-1"]]
    assert functional_unit.plain(asked).columns.tolist() == [
        "start_ms", "functional_units", "end_ms", "namespace", "pod",
    ]  # fmt: skip
    alone = functional_unit.plain(asked.drop(columns=["namespace", "pod"]))
    assert alone[["namespace", "pod"]].to_numpy().tolist() == [["shop", "web-2"], ["", ""]]


def test_units_count_by_pod_where_a_label_names_it() -> None:
    asked = units((0, 1), (0, 1), namespace=["a", "b"])
    assert not names_pods(asked)
    assert names_pods(asked.assign(pod="p"))
    assert names_pods(asked.assign(exported_pod="p"))


def test_pods_without_their_namespace_are_refused() -> None:
    with pytest.raises(UsageError, match="pods without their namespace") as caught:
        pods_of(units((0, 1), pod=["web-1"]))
    assert caught.value.cure == "Add namespace to its `by (...)` in --functional-unit."


def test_a_pod_that_is_named_twice_is_one_pod() -> None:
    asked = units((0, 1), (100, 2), (0, 3), namespace=["shop"] * 3, pod=["web-1", "web-1", "web-2"])
    found = pods_of(asked)
    assert found.to_numpy().tolist() == [["shop", "web-1"], ["shop", "web-2"]]
    assert found.index.tolist() == [0, 1]


def test_rows_keep_their_index() -> None:
    shuffled = ROWS.set_axis([7, 3, 9, 1])
    asked = units((0, 30), (100, 40), namespace=["shop", "shop"])
    served = join(shuffled, asked, None, BY_WORKLOAD, EDGES_MS)
    assert served.functional_units.index.tolist() == [7, 3, 9, 1]
    assert r(served.functional_units) == [30, 30, None, 40]


# Rules that did not hold when these tests were written.


def test_units_of_no_pod_are_not_those_of_an_idle_node() -> None:
    """A series without a pod label meets the row of no pod, whose namespace and pod are empty too."""
    places = pd.concat(
        [pd.DataFrame([("", "", "n1")], columns=PLACES.columns).astype("str"), PLACES], ignore_index=True
    )
    asked = units((0, 10), (0, 99), namespace=["shop", ""], pod=["web-1", ""])
    served = join(rows((0, "", "n1"), (0, "shop", "web")), asked, places, BY_WORKLOAD, EDGES_MS)
    assert r(served.functional_units) == [None, 10]
    assert served.total == 10


def test_less_than_no_work_is_unknown() -> None:
    """A query that subtracts can fall below 0: no score, and nothing to take off the total."""
    asked = units((0, -5), (0, 30), namespace=["ops", "shop"])
    served = join(ROWS, asked, None, BY_WORKLOAD, EDGES_MS)
    assert r(served.functional_units) == [30, 30, None, None]
    assert served.total == 30


@pytest.mark.parametrize("absurd", [math.inf, -math.inf, 1e308, 1.1e24, 4e-13, 5e-324])
def test_absurd_counts_are_unknown_and_said(absurd: float) -> None:
    asked = units((0, absurd), (0, absurd), (100, absurd), (0, 30), namespace=["ops", "ops", "shop", "shop"])
    served = join(ROWS, asked, None, BY_WORKLOAD, EDGES_MS)
    assert r(served.functional_units) == [30, 30, None, None]
    assert served.total == 30
    assert math.isfinite(served.units.offered)
    (note,) = served.notes
    assert note.startswith("2 counts of units of work are ")


@pytest.mark.parametrize("most", [1e24, 1e-12])
def test_the_largest_and_the_smallest_count_are_counts(most: float) -> None:
    served = join(ROWS, units((0, most), namespace=["ops"]), None, BY_WORKLOAD, EDGES_MS)
    assert served.total == most
    assert served.notes == ()
