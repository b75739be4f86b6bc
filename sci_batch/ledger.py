"""What every counter rose by, by window: booked while the counters are read, taken up again in parts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from sci_batch.counters import Counters, run_starts, window_of_step
from sci_batch.energy import Booked, Energy, total
from sci_batch.spill import Spill

ROWS_PER_PART = 250_000
"""Rises that are worked on at once, at some 500 bytes each; a window is never cut."""
ROWS_IN_MEMORY = 1_000_000
"""Rises that do not go to a temporary file, at 40 bytes each."""
_NEVER = np.iinfo(np.int64).max


class Ledger:
    """BOOKED of all stretches of a range.

    A gap's energy is booked when its end is seen, into windows long past: so nothing is added up before
    all counters have been read, and what does not fit in memory waits in a temporary file.

    Parameters
    ----------
    steps_ms
        Edges at which energy is told [Unix ms].
    windows_ms
        Those of them at which windows begin and end.
    """

    def __init__(self, steps_ms: np.ndarray, windows_ms: np.ndarray) -> None:
        self._steps_ms = steps_ms
        self._window_of_step = window_of_step(steps_ms, windows_ms)
        self._rises, self._seen = Spill(ROWS_IN_MEMORY), Spill(ROWS_IN_MEMORY)
        self._rises_in_step = np.zeros(len(steps_ms) - 1, np.int64)
        self._first_step = np.empty(0, np.int64)
        self._nodes = pd.DataFrame()
        self.keys = pd.DataFrame()
        """Every counter, as in `Counters`."""

    def add(self, counters: Counters, booked: Booked) -> None:
        """Take in one stretch; stretches come in order of time."""
        self.keys, self._nodes = counters.keys, counters.nodes
        self._rises.add(booked.rises)
        self._seen.add(booked.seen)
        key, step = booked.rises["key"].to_numpy(), booked.rises["window"].to_numpy()
        self._rises_in_step += np.bincount(step, minlength=len(self._rises_in_step))
        new = np.full(len(self.keys) - len(self._first_step), _NEVER)
        self._first_step = np.append(self._first_step, new)
        first = run_starts(key)
        np.minimum.at(self._first_step, key[first], step[first])

    @property
    def empty(self) -> bool:
        """Whether no counter has two samples."""
        return not self._rises_in_step.any()

    @property
    def met(self) -> pd.DataFrame:
        """The counters that rose or could have (columns of `keys`), in the order of their first window."""
        order = np.argsort(self._first_step, kind="stable")
        window = np.append(self._window_of_step, -1)
        order = order[self._first_step[order] != _NEVER]
        found: pd.DataFrame = self.keys.iloc[order]
        return found.assign(window=window[self._first_step[order]])

    def parts(self) -> Iterator[Energy]:
        """ENERGY by step, some windows at a time, in order of time; windows are never cut."""
        for first, end in self._spans():
            booked = Booked(rises=self._rises.within(first, end), seen=self._seen.within(first, end))
            if len(booked.rises):
                yield total([booked], self.keys, self._nodes, self._steps_ms)

    def _spans(self) -> Iterator[tuple[int, int]]:
        """First step and end of each part."""
        starts = np.flatnonzero(run_starts(self._window_of_step))
        rises = np.add.reduceat(self._rises_in_step, starts)
        first, held = 0, 0
        for start, count in zip(starts.tolist(), rises.tolist(), strict=True):
            if held and held + count > ROWS_PER_PART:
                yield first, start
                first, held = start, 0
            held += count
        yield first, len(self._window_of_step)
