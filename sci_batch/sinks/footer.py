"""The lines below every table: totals, books, and what is missing for a score."""

from __future__ import annotations

from collections.abc import Mapping

from sci_batch.report import Report, Totals
from sci_batch.sinks.numbers import percent, quantity, together

HOW_TO_SCORE = (
    "no score: name the unit of work to get one, for example\n"
    "          --functional-unit 'request=prometheus:sum by (namespace, workload) "
    "(increase(http_requests_total[{window}]))'"
)


def footer(report: Report, flag_numbers: Mapping[str, int]) -> list[str]:
    """Totals in lines of `word  value`; flags by the numbers of the table's last column."""
    totals = report.totals
    carbon, operational, embodied = together(
        (totals.carbon_gco2e, totals.operational_gco2e, totals.embodied_gco2e), "gCO2e"
    )
    lines = [
        _line("energy", quantity(totals.energy_kwh, "kWh")),
        _line("carbon", f"C = {carbon} = O {operational} + M {embodied}"),
        *_score(totals, report.provenance.functional_unit),
        _line("coverage", f"{percent(totals.coverage)} %"),
        *_books(totals),
    ]
    if totals.not_shown_kwh:
        lines.append(
            _line("not shown", f"{quantity(totals.not_shown_kwh, 'kWh')} (--namespace, --unattributed drop)")
        )
    if flag_numbers:
        lines.append(_line("flags", ", ".join(f"{number} {flag}" for flag, number in flag_numbers.items())))
    return lines


def _line(word: str, value: str) -> str:
    return f"{word:<10}{value}"


def _score(totals: Totals, unit: str | None) -> list[str]:
    if unit is None:
        return [HOW_TO_SCORE]
    score = "unknown" if totals.sci_gco2e_per_unit is None else quantity(totals.sci_gco2e_per_unit, "gCO2e")
    return [
        _line("units", f"R = {quantity(totals.functional_units, '')} {unit}"),
        _line("score", f"SCI = C / R = {score} per {unit}"),
    ]


def _books(totals: Totals) -> list[str]:
    if totals.node_energy_kwh is None:
        return [_line("books", "unknown: the nodes show no energy of their own")]
    closed = totals.books - totals.open_books
    state = "closed" if totals.open_books == 0 else "OPEN"
    residual = "unknown" if totals.residual_kwh is None else f"{totals.residual_kwh + 0.0:.2g} kWh"
    node, pods, rest = together((totals.node_energy_kwh, totals.pods_kwh, totals.unattributed_kwh), "kWh")
    return [
        _line("nodes", f"{node} = pods {pods} + of no pod {rest}"),
        _line("books", f"{state}: {closed} of {totals.books} node-windows, residual {residual}"),
    ]
