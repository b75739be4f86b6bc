"""JSON lines: one row a line, without totals; unknown is null."""

from __future__ import annotations

from pathlib import Path

from sci_batch.report import Report
from sci_batch.sinks import SinkOptions
from sci_batch.sinks.json import line
from sci_batch.sinks.rows import records, slices
from sci_batch.sinks.target import opened


def write(report: Report, path: Path | None, options: SinkOptions) -> None:
    """All rows."""
    with opened(path, no_clobber=options.no_clobber) as stream:
        for part in slices(report.rows):
            stream.write("".join(line(row) + "\n" for row in records(part)).encode())
