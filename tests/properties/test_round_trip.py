"""Whole runs over made-up counters: finite numbers, closed totals, and files that give the result back."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sci_batch import pipeline
from sci_batch.report import Report
from sci_batch.sinks import SINKS, SinkOptions
from sci_batch.sinks import csv as csv_sink
from sci_batch.windows import Windows
from tests import oracle
from tests.oracle import Row, World
from tests.properties import sources, worlds
from tests.properties.books_made_up import policies


def run(world: World, policy: str, unit: str) -> Report:
    chosen = sources.settings(
        {
            "intensity": "380.5", "pue": "1.1", "embodied": "kg:1200", "unattributed": policy,
            "max_node_watts": str(world.max_node_watts), "functional_unit": [f"request={unit}"],
        }
    )  # fmt: skip
    windows = Windows(world.edges_ms, "1h", "UTC")
    facts = sources.kube({"created": created(world)})
    return pipeline.compute(sources.source(worlds.stretches(world), windows, chosen, facts=facts), chosen)


def created(world: World) -> pd.DataFrame:
    """`kube_pod_created` of the pods whose creation is known."""
    found = {
        meter.pod: meter.created_ms / 1000 for meter in world.meters if meter.pod and meter.created_ms > 0
    }
    rows = [(*pod, seconds) for pod, seconds in found.items()]
    return pd.DataFrame(rows, columns=["namespace", "pod", "uid", "seconds"])


@st.composite
def reports(draw: st.DrawFn) -> tuple[World, str, Report]:
    world = draw(worlds.worlds())
    pods, nodes = oracle.energy(world)
    policy = draw(policies)
    assume(pods or (nodes and policy != "drop"))
    return world, policy, run(world, policy, draw(st.sampled_from(["1", "0.3", "100"])))


@given(reports())
@settings(max_examples=8)
def test_csv_and_parquet_give_the_result_back(made: tuple[World, str, Report]) -> None:
    _, _, report = made
    with TemporaryDirectory() as folder:
        table, parquet = Path(folder, "r.csv"), Path(folder, "r.parquet")
        SINKS["csv"](report, table, SinkOptions())
        SINKS["parquet"](report, parquet, SinkOptions())
        pd.testing.assert_frame_equal(csv_sink.read(table)[0], report.result)
        back = pq.read_table(parquet).to_pandas()
    back = back.astype({name: report.result[name].dtype for name in report.result})
    pd.testing.assert_frame_equal(back, report.result)


@given(reports())
@settings(max_examples=8)
def test_numbers_are_finite_and_the_totals_close(made: tuple[World, str, Report]) -> None:
    world, policy, report = made
    result, totals = report.result, report.totals
    assert not np.isinf(result.select_dtypes("float64").to_numpy()).any()
    assert result["coverage"].between(0, 1).all()
    pods, nodes = oracle.energy(world)
    assert totals.pods_kwh == pytest.approx(kwh(pods.values()), rel=1e-9, abs=1e-12)
    if nodes:
        assert totals.node_energy_kwh == pytest.approx(kwh(nodes.values()), rel=1e-9, abs=1e-12)
        assert totals.unattributed_kwh is not None
        assert totals.residual_kwh is not None
        # where a node is unknown, nothing is said of its pods
        of_known = kwh(row for (window, pod), row in pods.items() if (window, pod[0]) in nodes)
        booked = of_known + totals.unattributed_kwh + totals.residual_kwh
        assert booked == pytest.approx(kwh(nodes.values()), rel=1e-9, abs=1e-12)
    carbon, units = totals.carbon_gco2e, totals.functional_units
    assert carbon is not None
    assert units is not None
    assert carbon == pytest.approx(
        math.fsum(v for v in result["carbon_gco2e"] if not math.isnan(v)), rel=1e-12
    )
    assert units == pytest.approx(float(_unit(report)) * result["window_start"].nunique())
    assert totals.sci_gco2e_per_unit == pytest.approx(carbon / units, rel=1e-12)
    assert report.provenance.method["unattributed"] == policy


def kwh(rows: Iterable[Row]) -> float:
    return oracle.total(rows) / 3.6e6


def _unit(report: Report) -> str:
    (unit,) = report.provenance.method["functional_units"]
    return str(unit).partition("=")[2]


@given(worlds.worlds(), policies)
@settings(max_examples=5)
def test_a_shorter_window_gives_the_same_totals(world: World, policy: str) -> None:
    """Active energy and node energy are conserved; so are O and the hardware's time where all is known."""
    one = replace(world, edges_ms=(world.edges_ms[0], world.edges_ms[-1]))
    pods, _ = oracle.energy(one)
    assume(any(row.joules for row in pods.values()))
    found, whole = run(world, policy, "1").totals, run(one, policy, "1").totals
    assert found.pods_kwh == pytest.approx(whole.pods_kwh, rel=1e-9, abs=1e-12)
    assert (found.node_energy_kwh is None) == (whole.node_energy_kwh is None)
    if whole.node_energy_kwh is not None:
        assert found.node_energy_kwh == pytest.approx(whole.node_energy_kwh, rel=1e-9, abs=1e-12)
