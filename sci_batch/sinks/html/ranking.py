"""The groups over all windows, those with the most carbon first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from sci_batch.report import Report
from sci_batch.schema import of_unit
from sci_batch.sinks import SinkOptions, numbers
from sci_batch.sinks.html.figures import Column, Figure, columns, floats, known, percents, quantity
from sci_batch.sinks.table import per_group

MAX_ROWS = 200
PLURALS = {
    "pod": "pods", "workload": "workloads", "namespace": "namespaces", "node": "nodes", "cluster": "clusters",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ranking:
    """One row per group."""

    what: str
    """Plural of what the rows are."""
    keys: Sequence[str]
    names: Sequence[Sequence[str]]
    """Values of the keys, and the kind, of each row."""
    columns: Sequence[Column]
    flags: Sequence[str]
    count: int
    """All groups, shown or not."""
    rest_energy: Figure
    rest_carbon: Figure


def ranking(report: Report, options: SinkOptions) -> Ranking:
    """The first `--top` groups, at most `MAX_ROWS`, and what the others add up to."""
    made = report.provenance
    groups = per_group(report.result, made.group_by)
    most = min(options.top or MAX_ROWS, MAX_ROWS)
    rows, rest = groups.iloc[:most], groups.iloc[most:]
    keys = [*made.group_by, "workload_kind"]
    return Ranking(
        what=next((PLURALS[key] for key in PLURALS if key in made.group_by), "groups"),
        keys=[*made.group_by, "kind"],
        names=rows[keys].astype(object).to_numpy().tolist(),
        columns=_columns(rows, report),
        flags=[", ".join(filter(None, text.split(","))) for text in rows["flags"]],
        count=len(groups),
        rest_energy=quantity(known(rest["energy_kwh"].sum(min_count=1)), "kWh"),
        rest_carbon=quantity(known(rest["carbon_gco2e"].sum(min_count=1)), "gCO2e"),
    )


def _columns(rows: pd.DataFrame, report: Report) -> list[Column]:
    sums = report.totals
    carbon = floats(rows["carbon_gco2e"])
    made = [
        *columns([("Energy", floats(rows["energy_kwh"]), sums.energy_kwh)], "kWh"),
        *columns(
            [
                ("O", floats(rows["operational_gco2e"]), sums.operational_gco2e),
                ("M", floats(rows["embodied_gco2e"]), sums.embodied_gco2e),
                ("C = O + M", carbon, sums.carbon_gco2e),
            ],
            "gCO2e",
        ),
    ]
    if sums.carbon_gco2e:
        total = sums.carbon_gco2e
        shares = [
            Figure(numbers.share(value, total), None if value is None else value / total) for value in carbon
        ]
        made.append(Column("Share of C", "%", shares, Figure("100.0", 1.0)))
    for number, unit in enumerate(report.provenance.units):
        r, sci = sums.of_unit(number)
        made += columns([("R", floats(rows[of_unit("functional_units", unit, number)]), r)], unit)
        (score,) = columns(
            [("SCI = C / R", floats(rows[of_unit("sci_gco2e_per_unit", unit, number)]), sci)], "gCO2e"
        )
        made.append(replace(score, unit=f"{score.unit} per {unit}"))
    return [*made, percents("Coverage", floats(rows["coverage"]), sums.coverage)]
