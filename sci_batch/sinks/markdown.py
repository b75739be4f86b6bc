"""Markdown for a pull request or a job summary: the totals, then the groups over all windows.

The first line is a hidden mark by which a bot finds its comment again and updates it. The summary of GitHub
Actions (`$GITHUB_STEP_SUMMARY`) is added to, as other steps write there too.
"""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd

from sci_batch.report import Provenance, Report
from sci_batch.schema import FLAGS, of_unit
from sci_batch.sinks import SinkOptions, numbers
from sci_batch.sinks.access import group_name
from sci_batch.sinks.footer import totals
from sci_batch.sinks.markup import code, details, line, plain, put
from sci_batch.sinks.table import per_group

MAX_ROWS = 100
"""A comment on GitHub has 65 536 characters at most."""


def write(report: Report, path: Path | None, options: SinkOptions) -> None:
    """The whole text."""
    put(page(report, options), path, options)


def page(report: Report, options: SinkOptions) -> str:
    """Mark, heading, score, table, totals, flags, origin."""
    made = report.provenance
    rows = per_group(report.result, made.group_by)
    most = min(options.top or MAX_ROWS, MAX_ROWS)
    parts = [
        f"<!-- sci-batch: {group_name(options.push, made.group_by)} -->",
        f"### Carbon of software: {made.start} to {made.end}",
        "\n".join(_headline(report)),
        "\n".join(_table(rows.iloc[:most], report)),
        *([_rest(rows.iloc[most:])] if len(rows) > most else []),
        details("Totals and books", [f"{plain(word)}: {plain(value)}" for word, value in totals(report)]),
        *([details("Flags", _flags(report))] if report.flag_counts else []),
        f"<sub>{_origin(made)}source {code(made.source)}, windows of {plain(made.window)}</sub>",
    ]
    return "\n\n".join(parts) + "\n"


def _origin(made: Provenance) -> str:
    """Version and method; nothing where a CSV file was read, which holds neither."""
    words = f"sci-batch {plain(made.tool_version)}, method {plain(made.fingerprint)}, "
    return words if made.fingerprint else ""


def _headline(report: Report) -> list[str]:
    """The figures that a reader looks for, in bold."""
    made, sums = report.provenance, report.totals
    carbon, energy = numbers.quantity(sums.carbon_gco2e, "gCO2e"), numbers.quantity(sums.energy_kwh, "kWh")
    lines = [f"- **{carbon}** from {energy}, Kepler seen {numbers.percent(sums.coverage)} % of the time"]
    for index, unit in enumerate(made.units):
        r, sci = sums.of_unit(index)
        score = numbers.quantity(sci, "gCO2e")
        lines.append(f"- SCI **{score} per {plain(unit)}**, {numbers.quantity(r, '')} {plain(unit)}")
    return lines


def _table(rows: pd.DataFrame, report: Report) -> list[str]:
    made = report.provenance
    heads = [*map(code, made.group_by), "kind"]
    columns = [[code(text) if text else "" for text in rows[key]] for key in made.group_by]
    columns.append([plain(text) for text in rows["workload_kind"]])
    texts = len(columns)
    figures = [_quantities("energy", rows["energy_kwh"], "kWh"), *_carbon(rows)]
    for index, unit in enumerate(made.units):
        r = _floats(rows[of_unit("functional_units", unit, index)])
        head, cells = _quantities("SCI", rows[of_unit("sci_gco2e_per_unit", unit, index)], "gCO2e")
        figures += [(f"R, {plain(unit)}", numbers.column(r)), (f"{head}/{plain(unit)}", cells)]
    figures.append(("coverage, %", [numbers.percent(share) for share in _floats(rows["coverage"])]))
    heads += [head for head, _ in figures]
    columns += [cells for _, cells in figures]
    rules = ["---"] * texts + ["---:"] * (len(heads) - texts)
    return [line(heads), line(rules), *(line(cells) for cells in zip(*columns, strict=True))]


def _quantities(name: str, values: pd.Series, unit: str) -> tuple[str, list[str]]:
    found = _floats(values)
    scaled, size = numbers.unit_for(found, unit)
    return f"{name}, {scaled}", numbers.column(found, size)


def _carbon(rows: pd.DataFrame) -> list[tuple[str, list[str]]]:
    """O, M and C in one unit, so that the eye can add them."""
    parts = {"O": "operational_gco2e", "M": "embodied_gco2e", "C = O + M": "carbon_gco2e"}
    found = {name: _floats(rows[column]) for name, column in parts.items()}
    unit, size = numbers.unit_for([value for values in found.values() for value in values], "gCO2e")
    return [(f"{name}, {unit}", numbers.column(values, size)) for name, values in found.items()]


def _floats(values: pd.Series) -> list[float | None]:
    return [None if math.isnan(value) else value for value in values.tolist()]


def _rest(rows: pd.DataFrame) -> str:
    energy = numbers.quantity(float(rows["energy_kwh"].sum(min_count=1)), "kWh")
    carbon = numbers.quantity(float(rows["carbon_gco2e"].sum(min_count=1)), "gCO2e")
    return f"{len(rows)} further rows hold {energy} and {carbon}."


def _flags(report: Report) -> list[str]:
    return [
        f"{code(flag)} ({rows} {'row' if rows == 1 else 'rows'}): {plain(FLAGS.get(flag, 'no explanation'))}"
        for flag, rows in report.flag_counts.items()
    ]
