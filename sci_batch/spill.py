"""Frames in order: in memory while they are few, else in a temporary file that no crash leaves behind."""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

import numpy as np
import pandas as pd
import pyarrow as pa

from sci_batch.errors import no_room

ROWS_AT_ONCE = 30_000
"""Rows of one piece of the file: what is read for a few windows of many."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """Rows in the file, and the numbers that they are of, `first` to `last`."""

    offset: int
    length: int
    first: int
    last: int


class Spill:
    """Frames of the same columns; what was put in first comes out first.

    Parameters
    ----------
    rows_in_memory
        From so many rows on they are written away.
    by
        Column of numbers, such as a window, that is looked for with `within`; None: all is always read.
    """

    def __init__(self, rows_in_memory: int, by: str | None = "window") -> None:
        self._rows_in_memory, self._by = rows_in_memory, by
        self._held: list[pd.DataFrame] = []
        self._empty = pd.DataFrame()
        self._rows = 0
        self._pieces: list[_Piece] = []
        self._file: IO[bytes] | None = None

    def add(self, frame: pd.DataFrame) -> None:
        """Put in one more.

        Raises
        ------
        SourceError
            The folder for temporary files is full or cannot be written.
        """
        self._held.append(frame)
        self._empty = frame.iloc[:0]
        self._rows += len(frame)
        if self._rows > self._rows_in_memory:
            try:
                self._write_away()
            except OSError as error:
                self._give_up()
                raise no_room(error) from None

    def all(self) -> Iterator[pd.DataFrame]:
        """All frames; those of the file may be cut otherwise than they were put in."""
        for piece in self._pieces:
            yield self._read(piece)
        yield from self._held

    def within(self, first: int, end: int) -> pd.DataFrame:
        """The rows with `first <= by < end`; those of one number in the order they were put in."""
        near = [self._read(piece) for piece in self._pieces if piece.first < end and first <= piece.last]
        parts = [frame[_inside(self._numbers(frame), first, end)] for frame in [*near, *self._held]]
        return pd.concat(parts or [self._empty], ignore_index=True)

    def _write_away(self) -> None:
        frame = pd.concat(self._held, ignore_index=True)
        self._held, self._rows = [], 0
        if self._by is not None:
            frame = frame.sort_values(self._by, kind="stable", ignore_index=True)
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="sci-batch-")  # noqa: SIM115 (it lives as long as this)
            weakref.finalize(self, self._file.close)
        for at in range(0, len(frame), ROWS_AT_ONCE):
            piece = frame.iloc[at : at + ROWS_AT_ONCE]
            numbers = self._numbers(piece)
            content = _encoded(piece)
            offset = self._file.seek(0, 2)
            self._file.write(content)
            self._file.flush()
            self._pieces.append(_Piece(offset, content.size, int(numbers[0]), int(numbers[-1])))

    def _give_up(self) -> None:
        """Close the file now: what could not be written would be tried again when Python ends."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()

    def _numbers(self, frame: pd.DataFrame) -> np.ndarray:
        return np.zeros(len(frame), np.int64) if self._by is None else frame[self._by].to_numpy()

    def _read(self, piece: _Piece) -> pd.DataFrame:
        if self._file is None:
            raise ValueError("a piece of no file")
        self._file.seek(piece.offset)
        with pa.ipc.open_stream(pa.py_buffer(self._file.read(piece.length))) as reader:
            frame: pd.DataFrame = reader.read_pandas()
        return frame


def _inside(numbers: np.ndarray, first: int, end: int) -> np.ndarray:
    return np.asarray((first <= numbers) & (numbers < end))


def _encoded(frame: pd.DataFrame) -> pa.Buffer:
    table = pa.Table.from_pandas(frame, preserve_index=False)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
        writer.write_table(table)
    return sink.getvalue()
