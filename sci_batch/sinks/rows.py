"""RESULT in slices, with times and nulls as text formats want them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from sci_batch.result import Result

ROWS_AT_ONCE = 50_000
"""Bounds the memory of text copies."""
TIME_COLUMNS = ("window_start", "window_end")
RFC3339 = "%Y-%m-%dT%H:%M:%SZ"


def slices(rows: Result) -> Iterator[pd.DataFrame]:
    """The rows in order, with times as RFC 3339 text; one empty slice when there are none."""
    for frame in rows.frames():
        for first in range(0, max(len(frame), 1), ROWS_AT_ONCE):
            part = frame.iloc[first : first + ROWS_AT_ONCE]
            yield part.assign(**{name: part[name].dt.strftime(RFC3339) for name in TIME_COLUMNS})


def records(part: pd.DataFrame) -> list[dict[str, Any]]:
    """One dictionary per row of a slice; nulls are None."""
    objects = part.astype(object)
    values = objects.where(objects.notna(), None).itertuples(index=False, name=None)
    return [dict(zip(part.columns, row, strict=True)) for row in values]
