"""How much of one stretch of time others cover."""

from __future__ import annotations

import numpy as np


class Cover:
    """Time that is covered by windows that do not overlap each other.

    Parameters
    ----------
    windows_ms
        Start and end [ms], shape (windows, 2), in order.
    """

    def __init__(self, windows_ms: np.ndarray) -> None:
        self._start, self._end = windows_ms[:, 0], windows_ms[:, 1]
        self._before = np.concatenate([[0], np.cumsum(self._end - self._start)])

    def of(self, others_ms: np.ndarray) -> np.ndarray:
        """How much [ms] of each of the other windows is covered.

        >>> Cover(np.array([[0, 10], [20, 30]])).of(np.array([[0, 10], [5, 25], [12, 18]])).tolist()
        [10, 10, 0]
        """
        return np.asarray(self._until(others_ms[:, 1]) - self._until(others_ms[:, 0]))

    def _until(self, time_ms: np.ndarray) -> np.ndarray:
        """Covered time [ms] before each instant."""
        index = np.searchsorted(self._start, time_ms, side="right")
        last = np.maximum(index - 1, 0)
        over = np.where(index > 0, np.maximum(self._end[last] - time_ms, 0), 0)
        return np.asarray(self._before[index] - over)
