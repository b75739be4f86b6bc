"""Intensity that changes inside a window: weighted by when the energy was used."""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sci_batch import sharing
from sci_batch.counters import FLAG_BITS
from sci_batch.energy import Energy, Steps, in_windows
from sci_batch.grid import Grid
from sci_batch.in_effect import _of_both, intensity

HOUR_MS = 3_600_000
NAN = math.nan
Pod = tuple[int, str, str, float]
Node = tuple[int, str, float, float, int]


def energy(pods: list[Pod], nodes: list[Node]) -> Energy:
    """Pods: (step, node, pod, active kWh). Nodes: (step, node, kWh, coverage, flags)."""
    made = pd.DataFrame(pods, columns=["window", "node", "pod", "active_kwh"])
    made = made.assign(namespace="shop", pod_uid="", gpu_kwh=NAN, seconds=3600.0, source="rapl", flags=0)
    seen = pd.DataFrame(nodes, columns=["window", "node", "node_kwh", "coverage", "flags"])
    strings = dict.fromkeys(("node", "pod", "namespace", "pod_uid", "source"), "str") | {"window": "int64"}
    return Energy(
        pods=made.astype(strings), nodes=seen.assign(source="rapl").astype({"node": "str", "source": "str"})
    )


_OF_GRID = {"source": "source_of_grid", "flags": "flags_of_grid"}


