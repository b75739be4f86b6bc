"""An explanation for machines: one JSON object."""

from __future__ import annotations

import dataclasses
from typing import Any

import pandas as pd

from sci_batch.explain.row import Explanation
from sci_batch.result import Result
from sci_batch.schema import TIME
from sci_batch.sinks.json import known, line
from sci_batch.sinks.rows import TIME_COLUMNS, records, slices

SCHEMA_VERSION = 1
"""Rises when a reader of the old form would fail."""


def text(told: Explanation) -> bytes:
    """Row, tables (lists of rows; times in Unix ms) and provenance; unknown is null."""
    return (line(_document(told)) + "\n").encode()


def _document(told: Explanation) -> dict[str, Any]:
    tables = {name: records(getattr(told, name)) for name in ("pods", "meters", "nodes", "steps")}
    return {
        "schema_version": SCHEMA_VERSION,
        "row": known(_row(told.row)),
        **{name: [known(row) for row in rows] for name, rows in tables.items()},
        "unattributed": told.policy,
        "share": told.share,
        "provenance": known(dataclasses.asdict(told.provenance)),
    }


def _row(row: pd.Series) -> dict[str, Any]:
    frame = row.to_frame().T.astype(dict.fromkeys(TIME_COLUMNS, TIME))
    (part,) = slices(Result.of(frame))
    return records(part)[0]
