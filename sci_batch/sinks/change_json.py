"""A change as JSON: one object with both origins, the total and the rows; unknown is null."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from sci_batch.comparison import Change
from sci_batch.report import Provenance
from sci_batch.sinks import SinkOptions
from sci_batch.sinks.json import known, line
from sci_batch.sinks.rows import records
from sci_batch.sinks.target import opened

SCHEMA_VERSION = 1
"""Rises when a reader of the old form would fail."""


def write(found: Change, path: Path | None, options: SinkOptions) -> None:
    """Everything the change holds."""
    head = {
        "change_schema_version": SCHEMA_VERSION,
        "base": _origin(found.base),
        "now": _origin(found.now),
        "what_if": list(found.what_if),
        "base_scale": found.base_scale,
        "functional_units": list(found.units),
        "notes": list(found.notes),
        "total": found.total,
    }
    rows = ",\n".join(line(row) for row in records(found.rows))
    with opened(path, no_clobber=options.no_clobber) as stream:
        stream.write(f'{line(head)[:-1]},"rows":[\n{rows}\n]}}\n'.encode())


def _origin(made: Provenance) -> dict[str, object]:
    whole = dataclasses.asdict(made)
    return {name: known(value) for name, value in whole.items() if name not in ("queries", "known")}
