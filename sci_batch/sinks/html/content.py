"""What the page says: sums, drawings and words, ready for the template."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sci_batch.report import Report
from sci_batch.sinks import SinkOptions
from sci_batch.sinks.html import charts
from sci_batch.sinks.html.checklist import GIVEN, checklist
from sci_batch.sinks.html.figures import Column, Figure, columns, percent, quantity
from sci_batch.sinks.html.method import coefficients, embodied_sources, hardware, intensities
from sci_batch.sinks.html.quality import quality
from sci_batch.sinks.html.ranking import Ranking, ranking
from sci_batch.sinks.html.steps import LEVELS, heat, steps
from sci_batch.sinks.numbers import share


@dataclass(frozen=True, slots=True)
class Score:
    """R and SCI of one unit of work."""

    unit: str
    r: Figure
    sci: Figure


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the carbon."""

    name: str
    meaning: str
    amount: Figure
    share: str


def content(report: Report, options: SinkOptions) -> dict[str, Any]:
    """Everything that the template names."""
    made, sums = report.provenance, report.totals
    groups, over_time = ranking(report, options), steps(report)
    items = checklist(report, options)
    parts_unit, parts = _parts(report)
    told = dict(options.disclosed)
    return {
        "title": told.get("name") or made.cluster or "Carbon of software",
        "made": made,
        "period": _period(report),
        "energy": quantity(sums.energy_kwh, "kWh"),
        "carbon": quantity(sums.carbon_gco2e, "gCO2e"),
        "operational": quantity(sums.operational_gco2e, "gCO2e"),
        "embodied": quantity(sums.embodied_gco2e, "gCO2e"),
        "coverage": percent(sums.coverage),
        "scores": [Score(unit, quantity(r, ""), quantity(sci, "gCO2e")) for unit, r, sci in _scores(report)],
        "parts": parts,
        "parts_unit": parts_unit,
        "groups": groups,
        "steps": over_time,
        "heat": heat(report),
        "levels": LEVELS,
        "quality": quality(report),
        "coefficients": coefficients(report),
        "intensities": intensities(report),
        "hardware": hardware(report),
        "embodied_sources": embodied_sources(report),
        "items": items,
        "given": sum(item.state == GIVEN for item in items),
        "split_chart": charts.split(*_total_columns(report)),
        "time_chart": charts.over_time(over_time.labels, *over_time.columns[1:3]),
        "score_charts": [
            (column.unit, charts.score_over_time(over_time.labels, column)) for column in over_time.scores
        ],
        "group_chart": charts.of_groups(_names(groups), *groups.columns[1:3]),
        "max_bars": charts.MAX_BARS,
    }


def _period(report: Report) -> tuple[str, str]:
    """First and last moment as people write them, in UTC."""
    made = report.provenance
    first, last = (
        text.replace("T", " ").removesuffix("Z").removesuffix(":00") for text in (made.start, made.end)
    )
    return first, last


def _scores(report: Report) -> list[tuple[str, float | None, float | None]]:
    return [(unit, *report.totals.of_unit(number)) for number, unit in enumerate(report.provenance.units)]


def _total_columns(report: Report) -> list[Column]:
    sums = report.totals
    return columns(
        [
            ("Operational O", [sums.operational_gco2e], sums.operational_gco2e),
            ("Embodied M", [sums.embodied_gco2e], sums.embodied_gco2e),
        ],
        "gCO2e",
    )


def _parts(report: Report) -> tuple[str, list[Part]]:
    """O, M and C, then O by other intensities, in one unit, so that the eye can add them."""
    sums = report.totals
    said = [
        ("Operational O", "from the electricity that was used", sums.operational_gco2e),
        ("Embodied M", "a share of making and disposing of the hardware", sums.embodied_gco2e),
        ("Carbon C = O + M", "all that the SCI counts", sums.carbon_gco2e),
        *(
            (
                f"O by {also.source}",
                f"{also.kind}, {also.basis}; for comparison, not in C",
                also.operational_gco2e,
            )
            for also in sums.also
        ),
    ]
    (column,) = columns([("Carbon", [value for _, _, value in said], None)], "gCO2e")
    total = sums.carbon_gco2e
    return column.unit, [
        Part(name, meaning, amount, share(value, total) if total and number < 3 else "")
        for number, ((name, meaning, value), amount) in enumerate(zip(said, column.cells, strict=True))
    ]


def _names(groups: Ranking) -> list[str]:
    """One name per group for the axis; two kinds with one name are told apart."""
    plain = [" / ".join(row[:-1]) for row in groups.names]
    return [
        name if plain.count(name) == 1 else f"{name} ({row[-1]})"
        for name, row in zip(plain, groups.names, strict=True)
    ]
