"""The SCI disclosure: what a report has to tell, and what this one tells; what is missing is shown so."""

from __future__ import annotations

from dataclasses import dataclass

from sci_batch.report import Report
from sci_batch.sinks import SinkOptions, disclosure
from sci_batch.sinks.disclosure import SCI_VERSION, UNKNOWN
from sci_batch.sinks.numbers import percent, quantity

GIVEN, PARTLY, MISSING = "given", "partly", "missing"
_TOLD = (
    ("name", "Name of the product"),
    ("entity-version", "Version of the product"),
    ("contact-name", "Contact, name"),
    ("contact-email", "Contact, e-mail"),
    ("guid", "GUID of the product"),
    ("organization", "Organisation (optional)"),
    ("report-information-url", "Further report (optional)"),
)


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to tell."""

    what: str
    state: str
    """given, partly or missing."""
    says: str


def checklist(report: Report, options: SinkOptions) -> list[Item]:
    """All items, in the order of the specification: score, boundary, method, who tells it."""
    told = dict(options.disclosed)
    return [
        _score(report),
        _r(report, told),
        Item("Why this R", MISSING, "only you can tell it: write it beside this report"),
        Item("Software boundary", GIVEN, told.get("software-boundary", disclosure.boundary(report))),
        _period(report),
        _date(told, options),
        _parts(report),
        *(_coefficients(report) if report.provenance.method else [_no_method()]),
        _data(report),
        Item("SCI specification", GIVEN, f"{SCI_VERSION}"),
        *(_told(what, told, key, f"give it with --disclose {key}=...") for key, what in _TOLD),
        _again(report),
        _calculation(report, told),
    ]


def _told(what: str, told: dict[str, str], key: str, cure: str) -> Item:
    return Item(what, GIVEN, told[key]) if key in told else Item(what, MISSING, cure)


def _score(report: Report) -> Item:
    made, sums = report.provenance, report.totals
    carbon = f"ΣC = {quantity(sums.carbon_gco2e, 'gCO2e')}"
    if made.functional_unit is None:
        return Item("SCI score, ΣC and ΣR", MISSING, f"{carbon}; give --functional-unit to get a score")
    scores = []
    for number, unit in enumerate(made.units):
        r, sci = sums.of_unit(number)
        scores.append(f"SCI = {quantity(sci, 'gCO2e')} per {unit}, ΣR = {quantity(r, '')} {unit}")
    known = all(sums.of_unit(number)[1] is not None for number in range(len(made.units)))
    return Item("SCI score, ΣC and ΣR", GIVEN if known else PARTLY, "; ".join([carbon, *scores]))


def _r(report: Report, told: dict[str, str]) -> Item:
    what = "R: name, and how it is counted"
    ways = report.provenance.method.get("functional_units") or ()
    says = told.get("r-source") or "; ".join(map(str, ways)) or disclosure.r_source(report)
    if report.provenance.functional_unit is None:
        return Item(what, MISSING, "give --functional-unit")
    return Item(what, GIVEN if ways or "r-source" in told else PARTLY, says)


def _period(report: Report) -> Item:
    made = report.provenance
    says = f"{made.start} to {made.end} (the end is not in it), windows of {made.window}, time zone {made.tz}"
    return Item("Period, windows, time zone", GIVEN, says)


def _date(told: dict[str, str], options: SinkOptions) -> Item:
    date = told.get("calculation-date", disclosure.date(options))
    if date == UNKNOWN:
        return Item("Date of the calculation", MISSING, "give it with --disclose calculation-date=...")
    return Item("Date of the calculation", GIVEN, date)


def _parts(report: Report) -> Item:
    what = "E, I, M, O, C, R and SCI of each part"
    lacking = [
        column
        for column in ("energy_kwh", "operational_gco2e", "embodied_gco2e", "carbon_gco2e")
        if report.result[column].isna().any()
    ]
    if lacking:
        return Item(what, PARTLY, f"in this report's tables; unknown in some rows: {', '.join(lacking)}")
    return Item(what, GIVEN, "in this report's tables; the parts add up to the total")


def _coefficients(report: Report) -> list[Item]:
    method = report.provenance.method
    embodied = method.get("embodied")
    return [
        Item("E: meters, idle energy, PUE", PARTLY,
             f"power domains {', '.join(method.get('power_domains', ())) or UNKNOWN}; idle and host energy "
             f"{method.get('unattributed', UNKNOWN)}; 3,600,000 J per kWh; PUE {method.get('pue', UNKNOWN)}; "
             "names of the meters in the queries below. The version of Kepler is not in a result"),
        Item("I: source, kind, basis", GIVEN if method.get("intensity_kind") else PARTLY,
             f"{method.get('intensity', UNKNOWN)} ({method.get('intensity_kind', UNKNOWN)}, "
             f"{method.get('intensity_basis', UNKNOWN)}); location-based, no market-based measures"),
        Item("M: TE, EL, TiR, RR, ToR", PARTLY if embodied else MISSING,
             f"TE from {embodied}, shared by {method.get('share', UNKNOWN)}; the values of each row: "
             "sci-batch explain WORKLOAD" if embodied else "M is not included: the score does not conform"),
        Item("Coefficients and their sources", GIVEN, "in the section Method"),
    ]  # fmt: skip


def _no_method() -> Item:
    return Item("E, I, M: coefficients and their sources", MISSING,
                "a CSV file does not hold them; Parquet and JSON do")  # fmt: skip


def _data(report: Report) -> Item:
    seen = percent(report.totals.coverage)
    says = f"coverage {seen} %, {len(report.flag_counts)} kinds of flags; in the section Data quality"
    return Item("Quality of the data", GIVEN, says)


def _again(report: Report) -> Item:
    made = report.provenance
    if not made.fingerprint:
        return Item("To calculate it again", MISSING, "a CSV file does not hold how it was made")
    return Item(
        "To calculate it again", PARTLY,
        f"sci-batch {made.tool_version}, method {made.fingerprint}, {len(made.queries)} queries below; "
        "-o impact-framework=FILE writes a manifest for if-run. Results of another method are not comparable",
    )  # fmt: skip


def _calculation(report: Report, told: dict[str, str]) -> Item:
    says = told.get("calculation-information", disclosure.information(report))
    return Item("The calculation in one paragraph", GIVEN, says)
