"""Each row of each case, taken apart: the parts make the row, and the counters show what was counted."""

from __future__ import annotations

import math

import pytest

from sci_batch import explain
from sci_batch.explain.meters import NEVER
from sci_batch.windows import rfc3339
from tests.golden.cases import CASES, NAMES, computed, source_of

NOW_MS = 4_000_000_000_000


def told(case: str, name: str, start: str) -> explain.Explanation:
    source = source_of(CASES / case)
    return explain.of_source(source, name, at=start, now_ms=NOW_MS)


@pytest.mark.parametrize("case", NAMES)
def test_every_row_is_the_sum_of_what_is_told(case: str) -> None:
    """`explain` itself refuses to end in another number; here the tables are added up once more, plainly."""
    report = computed(CASES / case)
    keys = report.provenance.group_by
    for row in report.result.to_dict("records"):
        path = "/".join(str(row[key]) for key in (*keys[:-1], "workload_kind", keys[-1]) if row[key])
        found = told(case, path, rfc3339(int(row["window_start"].timestamp() * 1000)))
        for column in ("active_kwh", "shared_kwh", "operational_gco2e", "embodied_gco2e", "carbon_gco2e"):
            values = [value for value in found.pods[column] if not math.isnan(value)]
            wanted = 0.0 if math.isnan(row[column]) else row[column]
            assert math.fsum(values) == pytest.approx(wanted, rel=1e-12, abs=1e-15), column
        own = found.meters[found.meters["level"] != "node"]
        assert math.fsum(own["kwh"]) == pytest.approx(row["active_kwh"], rel=1e-12, abs=1e-15)
        assert repr(float(found.row["sci_gco2e_per_unit"])) == repr(float(row["sci_gco2e_per_unit"]))


def test_a_restart_is_counted() -> None:
    report = computed(CASES / "kepler_restart")
    windows = report.result["window_start"].unique()
    name = str(report.result["workload"].iloc[0])
    found = [
        told("kepler_restart", name, rfc3339(int(start.timestamp() * 1000))).meters["restarts"].sum()
        for start in windows
    ]
    assert sum(found) > 0


def test_a_birth_has_nothing_before_it() -> None:
    report = computed(CASES / "birth_and_terminated")
    first = report.result["window_start"].min()
    name = [str(name) for name in report.result["workload"].unique()]
    tables = [
        told("birth_and_terminated", each, rfc3339(int(first.timestamp() * 1000))).meters
        for each in name
        if each in set(report.result.loc[report.result["window_start"] == first, "workload"])
    ]
    born = [int(((table["level"] == "pod") & (table["before_ms"] == NEVER)).sum()) for table in tables]
    assert sum(born) > 0
