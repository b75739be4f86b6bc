"""What stands below every table: totals, books, and what is missing for a score."""

from __future__ import annotations

from sci_batch.report import AlsoTotal, Provenance, Report, Totals
from sci_batch.schema import of_unit
from sci_batch.sinks.layout import Page
from sci_batch.sinks.numbers import percent, quantity, together

HOW_TO_SCORE = (
    "  --functional-unit 'request=prometheus:sum by (namespace, pod) "
    "(increase(http_requests_total[{window}]))'"
)


_SEVERAL = "rows made by {}, not comparable: the factors are those of the newest run"
FROM_ROWS = "factors, total of R and books: they are not in a CSV file, but in Parquet and JSON"


def add_footer(page: Page, report: Report) -> None:
    """The totals in lines of `word  value`, and how to get a score where there is none."""
    page.gap()
    if report.provenance.functional_unit is None:
        page.lines(["no score: name the unit of work to get one, for example"])
        page.verbatim(HOW_TO_SCORE)
        page.gap()
    page.pairs(totals(report))


def totals(report: Report) -> list[tuple[str, str]]:
    """Words and values over all rows, shown or not."""
    made, sums = report.provenance, report.totals
    days = "" if made.tz == "UTC" else f", days of {made.tz}"
    unit, (carbon, operational, embodied) = together(
        (sums.carbon_gco2e, sums.operational_gco2e, sums.embodied_gco2e), "gCO2e"
    )
    lines = [
        ("TOTAL", f"{made.start} to {made.end}, windows of {made.window}{days}"),
        ("energy", quantity(sums.energy_kwh, "kWh")),
        ("carbon", f"ΣC = {carbon} {unit} = operational O {operational} + embodied M {embodied}"),
        *([("factors", _factors(made))] if made.method else []),
        *([("methods", _SEVERAL.format(len(made.methods)))] if len(made.methods) > 1 else []),
        *(("also", _beside(also, sums.operational_gco2e)) for also in sums.also),
        *_score(report),
        ("coverage", f"{percent(sums.coverage)} % of the time Kepler was scraped"),
        *(_books(sums) if made.method else [("unknown", FROM_ROWS)]),
    ]
    if sums.not_shown_kwh:
        hidden = quantity(sums.not_shown_kwh, "kWh")
        why = f" ({', '.join(sums.not_shown_by)})" if sums.not_shown_by else ""  # an older stored result
        lines.append(("not shown", hidden + why))
    return lines


def _factors(made: Provenance) -> str:
    """What the numbers were multiplied by, for a reader who asks where they come from."""
    method = made.method
    years = float(method.get("lifespan_seconds", 0)) / (365 * 86_400)
    words = [
        f"intensity {method.get('intensity')}", f"PUE {method.get('pue')}",
        f"overhead {float(method.get('overhead_ratio', 0)):g}", f"embodied {method.get('embodied')}",
        f"lifespan {years:g} years",
    ]  # fmt: skip
    return ", ".join(words)


def _beside(also: AlsoTotal, chosen_gco2e: float | None) -> str:
    """O by another intensity, and how far it is from the chosen one's."""
    other = also.operational_gco2e
    change = f", {other / chosen_gco2e - 1:+.1%}" if other is not None and chosen_gco2e else ""
    return f"O = {quantity(other, 'gCO2e')} by {also.sources} ({also.kind}, {also.basis}){change}"


def _score(report: Report) -> list[tuple[str, str]]:
    """R and SCI of every functional unit."""
    return [line for number in range(len(report.provenance.units)) for line in _score_of(report, number)]


def _score_of(report: Report, number: int) -> list[tuple[str, str]]:
    unit, rows = report.provenance.units[number], report.result
    r, sci = report.totals.of_unit(number)
    score = "unknown" if sci is None else f"{quantity(sci, 'gCO2e')} per {unit}"
    served = rows[of_unit("functional_units", unit, number)] > 0
    unscored = float(rows["carbon_gco2e"].where(~served).sum())
    within = f"; ΣC holds {quantity(unscored, 'gCO2e')} of rows without R" if sci and unscored > 0 else ""
    return [("units", f"ΣR = {quantity(r, '')} {unit}"), ("score", f"SCI = ΣC / ΣR = {score}{within}")]


def _books(sums: Totals) -> list[tuple[str, str]]:
    if sums.node_energy_kwh is None:
        return [("books", "unknown: nothing tells the energy of the nodes themselves")]
    unit, (node, pods, rest) = together((sums.node_energy_kwh, sums.pods_kwh, sums.unattributed_kwh), "kWh")
    residual = "unknown" if sums.residual_kwh is None else f"{sums.residual_kwh + 0.0:.2g} kWh"
    state = f"OPEN in {sums.open_books}" if sums.open_books else f"closed in {sums.books}"
    return [
        ("nodes", f"{node} {unit} = pods {pods} + of no pod {rest}"),
        ("books", f"{state} of {sums.books} node-windows, residual {residual}"),
    ]
