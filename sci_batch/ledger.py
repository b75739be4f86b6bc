"""What every counter rose by, by window: booked while the counters are read, taken up again in parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sci_batch.counters import KEY_COLUMNS, run_starts, window_of_step
from sci_batch.energy import Booked, Energy, total
from sci_batch.spill import Spill

ROWS_PER_SPAN = 320_000
"""Rises that are worked on at once, at some 500 bytes each; a window is never cut."""
ROWS_IN_MEMORY = 400_000
"""Rises that do not go to a temporary file, at 40 bytes each."""
_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """BOOKED of some windows, with the counters and nodes that are in it."""

    booked: Booked
    keys: pd.DataFrame
    nodes: pd.DataFrame
    steps_ms: np.ndarray
    """Edges of all steps of the range [Unix ms]."""

    def energy(self) -> Energy:
        """ENERGY by step."""
        return total([self.booked], self.keys, self.nodes, self.steps_ms)


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
        self.queries: set[str] = set()
        self.warnings: set[str] = set()
        """What other processes asked the server, and what it warned of there."""
        self.keys = pd.DataFrame()
        """Every counter, as in `Counters`."""

    def add(self, keys: pd.DataFrame, nodes: pd.DataFrame, booked: Booked) -> None:
        """Take in what a stretch booked, with all counters and nodes met so far.

        Stretches of one counter come in order of time.
        """
        self.keys, self._nodes = keys, nodes
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
        """The counters that rose or could have (columns of `keys`), by their first window, then by name."""
        rose = self._first_step != _NEVER
        window = self._window_of_step[self._first_step[rose]]
        found: pd.DataFrame = self.keys[rose].assign(window=window)
        return found.sort_values(["window", *KEY_COLUMNS], ignore_index=True)

    def spans(self) -> Iterator[Span]:
        """Some windows at a time, in order of time; windows are never cut.

        Rises are ordered by step, then by the counter's name, then by time: the order of adding up decides
        the last bits of a sum, and must not depend on who read which counter first.
        """
        for first, end in self._bounds():
            rises = self._rises.within(first, end)
            if len(rises):
                there, number = np.unique(rises["key"].to_numpy(), return_inverse=True)
                keys = self.keys.iloc[there].reset_index(drop=True)
                by_name = keys.sort_values([*KEY_COLUMNS, "source"]).index.to_numpy()
                rank = np.empty(len(keys), np.int64)
                rank[by_name] = np.arange(len(keys))
                key, step = rank[number], rises["window"].to_numpy()
                order = np.argsort(step * len(keys) + key, kind="stable")
                rises = rises.assign(key=key).take(order).reset_index(drop=True)
                yield Span(
                    booked=Booked(rises=rises, seen=self._watched(first, end)),
                    keys=keys.take(by_name).reset_index(drop=True), nodes=self._nodes,
                    steps_ms=self._steps_ms,
                )  # fmt: skip

    def _watched(self, first: int, end: int) -> pd.DataFrame:
        """`Booked.seen` of some steps, ordered by step, then by the node's name, for the same reason."""
        seen = self._seen.within(first, end)
        by_name = self._nodes.sort_values(["node", "generation"]).index.to_numpy()
        rank = np.empty(len(by_name), np.int64)
        rank[by_name] = np.arange(len(by_name))
        step, node = seen["window"].to_numpy(), seen["node"].to_numpy()
        order = np.argsort(step * len(rank) + rank[node], kind="stable")
        return seen.take(order).reset_index(drop=True)

    def _bounds(self) -> Iterator[tuple[int, int]]:
        """First step and end of each span."""
        starts = np.flatnonzero(run_starts(self._window_of_step))
        rises = np.add.reduceat(self._rises_in_step, starts)
        first, held = 0, 0
        for start, count in zip(starts.tolist(), rises.tolist(), strict=True):
            if held and held + count > ROWS_PER_SPAN:
                yield first, start
                first, held = start, 0
            held += count
        yield first, len(self._window_of_step)
