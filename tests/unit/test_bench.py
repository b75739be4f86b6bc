"""The benchmark's own parts, where it could tell stories: what its server sends, and what a bar is."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sci_batch.cli.main import main
from sci_batch.prometheus.decode import decode
from tests.bench import bars, streaming
from tests.bench.bars import Bar, Finding
from tests.bench.cluster import DOMAINS, START_SECONDS
from tests.bench.measure import Cost, cost
from tests.bench.observations import Observed, _series
from tests.bench.streaming_server import World, asked

WORLD = World(230)
"""Three nodes."""
HOURS = 24


def ask(query: str) -> tuple[pd.DataFrame, int]:
    """A row for each value, and how many the server says it sent."""
    form = {"query": query, "start": START_SECONDS, "end": START_SECONDS + HOURS * 3600, "step": 3600}
    answer = asked(WORLD, "/api/v1/query_range", {name: [str(text)] for name, text in form.items()})
    samples = decode(b"".join(answer.pieces())).samples
    rows = samples.labels.iloc[samples.series].reset_index(drop=True)
    return rows.assign(time_ms=samples.time_ms, value=samples.value), answer.values


def test_the_server_sends_what_it_says_and_counters_that_only_rise() -> None:
    pods, sent = ask('last_over_time(kepler_pod_cpu_joules_total{zone=~"package|dram"}[59m59s999ms])')
    assert len(pods) == sent == 230 * len(DOMAINS) * (HOURS + 1)
    assert pods.groupby(["pod_id", "zone"])["value"].diff().dropna().gt(0).all()
    assert pods[["pod_id", "zone"]].drop_duplicates().shape[0] == 230 * len(DOMAINS)


def test_the_nodes_of_the_server_have_used_what_their_pods_have_and_some_for_the_host() -> None:
    pods, _ = ask("last_over_time(kepler_pod_cpu_joules_total{}[59m59s999ms])")
    nodes, _ = ask("last_over_time(kepler_node_cpu_active_joules_total{}[59m59s999ms])")
    by = ["node_name", "zone", "time_ms"]
    left = nodes.set_index(by)["value"] - pods.groupby(by)["value"].sum()
    used = left.groupby(level=["node_name", "zone"]).agg(lambda value: value.iloc[-1] - value.iloc[0])
    np.testing.assert_allclose(used.xs("package", level="zone"), 6.0 * HOURS * 3600, rtol=1e-6)


def test_a_run_against_the_streaming_server_closes_its_books(tmp_path: Path) -> None:
    out = tmp_path / "result.json"
    with streaming.server(20) as url:
        code = main([
            "compute", "--pull", "edges", "-p", url, "--intensity", "380", "--start", str(START_SECONDS),
            "--end", str(START_SECONDS + 7200), "--strict", "-o", f"json={out}",
        ])  # fmt: skip
    assert code == 0
    totals = json.loads(out.read_text())["totals"]
    seconds = np.array([START_SECONDS, START_SECONDS + 7200.0])
    active = np.diff(World(20).active_joules(seconds))[0, 0]
    expected_kwh = (active + 55.0 * 7200) * sum(DOMAINS.values()) / 3.6e6
    assert totals["node_energy_kwh"] == pytest.approx(expected_kwh, rel=1e-9)
    assert totals["open_books"] == 0


def test_observations_are_one_sample_a_minute_of_each_workload() -> None:
    made = [one for one in _series(Observed(workloads=3, minutes=10)) if one.name.startswith("kepler_pod")]
    assert len(made) == 3
    inside = [(one.time_ms > START_SECONDS * 1000).sum() for one in made]
    assert inside == [10, 10, 10]


def test_a_bar_is_met_on_its_own_side_only() -> None:
    assert Bar(what="less", measured=2.0, limit=2.0).met
    assert not Bar(what="less", measured=2.1, limit=2.0).met
    assert Bar(what="more", measured=50.0, limit=50.0, at_least=True).met
    assert not Bar(what="more", measured=49.0, limit=50.0, at_least=True).met
    assert not Bar(what="unknown", measured=math.nan, limit=2.0).met
    assert not Bar(what="unknown", measured=math.nan, limit=2.0, at_least=True).met


def test_the_table_names_what_is_missed() -> None:
    found = Finding(name="startup", bars=[Bar(what="demo", measured=2.5, limit=2, unit="s")])
    line = bars.table([found]).splitlines()[1]
    assert line.split() == ["startup", "2.50", "s", "<=", "2", "s", "missed", "demo"]
    assert found.document()["bars"][0]["met"] is False


def test_growth_is_unknown_where_the_small_run_is_lost_in_what_every_run_costs() -> None:
    assert streaming._ratio(3.0, 2.0) == 1.5
    assert math.isnan(streaming._ratio(3.0, -0.1))
    assert math.isnan(streaming._ratio(-3.0, 2.0))


def test_the_cost_of_a_value_is_told_without_that_of_the_start() -> None:
    load = streaming.Load(pods=1, days=1)
    spent, nothing = (Cost(wall_seconds=0, cpu_seconds=seconds, peak_mib=1) for seconds in (3.0, 1.0))
    one = streaming.Run(load=load, cost=spent, values=1_000_000, body_bytes=1, queries=1)
    assert one.nanoseconds(nothing) == pytest.approx(2000.0)


def test_peak_memory_is_that_of_the_measured_process(tmp_path: Path) -> None:
    script = tmp_path / "large.py"
    script.write_text("kept = bytearray(200 * 1024 * 1024)\nkept[::4096] = b'x' * len(kept[::4096])\n")
    small = tmp_path / "small.py"
    small.write_text("")
    assert 200 < cost([sys.executable, str(script)]).peak_mib < 260
    assert cost([sys.executable, str(small)]).peak_mib < 60


def test_a_measured_command_must_succeed() -> None:
    with pytest.raises(RuntimeError, match="failed"):
        cost(["false"])