class Hourly:
    """A grid with one intensity an hour, everywhere; it says in which hours it was estimated."""

    def __init__(self, values: list[float], estimated: tuple[int, ...] = ()) -> None:
        self._slots = pd.DataFrame(
            {
                "gco2e_per_kwh": values,
                "source": ["forecast" if hour in estimated else "actual" for hour in range(len(values))],
                "flags": [
                    FLAG_BITS["intensity-estimated"] if hour in estimated else 0
                    for hour in range(len(values))
                ],
            }
        )

    def at(self, _: str, nodes: pd.Series, window: np.ndarray, edges_ms: np.ndarray) -> pd.DataFrame:
        slot: pd.DataFrame = self._slots.take(edges_ms[window] // HOUR_MS)
        return slot.set_axis(nodes.index)


def hours(count: int) -> np.ndarray:
    return np.arange(count + 1, dtype=np.int64) * HOUR_MS


def in_effect(energy_of_steps: Energy, windows_ms: np.ndarray, grid: Any, policy: str) -> pd.DataFrame:
    """Rows of the windows with their shares and intensities."""
    steps_ms = hours(int(windows_ms[-1] // HOUR_MS))
    whole, steps = in_windows(energy_of_steps, steps_ms, windows_ms)
    pods = whole.pods.assign(
        workload_kind="Pod", workload=whole.pods["pod"], request_cores=NAN, node_cores=NAN,
        request_bytes=NAN, node_bytes=NAN, inferred=False,
    ).astype({"workload_kind": "str"})  # fmt: skip
    rows = sharing.share(pods, sharing.books(pods, whole.nodes), policy)
    return rows.join(
        intensity(rows, steps, windows_ms, cast(Grid, grid), "any").rename(columns=_OF_GRID), validate="1:1"
    )


def test_active_and_shared_energy_each_by_its_own_time() -> None:
    """Left over: 2 kWh at 100, 1 kWh at 400: 200 in effect. a: 1 x 100 + 1.5 x 200; b: 1 x 400 + 300."""
    made = energy(
        [(0, "n", "a", 1.0), (1, "n", "b", 1.0)],
        [(0, "n", 3.0, 1.0, 0), (1, "n", 2.0, 1.0, 0)],
    )
    rows = in_effect(made, hours(2)[::2], Hourly([100.0, 400.0], estimated=(1,)), "by-energy")
    assert rows["shared_kwh"].tolist() == [1.5, 1.5]
    grams = rows["gco2e_per_kwh"] * (rows["active_kwh"] + rows["shared_kwh"])
    assert grams.tolist() == pytest.approx([400.0, 700.0], rel=1e-12)
    assert grams.sum() == pytest.approx(3 * 100 + 2 * 400, rel=1e-12)
    assert set(rows["source_of_grid"]) == {"actual+forecast"}
    assert set(rows["flags_of_grid"]) == {FLAG_BITS["intensity-estimated"]}


def test_the_row_of_no_pod_is_weighted_by_what_is_left() -> None:
    made = energy([(0, "n", "a", 1.0)], [(0, "n", 3.0, 1.0, 0), (1, "n", 2.0, 1.0, 0)])
    rows = in_effect(made, hours(2)[::2], Hourly([100.0, 400.0]), "separate").set_index("workload")
    assert rows.loc["a", "gco2e_per_kwh"] == 100.0
    assert rows.loc["n", "shared_kwh"] == 4.0
    assert rows.loc["n", "gco2e_per_kwh"] == pytest.approx((2 * 100 + 2 * 400) / 4)


def test_an_idle_node_gets_the_mean_over_time() -> None:
    made = energy([], [(0, "n", 0.0, 1.0, 0), (1, "n", 0.0, 1.0, 0)])
    rows = in_effect(made, hours(2)[::2], Hourly([100.0, 400.0]), "separate")
    assert rows["gco2e_per_kwh"].tolist() == [250.0]


def test_a_window_tells_of_its_own_time_seen_and_known() -> None:
    """One of two hours was seen, and the node's own counters were there in one of them."""
    no_node, gap = FLAG_BITS["no-node-energy"], FLAG_BITS["gap"]
    made = energy(
        [(0, "n", "a", 1.0), (0, "m", "b", 1.0)],
        [(0, "n", 3.0, 1.0, 0), (1, "n", NAN, 0.5, no_node | gap), (0, "m", NAN, 1.0, no_node)],
    )
    whole, _ = in_windows(made, hours(2), hours(2)[::2])
    nodes = whole.nodes.set_index("node")
    assert nodes["coverage"].to_dict() == {"m": 0.5, "n": 0.75}
    assert nodes["flags"].to_dict() == {"m": no_node | gap, "n": gap}
    assert nodes["node_kwh"].isna().to_dict() == {"m": True, "n": False}
    assert nodes.loc["n", "node_kwh"] == 3.0


def test_windows_that_are_not_cut_stay_as_they_are() -> None:
    made = energy([(0, "n", "a", 1.0)], [(0, "n", 3.0, 1.0, 0)])
    whole, steps = in_windows(made, hours(1), hours(1))
    assert steps is None
    assert whole.pods["energy_row"].tolist() == [0]
    assert whole.nodes is made.nodes


amounts = st.floats(0, 50).map(lambda kwh: round(kwh, 3))


@given(
    st.lists(st.lists(amounts, min_size=4, max_size=4), min_size=1, max_size=4),
    st.lists(amounts, min_size=4, max_size=4),
    st.lists(st.floats(1, 1000), min_size=4, max_size=4),
    st.sampled_from(["by-energy", "even", "separate"]),
)
@settings(max_examples=40, deadline=None)
def test_carbon_of_a_node_is_the_sum_of_its_hours(
    pods: list[list[float]], left: list[float], per_kwh: list[float], policy: str
) -> None:
    """The oracle goes hour by hour over the node's own energy."""
    made = energy(
        [(hour, "n", f"p{n}", kwh[hour]) for n, kwh in enumerate(pods) for hour in range(4)],
        [(hour, "n", left[hour] + sum(kwh[hour] for kwh in pods), 1.0, 0) for hour in range(4)],
    )
    rows = in_effect(made, hours(4)[::4], Hourly(per_kwh), policy)
    found = float((rows["gco2e_per_kwh"] * (rows["active_kwh"] + rows["shared_kwh"])).sum())
    wanted = math.fsum((left[hour] + sum(kwh[hour] for kwh in pods)) * per_kwh[hour] for hour in range(4))
    assert found == pytest.approx(wanted, rel=1e-9, abs=1e-9)
    assert rows["gco2e_per_kwh"].between(min(per_kwh), max(per_kwh)).all()


def test_a_constant_is_that_constant_to_the_last_bit() -> None:
    made = energy(
        [(0, "n", "a", 0.1), (1, "n", "a", 0.7), (2, "n", "a", 0.3)],
        [(hour, "n", 1.1, 1.0, 0) for hour in range(3)],
    )
    rows = in_effect(made, hours(3)[::3], Hourly([342.06] * 3), "by-energy")
    assert rows["gco2e_per_kwh"].tolist() == [342.06]


def test_a_mean_of_both_stays_between_both_in_each_row() -> None:
    """1.6 and 3.0 kWh at 342.06 are 342.06000000000006 in binary, 1.1 and 2.7 are 342.05999999999995."""
    rows = pd.DataFrame(
        [
            (1.6, 3.0, 342.06, 342.06), (1.1, 2.7, 342.06, 342.06), (3.0, 1.0, 1.0, 1000.0),
            (0.0, 0.0, 7.0, 9.0),
        ],
        columns=["active_kwh", "shared_kwh", "active", "left"],
    )  # fmt: skip
    little = rows.assign(active_kwh=rows["active_kwh"] / 8, shared_kwh=rows["shared_kwh"] / 8)
    for kwh in (rows, little):
        assert _of_both(kwh).tolist() == [342.06, 342.06, (3 * 1 + 1000) / 4, 9.0]


def test_each_node_and_window_by_what_it_left_over() -> None:
    """Hours of 100, 400, 200 and 800; n leaves 1, 3, 2 and 0 kWh, m 0, 1, 0 and 2; b is on m."""
    made = energy(
        [(0, "n", "a", 1.0), (1, "m", "b", 1.0), (3, "m", "b", 1.0)],
        [
            *((hour, "n", kwh, 1.0, 0) for hour, kwh in enumerate((2.0, 3.0, 2.0, 0.0))),
            *((hour, "m", kwh, 1.0, 0) for hour, kwh in enumerate((0.0, 2.0, 0.0, 3.0))),
        ],
    )
    rows = in_effect(made, hours(4)[::2], Hourly([100.0, 400.0, 200.0, 800.0], estimated=(3,)), "separate")
    found = rows.set_index(["window", "workload"])
    assert found["gco2e_per_kwh"].to_dict() == {
        (0, "a"): 100.0, (0, "b"): 400.0, (0, "n"): (100 + 3 * 400) / 4, (0, "m"): 400.0,
        (1, "b"): 800.0, (1, "n"): 200.0, (1, "m"): 800.0,
    }  # fmt: skip
    assert found["source_of_grid"].loc[0].unique().tolist() == ["actual"]
    assert found["source_of_grid"].loc[1].unique().tolist() == ["actual+forecast"]
    assert (found["flags_of_grid"].loc[0] == 0).all()
    assert (found["flags_of_grid"].loc[1] == FLAG_BITS["intensity-estimated"]).all()


def test_unknown_shared_energy_weighs_nothing() -> None:
    """The node's own counters are missing: what is known was used in the first hour, at 100."""
    made = energy([(0, "n", "a", 1.0)], [(0, "n", NAN, 1.0, 0), (1, "n", NAN, 1.0, 0)])
    rows = in_effect(made, hours(2)[::2], Hourly([100.0, 400.0]), "by-energy")
    assert rows["shared_kwh"].isna().tolist() == [True]
    assert rows["gco2e_per_kwh"].tolist() == [100.0]


def test_where_nothing_is_left_or_known_time_decides() -> None:
    """An hour at 100 and three at 400: 325 for an idle node, and for one of unknown energy."""
    made = energy(
        [(0, "m", "a", 0.0)],
        [(0, "n", 0.0, 1.0, 0), (1, "n", 0.0, 1.0, 0), (0, "m", NAN, 1.0, 0), (1, "m", NAN, 1.0, 0)],
    )
    edges = np.array([0, HOUR_MS, 4 * HOUR_MS])
    whole, steps = in_windows(made, edges, edges[::2])
    rows = pd.DataFrame(
        {
            "window": 0, "node": ["n", "m"], "energy_row": [-1, 0], "active_kwh": [0.0, NAN],
            "shared_kwh": [0.0, NAN],
        },
        index=[5, 2],
    ).astype({"node": "str"})  # fmt: skip
    assert steps is not None
    found = intensity(rows, steps, edges[::2], cast(Grid, Hourly([100.0, 400.0])), "any")
    assert found["gco2e_per_kwh"].to_dict() == {5: 325.0, 2: 325.0}
    assert len(whole.pods) == 1


def test_a_window_that_is_not_cut_has_the_intensity_of_its_start() -> None:
    rows = pd.DataFrame({"window": [1, 0], "node": ["n", "n"]}, index=[4, 3])
    found = intensity(rows, None, hours(2), cast(Grid, Hourly([100.0, 400.0], estimated=(1,))), "any")
    assert found["gco2e_per_kwh"].to_dict() == {4: 400.0, 3: 100.0}
    assert found["source"].to_dict() == {4: "forecast", 3: "actual"}


def test_steps_say_where_each_pod_was() -> None:
    made = energy([(0, "n", "b", 1.0), (1, "n", "a", 2.0)], [(0, "n", 3.0, 1.0, 0), (1, "n", 2.0, 1.0, 0)])
    whole, steps = in_windows(made, hours(2), hours(2)[::2])
    assert isinstance(steps, Steps)
    names = whole.pods.set_index("energy_row")["pod"]
    assert names.loc[steps.pods["row"].to_numpy()].tolist() == ["b", "a"]
    assert steps.nodes["left_kwh"].tolist() == [2.0, 0.0]
