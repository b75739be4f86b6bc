"""Whatever the policy: the books close, nothing is scaled in silence, and hardware is used up once."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sci_batch.counters import FLAG_BITS
from sci_batch.embodied import embodied, reserved
from sci_batch.sharing import books, share
from tests.properties.books_made_up import WINDOW_SECONDS, energy, policies

Made = tuple[pd.DataFrame, pd.DataFrame]
LIFESPAN = 4 * 365 * 86400.0


def sums(frame: pd.DataFrame, column: str) -> dict[tuple[int, str], float]:
    """By window and node, in plain Python; null counts as nothing."""
    out: dict[tuple[int, str], float] = {}
    for window, node, value in zip(frame["window"], frame["node"], frame[column], strict=True):
        out[window, node] = out.get((window, node), 0.0) + (0.0 if math.isnan(value) else value)
    return out


@given(energy(), policies)
def test_the_books_close(made: Made, policy: str) -> None:
    pods, nodes = made
    book = books(pods, nodes)
    rows = share(pods, book, policy)
    active, shared = sums(rows, "active_kwh"), sums(rows, "shared_kwh")
    claimed = sums(pods, "active_kwh")
    columns = ("window", "node", "node_kwh", "unattributed_kwh", "residual_kwh", "closed")
    for window, node, node_kwh, left, residual, closed in zip(
        *(book[name].tolist() for name in columns), strict=True
    ):
        place = window, node
        mine = rows[(rows["window"] == window) & (rows["node"] == node)]
        pods_kwh = claimed.get(place, 0.0)
        if math.isnan(node_kwh):
            assert mine["shared_kwh"].isna().all()
            assert not closed
        elif pods_kwh > node_kwh * (1 + 1e-9):
            assert active[place] == pytest.approx(pods_kwh, rel=1e-12)  # never scaled
            assert residual == pytest.approx(node_kwh - pods_kwh, rel=1e-9)
            assert residual < 0
            assert (mine["flags"] & FLAG_BITS["pods-exceed-node"] != 0).all()
            assert not closed
        else:
            left_out = left if policy == "drop" else 0.0
            found = active.get(place, 0.0) + shared.get(place, 0.0) + left_out
            assert found == pytest.approx(node_kwh, rel=1e-9, abs=1e-15)
            assert closed


@given(energy(), policies)
def test_rows_of_their_own_hold_what_no_pod_carries(made: Made, policy: str) -> None:
    pods, nodes = made
    rows = share(pods, books(pods, nodes), policy)
    own = rows[rows["workload_kind"] == "Unattributed"]
    assert len(rows) == len(pods) + len(own)
    assert (own["namespace"] == "").all()
    assert own["workload"].tolist() == own["node"].tolist()
    if policy == "separate":
        known = nodes[nodes["node_kwh"].notna()]
        assert len(own) == len(known)
        assert rows.loc[rows["workload_kind"] != "Unattributed", "shared_kwh"].fillna(0).eq(0).all()
    if policy == "drop":
        assert own.empty
    assert rows["share"].between(0, 1 + 1e-12).all()


@given(energy(whole=True), policies)
def test_a_node_uses_up_its_hardware_once(made: Made, policy: str) -> None:
    pods, nodes = made
    rows = share(pods, books(pods, nodes), policy)
    grams, _ = embodied(rows, WINDOW_SECONDS, embodied_kgco2e=1000.0, lifespan_seconds=LIFESPAN)
    assert (grams >= 0).all()
    for (window, _), found in sums(rows.assign(m=grams), "m").items():
        node = 1000.0 * 1000 * (WINDOW_SECONDS[window] / LIFESPAN)
        if policy == "drop":
            assert found <= node * (1 + 1e-12)
        else:
            assert found == pytest.approx(node, rel=1e-12)


@given(energy())
def test_no_pod_reserves_more_than_its_node(made: Made) -> None:
    pods, nodes = made
    rows = share(pods, books(pods, nodes), "separate")
    part, flags = reserved(rows, WINDOW_SECONDS)
    assert np.isfinite(part).all()
    assert (part >= 0).all()
    whole = sums(rows.assign(part=part), "part")
    assert all(value <= 1 + 1e-12 for value in whole.values())
    over = rows[flags != 0]
    assert all(
        whole[place] == pytest.approx(1.0, rel=1e-12)
        for place in zip(over["window"], over["node"], strict=True)
    )


@given(energy(whole=True), policies, st.sampled_from([2.0, 1024.0, 2.0**-10]))
def test_k_times_the_energy_leaves_requested_shares_alone(made: Made, policy: str, k: float) -> None:
    """Energy scales; M does not change, as every share of it is a ratio. Powers of two: no rounding."""
    pods, nodes = made
    more_pods = pods.assign(active_kwh=pods["active_kwh"] * k)
    more_nodes = nodes.assign(node_kwh=nodes["node_kwh"] * k)
    before = share(pods, books(pods, nodes), policy)
    after = share(more_pods, books(more_pods, more_nodes), policy)
    for column in ("active_kwh", "shared_kwh"):
        assert after[column].tolist() == pytest.approx((before[column] * k).tolist(), rel=1e-9, abs=1e-18)
    m_before, m_after = (
        embodied(rows, WINDOW_SECONDS, embodied_kgco2e=1216.0, lifespan_seconds=LIFESPAN)[0]
        for rows in (before, after)
    )
    assert m_after.tolist() == pytest.approx(m_before.tolist(), rel=1e-9, abs=1e-15)
