"""What an SCI disclosure says, as far as this tool can know it: boundary, unit of work, calculation, date."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sci_batch.report import Report
from sci_batch.sinks import SinkOptions
from sci_batch.sinks.numbers import percent, quantity

UNKNOWN = "unknown"
SCI_VERSION = 1.1
"""The calculation follows it."""


def date(options: SinkOptions) -> str:
    """Day of this run; unknown when the result comes from a file, which does not say its own."""
    if not options.computed:
        return UNKNOWN
    return f"{datetime.fromtimestamp(options.now_ms / 1000, UTC):%Y-%m-%d}"


def boundary(report: Report) -> str:
    """What is counted and what is not."""
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


def r_source(report: Report) -> str:
    """How R of the first functional unit was counted."""
    units = report.provenance.method.get("functional_units") or ()
    return str(units[0]) if units else report.provenance.functional_unit or UNKNOWN


def information(report: Report) -> str:
    """The calculation in one paragraph."""
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
