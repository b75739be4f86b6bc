"""The SCI disclosure: YAML by Appendix A of the SCI specification 1.0. What nobody told is `unknown`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from sci_batch.errors import SinkError
from sci_batch.impact.manifest import dumped
from sci_batch.report import Report
from sci_batch.sinks import SinkOptions, disclosure
from sci_batch.sinks.disclosure import SCI_VERSION, UNKNOWN
from sci_batch.sinks.rows import RFC3339
from sci_batch.sinks.target import opened

_HEAD = (
    "# Software Carbon Intensity of a period, in the form of Appendix A of the SCI specification 1.0.\n"
    "# sci is gCO2e per one unit of r-source; r is how many units the period had, each counted once.\n"
    "# unknown: give it with --disclose KEY=VALUE, such as --disclose contact-name='Ada Lovelace'.\n"
)


def write(report: Report, path: Path | None, options: SinkOptions) -> None:
    """One score, of the first functional unit and all rows.

    Raises
    ------
    SinkError
        It cannot be written, or the rows were made by several methods.
    """
    told = dict(options.disclosed)
    made, sums = report.provenance, report.totals
    if len(made.methods) > 1:
        raise SinkError(
            f"the rows were made by {len(made.methods)} methods, and one score of them says nothing",
            "Compute the whole range again with the same flags, and disclose that.",
        )
    start, end = (datetime.strptime(text, RFC3339) for text in (made.start, made.end))  # noqa: DTZ007 -- both UTC
    sci = {
        "software-boundary": told.get("software-boundary", disclosure.boundary(report)),
        "sci": UNKNOWN if sums.sci_gco2e_per_unit is None else sums.sci_gco2e_per_unit,
        "r": UNKNOWN if sums.functional_units is None else sums.functional_units,
        "r-source": told.get("r-source", disclosure.r_source(report)),
    }
    metadata = {
        **{key: told.get(key, UNKNOWN) for key in ("name", "contact-name", "contact-email", "organization")},
        "guid": told.get("guid", UNKNOWN),
        "entity-version": told.get("entity-version", UNKNOWN),
        "sci-version": SCI_VERSION,  # the form of the report is that of 1.0, as 1.1 has none
        "calculation-date": told.get("calculation-date", disclosure.date(options)),
        "workload-start-time": made.start,
        "calculation-period": int((end - start).total_seconds()),
        "calculation-information": told.get("calculation-information", disclosure.information(report)),
        "report-information-url": told.get("report-information-url", UNKNOWN),
    }
    with opened(path, no_clobber=options.no_clobber) as stream:
        stream.write((_HEAD + dumped({"sci": sci, "metadata": metadata})).encode())
