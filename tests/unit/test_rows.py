"""Pods to rows: sums, weighted means, words, labels, and which namespaces."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from sci_batch.counters import FLAG_BITS, joined_words
from sci_batch.rows import group, select, with_labels

GAP, CLAMPED = FLAG_BITS["gap"], FLAG_BITS["clamped"]


def pods(*rows: tuple[int, str, str, str, float, float, float, int], **more: list[str]) -> pd.DataFrame:
    """(window, namespace, workload, kind, kWh, coverage, gCO2e/kWh, flags); a tenth of kWh is shared."""
    names = ["window", "namespace", "workload", "workload_kind", "energy_kwh", "coverage",
             "intensity_gco2e_per_kwh", "flags"]  # fmt: skip
    frame = pd.DataFrame(rows, columns=names)
    frame = frame.assign(
        active_kwh=frame["energy_kwh"] * 0.9, shared_kwh=frame["energy_kwh"] * 0.1,
        operational_gco2e=frame["energy_kwh"] * frame["intensity_gco2e_per_kwh"], embodied_gco2e=1.0,
        energy_source="rapl", intensity_source="constant:400", embodied_source="kg:1200",
    )  # fmt: skip
    frame = frame.assign(carbon_gco2e=frame["operational_gco2e"] + 1.0, gpu_kwh=math.nan, **more)
    frame = frame.assign(embodied_gco2e_low=frame["embodied_gco2e"] / 2, embodied_gco2e_high=math.nan)
    return frame.astype(
        {name: "str" for name in frame.columns.tolist() if name.endswith(("space", "load", "kind", "source"))}
        | {"flags": "int64"}
    )


def test_sums_and_weighted_means() -> None:
    """3 kWh at 100 % and 200 g, 1 kWh at 20 % and 600 g."""
    made = pods(
        (0, "shop", "web", "Deployment", 3.0, 1.0, 200.0, 0),
        (0, "shop", "web", "Deployment", 1.0, 0.2, 600.0, GAP),
        (1, "shop", "web", "Deployment", 7.0, 1.0, 100.0, 0),
    )
    found = group(made, ("namespace", "workload"))
    assert found["window"].tolist() == [0, 1]
    assert found["energy_kwh"].tolist() == [4, 7]
    assert found["embodied_gco2e"].tolist() == [2, 1]
    assert found["operational_gco2e"].tolist() == [3 * 200 + 600, 700]
    assert found["coverage"].tolist() == pytest.approx([(3 * 1.0 + 1 * 0.2) / 4, 1])
    assert found["intensity_gco2e_per_kwh"].tolist() == pytest.approx([1200 / 4, 100])
    assert found["flags"].tolist() == [GAP, 0]
    assert found["embodied_gco2e_low"].tolist() == [1, 0.5]
    assert found["embodied_gco2e_high"].isna().all()


def test_bounds_are_known_only_where_all_are() -> None:
    """Two pods, one on a node whose hardware has no upper bound: neither has the row."""
    made = pods(*[(0, "a", "x", "Job", 1.0, 1.0, 1.0, 0)] * 2).assign(embodied_gco2e_high=[2.0, math.nan])
    assert group(made, ("namespace",))["embodied_gco2e_high"].isna().all()
    assert group(made.assign(embodied_gco2e_high=2.0), ("namespace",))["embodied_gco2e_high"].tolist() == [4]


def test_two_kinds_of_one_name_are_two_rows() -> None:
    made = pods(
        (0, "shop", "web", "Deployment", 1.0, 1.0, 1.0, CLAMPED),
        (0, "shop", "web", "Job", 2.0, 1.0, 1.0, GAP),
        (0, "shop", "db", "StatefulSet", 4.0, 1.0, 1.0, 0),
    )
    found = group(made, ("namespace", "workload"))
    assert found[["workload", "workload_kind", "energy_kwh"]].to_numpy().tolist() == [
        ["db", "StatefulSet", 4.0], ["web", "Deployment", 1.0], ["web", "Job", 2.0],
    ]  # fmt: skip
    together = group(made, ("namespace",))
    assert together["workload_kind"].tolist() == ["Deployment+Job+StatefulSet"]
    assert together["flags"].tolist() == [GAP | CLAMPED]


def test_unknown_amounts_are_not_zero() -> None:
    """No pod of `db` has a known energy; one of `web` has."""
    made = pods(
        (0, "shop", "db", "Job", math.nan, 0.5, 400.0, 0),
        (0, "shop", "web", "Job", math.nan, 0.5, 400.0, 0),
        (0, "shop", "web", "Job", 2.0, 1.0, 400.0, 0),
    )
    found = group(made, ("workload",))
    assert np.isnan(found["energy_kwh"].iloc[0])
    assert found["energy_kwh"].iloc[1] == 2
    assert found["coverage"].tolist() == [0.5, 1.0]


def test_rows_without_energy_have_the_plain_mean() -> None:
    made = pods((0, "a", "x", "Job", 0.0, 0.5, 300.0, 0), (0, "a", "x", "Job", 0.0, 1.0, 500.0, 0))
    found = group(made, ("namespace",))
    assert found["coverage"].tolist() == [0.75]
    assert found["intensity_gco2e_per_kwh"].tolist() == [400]


@pytest.mark.parametrize(("value", "weights"), [(0.2, (2.5, 1.5, 2.0)), (0.6, (0.8, 1.7, 1.2))])
def test_a_mean_never_leaves_its_values(value: float, weights: tuple[float, ...]) -> None:
    """In binary the first mean is 0.20000000000000004, the second 0.5999999999999999."""
    made = pods(*[(0, "a", "x", "Job", weight, value, value, 0) for weight in weights])
    found = group(made, ("namespace",))
    assert found["coverage"].tolist() == [value]
    assert found["intensity_gco2e_per_kwh"].tolist() == [value]


def test_sources_are_named_once_each() -> None:
    made = pods(
        (0, "a", "x", "Job", 1.0, 1.0, 1.0, 0), (0, "a", "x", "Job", 1.0, 1.0, 1.0, 0),
        (0, "a", "x", "Job", 1.0, 1.0, 1.0, 0), (0, "b", "y", "Job", 1.0, 1.0, 1.0, 0),
    ).assign(energy_source=["rapl", "model", "", ""]).astype({"energy_source": "str"})  # fmt: skip
    assert group(made, ("namespace",))["energy_source"].tolist() == ["model+rapl", ""]


def test_empty_group_keys_are_groups() -> None:
    """Node energy of no pod has no namespace, and is not lost."""
    made = pods(
        (0, "", "n1", "Unattributed", 5.0, 1.0, 1.0, 0), (0, "shop", "web", "Deployment", 1.0, 1.0, 1.0, 0)
    )
    assert group(made, ("namespace",))["energy_kwh"].tolist() == [5, 1]


LABELS = pd.DataFrame(
    {
        "namespace": ["shop", "shop", "shop"],
        "pod": ["a", "a", "b"],
        "label_app_kubernetes_io_name": ["old", "web", ""],
    }
).astype("str")
NAMESPACES = pd.DataFrame({"namespace": ["shop"], "label_app_kubernetes_io_name": ["team"]}).astype("str")


def test_a_label_of_the_pod_else_of_its_namespace_else_empty() -> None:
    made = pd.DataFrame({"namespace": ["shop", "shop", "shop", "ops"], "pod": ["a", "b", "c", "a"]}).astype(
        "str"
    )
    key = "label:app.kubernetes.io/name"
    found = with_labels(made.set_axis([3, 1, 2, 0]), ("namespace", key), LABELS, NAMESPACES)
    assert found[key].tolist() == ["web", "team", "team", ""]
    assert found.index.tolist() == [3, 1, 2, 0]


def test_labels_nobody_has_are_empty() -> None:
    made = pd.DataFrame({"namespace": ["shop"], "pod": ["a"]}).astype("str")
    nothing = with_labels(made, ("label:team",), LABELS.iloc[:, :2], NAMESPACES.iloc[:, :1])
    assert nothing["label:team"].tolist() == [""]


@pytest.mark.parametrize(
    ("globs", "expected"),
    [
        ((), [True, True, True, True]),
        (("shop",), [True, False, False, False]),
        (("shop*",), [True, True, False, False]),
        (("*",), [True, True, True, True]),
        (("ops", "shop-?"), [False, False, True, False]),
        (("SHOP",), [False, False, False, False]),
    ],
)
def test_namespaces_by_glob(globs: tuple[str, ...], expected: list[bool]) -> None:
    names = pd.Series(["shop", "shop-eu", "ops", ""], dtype="str")
    assert select(names, globs).tolist() == expected


def test_words_that_are_several_already_stand_once() -> None:
    words = pd.Series(["rapl", "gpu+rapl", "model", "file:a+a.csv", "", "rapl"])
    joined = joined_words(np.array([0, 0, 1, 1, 2, 0]), words, 3)
    assert joined.tolist() == ["gpu+rapl", "file:a+a.csv+model", ""]
