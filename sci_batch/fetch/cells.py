"""Sets of (counter or node, edge) pairs: the steps in which something happened."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sci_batch.counters import TIME_BITS, composite


@dataclass(frozen=True, slots=True)
class Cells:
    """A set of (key or node, edge) pairs."""

    code: np.ndarray

    @classmethod
    def of(cls, ids: np.ndarray, edge_ms: np.ndarray) -> Cells:
        """The distinct pairs."""
        return cls(np.unique(composite(ids, edge_ms)))

    def __or__(self, other: Cells) -> Cells:
        return Cells(np.union1d(self.code, other.code))

    def __sub__(self, other: Cells) -> Cells:
        return Cells(np.setdiff1d(self.code, other.code))

    def __and__(self, other: Cells) -> Cells:
        return Cells(np.intersect1d(self.code, other.code))

    def has(self, ids: np.ndarray, edge_ms: np.ndarray) -> np.ndarray:
        """Which of these pairs are in the set."""
        return np.isin(composite(ids, edge_ms), self.code)

    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Ids and edges, ordered."""
        ids = self.code >> TIME_BITS
        return ids, self.code - (ids << TIME_BITS)
