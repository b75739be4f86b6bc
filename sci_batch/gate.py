"""Limits given by `--fail-on`: read here, judged here, on the totals, on every row, or on a change."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from sci_batch.errors import UsageError
from sci_batch.notation import NUMBER, decimal
from sci_batch.verdict import Verdict

if TYPE_CHECKING:
    import pandas as pd

    from sci_batch.comparison import Change
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

INCREASE_MEASURES = (
    "sci_gco2e_per_unit", "carbon_gco2e", "energy_kwh", "operational_gco2e", "embodied_gco2e",
    "functional_units",
)  # fmt: skip
"""What may be limited in its increase from one result to another."""

_LIMIT = rf"\s*(>=|<=|>|<)\s*({NUMBER})\s*"
_UNIT = r"(?::\s*([A-Za-z][\w /.-]*?))?"
_GATE = re.compile(rf"\s*(row\.)?([a-z0-9_]+){_UNIT}{_LIMIT}")
_INCREASE = re.compile(rf"\s*(row\.)?increase(?::\s*([a-z0-9_]+){_UNIT})?{_LIMIT}(%?)\s*")
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
    increase: bool = False
    """The limit [%] is on the increase; an empty measure is SCI where there is one, else carbon."""

    @property
    def needs_score(self) -> bool:
        """Whether it can only be judged with a functional unit."""
        return self.measure in SCORE_MEASURES

    def __str__(self) -> str:
        return self.text


def parse(text: str) -> Gate:
    """`sci>0.5` on the total, `row.sci>0.5` on any row, `sci:user>0.1` of the unit `user`, `increase>10%`.

    Raises
    ------
    UsageError
        Not a measure, a comparison and a number; or an unknown measure.
    """
    if increase := _INCREASE.fullmatch(text):
        return _increase(text.strip(), *increase.groups())
    match = _GATE.fullmatch(text)
    if match is None:
        raise UsageError(
            f"{text!r} is not a limit", "Write a measure, > >= < or <=, and a number: 'sci>0.5'."
        )
    prefix, name, unit, comparison, limit = match.groups()
    known = ROW_MEASURES if prefix else TOTAL_MEASURES
    measure = _measure(name, unit, known, "a row" if prefix else "the total")
    return Gate(text.strip(), measure, comparison, _finite(text, limit), bool(prefix), unit or "")


def _measure(name: str, unit: str | None, known: Sequence[str], whose: str) -> str:
    measure = SHORT_NAMES.get(name, name)
    if measure not in known:
        near = get_close_matches(name, (*SHORT_NAMES, *known), n=1)
        hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join((*SHORT_NAMES, *known))}."
        raise UsageError(f"{name!r} is no measure of {whose}", hint)
    if unit and measure not in SCORE_MEASURES:
        raise UsageError(
            f"{name} is no measure of a functional unit", f"Write sci:{unit}, or {name} without :{unit}."
        )
    return measure


def _increase(
    text: str,
    prefix: str | None,
    name: str | None,
    unit: str | None,
    comparison: str,
    limit: str,
    percent: str,
) -> Gate:
    if not percent:
        raise UsageError(f"{text!r} limits an increase without a per cent sign", f"Write '{text}%'.")
    measure = _measure(name, unit, INCREASE_MEASURES, "a change") if name else ""
    return Gate(text, measure, comparison, _finite(text, limit), bool(prefix), unit or "", increase=True)


def _finite(text: str, limit: str) -> float:
    found = decimal(limit)
    if found is None:
        raise UsageError(f"{text!r} has a limit beyond all numbers", "Give a smaller one: 'sci>0.5'.")
    return found


def unjudgeable(gates: Sequence[Gate], units: Sequence[str]) -> Iterator[UsageError]:
    """A mistake for each gate that needs a score where there is none, or one of none of these `units`."""
    for gate in gates:
        if gate.needs_score and not units:
            yield UsageError(
                f"--fail-on {gate} needs a score",
                "Compute with --functional-unit, limit carbon_gco2e, or take the limit away.",
            )
        elif gate.unit and gate.unit not in units:
            near = get_close_matches(gate.unit, units, n=1)
            yield UsageError(
                f"--fail-on {gate}: there is no functional unit {gate.unit}",
                f"Did you mean {near[0]}?" if near else f"Known: {', '.join(units)}.",
            )


def verdicts(gates: Sequence[Gate], report: Report, change: Change | None = None) -> list[Verdict]:
    """What became of each gate; those on an increase are judged by `change`, the others by `report`."""
    return [Verdict(gate.text, _breach(gate, report, change)) for gate in gates]


def _breach(gate: Gate, report: Report, change: Change | None) -> str:
    if gate.increase:
        return _increase_breach(gate, change) if change else f"{gate.text}: there is nothing to compare with"
    return _row_breach(gate, report) if gate.rows else _total_breach(gate, report)


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


def _increase_breach(gate: Gate, change: Change) -> str:
    measure = gate.measure or (SCORE_MEASURES[0] if change.units else "carbon_gco2e")
    column = f"{measure}:{gate.unit}" if gate.unit in change.units[1:] else measure
    names = f"base_{column}", f"now_{column}"
    if gate.rows:
        return _row_increase_breach(gate, change, column, names)
    base, now = (change.total.get(name) for name in names)
    # Where carbon came to be unknown, or known, the totals are not of the same things.
    percent = None if change.total["change_gco2e"] is None else _percent(base, now)
    if percent is None:
        return f"{gate.text}: the increase of {column} of the total is not known"
    if _OPERATORS[gate.comparison](percent, gate.limit):
        return f"{gate.text}: {column} of the total went from {base:.6g} to {now:.6g}, {percent:+.4g} %"
    return ""


def _row_increase_breach(gate: Gate, change: Change, column: str, names: tuple[str, str]) -> str:
    """Groups of both results; what is new or gone has no increase."""
    both = change.rows[change.rows["status"] == ""]
    base, now = both[names[0]], both[names[1]]
    percent = (100 * (now - base) / base).where((base != 0) | (now != 0), 0.0)
    known = percent[base.notna() & now.notna()]
    if known.empty:
        return f"{gate.text}: the increase of {column} is not known in any row"
    over = {">": known.gt, ">=": known.ge, "<": known.lt, "<=": known.le}[gate.comparison](gate.limit)
    if not over.any():
        return ""
    place = int(known.argmax() if gate.comparison.startswith(">") else known.argmin())
    worst = both.loc[known.index].iloc[place]
    name = ", ".join(f"{key}={worst[key]}" for key in change.group_by)
    furthest = f"the furthest {known.iloc[place]:+.4g} % ({name})"
    return f"{gate.text}: {int(over.sum())} of {len(both)} rows, {furthest}"


def _percent(base: float | None, now: float | None) -> float | None:
    """Increase [%]; from 0 to anything it is without bounds, from or to the unknown it is unknown."""
    if base is None or now is None or math.isnan(base) or math.isnan(now):
        return None
    if base == 0:
        return 0.0 if now == 0 else math.copysign(math.inf, now)
    return 100 * (now - base) / base


def _row_name(row: pd.Series, group_by: tuple[str, ...]) -> str:
    keys = [f"{key}={row[key]}" for key in group_by]
    return ", ".join([f"{row['window_start']:%Y-%m-%dT%H:%M:%SZ}", *keys])


def trust(report: Report, *, min_coverage: float | None, strict: bool) -> list[Verdict]:
    """What became of `--min-coverage` and `--strict`, where they are given."""
    totals = report.totals
    found = []
    if min_coverage is not None:
        low = not totals.coverage >= min_coverage  # NaN is below too
        words = f"coverage is {totals.coverage:.4g}, below --min-coverage {min_coverage:g}"
        found.append(Verdict(f"--min-coverage {min_coverage:g}", words if low else ""))
    if strict:
        residual = "" if totals.residual_kwh is None else f", residual {totals.residual_kwh:.6g} kWh"
        words = f"the books of {totals.open_books} of {totals.books} node-windows do not close{residual}"
        found.append(Verdict("--strict", words if totals.open_books > 0 else ""))
    return found
