"""The table for people: few columns that fit, then what they mean, then the totals and the books.

More than `MAX_ROWS` rows become one row per group over all windows. SCI is then the ratio of the
sums, never a mean of ratios. Within a window the row with most carbon comes first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from sci_batch.report import Report
from sci_batch.schema import MEASURES, also_column, of_unit
from sci_batch.sinks import SinkOptions, numbers
from sci_batch.sinks.footer import add_footer
from sci_batch.sinks.layout import Page, Shown
from sci_batch.sinks.target import opened

MAX_ROWS = 60
LONGEST_HEAD = 16
_EXTENSIVE = {"kWh", "gCO2e", "units"}
"""Units of columns that add up over windows."""


def write(report: Report, path: Path | None, options: SinkOptions) -> None:
    """Rows or groups, and the totals."""
    here = options if path is None else SinkOptions(top=options.top, no_clobber=options.no_clobber)
    text = page(report, here).encoded()
    with opened(path, no_clobber=options.no_clobber) as stream:
        stream.write(text)


def page(report: Report, options: SinkOptions) -> Page:
    """The whole table."""
    rows, words, summed = _choose(report, options)
    everywhere, numbered = _distinct_flags(rows["flags"])
    made = Page(options)
    left_out = made.table(columns(rows, report, numbered, summed=summed))
    if left_out:
        names = ", ".join(dict.fromkeys(column.head[0] for column in left_out))
        words.append(f"no room for {names}: -o wide shows every column")
    if numbered:
        words.append(f"flags: {', '.join(f'{number} {flag}' for number, flag in enumerate(numbered, 1))}")
    if everywhere:
        shown = " shown" if options.top is not None and len(rows) == options.top else ""
        words.append(f"flags of every row{shown}: {', '.join(everywhere)}")
    if words:
        made.gap()
        made.lines(words)
    add_footer(made, report)
    return made


def _choose(report: Report, options: SinkOptions) -> tuple[pd.DataFrame, list[str], bool]:
    """Rows to show, words on what they are, and whether they are sums over all windows."""
    rows = report.result.sort_values(
        ["window_start", "carbon_gco2e", "energy_kwh"], ascending=[True, False, False], kind="stable"
    )
    words = []
    windows = len(rows["window_start"].unique())
    summed = len(rows) > MAX_ROWS and windows > 1
    if summed:
        words.append(
            f"sums over {windows} windows; window by window ({len(rows)} rows): -o wide, or -o csv=FILE"
        )
        rows = per_group(rows, report.provenance.group_by)
    if options.top is not None and len(rows) > options.top:
        ranked = rows.sort_values(["carbon_gco2e", "energy_kwh"], ascending=False, kind="stable")
        rest = ranked.iloc[options.top :]
        energy = numbers.quantity(float(rest["energy_kwh"].sum(min_count=1)), "kWh")
        carbon = numbers.quantity(float(rest["carbon_gco2e"].sum(min_count=1)), "gCO2e")
        words.append(f"--top {options.top}: {len(rest)} further rows hold {energy} and {carbon}")
        rows = ranked.iloc[: options.top]
    return rows.reset_index(drop=True), words, summed


def per_group(result: pd.DataFrame, group_by: tuple[str, ...]) -> pd.DataFrame:
    """RESULT over all of its windows: one row per group, most carbon first.

    Two kinds of workload with one name are two rows; where rows are no workloads, kinds are joined by `+`.

    Sums skip what is unknown and are unknown when all is. SCI = sum of C / sum of R. Coverage and
    intensity are means weighted by energy (where no energy is known, coverage is a plain mean).
    """
    by_kind = "workload" in group_by or "pod" in group_by
    keys = [*group_by, *(["workload_kind"] if by_kind else [])]
    unit = {column.name: column.unit for column in MEASURES}
    names = [str(name) for name in result]
    adding = [name for name in names if unit.get(name.partition(":")[0]) in _EXTENSIVE]
    weight = result["energy_kwh"].fillna(0.0)
    known = weight.where(result["intensity_gco2e_per_kwh"].notna(), 0.0)
    helped = result.assign(
        _weight=weight,
        _covered=result["coverage"] * weight,
        _known=known,
        _intensity=result["intensity_gco2e_per_kwh"].fillna(0.0) * known,
    )
    groups = helped.groupby(keys, sort=False, dropna=False)
    sums = groups[[*adding, "_weight", "_covered", "_known", "_intensity"]].sum(min_count=1)
    served = [name for name in adding if name.startswith("functional_units")]
    scores = {name.replace("functional_units", "sci_gco2e_per_unit", 1): sums[name] for name in served}
    plain = groups["coverage"].mean()
    joined = ["energy_source", "intensity_source", "embodied_source", *([] if by_kind else ["workload_kind"])]
    number = groups.ngroup().to_numpy()
    sums = sums.assign(
        window_start=groups["window_start"].min(),
        window_end=groups["window_end"].max(),
        **{score: sums["carbon_gco2e"] / r.where(r > 0) for score, r in scores.items()},
        intensity_gco2e_per_kwh=sums["_intensity"] / sums["_known"].where(sums["_known"] > 0),
        coverage=(sums["_covered"] / sums["_weight"].where(sums["_weight"] > 0)).fillna(plain),
        **{name: _union(number, result[name], len(sums), "+") for name in joined},
        flags=_union(number, result["flags"], len(sums), ","),
    )
    ranked = sums.reset_index().sort_values(["carbon_gco2e", "energy_kwh"], ascending=False, kind="stable")
    return ranked[list(result.columns)].reset_index(drop=True)


def _union(group: np.ndarray, texts: pd.Series, count: int, separator: str) -> list[str]:
    """The distinct words of joined texts in each of `count` groups, joined again."""
    pairs = pd.DataFrame({"group": group, "text": texts.to_numpy()}).drop_duplicates()
    words: list[set[str]] = [set() for _ in range(count)]
    for number, text in zip(pairs["group"].tolist(), pairs["text"].tolist(), strict=True):
        words[number].update(text.split(separator))
    return [separator.join(sorted(found - {""})) for found in words]


def _distinct_flags(flags: pd.Series) -> tuple[list[str], list[str]]:
    """Flags that every row has, and the others."""
    sets = [{word for word in text.split(",") if word} for text in flags.unique()]
    everywhere = set.intersection(*sets) if sets else set()
    return sorted(everywhere), sorted(set().union(*sets) - everywhere)


def columns(rows: pd.DataFrame, report: Report, flags: Sequence[str], *, summed: bool = False) -> list[Shown]:
    """Columns of the narrow table, in order, without those that would say the same in each row.

    `summed`: the rows are sums over all windows.
    """
    made, sums = report.provenance, report.totals
    shown = []
    if not summed and len(rows["window_start"].unique()) > 1:
        shown.append(_windows(rows["window_start"], made.tz))
    shown += [Shown((key,), rows[key].tolist(), folds=True) for key in made.group_by]
    shown.append(Shown(("kind",), rows["workload_kind"].tolist(), spare=1))
    shown[0] = replace(shown[0], total="total")
    shown.append(_scaled(("energy",), rows["energy_kwh"], sums.energy_kwh, "kWh"))
    shown += _carbon(rows, report)
    for index, unit in enumerate(made.units):
        units, sci = sums.of_unit(index)
        cells, total = numbers.with_total(_floats(rows[of_unit("functional_units", unit, index)]), units)
        shown.append(Shown(("R", unit), cells, total, right=True, spare=4))
        score = rows[of_unit("sci_gco2e_per_unit", unit, index)]
        scaled = _scaled(("SCI=C/R",), score, sci, "gCO2e", f"/{unit}")
        shown.append(replace(scaled, spare=6 if index else 0))
    if (rows["coverage"] < 1).any():
        seen = [numbers.percent(share) for share in _floats(rows["coverage"])]
        shown.append(Shown(("coverage", "%"), seen, numbers.percent(sums.coverage), right=True, spare=3))
    if flags:
        number = {flag: index for index, flag in enumerate(flags, 1)}
        found = [sorted(number[flag] for flag in text.split(",") if flag in number) for text in rows["flags"]]
        shown.append(Shown(("flags",), [",".join(map(str, row)) for row in found]))
    return shown


def _carbon(rows: pd.DataFrame, report: Report) -> list[Shown]:
    """O, M and C in one unit, so that the eye can add them, and the share of all C."""
    sums = report.totals
    parts = (
        ("O", "operational_gco2e", sums.operational_gco2e),
        ("M", "embodied_gco2e", sums.embodied_gco2e),
        ("C=O+M", "carbon_gco2e", sums.carbon_gco2e),
    )
    carbon = _floats(rows["carbon_gco2e"])
    unit, size = numbers.unit_for([value for _, name, _ in parts for value in _floats(rows[name])], "gCO2e")

    def column(head: tuple[str, ...], name: str, total: float | None, spare: int) -> Shown:
        cells, total_cell = numbers.with_total(_floats(rows[name]), total, size)
        return Shown((*head, unit), cells, total_cell, right=True, spare=spare)

    shown = [column((head,), name, total, 0 if head == "C=O+M" else 2) for head, name, total in parts]
    beside = [
        column(_by(also.source), also_column(also.source).name, also.operational_gco2e, 7)
        for also in sums.also
    ]
    shown[1:1] = beside
    if sums.carbon_gco2e:
        shares = [numbers.share(value, sums.carbon_gco2e) for value in carbon]
        shown.append(Shown(("share", "%"), shares, "100.0", right=True, spare=5))
    return shown


def _by(source: str) -> tuple[str, ...]:
    """Head of O by another intensity: its kind, and as much of its argument as a column may take.

    >>> _by("zone:FR")
    ('O by zone', 'FR')
    """
    kind, _, argument = source.partition(":")
    short = argument if len(argument) <= LONGEST_HEAD else argument[: LONGEST_HEAD - 3] + "..."
    return (f"O by {kind}", short) if argument else (f"O by {kind}",)


def _scaled(head: tuple[str, ...], values: pd.Series, total: float | None, unit: str, *below: str) -> Shown:
    found = _floats(values)
    name, size = numbers.unit_for(found, unit)
    return Shown((*head, name, *below), *numbers.with_total(found, total, size), right=True)


def _floats(values: pd.Series) -> list[float | None]:
    return [None if pd.isna(value) else float(value) for value in values]


def _windows(starts: pd.Series, tz: str) -> Shown:
    """Window starts in the user's zone; the date or year they all share stands in the head."""
    zone = ZoneInfo(tz)
    local = [moment.to_pydatetime().astimezone(zone) for moment in starts]
    if all(moment.hour == moment.minute == moment.second == 0 for moment in local):
        return Shown(("window", tz), [f"{moment:%Y-%m-%d}" for moment in local])
    dates = {f"{moment:%Y-%m-%d}" for moment in local}
    years = {date[:4] for date in dates}
    if len(dates) == 1:
        date = "".join(dates)
        return Shown((date[:5], date[5:], tz), [_clock(moment, tz) for moment in local])
    if len(years) == 1:
        return Shown(
            (f"window {''.join(years)}", tz), [f"{moment:%m-%d} {_clock(moment, tz)}" for moment in local]
        )
    return Shown(("window", tz), [f"{moment:%Y-%m-%d} {_clock(moment, tz)}" for moment in local])


def _clock(moment: datetime, tz: str) -> str:
    # The offset tells the two hours apart when the clocks go back.
    seconds = f":{moment:%S}" if moment.second else ""
    return f"{moment:%H:%M}{seconds}" + ("" if tz == "UTC" else f"{moment:%z}")
