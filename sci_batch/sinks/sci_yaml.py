"""The SCI disclosure: YAML by Appendix A of the SCI specification 1.0. What nobody told is `unknown`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sci_batch.impact.manifest import dumped
from sci_batch.report import Report
from sci_batch.sinks import SinkOptions
from sci_batch.sinks.numbers import percent, quantity
from sci_batch.sinks.rows import RFC3339
from sci_batch.sinks.target import opened

UNKNOWN = "unknown"
SCI_VERSION = 1.1
"""The calculation follows it; the form of the report is that of 1.0, as 1.1 has none."""
_HEAD = (
    "# Software Carbon Intensity of a period, in the form of Appendix A of the SCI specification 1.0.\n"
    "# sci is gCO2e per one unit of r-source; r is how many units the period had, each counted once.\n"
    "# unknown: give it with --disclose KEY=VALUE, such as --disclose contact-name='Ada Lovelace'.\n"
)


def write(report: Report, path: Path | None, options: SinkOptions) -> None:
    """One score, of the first functional unit and all rows."""
    told = dict(options.disclosed)
    made, sums = report.provenance, report.totals
    start, end = (datetime.strptime(text, RFC3339) for text in (made.start, made.end))  # noqa: DTZ007 -- both UTC
    sci = {
        "software-boundary": told.get("software-boundary", _boundary(report)),
        "sci": UNKNOWN if sums.sci_gco2e_per_unit is None else sums.sci_gco2e_per_unit,
        "r": UNKNOWN if sums.functional_units is None else sums.functional_units,
        "r-source": told.get("r-source", _r_source(report)),
    }
    metadata = {
        **{key: told.get(key, UNKNOWN) for key in ("name", "contact-name", "contact-email", "organization")},
        "guid": told.get("guid", UNKNOWN),
        "entity-version": told.get("entity-version", UNKNOWN),
        "sci-version": SCI_VERSION,
        "calculation-date": told.get("calculation-date", _date(options)),
        "workload-start-time": made.start,
        "calculation-period": int((end - start).total_seconds()),
        "calculation-information": told.get("calculation-information", _information(report)),
        "report-information-url": told.get("report-information-url", UNKNOWN),
    }
    with opened(path, no_clobber=options.no_clobber) as stream:
        stream.write((_HEAD + dumped({"sci": sci, "metadata": metadata})).encode())


def _date(options: SinkOptions) -> str:
    """Day of this run; unknown when the result comes from a file, which does not say its own."""
    if not options.computed:
        return UNKNOWN
    return f"{datetime.fromtimestamp(options.now_ms / 1000, UTC):%Y-%m-%d}"


def _boundary(report: Report) -> str:
    """What is counted and what is not, as far as this tool can know it."""
    made = report.provenance
    method = made.method
    namespaces = sorted(set(report.result["namespace"]) - {""}) if "namespace" in report.result else []
    what = f"the namespaces {', '.join(namespaces)}" if 0 < len(namespaces) <= 20 else "the workloads chosen"
    cluster = f" of the Kubernetes cluster {made.cluster}" if made.cluster else " of a Kubernetes cluster"
    domains = ", ".join(method.get("power_domains", ())) or UNKNOWN
    policy = method.get("unattributed", UNKNOWN)
    return (
        f"Included: pods of {what}{cluster}, by the energy of their nodes' {domains} as metered by Kepler; "
        f"idle and host energy of the nodes by the policy {policy}; their share of the nodes' embodied "
        "carbon. Excluded, as Kepler does not meter them: storage and network devices, a managed control "
        "plane, user devices."
    )


def _r_source(report: Report) -> str:
    units = report.provenance.method.get("functional_units") or ()
    return str(units[0]) if units else report.provenance.functional_unit or UNKNOWN


def _information(report: Report) -> str:
    made, sums, method = report.provenance, report.totals, report.provenance.method
    parts: dict[str, Any] = {
        "C": quantity(sums.carbon_gco2e, "gCO2e"),
        "O": quantity(sums.operational_gco2e, "gCO2e"),
        "M": quantity(sums.embodied_gco2e, "gCO2e"),
        "E": quantity(sums.energy_kwh, "kWh"),
        "I": f"{method.get('intensity')} ({method.get('intensity_kind')}, {method.get('intensity_basis')}; "
        "location-based, no market-based measures)",
        "PUE": method.get("pue"),
        "embodied": method.get("embodied"),
        "coverage": f"{percent(sums.coverage)} % of the time",
        "period": f"{made.start} to {made.end} in windows of {made.window}",
    }
    words = "; ".join(f"{name} = {value}" for name, value in parts.items())
    flags = ", ".join(f"{flag} ({rows} rows)" for flag, rows in report.flag_counts.items())
    return (
        f"sci-batch {made.tool_version}, method {made.fingerprint}: SCI = C / R, C = O + M, "
        f"O = E x PUE x I. {words}." + (f" Doubts: {flags}." if flags else "")
    )
