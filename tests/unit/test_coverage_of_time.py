"""A window in which Kepler was not seen has no row, and still counts as time."""

from __future__ import annotations

import numpy as np

from sci_batch import summary

HOURS = np.arange(5, dtype=np.int64) * 3_600_000


def test_windows_without_kepler_are_told() -> None:
    assert summary.silent(np.array([0, 1, 2, 3]), HOURS) == ()
    (note,) = summary.silent(np.array([1, 3]), HOURS)
    assert note == "2 of 4 windows have no data of Kepler and no rows, the first from 1970-01-01T00:00:00Z"


def test_the_data_end_with_the_newest_window_that_has_any() -> None:
    assert summary.seen_end_ms(np.array([2, 0]), HOURS) == 3 * 3_600_000
