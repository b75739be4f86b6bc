from __future__ import annotations

import math

import pytest

from sci_batch import gate
from sci_batch.errors import UsageError
from sci_batch.report import Report
from sci_batch.verdict import breaches
from tests.cli import handmade


@pytest.mark.parametrize(
    ("text", "measure", "comparison", "limit", "rows"),
    [
        ("sci>0.5", "sci_gco2e_per_unit", ">", 0.5, False),
        ("carbon_gco2e>=1e3", "carbon_gco2e", ">=", 1000.0, False),
        (" coverage < .95 ", "coverage", "<", 0.95, False),
        ("row.energy_kwh<=5", "energy_kwh", "<=", 5.0, True),
        ("row.sci>1", "sci_gco2e_per_unit", ">", 1.0, True),
        ("residual_kwh<-1e-6", "residual_kwh", "<", -1e-6, False),
    ],
)
def test_limits(text: str, measure: str, comparison: str, limit: float, rows: bool) -> None:
    made = gate.parse(text)
    assert (made.measure, made.comparison, made.limit, made.rows) == (measure, comparison, limit, rows)
    assert str(made) == text.strip()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sci", "not a limit"),
        ("sci=0.5", "not a limit"),
        ("sci==0.5", "not a limit"),
        ("sci>", "not a limit"),
        ("sci>5%", "not a limit"),
        ("total.sci>5", "not a limit"),
        ("carbon_co2e>5", "Did you mean carbon_gco2e?"),
        ("row.node_energy_kwh>5", "no measure of a row"),
        ("zzz>5", "Known: sci, energy_kwh"),
    ],
)
def test_what_is_no_limit(text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        gate.parse(text)
    assert words in str(caught.value)


def judged(text: str, report: Report) -> list[str]:
    return breaches(gate.verdicts([gate.parse(text)], report))


@pytest.mark.parametrize(
    ("text", "breached"),
    [
        ("sci>1", False),  # the total is exactly 1
        ("sci>=1", True),
        ("sci<1", False),
        ("sci<=1", True),
        ("carbon_gco2e>1999.9", True),
        ("coverage<0.7", True),
        ("coverage<0.6", False),
        ("energy_kwh>5.1", False),
        ("open_books>0", False),
    ],
)
def test_on_the_total(text: str, breached: bool) -> None:
    assert bool(judged(text, handmade.report())) is breached


def test_a_breach_is_told_with_its_figure() -> None:
    assert judged("carbon_gco2e>1000", handmade.report()) == [
        "carbon_gco2e>1000: carbon_gco2e of the total is 2000"
    ]


@pytest.mark.parametrize("value", [None, math.nan])
def test_what_is_not_known_cannot_pass(value: float | None) -> None:
    assert judged("sci>9", handmade.report(sci_gco2e_per_unit=value)) == [
        "sci>9: sci_gco2e_per_unit of the total is not known"
    ]


def test_on_any_row() -> None:
    report = handmade.report()
    # SCI of the rows: 0.4, null, 1.2, null.
    assert judged("row.sci>1.2", report) == []
    assert judged("row.sci>=1.2", report) == [
        "row.sci>=1.2: 1 of 4 rows, the furthest 1.2 (2026-03-01T01:00:00Z, namespace=shop, workload=web)"
    ]
    assert judged("row.sci<9", report) == [
        "row.sci<9: 2 of 4 rows, the furthest 0.4 (2026-03-01T00:00:00Z, namespace=shop, workload=web)"
    ]
    assert judged("row.coverage<0.6", report)[0].startswith("row.coverage<0.6: 2 of 4 rows, the furthest 0.5")


def test_rows_of_which_nothing_is_known_cannot_pass() -> None:
    report = handmade.report(frame=handmade.result(tuple(row for row in handmade.ROWS if row[8] is None)))
    assert judged("row.sci>9", report) == ["row.sci>9: sci_gco2e_per_unit is not known in any row"]


@pytest.mark.parametrize(
    ("coverage", "limit", "told"),
    [(0.65, 0.65, False), (0.6499, 0.65, True), (math.nan, 0.0, True), (0.1, None, False)],
)
def test_coverage(coverage: float, limit: float | None, told: bool) -> None:
    reasons = breaches(gate.trust(handmade.report(coverage=coverage), min_coverage=limit, strict=True))
    assert bool(reasons) is told


def test_open_books_count_only_when_strict() -> None:
    report = handmade.report(open_books=1, residual_kwh=-0.25)
    assert breaches(gate.trust(report, min_coverage=None, strict=False)) == []
    assert breaches(gate.trust(report, min_coverage=None, strict=True)) == [
        "the books of 1 of 2 node-windows do not close, residual -0.25 kWh"
    ]
