"""The wide table: every column and every row, names and units as in the files."""

from __future__ import annotations

import math
from pathlib import Path

from sci_batch.report import Report
from sci_batch.schema import TIME, Column
from sci_batch.sinks import SinkOptions
from sci_batch.sinks.footer import add_footer
from sci_batch.sinks.layout import Page, Shown
from sci_batch.sinks.rows import RFC3339
from sci_batch.sinks.target import opened


def write(report: Report, path: Path | None, options: SinkOptions) -> None:
    """All rows and the totals; wider than most terminals."""
    result, made = report.result, report.provenance
    if options.top is not None:
        ranked = result.sort_values(["carbon_gco2e", "energy_kwh"], ascending=False, kind="stable")
        result = ranked.iloc[: options.top]

    def shown(column: Column) -> Shown:
        values = result[column.name]
        if column.dtype == TIME:
            return Shown((column.name,), values.dt.strftime(RFC3339).tolist())
        if column.dtype == "float64":
            cells = ["-" if math.isnan(value) else f"{value:.6g}" for value in values.tolist()]
            return Shown((column.name,), cells, right=True)
        return Shown((column.name,), values.tolist())

    here = SinkOptions(color=options.color, encoding=options.encoding) if path is None else SinkOptions()
    page = Page(here)
    page.table([shown(column) for column in made.columns])
    add_footer(page, report)
    with opened(path, no_clobber=options.no_clobber) as stream:
        stream.write(page.encoded())
