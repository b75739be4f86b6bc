"""The result over time, in as many steps as a reader can see: windows, else days, else months."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from sci_batch.report import Report
from sci_batch.sinks.html.figures import Column, columns, floats, percents
from sci_batch.sums import mean_coverage

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
    """Energy, O, M, C, intensity in effect and coverage of each step."""
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
    seen = [mean_coverage(part) for _, part in groups]
    return Steps(span, labels, [*energy, *carbon, percents("Coverage", seen, sums.coverage)])


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
