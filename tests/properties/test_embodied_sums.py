"""Whatever is reserved and whoever carries the rest: a node uses up its hardware once, within its bounds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sci_batch import embodied, rows
from sci_batch.counters import FLAG_BITS
from sci_batch.sharing import books, share
from tests.properties.books_made_up import WINDOW_SECONDS, energy, policies

LIFESPANS = {"n1": 4 * 365 * 86400.0, "n2": 5 * 365 * 86400.0}
KG = {"n1": (1300.0, 900.0, 1800.0), "n2": (67.12, math.nan, math.nan)}
GIB = 2.0**30

memory = st.tuples(
    st.lists(st.sampled_from([math.nan, 0.0, 0.5 * GIB, 16 * GIB, 48 * GIB]), min_size=12, max_size=12),
    st.tuples(st.sampled_from([math.nan, 64 * GIB]), st.sampled_from([math.nan, 64 * GIB])),
)
Made = tuple[pd.DataFrame, pd.DataFrame]
Memory = tuple[list[float], tuple[float, float]]


def made_rows(made: Made, policy: str, amounts: Memory) -> pd.DataFrame:
    pods, nodes = made
    of_node = dict(zip(LIFESPANS, amounts[1], strict=True))
    pods = pods.assign(
        request_bytes=np.array(amounts[0][: len(pods)], np.float64),
        node_bytes=pods["node"].map(of_node).astype("float64"),
    )
    return share(pods, books(pods, nodes), policy)


def hardware() -> pd.DataFrame:
    frame = pd.DataFrame(KG.values(), columns=["embodied_kgco2e", "low_kgco2e", "high_kgco2e"])
    return frame.assign(
        node=pd.Series(list(KG), dtype="str"), lifespan_seconds=list(LIFESPANS.values()),
        embodied_source=pd.Series(["file:nodes.csv", "catalogue"], dtype="str"),
        flags=[0, FLAG_BITS["embodied-estimated"]],
    )  # fmt: skip


def sums(frame: pd.DataFrame, column: str) -> dict[tuple[Any, Any], float]:
    out: dict[tuple[Any, Any], list[float]] = {}
    for window, node, value in zip(frame["window"], frame["node"], frame[column], strict=True):
        out.setdefault((window, node), []).append(value)
    return {place: math.fsum(values) for place, values in out.items()}


@given(energy(), policies, st.sampled_from(embodied.SHARES), memory)
def test_a_node_uses_up_its_hardware_once(made: Made, policy: str, by: str, amounts: Memory) -> None:
    """Sum of M per node and window = TE x window / EL, by the nodes' own TE and EL; so are the bounds."""
    frame = made_rows(made, policy, amounts)
    m = embodied.of_rows(frame, WINDOW_SECONDS, hardware(), by)
    both = frame[["window", "node", "node_kwh"]].join(m)
    assert (m["embodied_gco2e"] >= 0).all()
    known = {
        (w, n): not math.isnan(k)
        for w, n, k in zip(both["window"], both["node"], both["node_kwh"], strict=True)
    }
    for position, column in enumerate(("embodied_gco2e", "embodied_gco2e_low", "embodied_gco2e_high")):
        for (window, node), found in sums(both, column).items():
            whole = KG[node][position] * 1000 * (WINDOW_SECONDS[window] / LIFESPANS[node])
            if math.isnan(whole):
                assert math.isnan(found)
            elif policy == "drop" and known[window, node]:
                assert found <= whole * (1 + 1e-12)
            else:
                assert found == pytest.approx(whole, rel=1e-12)


@given(energy(), policies, st.sampled_from(embodied.SHARES), memory)
def test_no_node_is_reserved_more_than_once(made: Made, policy: str, by: str, amounts: Memory) -> None:
    frame = made_rows(made, policy, amounts)
    part, flags = embodied.reserved(frame, WINDOW_SECONDS, by)
    assert np.isfinite(part).all()
    assert (part >= 0).all()
    assert all(value <= 1 + 1e-12 for value in sums(frame.assign(part=part), "part").values())
    cpu, cpu_flags = embodied.reserved(frame, WINDOW_SECONDS, "cpu")
    without_memory = (flags & FLAG_BITS["memory-unknown"]) != 0
    assert part[without_memory].tolist() == cpu[without_memory].tolist()
    assert not (cpu_flags & FLAG_BITS["memory-unknown"]).any()


def test_bounds_of_a_group_are_known_when_all_of_its_nodes_are() -> None:
    """By node: 1300 kg within 900 to 1800, and one without bounds; by namespace nobody can tell."""
    kg = 1000 * 3600 / LIFESPANS["n1"]
    pods = pd.DataFrame(
        {
            "window": 0, "node": ["n1", "n1", "n2"], "namespace": "shop", "workload_kind": "Deployment",
            "coverage": 1.0, "intensity_gco2e_per_kwh": 380.0, "flags": 0, "energy_source": "rapl",
            "intensity_source": "constant:380", "embodied_source": ["file", "file", "catalogue"],
            "embodied_gco2e": [1.0, 2.0, 4.0], "embodied_gco2e_low": [0.5 * kg, 0.25 * kg, math.nan],
            "embodied_gco2e_high": [2.0, 3.0, math.nan],
            **dict.fromkeys(set(rows.SUMS) - {"embodied_gco2e"}, 1.0),
        }
    )  # fmt: skip
    by_node = rows.group(pods, ("node",))
    assert by_node["embodied_gco2e_low"].fillna(-1).tolist() == [0.75 * kg, -1]
    assert by_node["embodied_gco2e_high"].fillna(-1).tolist() == [5.0, -1]
    assert by_node["embodied_source"].tolist() == ["file", "catalogue"]
    together = rows.group(pods, ("namespace",))
    assert together["embodied_gco2e"].tolist() == [7.0]
    assert together[rows.BOUNDS].isna().all().all()
