"""JSON: one object with provenance, totals, flags and rows; unknown is null."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

from sci_batch.report import Report
from sci_batch.schema import FLAGS
from sci_batch.sinks import SinkOptions
from sci_batch.sinks.rows import records, slices
from sci_batch.sinks.target import opened

SCHEMA_VERSION = 1
"""Rises when a reader of the old form would fail."""


def write(report: Report, path: Path | None, options: SinkOptions) -> None:
    """Everything the report holds."""
    with opened(path, no_clobber=options.no_clobber) as stream:
        stream.write(line(head(report))[:-1].encode() + b',"rows":[')
        separator = b"\n"
        for part in slices(report.rows):
            for row in records(part):
                stream.write(separator + line(row).encode())
                separator = b",\n"
        stream.write(b"\n]}\n")


def head(report: Report) -> dict[str, Any]:
    """All but the rows."""
    return {
        "schema_version": SCHEMA_VERSION,
        "provenance": known(dataclasses.asdict(report.provenance)),
        "totals": known(dataclasses.asdict(report.totals)),
        "flags": {
            flag: {"rows": rows, "meaning": FLAGS.get(flag, "")} for flag, rows in report.flag_counts.items()
        },
    }


def line(value: dict[str, Any]) -> str:
    """JSON on one line."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=str)


def known(value: Any) -> Any:
    """The same with None for every number that is not finite: JSON has no NaN."""
    if isinstance(value, dict):
        return {str(key): known(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [known(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
