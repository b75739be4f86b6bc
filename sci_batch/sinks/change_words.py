"""A change in words and figures, for the table and for Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sci_batch.change import CAUSES, GONE, NEW, in_steps
from sci_batch.comparison import Change
from sci_batch.report import Provenance
from sci_batch.sinks import numbers

NOISE = 1e-12
"""Share of the compared quantities below which an effect is rounding, not little."""
EFFECT_NAMES = {"energy": "energy", "intensity": "intensity", "embodied": "embodied", "units": "R"}
LEGEND = (
    "effects add up to the change. energy: kWh used, intensity: gCO2e per kWh (grid x PUE), "
    "embodied: hardware, R: units of work done"
)

Texts = tuple[list[str], str]
"""One text per row, and that of the total."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Texts of one table: carbon in grams, or the score of one functional unit with effects in per cent."""

    unit: str
    """Of base and now: `kgCO2e`, or `mgCO2e/request`."""
    effect_unit: str
    """Of the effects: grams, or per cent of the base."""
    rows: pd.DataFrame
    """CHANGES in the order shown, most changed first."""
    base: Texts
    now: Texts
    percent: Texts
    """Change in per cent of the base."""
    parts: Mapping[str, Texts]
    """`change` where effects are grams, and the effects, which add up as shown."""


@dataclass(frozen=True, slots=True)
class _Columns:
    """Names in CHANGES of one table."""

    base: str
    now: str
    change: str
    percent: str
    effects: dict[str, str]


def _columns(found: Change, number: int | None) -> _Columns:
    if number is None:
        effects = {EFFECT_NAMES[cause]: f"effect_{cause}_gco2e" for cause in CAUSES}
        return _Columns("base_carbon_gco2e", "now_carbon_gco2e", "change_gco2e", "change_percent", effects)
    _, score, behind = found.of_unit(number)
    effects = {EFFECT_NAMES[cause]: f"effect_{cause}_gco2e_per_unit{behind}" for cause in (*CAUSES, "units")}
    change, percent = f"change_gco2e_per_unit{behind}", f"change_sci_percent{behind}"
    return _Columns(f"base_{score}", f"now_{score}", change, percent, effects)


def sides(found: Change) -> tuple[str, str]:
    """What the two sides are called in the heads of columns."""
    return ("stored", "what if") if found.what_if else ("base", "now")


def figures(found: Change, number: int | None = None) -> Figures:
    """Of carbon, or of the score by the functional unit with that number."""
    names = _columns(found, number)
    sort_by = names.change if number is None else names.percent
    order = found.rows[sort_by].abs().sort_values(ascending=False, kind="stable", na_position="last").index
    rows = found.rows.loc[order]
    unit, size = numbers.unit_for([*_floats(rows[names.base]), *_floats(rows[names.now])], "gCO2e")
    percents = _added(found, rows, names, percent=True, size=1.0)
    parts = percents if number is not None else _added(found, rows, names, percent=False, size=size)
    return Figures(
        unit=unit if number is None else f"{unit}/{found.units[number]}",
        effect_unit=unit if number is None else "%",
        rows=rows,
        base=_there(numbers.with_total(_floats(rows[names.base]), found.total[names.base], size), rows, NEW),
        now=_there(numbers.with_total(_floats(rows[names.now]), found.total[names.now], size), rows, GONE),
        percent=_with_status(percents["change"], rows["status"]),
        parts=parts if number is None else {name: text for name, text in parts.items() if name != "change"},
    )


def _there(texts: Texts, rows: pd.DataFrame, absent: str) -> Texts:
    """The texts without those of groups that were not there."""
    return [
        "-" if state == absent else text for text, state in zip(texts[0], rows["status"], strict=True)
    ], texts[1]


def _with_status(texts: Texts, status: pd.Series) -> Texts:
    """What is new or gone says so in place of its per cents."""
    return [state or text for text, state in zip(texts[0], status, strict=True)], texts[1]


