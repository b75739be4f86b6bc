"""What the stretches that were read hand to the next one."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sci_batch.counters import run_ends
from sci_batch.fetch.registry import Registry


@dataclass(slots=True)
class Past:
    """Brought up to date by a pull with each stretch."""

    registry: Registry = field(default_factory=Registry)
    last_joules: np.ndarray = field(default_factory=lambda: np.empty(0))
    """Newest value of each key; NaN where none."""
    last_mark: dict[int, int] = field(default_factory=dict)
    """When each node was last seen [Unix ms]."""
    shown_by: dict[int, set[str]] = field(default_factory=dict)
    """Edges pull: the series of counters that tell of restarts, at the end."""
    end_ms: int | None = None
    """Up to where has been read; None: nothing yet, nor what lies before the range."""

    def copy(self) -> Past:
        """Another one, that can go on by itself."""
        registry = Registry(keys=self.registry.keys, nodes=self.registry.nodes)
        return Past(registry, self.last_joules, dict(self.last_mark), dict(self.shown_by), self.end_ms)

    def known_joules(self) -> np.ndarray:
        """`last_joules` of all keys, also of those that are new."""
        new = len(self.registry.keys) - len(self.last_joules)
        return np.concatenate([self.last_joules, np.full(new, np.nan)])

    def remember(self, key: np.ndarray, joules: np.ndarray) -> None:
        """The newest value of each key; `key` is ordered by time within a key."""
        newest = self.known_joules()
        end = run_ends(key)
        newest[key[end]] = joules[end]
        self.last_joules = newest
