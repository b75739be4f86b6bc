"""The table on the terminal: few columns that fit, then the totals and the books.

On a terminal more than `MAX_ROWS` rows become one row per group over all windows. SCI is then
the ratio of the sums, never a mean of ratios.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd

from sci_batch.report import Report
from sci_batch.sinks import SinkOptions, numbers
from sci_batch.sinks.footer import footer
from sci_batch.sinks.layout import Shown, draw, fitting
from sci_batch.sinks.target import opened

MAX_ROWS = 60
_EXTENSIVE = (
    "active_kwh", "shared_kwh", "energy_kwh", "operational_gco2e", "embodied_gco2e", "carbon_gco2e",
    "functional_units",
)  # fmt: skip
_TO_ASCII = str.maketrans({"µ": "u"})


def write(report: Report, path: Path | None, options: SinkOptions) -> None:
    """Rows or groups, and the totals."""
    here = options if path is None else SinkOptions(top=options.top, no_clobber=options.no_clobber)
    text = render(report, here)
    with opened(path, no_clobber=options.no_clobber) as stream:
        stream.write(encoded(text, here.encoding))


def encoded(text: str, encoding: str) -> bytes:
    """Bytes for a terminal that may not know all letters."""
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_TO_ASCII).encode(encoding, errors="replace")


def render(report: Report, options: SinkOptions) -> str:
    """The whole table as text."""
    rows, words = _choose(report, options)
    flags = _distinct_flags(rows["flags"])
    shown = columns(rows, report, flags)
    kept = fitting(shown, options.width)
    if left_out := [column.head[0] for column in shown if column not in kept]:
        words.append(f"no room for {', '.join(left_out)}: -o wide shows every column")
    lines = [*words, *footer(report, {flag: number for number, flag in enumerate(flags, 1)})]
    return draw(kept, options.width, options.color) + "\n" + "\n".join(lines) + "\n"


def _choose(report: Report, options: SinkOptions) -> tuple[pd.DataFrame, list[str]]:
    """Rows to show, and words on what they are."""
    rows = report.result
    words = []
    if options.terminal and len(rows) > MAX_ROWS:
        windows = len(rows["window_start"].unique())
        if windows > 1:
            words.append(
                f"sums over {windows} windows for each group; all {len(rows)} rows: -o wide, or -o csv=FILE"
            )
            rows = per_group(rows, report.provenance.group_by)
    if options.top is not None and len(rows) > options.top:
        ranked = rows.sort_values(["carbon_gco2e", "energy_kwh"], ascending=False, kind="stable")
        rest = ranked.iloc[options.top :]
        energy = numbers.quantity(float(rest["energy_kwh"].sum(min_count=1)), "kWh")
        carbon = numbers.quantity(float(rest["carbon_gco2e"].sum(min_count=1)), "gCO2e")
        words.append(f"--top {options.top}: {len(rest)} further rows hold {energy} and {carbon}")
        rows = ranked.iloc[: options.top]
    return rows.reset_index(drop=True), words


def per_group(result: pd.DataFrame, group_by: tuple[str, ...]) -> pd.DataFrame:
    """RESULT over all of its windows: one row per group and kind, most carbon first.

    Sums skip what is unknown and are unknown when all is. SCI = sum of C / sum of R. Coverage and
    intensity are means weighted by energy (where no energy is known, coverage is a plain mean).
    """
    keys = [*group_by, "workload_kind"]
    weight = result["energy_kwh"].fillna(0.0)
    known = weight.where(result["intensity_gco2e_per_kwh"].notna(), 0.0)
    helped = result.assign(
        _weight=weight,
        _covered=result["coverage"] * weight,
        _known=known,
        _intensity=result["intensity_gco2e_per_kwh"].fillna(0.0) * known,
    )
    groups = helped.groupby(keys, sort=False, dropna=False)
    sums = groups[[*_EXTENSIVE, "_weight", "_covered", "_known", "_intensity"]].sum(min_count=1)
    units = sums["functional_units"]
    plain = groups["coverage"].mean()
    sums = sums.assign(
        window_start=groups["window_start"].min(),
        window_end=groups["window_end"].max(),
        sci_gco2e_per_unit=sums["carbon_gco2e"] / units.where(units > 0),
        intensity_gco2e_per_kwh=sums["_intensity"] / sums["_known"].where(sums["_known"] > 0),
        coverage=(sums["_covered"] / sums["_weight"].where(sums["_weight"] > 0)).fillna(plain),
        **{
            name: groups[name].agg(_union("+"))
            for name in ("energy_source", "intensity_source", "embodied_source")
        },
        flags=groups["flags"].agg(_union(",")),
    )
    ranked = sums.reset_index().sort_values(["carbon_gco2e", "energy_kwh"], ascending=False, kind="stable")
    return ranked[list(result.columns)].reset_index(drop=True)


def _union(separator: str) -> Callable[[pd.Series], str]:
    """Aggregation that joins the distinct words of a column's joined texts."""

    def join(texts: pd.Series) -> str:
        words = {word for text in texts.unique() for word in text.split(separator) if word}
        return separator.join(sorted(words))

    return join


def _distinct_flags(flags: pd.Series) -> list[str]:
    return sorted({word for text in flags.unique() for word in text.split(",") if word})


def columns(rows: pd.DataFrame, report: Report, flags: Sequence[str]) -> list[Shown]:
    """Columns of the narrow table, in order."""
    provenance = report.provenance
    shown = []
    if len(rows["window_start"].unique()) > 1:
        shown.append(_windows(rows["window_start"], provenance.tz))
    shown += [Shown((key,), rows[key].tolist(), folds=True) for key in provenance.group_by]
    shown.append(Shown(("kind",), rows["workload_kind"].tolist(), spare=1))
    shown.append(_scaled("energy", rows["energy_kwh"], "kWh"))
    shown += _carbon(rows)
    if (unit := provenance.functional_unit) is not None:
        units = numbers.column(_floats(rows["functional_units"]))
        shown.append(Shown(("R", unit), units, right=True, spare=3))
        shown.append(_scaled("SCI=C/R", rows["sci_gco2e_per_unit"], "gCO2e", f"/{unit}"))
    seen = [numbers.percent(share) for share in _floats(rows["coverage"])]
    shown.append(Shown(("seen", "%"), seen, right=True, spare=4))
    if flags:
        number = {flag: str(index) for index, flag in enumerate(flags, 1)}
        cells = [",".join(number[flag] for flag in text.split(",") if flag) for text in rows["flags"]]
        shown.append(Shown(("flags",), cells))
    return shown


def _carbon(rows: pd.DataFrame) -> list[Shown]:
    """O, M and C in one unit, so that the eye can add them."""
    parts = {"O": "operational_gco2e", "M": "embodied_gco2e", "C=O+M": "carbon_gco2e"}
    found = {head: _floats(rows[name]) for head, name in parts.items()}
    unit, size = numbers.unit_for([value for values in found.values() for value in values], "gCO2e")
    return [
        Shown((head, unit), numbers.column(values, size), right=True, spare=0 if head == "C=O+M" else 2)
        for head, values in found.items()
    ]


def _scaled(head: str, values: pd.Series, unit: str, *below: str) -> Shown:
    found = _floats(values)
    name, size = numbers.unit_for(found, unit)
    return Shown((head, name, *below), numbers.column(found, size), right=True)


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
