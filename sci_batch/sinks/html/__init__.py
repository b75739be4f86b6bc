"""HTML: one file for people that needs no network, no JavaScript and no other file.

The charts are SVG that Vega-Lite draws when the page is written. Every number stands in a table too, and
carries its full precision in a `data` element.
"""

from __future__ import annotations

from pathlib import Path

from sci_batch.report import Report
from sci_batch.sinks import SinkOptions
from sci_batch.sinks.html.content import content
from sci_batch.sinks.html.template import rendered
from sci_batch.sinks.target import opened


def write(report: Report, path: Path | None, options: SinkOptions) -> None:
    """The whole page; the same bytes for the same report and options."""
    page = rendered(content(report, options)).encode()
    with opened(path, no_clobber=options.no_clobber) as stream:
        stream.write(page)
