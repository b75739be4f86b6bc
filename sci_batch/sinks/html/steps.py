"""The result over time, in as many steps as a reader can see: windows, else days, else months."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from sci_batch.counters import weighted_mean
from sci_batch.report import Report
from sci_batch.schema import of_unit
from sci_batch.sinks.html.figures import Column, columns, floats, known, percents
from sci_batch.sums import known_sum, mean_coverage

MAX_STEPS = 100
MAX_DAYS = 62
"""Rows of the heat map by date; a longer time is shown by day of the week."""
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
LEVELS = 8
"""Shades of the heat map above the lightest."""


@dataclass(frozen=True, slots=True)
class Steps:
    """Sums over the rows of each step of time, in order."""

    span: str
    """window, day or month."""
    labels: Sequence[str]
    columns: Sequence[Column]
    scores: Sequence[Column]
    """SCI by each unit of work that is known in any step; they are in `columns` too."""


@dataclass(frozen=True, slots=True)
class Heat:
    """Carbon by day (rows) and time of day at which windows start (columns)."""

    unit: str
    days: Sequence[str]
    times: Sequence[str]
    cells: Sequence[Sequence[tuple[str, float | None, int]]]
    """Text, gCO2e, and shade from 0 (the least) to `LEVELS` (the most); shade -1: unknown or no window."""
    ends: tuple[str, str]
    """Texts of the least and the most."""
    of_weekdays: bool


def steps(report: Report) -> Steps:
    """Energy, O, M, C, intensity in effect, R and SCI of every unit of work, and coverage of each step."""
    rows, sums = report.result, report.totals
    span, labels, number = _step_of_rows(rows["window_start"], report.provenance.tz)
    groups = rows.groupby(number)
    by_step = groups[["energy_kwh", "operational_gco2e", "embodied_gco2e", "carbon_gco2e"]].sum(min_count=1)
    energy = columns([("Energy", floats(by_step["energy_kwh"]), sums.energy_kwh)], "kWh")
    carbon = columns(
        [
            ("Operational O", floats(by_step["operational_gco2e"]), sums.operational_gco2e),
            ("Embodied M", floats(by_step["embodied_gco2e"]), sums.embodied_gco2e),
            ("Carbon C", floats(by_step["carbon_gco2e"]), sums.carbon_gco2e),
        ],
        "gCO2e",
    )
    work = [
        _scores(report, number, floats(by_step["carbon_gco2e"]), name, place)
        for place, name in enumerate(report.provenance.units)
    ]
    seen = [mean_coverage(part) for _, part in groups]
    return Steps(
        span, labels,
        [*energy, *carbon, _intensity(rows, number, len(labels)), *(one for pair in work for one in pair),
         percents("Coverage", seen, sums.coverage)],
        [score for _, score in work if any(cell.known for cell in score.cells)],
    )  # fmt: skip


def _intensity(rows: pd.DataFrame, number: np.ndarray, count: int) -> Column:
    """In effect: the mean of the rows, weighted by their energy."""
    known_rows = (rows["intensity_gco2e_per_kwh"].notna() & rows["energy_kwh"].notna()).to_numpy()
    value, weight = (
        rows.loc[known_rows, name].to_numpy() for name in ("intensity_gco2e_per_kwh", "energy_kwh")
    )
    of_step = weighted_mean(number[known_rows], value, weight, count)
    of_all = weighted_mean(np.zeros(len(value), np.int64), value, weight, 1)
    (made,) = columns([("Intensity I", floats(pd.Series(of_step)), known(float(of_all[0])))], "gCO2e/kWh")
    return made


def _scores(
    report: Report, number: np.ndarray, carbon: Sequence[float | None], unit: str, place: int
) -> tuple[Column, Column]:
    """R and SCI of each step by one unit of work: all carbon of the step over all work done in it."""
    total, score = report.totals.of_unit(place)
    r = _r_of_steps(report.result, number, of_unit("functional_units", unit, place), total)
    (work,) = columns([("R", r, total)], unit)
    scores = [
        grams / units if grams is not None and units else None for grams, units in zip(carbon, r, strict=True)
    ]
    (made,) = columns([("SCI = C / R", scores, score)], "gCO2e")
    return work, replace(made, unit=f"{made.unit} per {unit}")


def _r_of_steps(
    rows: pd.DataFrame, number: np.ndarray, column: str, total: float | None
) -> list[float | None]:
    """R of each step, each count once: unknown where the rows do not tell it.

    Rows have an R of their own, or share that of their window: the one that adds up to the total is so.
    """
    step = pd.Series(number, rows.index)
    of_window = rows[column].groupby([step, rows["window_start"]]).max()
    for r in (rows[column].groupby(step).sum(min_count=1), of_window.groupby(level=0).sum(min_count=1)):
        added = known_sum(r)
        if total is not None and added is not None and math.isclose(total, added, rel_tol=1e-9):
            return floats(r)
    return [None] * int(step.nunique())


def _step_of_rows(starts: pd.Series, tz: str) -> tuple[str, list[str], np.ndarray]:
    """What a step is, the steps' names in order, and the number of each row's step."""
    of_row, windows = pd.factorize(starts, sort=True)
    local = pd.DatetimeIndex(windows).tz_convert(ZoneInfo(tz))
    # The offset tells the two hours apart when the clocks go back.
    forms = {
        "window": "%Y-%m-%d %H:%M" if tz == "UTC" else "%Y-%m-%d %H:%M%z",
        "day": "%Y-%m-%d",
        "month": "%Y-%m",
    }
    for span, form in forms.items():
        names = local.strftime(form)
        of_window, labels = pd.factorize(names)
        if len(labels) <= MAX_STEPS or span == "month":
            return span, labels.tolist(), of_window[of_row]
    raise AssertionError("months end the loop")


def heat(report: Report) -> Heat | None:
    """The heat map; None where it would have one column or one row of windows only."""
    rows = report.result
    of_row, windows = pd.factorize(rows["window_start"], sort=True)
    local = pd.DatetimeIndex(windows).tz_convert(ZoneInfo(report.provenance.tz))
    times = local.strftime("%H:00")
    if times.nunique() < 2:
        return None
    dates = local.strftime("%a %Y-%m-%d")
    weekly = dates.nunique() > MAX_DAYS
    days = local.day_name() if weekly else dates
    carbon = rows["carbon_gco2e"].groupby(of_row).sum(min_count=1).to_numpy()
    table = pd.DataFrame({"day": days, "time": times, "carbon": carbon}).pivot_table(
        index="day", columns="time", values="carbon", aggfunc=_known_sum, sort=False
    )
    order = [day for day in WEEKDAYS if day in set(days)] if weekly else days.unique()
    # What is unknown in all rows is not in the pivoted table.
    return _heat(table.reindex(index=order, columns=sorted(times.unique())), of_weekdays=weekly)


def _known_sum(values: pd.Series) -> float:
    return float(values.sum(min_count=1))


def _heat(table: pd.DataFrame, *, of_weekdays: bool) -> Heat:
    values = [floats(row) for _, row in table.iterrows()]
    (flat,) = columns([("", [value for row in values for value in row], None)], "gCO2e")
    known = sorted((cell.exact, cell.text) for cell in flat.cells if cell.exact is not None)
    (least, first), (most, last) = (known[0], known[-1]) if known else ((0.0, "-"), (0.0, "-"))
    cells = iter(flat.cells)
    return Heat(
        unit=flat.unit,
        days=table.index.tolist(),
        times=table.columns.tolist(),
        cells=[[(next(cells).text, value, _shade(value, least, most)) for value in row] for row in values],
        ends=(first, last),
        of_weekdays=of_weekdays,
    )


def _shade(value: float | None, least: float, most: float) -> int:
    if value is None:
        return -1
    return round(LEVELS * (value - least) / (most - least)) if most > least else 0
