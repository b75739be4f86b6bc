"""A file for node_exporter's textfile collector: the newest window, without times, renamed into place.

The scrape of node_exporter gives the labels `job` and `instance`; `cluster` and `group` are ours.
"""

from __future__ import annotations

from pathlib import Path

from sci_batch.errors import SinkError
from sci_batch.report import Report
from sci_batch.sinks import SinkOptions
from sci_batch.sinks.exposition import plain
from sci_batch.sinks.families import check_count, common_labels, last_success, newest, of_report
from sci_batch.sinks.target import opened

SUFFIX = ".prom"
"""The collector reads no other files, so it never sees the temporary one."""


def write(report: Report, path: Path | None, options: SinkOptions) -> None:
    """The newest window."""
    if path is None or path.suffix != SUFFIX:
        raise SinkError(
            f"node_exporter reads only files whose names end in {SUFFIX}",
            f"Give -o textfile=/path/sci_batch{SUFFIX}.",
        )
    common = common_labels(report, options.push, job=False)
    found = [*of_report(newest(report), common), last_success(common, options.now_ms)]
    check_count(found, options.push)
    with opened(path, no_clobber=options.no_clobber) as stream:
        for text in plain(found):
            stream.write(text.encode())
