"""How far the numbers can be trusted: what was measured, what was seen, which doubts there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sci_batch.report import Report
from sci_batch.schema import FLAGS
from sci_batch.sinks.footer import totals
from sci_batch.sinks.html.figures import Figure, known, percent, quantity

_WORDS = ("coverage", "nodes", "books", "not shown", "unknown")
"""Lines of the table's footer that speak of quality."""
ORIGINS = {"rapl": "measured (RAPL)", "model": "estimated by a model of Kepler"}


@dataclass(frozen=True, slots=True)
class Flag:
    """One doubt."""

    name: str
    rows: int
    share: Figure
    meaning: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the energy comes from, and how much of it."""

    words: str
    energy: Figure
    share: Figure


@dataclass(frozen=True, slots=True)
class Quality:
    """Words and numbers of the section."""

    lines: Sequence[tuple[str, str]]
    origins: Sequence[Origin]
    flags: Sequence[Flag]
    incomplete_rows: int
    rows: int
    notes: Sequence[str]


def quality(report: Report) -> Quality:
    """What the report says of its own quality."""
    rows = len(report.result)
    return Quality(
        lines=[(word, text) for word, text in totals(report) if word in _WORDS],
        origins=_origins(report),
        flags=[
            Flag(name, count, percent(count / rows if rows else None), FLAGS.get(name, "no explanation"))
            for name, count in report.flag_counts.items()
        ],
        incomplete_rows=int((report.result["coverage"] < 1).sum()),
        rows=rows,
        notes=report.provenance.notes,
    )


def _origins(report: Report) -> list[Origin]:
    energy = report.result.groupby("energy_source")["energy_kwh"].sum(min_count=1)
    all_kwh = float(energy.sum())
    found = []
    for source, kwh in energy.items():
        words = " + ".join(ORIGINS.get(word, word) for word in str(source).split("+")) or "unknown"
        share = percent(kwh / all_kwh if all_kwh else None)
        found.append(Origin(words, quantity(known(kwh), "kWh"), share))
    return found
