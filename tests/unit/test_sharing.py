"""Closed books of one node, by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from sci_batch.counters import FLAG_BITS
from sci_batch.sharing import POLICIES, books, share, weights

TEXTS = ("pod", "node", "namespace", "pod_uid", "source", "workload_kind", "workload")


def pods(*rows: tuple[str, float, float, float | None], node: str = "n1") -> pd.DataFrame:
    """(name, kWh, seconds lived, CPU request or None) of one node in window 0."""
    frame = pd.DataFrame(rows, columns=["pod", "active_kwh", "seconds", "request_cores"])
    return frame.assign(
        window=0, node=node, namespace="shop", pod_uid="", source="rapl", flags=0, workload_kind="Deployment",
        workload=frame["pod"], inferred=False, node_cores=8.0,
        request_cores=frame["request_cores"].astype("float64"),
    ).astype(dict.fromkeys(TEXTS, "str"))  # fmt: skip


def nodes(*rows: tuple[str, float | None]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["node", "node_kwh"]).assign(
        window=0, source="rapl", flags=0, coverage=1.0
    )
    return frame.astype({"node": "str", "node_kwh": "float64", "source": "str"})


THREE = pods(("a", 0.3, 3600, 1.0), ("b", 0.1, 1800, 2.0), ("c", 0.0, 3600, None))
ONE_KWH = nodes(("n1", 1.0))


def shared(policy: str, made: pd.DataFrame = THREE, node: pd.DataFrame = ONE_KWH) -> pd.DataFrame:
    return share(made, books(made, node), policy)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("by-energy", [0.6 * 0.3 / 0.4, 0.6 * 0.1 / 0.4, 0]),
        ("by-request", [0.6 * 3600 / (3600 + 2 * 1800), 0.6 * 2 * 1800 / (3600 + 2 * 1800), 0]),
        ("even", [0.6 * 3600 / 9000, 0.6 * 1800 / 9000, 0.6 * 3600 / 9000]),
        ("separate", [0, 0, 0, 0.6]),
        ("drop", [0, 0, 0]),
    ],
)
def test_who_carries_what_no_pod_used(policy: str, expected: list[float]) -> None:
    """The node used 1 kWh, its pods 0.4: 0.6 are left."""
    assert shared(policy)["shared_kwh"].tolist() == pytest.approx(expected, rel=1e-12)


def test_every_policy_is_tested_above() -> None:
    assert set(POLICIES) == {"by-energy", "by-request", "even", "separate", "drop"}


def test_the_books_of_a_node() -> None:
    book = books(THREE, ONE_KWH).iloc[0]
    assert book["pods_kwh"] == pytest.approx(0.4)
    assert book["unattributed_kwh"] == pytest.approx(0.6)
    assert book["residual_kwh"] == 0
    assert book["closed"]


def test_pods_that_exceed_their_node_are_not_scaled() -> None:
    made = pods(("a", 0.9, 3600, None), ("b", 0.3, 3600, None))
    book = books(made, ONE_KWH)
    assert book["residual_kwh"].tolist() == pytest.approx([1.0 - 1.2])
    assert book["unattributed_kwh"].tolist() == [0]
    assert book["closed"].tolist() == [False]
    rows = share(made, book, "by-energy")
    assert rows["active_kwh"].tolist() == [0.9, 0.3]
    assert rows["shared_kwh"].tolist() == [0, 0]
    assert (rows["flags"] == FLAG_BITS["pods-exceed-node"]).all()


def test_float_noise_does_not_open_a_book() -> None:
    """0.1 + 0.2 is more than 0.3 in binary."""
    made = pods(("a", 0.1, 3600, None), ("b", 0.2, 3600, None))
    book = books(made, nodes(("n1", 0.3)))
    assert book[["residual_kwh", "unattributed_kwh"]].to_numpy().tolist() == [[0, 0]]
    assert book["closed"].tolist() == [True]


def test_unknown_node_energy_is_null_not_zero() -> None:
    book = books(THREE, nodes(("n1", None)))
    assert book[["unattributed_kwh", "residual_kwh"]].isna().all(axis=None)
    for policy in POLICIES:
        rows = share(THREE, book, policy)
        assert rows["shared_kwh"].isna().all()
        assert len(rows) == 3


def test_idle_pods_share_by_life() -> None:
    """Nobody used energy, so energy cannot say who carries the idle node."""
    made = pods(("a", 0.0, 3600, None), ("b", 0.0, 1200, None))
    assert shared("by-energy", made)["shared_kwh"].tolist() == pytest.approx([3600 / 4800, 1200 / 4800])


def test_without_requests_energy_says_who_carries() -> None:
    made = pods(("a", 0.3, 3600, None), ("b", 0.1, 1800, None))
    rows = shared("by-request", made)
    assert rows["shared_kwh"].tolist() == pytest.approx([0.6 * 0.75, 0.6 * 0.25])
    assert (rows["flags"] == FLAG_BITS["requests-missing"]).all()


def test_each_node_carries_its_own() -> None:
    """n2 has requests and n1 has none: the fallback is per node."""
    made = pd.concat(
        [pods(("a", 0.5, 3600, None)), pods(("b", 0.1, 3600, 1.0), node="n2")], ignore_index=True
    )
    rows = share(made, books(made, nodes(("n1", 1.0), ("n2", 0.4))), "by-request")
    assert rows["shared_kwh"].tolist() == pytest.approx([0.5, 0.3])
    assert rows["flags"].tolist() == [FLAG_BITS["requests-missing"], 0]


def test_an_empty_node_has_a_row_of_its_own() -> None:
    rows = share(THREE.iloc[:0], books(THREE.iloc[:0], ONE_KWH), "by-energy")
    assert rows[["workload_kind", "workload", "namespace", "pod"]].to_numpy().tolist() == [
        ["Unattributed", "n1", "", ""]
    ]
    assert rows["shared_kwh"].tolist() == [1.0]
    assert rows["flags"].tolist() == [FLAG_BITS["unattributed-kept"] | FLAG_BITS["no-pod-level"]]


def test_separate_rows_are_no_doubt() -> None:
    """Asked for, so not flagged; one per node, also where nothing is left."""
    made = pods(("a", 1.0, 3600, None))
    own = shared("separate", made).iloc[-1]
    assert (own["workload_kind"], own["shared_kwh"], own["flags"]) == ("Unattributed", 0.0, 0)


def test_drop_says_so_on_every_row() -> None:
    rows = shared("drop")
    assert (rows["flags"] == FLAG_BITS["unattributed-dropped"]).all()
    assert math.fsum(rows["active_kwh"]) + 0.6 == pytest.approx(1.0)


def test_weights_of_nothing_are_zero() -> None:
    made = pods(("a", 0.0, 0, None))
    for policy in POLICIES:
        assert weights(made, policy)[0].tolist() == [0]


def test_coverage_and_flags_of_the_node_reach_its_pods() -> None:
    node = ONE_KWH.assign(coverage=0.25, flags=FLAG_BITS["gap"])
    rows = shared("by-energy", node=node)
    assert rows["coverage"].tolist() == [0.25] * 3
    assert np.all(rows["flags"] == FLAG_BITS["gap"])


@pytest.mark.parametrize(("claimed", "closed"), [(1 + 5e-10, True), (1 + 2e-9, False), (1 - 5e-10, True)])
def test_books_are_open_from_a_billionth_on(claimed: float, closed: bool) -> None:
    made = pods(("a", 1000 * claimed, 3600, None))
    book = books(made, nodes(("n1", 1000.0))).iloc[0]
    left = 1000 - 1000 * claimed
    assert book["closed"] == closed
    assert book["residual_kwh"] == (0.0 if closed else left)
    assert book["unattributed_kwh"] == max(left, 0.0)
    assert book["flags"] == (0 if closed else FLAG_BITS["pods-exceed-node"])


def test_a_node_of_no_pod_and_its_own_flags_are_in_the_books() -> None:
    book = books(THREE, nodes(("n0", 2.0), ("n1", 1.0)).assign(flags=FLAG_BITS["gap"]))
    assert book["pods_kwh"].tolist() == pytest.approx([0.0, 0.4])
    assert book["unattributed_kwh"].tolist() == pytest.approx([2.0, 0.6])
    assert book["flags"].tolist() == [FLAG_BITS["gap"]] * 2
    assert book["closed"].tolist() == [True, True]


def test_windows_are_books_of_their_own() -> None:
    """0.6 kWh are left in the first hour, 0.2 in the second: pods carry those of their own hour."""
    made = pd.concat([THREE, THREE.assign(window=1)], ignore_index=True)
    node = pd.concat([ONE_KWH, nodes(("n1", 0.6)).assign(window=1)], ignore_index=True)
    rows = share(made, books(made, node), "by-energy")
    assert rows["share"].tolist() == pytest.approx([0.75, 0.25, 0.0] * 2)
    assert rows["shared_kwh"].tolist() == pytest.approx([0.45, 0.15, 0.0, 0.15, 0.05, 0.0])


def test_a_row_of_no_pod_in_full() -> None:
    node = ONE_KWH.assign(coverage=0.5, flags=FLAG_BITS["gap"], source="model")
    made = THREE.assign(energy_row=[0, 1, 2], gpu_kwh=0.0, request_bytes=1.0, node_bytes=2.0)
    own = shared("separate", made, node).iloc[-1].to_dict()
    unknown = {name for name, value in own.items() if value != value}
    assert unknown == {"request_cores", "node_cores", "request_bytes", "node_bytes", "gpu_kwh"}
    assert {name: value for name, value in own.items() if name not in unknown} == {
        "window": 0, "node": "n1", "namespace": "", "pod": "", "pod_uid": "", "workload": "n1",
        "workload_kind": "Unattributed", "active_kwh": 0.0, "shared_kwh": pytest.approx(0.6), "seconds": 0.0,
        "share": 1.0, "inferred": False, "energy_row": -1, "node_kwh": 1.0, "coverage": 0.5,
        "source": "model", "flags": FLAG_BITS["gap"],
    }  # fmt: skip


def test_the_source_is_the_nodes_where_it_has_one() -> None:
    assert shared("by-energy", node=ONE_KWH.assign(source="model"))["source"].tolist() == ["model"] * 3
    unknown = nodes(("n1", None)).assign(source="").astype({"source": "str"})
    assert shared("by-energy", node=unknown)["source"].tolist() == ["rapl"] * 3


def test_nothing_is_dropped_where_nothing_is_known() -> None:
    assert shared("drop", node=nodes(("n1", None)))["flags"].tolist() == [0, 0, 0]


def test_flags_of_a_pod_stay_with_it() -> None:
    made = THREE.assign(flags=[FLAG_BITS["clamped"], 0, 0])
    node = ONE_KWH.assign(flags=FLAG_BITS["gap"])
    gap, clamped, dropped = FLAG_BITS["gap"], FLAG_BITS["clamped"], FLAG_BITS["unattributed-dropped"]
    assert shared("even", made, node)["flags"].tolist() == [gap | clamped, gap, gap]
    assert shared("drop", made, node)["flags"].tolist() == [gap | clamped | dropped, *[gap | dropped] * 2]


# A rule that did not hold when these tests were written.


def test_pods_of_unknown_age_are_pods() -> None:
    """A pod that only came with a first value that does not count: the node does show a pod level."""
    made = pods(("a", 0.0, 0, None)).assign(flags=FLAG_BITS["unknown-start"])
    own = shared("by-energy", made).iloc[-1]
    assert own["workload_kind"] == "Unattributed"
    assert own["flags"] == FLAG_BITS["unattributed-kept"]
