"""Parquet written by anybody: a few bytes of it can stand for terabytes, which are never made."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sci_batch.errors import UsageError

MOST_CELLS = 500_000_000
MOST_TEXT_BYTES = 4 * 1024**3
"""Of all text cells together, each counted as often as it stands there."""


def read(source: Path | pa.Buffer, name: object) -> tuple[pd.DataFrame, dict[bytes, bytes]]:
    """The table, and the metadata of the file; folders above it, and what pandas noted in it, are no matter.

    Parameters
    ----------
    name
        For messages.

    Raises
    ------
    UsageError
        It would become too large.
    ValueError
        It is no Parquet file, or holds a column twice.
    OSError
        It cannot be read.
    """
    try:
        with pq.ParquetFile(source) as opened:
            head, schema = opened.metadata, opened.schema_arrow
        if len(set(schema.names)) < len(schema.names):
            raise ValueError("a column stands twice")
        if head.num_rows * max(len(schema), 1) > MOST_CELLS:
            raise _too_large(name, f"{head.num_rows:,} rows")
        texts = [field.name for field in schema if _is_text(field.type)]
        with pq.ParquetFile(source, read_dictionary=texts) as opened:
            table = opened.read()
        if (size := sum(_text_bytes(table[text]) for text in texts)) > MOST_TEXT_BYTES:
            raise _too_large(name, f"{size / 1e9:,.0f} GB of text")
        plain = table.cast(pa.schema([(field.name, _plain(field.type)) for field in schema]))
        return plain.to_pandas(ignore_metadata=True), dict(schema.metadata or {})
    except UnicodeDecodeError:
        raise ValueError("a text is not UTF-8") from None
    except (pa.ArrowException, KeyError, TypeError, OverflowError) as error:
        raise ValueError(str(error)) from None


def _too_large(name: object, what: str) -> UsageError:
    return UsageError(
        f"{name} holds {what}, more than is read", "Give a file of fewer rows, such as one for each month."
    )


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _is_text(kind: pa.DataType) -> bool:
    return any(
        is_one(_plain(kind))
        for is_one in (
            pa.types.is_string,
            pa.types.is_large_string,
            pa.types.is_binary,
            pa.types.is_large_binary,
        )
    )


def _text_bytes(column: pa.ChunkedArray) -> int:
    """How long the texts become where each stands for itself; in the file one may stand for millions."""
    total = 0
    for chunk in column.chunks:
        lengths = pc.binary_length(chunk.dictionary) if pa.types.is_dictionary(chunk.type) else None
        each = pc.binary_length(chunk) if lengths is None else lengths.take(chunk.indices)
        total += pc.sum(pc.cast(each, pa.int64())).as_py() or 0
    return total
