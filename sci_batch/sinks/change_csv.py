"""A change as CSV: one line per group, columns of `change.columns`, in the form of `sinks.csv`."""

from __future__ import annotations

from pathlib import Path

from sci_batch.comparison import Change
from sci_batch.sinks import SinkOptions
from sci_batch.sinks.csv import text_of
from sci_batch.sinks.target import opened


def write(found: Change, path: Path | None, options: SinkOptions) -> None:
    """All rows, without the total; unknown is empty."""
    texts = [*found.group_by, "workload_kind", "status"]
    rows = found.rows.astype(dict.fromkeys(texts, "str"))
    with opened(path, no_clobber=options.no_clobber) as stream:
        stream.write(text_of(rows, texts).encode())
