"""Every workload of the simulated cluster, explained from a real server: the parts make the row."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from sci_batch import explain, pipeline
from tests.live.cluster import HOUR, served, small
from tests.properties import sources
from tests.simulator import simulate


def quiet(_words: str, _share: float) -> None:
    """Progress of nobody."""


@pytest.mark.parametrize(
    ("generation", "pull"), [("rewrite", "edges"), ("legacy", "raw"), ("upgrade", "edges")]
)
def test_every_workload_is_the_sum_of_what_is_told(generation: str, pull: str) -> None:
    made = small(generation)
    now_ms = (made.start + 3 * HOUR) * 1000
    with served(simulate(made)) as url:
        chosen = sources.settings(
            {"prometheus_url": url, "start": f"{made.start}", "end": f"{made.start + 3 * HOUR}",
             "window": "all", "intensity": "380", "pull": pull}
        )  # fmt: skip
        result = pipeline.run(chosen, now_ms=now_ms, progress=quiet).result
        assert len(result) >= 4
        for row in result.to_dict("records"):
            name = f"{row['namespace']}/{row['workload_kind']}/{row['workload']}"
            told = explain.run(chosen, name, at=None, now_ms=now_ms, progress=quiet)
            pd.testing.assert_series_equal(told.row, pd.Series(row), check_names=False, check_dtype=False)
            own = told.meters[told.meters["level"] != "node"]
            assert math.fsum(own["kwh"]) == pytest.approx(row["active_kwh"], rel=1e-12)
            for column in ("shared_kwh", "operational_gco2e", "embodied_gco2e"):
                assert math.fsum(told.pods[column]) == pytest.approx(row[column], rel=1e-12), column
