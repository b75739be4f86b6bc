"""Frames that do not fit in memory come back as they were put in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sci_batch import spill
from sci_batch.spill import Spill


def frame(windows: list[int], first: int) -> pd.DataFrame:
    """Rows of these windows, numbered from `first`."""
    size = len(windows)
    return pd.DataFrame(
        {
            "window": np.array(windows, np.int64),
            "number": np.arange(first, first + size),
            "text": pd.Series([f"row {n}" for n in range(first, first + size)], dtype="str"),
            "amount": np.where(np.arange(size) % 3 == 0, np.nan, np.arange(size) / 3),
            "at": pd.to_datetime(np.arange(size), unit="s", utc=True).as_unit("us"),
        }
    )


FRAMES = st.lists(st.lists(st.integers(0, 9), max_size=12), min_size=1, max_size=8)


@given(FRAMES, st.integers(0, 30), st.integers(1, 7), st.data())
def test_what_is_asked_for_comes_back_in_order(
    windows: list[list[int]], in_memory: int, at_once: int, data: st.DataObject
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spill, "ROWS_AT_ONCE", at_once)
        kept = Spill(in_memory)
        frames = [frame(part, 100 * n) for n, part in enumerate(windows)]
        for one in frames:
            kept.add(one)
    whole = pd.concat(frames, ignore_index=True)
    first = data.draw(st.integers(0, 9))
    end = data.draw(st.integers(first, 10))
    found = kept.within(first, end)
    wanted = whole[(whole["window"] >= first) & (whole["window"] < end)]
    pd.testing.assert_frame_equal(_by_window(found), _by_window(wanted))


@given(FRAMES, st.integers(0, 30), st.integers(1, 7))
def test_all_comes_back_as_it_was_put_in(windows: list[list[int]], in_memory: int, at_once: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spill, "ROWS_AT_ONCE", at_once)
        kept = Spill(in_memory, by=None)
        frames = [frame(part, 100 * n) for n, part in enumerate(windows)]
        for one in frames:
            kept.add(one)
    for _ in range(2):  # it can be read again
        pd.testing.assert_frame_equal(
            pd.concat(kept.all(), ignore_index=True), pd.concat(frames, ignore_index=True)
        )


def test_nothing_is_left_in_the_folder_for_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    kept = Spill(0)
    kept.add(frame([1, 2, 3], 0))
    assert list(tmp_path.iterdir()) == []
    assert kept.within(2, 3)["number"].tolist() == [1]


def _by_window(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.sort_values("window", kind="stable", ignore_index=True)
