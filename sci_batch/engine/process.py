"""The plain engine: one process, one stretch after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

import numpy as np

from sci_batch import attribution
from sci_batch.attribution import Listener
from sci_batch.ledger import Ledger, Span
from sci_batch.settings import Settings
from sci_batch.source import Source
from sci_batch.summary import Part

Basis = TypeVar("Basis")
"""What all spans share."""


class Engine(Protocol):
    """Reads the counters into a ledger, and works on its spans."""

    def read(
        self, source: Source, steps_ms: np.ndarray, windows_ms: np.ndarray, settings: Settings
    ) -> Ledger:
        """All counters of the range, booked; edges of steps and windows in Unix ms."""

    def parts(self, ledger: Ledger, work: Callable[[Span, Basis], Part], basis: Basis) -> Iterator[Part]:
        """`work` of every span, in order of time."""


class Process:
    """All of it here; a listener is told of the counters as they are read."""

    def __init__(self, listener: Listener | None = None) -> None:
        self._listener = listener

    def read(
        self, source: Source, steps_ms: np.ndarray, windows_ms: np.ndarray, settings: Settings
    ) -> Ledger:
        """All counters of the range, booked; edges of steps and windows in Unix ms."""
        return attribution.read(source.inputs, steps_ms, windows_ms, settings, self._listener)

    def parts(self, ledger: Ledger, work: Callable[[Span, Basis], Part], basis: Basis) -> Iterator[Part]:
        """`work` of every span, in order of time."""
        return (work(span, basis) for span in ledger.spans())
