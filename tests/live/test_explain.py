"""Every workload of the simulated cluster, explained from a real server and from a stored result.

The parts make the row, and the page ends in its numbers, to the last bit.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sci_batch import explain, pipeline, stored
from sci_batch.explain import page
from sci_batch.sinks import SINKS, SinkOptions
from tests.live.cluster import HOUR, served, small
from tests.properties import sources
from tests.simulator import simulate


def quiet(_words: str, _share: float) -> None:
    """Progress of nobody."""


def same_bits(found: pd.Series, wanted: pd.Series) -> None:
    pd.testing.assert_series_equal(found, wanted, check_names=False, check_dtype=False, check_exact=True)


def ends_in(text: str, row: dict[Any, Any]) -> None:
    """The last lines of the page are the numbers of the row, with every digit."""
    score = text[text.index("5 Score") :]
    for name, unit in (
        ("energy_kwh", "kWh"), ("operational_gco2e", "gCO2e"), ("embodied_gco2e", "gCO2e"),
        ("carbon_gco2e", "gCO2e"), ("sci_gco2e_per_unit", "gCO2e per request"),
    ):  # fmt: skip
        assert f"= {row[name]!r} {unit}\n" in score, name


@pytest.mark.parametrize(
    ("generation", "pull"), [("rewrite", "edges"), ("legacy", "raw"), ("upgrade", "edges")]
)
def test_every_workload_is_the_sum_of_what_is_told(generation: str, pull: str, tmp_path: Path) -> None:
    made = small(generation)
    now_ms = (made.start + 3 * HOUR) * 1000
    with served(simulate(made)) as url:
        chosen = sources.settings(
            {"prometheus_url": url, "start": f"{made.start}", "end": f"{made.start + 3 * HOUR}",
             "window": "all", "intensity": "380", "pull": pull, "functional_unit": ("request=1000",)}
        )  # fmt: skip
        report = pipeline.run(chosen, now_ms=now_ms, progress=quiet)
        SINKS["parquet"](report, tmp_path / "r.parquet", SinkOptions())
        again = stored.read(tmp_path / "r.parquet")
        assert len(report.result) >= 4
        for row in report.result.to_dict("records"):
            name = f"{row['namespace']}/{row['workload_kind']}/{row['workload']}"
            told = explain.run(chosen, name, at=None, now_ms=now_ms, progress=quiet)
            kept = explain.of_result(again, name, at=None, now_ms=now_ms)
            for one in (told, kept):
                same_bits(one.row, pd.Series(row))
                ends_in(page.text(one, SinkOptions()).decode(), row)
            own = told.meters[told.meters["level"] != "node"]
            assert math.fsum(own["kwh"]) == pytest.approx(row["active_kwh"], rel=1e-12)
            for column in ("shared_kwh", "operational_gco2e", "embodied_gco2e"):
                assert math.fsum(told.pods[column]) == pytest.approx(row[column], rel=1e-12), column
