"""RESULT in the order of time, in frames: all of it together may be more than memory should hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


class Result:
    """Rows of a result (columns: `schema.result_columns`).

    Parameters
    ----------
    frames
        Called for each reading from the start; at least one frame.
    """

    def __init__(self, frames: Callable[[], Iterable[pd.DataFrame]]) -> None:
        self._frames = frames
        self._whole: pd.DataFrame | None = None

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Result:
        """Rows that are in memory already."""
        return cls(lambda: (frame,))

    def frames(self) -> Iterator[pd.DataFrame]:
        """The rows, some windows at a time."""
        return iter(self._frames() if self._whole is None else (self._whole,))

    def whole(self) -> pd.DataFrame:
        """All rows in one frame, which is kept."""
        if self._whole is None:
            import pandas as pd

            frames = list(self._frames())
            self._whole = frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
        return self._whole
