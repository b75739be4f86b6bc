"""What the counters showed in one window: listened to while the stretches go by."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sci_batch.counters import Counters, any_flag, run_ends, run_starts
from sci_batch.energy import Booked
from sci_batch.units import JOULES_PER_KWH

NEVER = -1
"""Time of a reading that there is not."""


class Meters:
    """Listener for `attribution.used`: remembers each counter's readings around `(start_ms, end_ms]`.

    Memory is bounded by the number of counters, not of samples.
    """

    def __init__(self, start_ms: int, end_ms: int, steps_ms: np.ndarray) -> None:
        self._start_ms, self._end_ms = start_ms, end_ms
        self._first_step, self._end_step = np.searchsorted(steps_ms, [start_ms, end_ms]).tolist()
        self._keys = pd.DataFrame()
        self._before = _Readings()
        self._first = _Readings()
        self._last = _Readings()
        self._count = np.empty(0, np.int64)
        self._restarts = np.empty(0, np.int64)
        self._rises: list[pd.DataFrame] = []

    def __call__(self, counters: Counters, booked: Booked) -> None:
        """Take note of one stretch."""
        size = len(counters.keys)
        self._keys = counters.keys
        for readings in (self._before, self._first, self._last):
            readings.grow(size)
        grown = size - len(self._count)
        self._count = np.append(self._count, np.zeros(grown, np.int64))
        self._restarts = np.append(self._restarts, np.zeros(grown, np.int64))
        self._note(counters)
        window = booked.rises["window"]
        mine = booked.rises[(window >= self._first_step) & (window < self._end_step)]
        self._rises.append(mine[["key", "joules", "flags"]])

    def _note(self, counters: Counters) -> None:
        time_ms = counters.time_ms
        before = time_ms <= self._start_ms
        inside = ~before & (time_ms <= self._end_ms)
        key, at, joules = counters.key[before], time_ms[before], counters.joules[before]
        newest = run_ends(key)
        self._before.put(key[newest], at[newest], joules[newest])
        key, at, joules = counters.key[inside], time_ms[inside], counters.joules[inside]
        start, end = run_starts(key), run_ends(key)
        known = self._last.joules_or(self._before, key)
        previous = np.where(start, known, np.append(np.nan, joules[:-1])[: len(joules)])
        np.add.at(self._restarts, key[joules < previous], 1)
        np.add.at(self._count, key, 1)
        new = start & (self._first.time_ms[key] == NEVER)
        self._first.put(key[new], at[new], joules[new])
        self._last.put(key[end], at[end], joules[end])

    def table(self) -> pd.DataFrame:
        """One row per counter with energy or a reading in the window.

        Columns: `KEY_COLUMNS` and source of the counter; before_ms, first_ms, last_ms [Unix ms, -1: none],
        before_joules, first_joules, last_joules; samples, restarts [in the window]; kwh, flags [bits]. `kwh`
        is what was counted: the reset-corrected rise, cut at the window's edges, within the bounds.
        """
        rises = pd.concat(self._rises, ignore_index=True)
        size = len(self._keys)
        kwh = np.bincount(rises["key"], rises["joules"] / JOULES_PER_KWH, size)
        out = self._keys.assign(
            before_ms=self._before.time_ms, before_joules=self._before.joules,
            first_ms=self._first.time_ms, first_joules=self._first.joules,
            last_ms=self._last.time_ms, last_joules=self._last.joules,
            samples=self._count, restarts=self._restarts, kwh=kwh,
            flags=any_flag(rises["key"].to_numpy(), rises["flags"].to_numpy(), size),
        )  # fmt: skip
        return out[(out["samples"] > 0) | (out["kwh"] > 0)].reset_index(drop=True)


class _Readings:
    """One reading of each key: when [Unix ms, `NEVER`] and what [J, null]."""

    def __init__(self) -> None:
        self.time_ms = np.empty(0, np.int64)
        self.joules = np.empty(0)

    def grow(self, size: int) -> None:
        more = size - len(self.time_ms)
        self.time_ms = np.append(self.time_ms, np.full(more, NEVER))
        self.joules = np.append(self.joules, np.full(more, np.nan))

    def put(self, key: np.ndarray, time_ms: np.ndarray, joules: np.ndarray) -> None:
        self.time_ms[key], self.joules[key] = time_ms, joules

    def joules_or(self, other: _Readings, key: np.ndarray) -> np.ndarray:
        """What was last read of each key, here or there."""
        here = self.time_ms[key] != NEVER
        return np.asarray(np.where(here, self.joules[key], other.joules[key]))
