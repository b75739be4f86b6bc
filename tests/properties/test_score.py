"""Groups, units of work and scores: sums stay sums, ratios are ratios of sums."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sci_batch import carbon, functional_unit, rows
from sci_batch.embodied import embodied
from sci_batch.sharing import books, share
from sci_batch.sums import known_sum
from tests.properties.books_made_up import WINDOW_SECONDS, energy, policies

Made = tuple[pd.DataFrame, pd.DataFrame]
PUE, INTENSITY = 1.25, 400.0
EDGES_MS = np.array([0, 3_600_000, 4_500_000])
KEYS = ("node", "namespace", "workload", "pod")
GROUPINGS = [keys for size in (1, 2, 3) for keys in combinations(KEYS, size)]


def emitted(made: Made, policy: str) -> pd.DataFrame:
    """Pods with all that `rows.group` adds up."""
    pods, nodes = made
    frame = share(pods, books(pods, nodes), policy)
    energy_kwh = frame[["active_kwh", "shared_kwh"]].sum(axis=1, min_count=1)
    per_kwh = pd.Series(INTENSITY, index=frame.index)
    o = carbon.operational_gco2e(energy_kwh, PUE, per_kwh)
    m, _ = embodied(frame, WINDOW_SECONDS, embodied_kgco2e=1000.0, lifespan_seconds=4 * 365 * 86400.0)
    frame = frame.assign(
        energy_kwh=energy_kwh, operational_gco2e=o, embodied_gco2e=m, carbon_gco2e=o + m,
        intensity_gco2e_per_kwh=per_kwh, **dict.fromkeys(rows.SOURCES, "made-up"),
    )  # fmt: skip
    return frame.assign(**{name: math.nan for name in (*rows.SUMS, *rows.BOUNDS) if name not in frame})


@given(energy(), policies, st.sampled_from(GROUPINGS))
@settings(max_examples=15)
def test_sums_do_not_depend_on_the_grouping(made: Made, policy: str, keys: tuple[str, ...]) -> None:
    pods = emitted(made, policy)
    grouped = rows.group(pods, keys)
    for column in rows.SUMS:
        whole = math.fsum(value for value in pods[column] if not math.isnan(value))
        found = math.fsum(value for value in grouped[column] if not math.isnan(value))
        assert found == pytest.approx(whole, rel=1e-12, abs=1e-15), column
    assert not np.isinf(grouped.select_dtypes("float64").to_numpy()).any()
    assert grouped["coverage"].between(pods["coverage"].min(), pods["coverage"].max()).all()
    operational = grouped["energy_kwh"] * PUE * grouped["intensity_gco2e_per_kwh"]
    assert operational.fillna(0).tolist() == pytest.approx(grouped["operational_gco2e"].fillna(0).tolist())


@given(energy(), policies, st.sampled_from([2.0, 1024.0]))
@settings(max_examples=12)
def test_k_times_the_energy_is_k_times_the_operational_carbon(made: Made, policy: str, k: float) -> None:
    pods, nodes = made
    more = pods.assign(active_kwh=pods["active_kwh"] * k), nodes.assign(node_kwh=nodes["node_kwh"] * k)
    before, after = emitted(made, policy), emitted(more, policy)
    assert after["operational_gco2e"].equals(before["operational_gco2e"] * k)
    assert after["embodied_gco2e"].equals(before["embodied_gco2e"])


@given(energy(whole=True), st.data())
@settings(max_examples=15)
def test_the_score_of_a_group_lies_between_its_parts(made: Made, data: st.DataObject) -> None:
    pods = emitted(made, "by-energy")
    parts = rows.group(pods, ("namespace", "workload"))
    named = parts[["window", "namespace", "workload"]].drop_duplicates(ignore_index=True)
    size = len(named)
    r = data.draw(st.lists(st.sampled_from([0.5, 1.0, 10.0, 250.0]), min_size=size, max_size=size))
    units = pd.DataFrame(
        {
            "start_ms": EDGES_MS[named["window"]], "end_ms": EDGES_MS[named["window"] + 1],
            "namespace": named["namespace"], "workload": named["workload"],
            "functional_units": np.array(r, np.float64),
        }
    )  # fmt: skip
    kinds = parts.duplicated(["window", "namespace", "workload"], keep=False)
    whole = rows.group(pods, ("namespace",))
    of_parts = _join(parts, units, ("namespace", "workload"))
    of_whole = _join(whole, units, ("namespace",))
    assert _total(of_parts) == _total(of_whole) == (pytest.approx(math.fsum(r)) if r else None)
    low = carbon.sci(parts["carbon_gco2e"], of_parts.functional_units)
    score = carbon.sci(whole["carbon_gco2e"], of_whole.functional_units)
    for n, group in enumerate(whole[["window", "namespace"]].itertuples(index=False)):
        mine = (parts["window"] == group.window) & (parts["namespace"] == group.namespace)
        if kinds[mine].any():
            continue  # one R for two rows: their scores are not parts of the whole
        c = math.fsum(parts.loc[mine, "carbon_gco2e"])
        assert score[n] == pytest.approx(c / math.fsum(of_parts.functional_units[mine]), rel=1e-12)
        assert low[mine].min() * (1 - 1e-12) <= score[n] <= low[mine].max() * (1 + 1e-12)


@given(energy(whole=True), st.data())
@settings(max_examples=15)
def test_a_shared_unit_counts_once(made: Made, data: st.DataObject) -> None:
    """R by namespace, rows by workload and node: each row gets all of it, the total has it once."""
    parts = rows.group(emitted(made, "by-energy"), ("node", "namespace", "workload"))
    places = [(w, n) for w in (0, 1) for n in ("shop", "ops", "elsewhere")]
    r = {place: float(data.draw(st.sampled_from([0, 1, 20, 300]))) for place in places}
    split = data.draw(st.integers(1, 3))  # each R comes in some series, as of pods behind one service
    units = pd.DataFrame(
        [
            {
                "start_ms": EDGES_MS[w],
                "end_ms": EDGES_MS[w + 1],
                "namespace": n,
                "replica": str(k),
                "functional_units": r[w, n] / split,
            }
            for w, n in places
            for k in range(split)
        ]
    )
    served = _join(parts, units, ("node", "namespace", "workload"))
    met = {(int(w), n) for w, n in zip(parts["window"], parts["namespace"], strict=True)} & set(places)
    for w, n, found in zip(parts["window"], parts["namespace"], served.functional_units, strict=True):
        if (w, n) in r:
            assert found == pytest.approx(r[w, n])
        else:
            assert math.isnan(found)  # node energy of no pod serves nobody
    assert (_total(served) or 0.0) == pytest.approx(math.fsum(r[place] for place in met))


def _join(frame: pd.DataFrame, units: pd.DataFrame, group_by: tuple[str, ...]) -> functional_unit.Served:
    return functional_unit.join(frame, functional_unit.counted(units, None, group_by, EDGES_MS))


def _total(served: functional_unit.Served) -> float | None:
    return known_sum(served.by_window)
