"""Limits given by `--fail-on`: read here, judged here, on the totals or on every row."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from sci_batch.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

    from sci_batch.report import Report

SHORT_NAMES = {"sci": "sci_gco2e_per_unit"}
ROW_MEASURES = (
    "active_kwh", "shared_kwh", "energy_kwh", "operational_gco2e", "embodied_gco2e", "carbon_gco2e",
    "functional_units", "sci_gco2e_per_unit", "intensity_gco2e_per_kwh", "coverage",
)  # fmt: skip
TOTAL_MEASURES = (
    "energy_kwh", "operational_gco2e", "embodied_gco2e", "carbon_gco2e", "functional_units",
    "sci_gco2e_per_unit", "coverage", "node_energy_kwh", "pods_kwh", "unattributed_kwh", "residual_kwh",
    "open_books", "rows",
)  # fmt: skip
SCORE_MEASURES = ("sci_gco2e_per_unit", "functional_units")
"""Measures that need `--functional-unit`."""

_GATE = re.compile(
    r"\s*(row\.)?([a-z0-9_]+)(?::\s*([A-Za-z][\w /.-]*?))?\s*(>=|<=|>|<)"
    r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*"
)
_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Gate:
    """One limit: breached where `measure comparison limit` is true."""

    text: str
    measure: str
    comparison: str
    limit: float
    rows: bool
    """Judged on every row, not on the total."""
    unit: str = ""
    """Functional unit that is meant; empty: the first."""

    def __str__(self) -> str:
        return self.text


def parse(text: str) -> Gate:
    """`sci>0.5` on the total, `row.sci>0.5` on any row, `sci:user>0.1` of the unit `user`.

    Raises
    ------
    UsageError
        Not a measure, a comparison and a number; or an unknown measure.
    """
    match = _GATE.fullmatch(text)
    if match is None:
        raise UsageError(
            f"{text!r} is not a limit", "Write a measure, > >= < or <=, and a number: 'sci>0.5'."
        )
    prefix, name, unit, comparison, limit = match.groups()
    known = ROW_MEASURES if prefix else TOTAL_MEASURES
    measure = SHORT_NAMES.get(name, name)
    if measure not in known:
        near = get_close_matches(name, (*SHORT_NAMES, *known), n=1)
        hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join((*SHORT_NAMES, *known))}."
        raise UsageError(f"{name!r} is no measure of {'a row' if prefix else 'the total'}", hint)
    if unit and measure not in SCORE_MEASURES:
        raise UsageError(
            f"{name} is no measure of a functional unit", f"Write sci:{unit}, or {name} without :{unit}."
        )
    return Gate(text.strip(), measure, comparison, float(limit), bool(prefix), unit or "")


def misnamed(gates: Sequence[Gate], units: Sequence[str]) -> Iterator[UsageError]:
    """A mistake for each gate on a functional unit that is none of `units`."""
    for gate in gates:
        if gate.unit and gate.unit not in units:
            near = get_close_matches(gate.unit, units, n=1)
            yield UsageError(
                f"--fail-on {gate}: there is no functional unit {gate.unit}",
                f"Did you mean {near[0]}?" if near else f"Known: {', '.join(units)}.",
            )


def breaches(gates: Sequence[Gate], report: Report) -> list[str]:
    """One sentence for each gate that is breached; a gate that cannot be judged is breached."""
    found = [_row_breach(gate, report) if gate.rows else _total_breach(gate, report) for gate in gates]
    return [sentence for sentence in found if sentence]


def _total_breach(gate: Gate, report: Report) -> str:
    value = _total(gate, report)
    if value is None or math.isnan(value):
        return f"{gate.text}: {gate.measure} of the total is not known"
    if _OPERATORS[gate.comparison](value, gate.limit):
        return f"{gate.text}: {gate.measure} of the total is {value:.6g}"
    return ""


def _total(gate: Gate, report: Report) -> float | None:
    if not gate.unit or gate.unit == report.provenance.functional_unit:
        found: float | None = getattr(report.totals, gate.measure)
        return found
    named = [unit for unit in report.totals.units if unit.name == gate.unit]
    return getattr(named[0], gate.measure) if named else None


def _column(gate: Gate, report: Report) -> str:
    further = gate.unit and gate.unit != report.provenance.functional_unit
    return f"{gate.measure}:{gate.unit}" if further else gate.measure


def _row_breach(gate: Gate, report: Report) -> str:
    column = _column(gate, report)
    known = report.result[report.result[column].notna()] if column in report.result else report.result[:0]
    if known.empty:
        return f"{gate.text}: {column} is not known in any row"
    values = known[column]
    over = {">": values.gt, ">=": values.ge, "<": values.lt, "<=": values.le}[gate.comparison](gate.limit)
    if not over.any():
        return ""
    worst = known.iloc[int(values.argmax() if gate.comparison.startswith(">") else values.argmin())]
    return (
        f"{gate.text}: {int(over.sum())} of {len(report.result)} rows, "
        f"the furthest {worst[column]:.6g} ({_row_name(worst, report.provenance.group_by)})"
    )


def _row_name(row: pd.Series, group_by: tuple[str, ...]) -> str:
    keys = [f"{key}={row[key]}" for key in group_by]
    return ", ".join([f"{row['window_start']:%Y-%m-%dT%H:%M:%SZ}", *keys])


def partial(report: Report, *, min_coverage: float | None, strict: bool) -> list[str]:
    """One sentence for each reason not to trust the numbers (exit code 5)."""
    totals = report.totals
    reasons = []
    if min_coverage is not None and not totals.coverage >= min_coverage:  # NaN is below too
        reasons.append(f"coverage is {totals.coverage:.4g}, below --min-coverage {min_coverage:g}")
    if strict and totals.open_books > 0:
        residual = "" if totals.residual_kwh is None else f", residual {totals.residual_kwh:.6g} kWh"
        reasons.append(
            f"the books of {totals.open_books} of {totals.books} node-windows do not close{residual}"
        )
    return reasons
