"""OpenMetrics text of every window at its end: `promtool tsdb create-blocks-from openmetrics` reads it.

The same result gives the same bytes, so the time of the run is not in it.
"""

from __future__ import annotations

from pathlib import Path

from sci_batch.report import Report
from sci_batch.sinks import SinkOptions
from sci_batch.sinks.exposition import openmetrics
from sci_batch.sinks.families import common_labels, of_report
from sci_batch.sinks.target import opened


def write(report: Report, path: Path | None, options: SinkOptions) -> None:
    """All windows."""
    found = of_report(report, common_labels(report, options.push, job=True))
    with opened(path, no_clobber=options.no_clobber) as stream:
        for text in openmetrics(found):
            stream.write(text.encode())