def _added(
    found: Change, rows: pd.DataFrame, names: _Columns, *, percent: bool, size: float
) -> dict[str, Texts]:
    """Texts of the change and its effects that add up as shown; what is only rounding is 0."""
    columns = [names.change, *names.effects.values()]
    whole = pd.concat([rows, pd.DataFrame([found.total])], ignore_index=True)
    values = whole[columns].astype("float64")
    sides = whole[[names.base, names.now]].astype("float64")
    values = values.mask(values.abs().le(NOISE * sides.abs().max(axis=1), axis=0), 0.0)
    if percent:
        values = values.mul(100 / sides[names.base].where(sides[names.base] > 0), axis=0)
    known = values.notna().all(axis=1).to_numpy()
    amounts = values.to_numpy()[known] / size
    decimals = 1 if percent else _decimals(amounts)
    step = np.full(len(amounts), 10.0**-decimals)
    change, effects = in_steps(amounts[:, 0], amounts[:, 1:], step)
    counts = np.column_stack([change, effects])
    found_texts = iter(
        [[_signed(count, amount, decimals) for count, amount in zip(*pair, strict=True)]
         for pair in zip(counts.tolist(), amounts.tolist(), strict=True)]
    )  # fmt: skip
    lines = [next(found_texts) if each else ["-"] * len(columns) for each in known]
    texts = [list(column) for column in zip(*lines, strict=True)]
    heads = ["change", *names.effects]
    return {head: (column[:-1], column[-1]) for head, column in zip(heads, texts, strict=True)}


def _decimals(amounts: np.ndarray) -> int:
    if np.array_equal(amounts, np.rint(amounts)):
        return 0
    largest = float(np.abs(amounts).max(initial=0.0))
    whole = 1 + math.floor(math.log10(largest)) if largest > 0 else 1
    return min(numbers.SIGNIFICANT - 1, max(0, numbers.SIGNIFICANT - max(whole, 1)))


def _signed(count: int, amount: float, decimals: int) -> str:
    """`+0.0` and `-0.0` are little, `0.0` is nothing."""
    sign = "" if amount == 0 and count == 0 else "-" if count < 0 or (count == 0 and amount < 0) else "+"
    return f"{sign}{abs(count) / 10**decimals:,.{decimals}f}"


def _floats(values: pd.Series) -> list[float | None]:
    return [None if math.isnan(value) else value for value in values.tolist()]


def summary(found: Change) -> list[tuple[str, str]]:
    """Words and values: what is compared, carbon, scores, groups that came or went, notes."""
    first, second = (name.upper() for name in sides(found))
    lines = [(first, _range(found.base))]
    lines.append((second, "; ".join(found.what_if) if found.what_if else _range(found.now)))
    lines.append(("carbon", _sentence(found, None)))
    lines += [("score", _sentence(found, number)) for number in range(len(found.units))]
    if not found.what_if:
        count = found.rows["status"].value_counts()
        both, new, gone = (int(count.get(state, 0)) for state in ("", NEW, GONE))
        lines.append(("rows", f"{both} in both results, {new} new, {gone} gone"))
    return [*lines, *(("note", note) for note in found.notes)]


def _range(made: Provenance) -> str:
    cluster = f", cluster {made.cluster}" if made.cluster else ""
    return f"{made.start} to {made.end}, windows of {made.window}{cluster}"


def _sentence(found: Change, number: int | None) -> str:
    """`2.111 to 2.322 kgCO2e, +10.0 % = energy +4.2 %, intensity +5.9 %, embodied 0.0 %`."""
    names = _columns(found, number)
    before, after = found.total[names.base], found.total[names.now]
    unit, (old, new) = numbers.together((before, after), "gCO2e")
    per = "" if number is None else f" per {found.units[number]}"
    texts = {
        name: last for name, (_, last) in _added(found, found.rows[:0], names, percent=True, size=1.0).items()
    }
    change = texts.pop("change")
    if change == "-":
        return f"{old} to {new} {unit}{per}: the change is not known"
    parts = ", ".join(f"{name} {text} %" for name, text in texts.items())
    return f"{old} to {new} {unit}{per}, {change} % = {parts}"


def rest(table: Figures, top: int | None) -> Iterator[str]:
    """What the rows behind the first `top` add up to."""
    left = table.rows.iloc[top:] if top is not None else table.rows[:0]
    if len(left):
        moved = numbers.quantity(float(left["change_gco2e"].abs().sum(min_count=1)), "gCO2e")
        yield f"{len(left)} further rows change by {moved} in all, up and down"


def legend(found: Change) -> Sequence[str]:
    """What the effects are, and in what they are counted."""
    score = ["effects on a score are in % of the base"] if found.units else []
    return [LEGEND if found.units else LEGEND.rpartition(", R:")[0], *score]
