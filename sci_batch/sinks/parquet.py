"""Parquet: typed, compressed, with units and provenance inside.

Each field's metadata holds `unit` and `meaning`; the file's metadata holds `sci_batch`, the same
JSON object as the `json` output without its rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from sci_batch.report import Report
from sci_batch.schema import TIME, Column
from sci_batch.sinks import SinkOptions
from sci_batch.sinks.json import head, line
from sci_batch.sinks.target import opened

METADATA_KEY = b"sci_batch"
_TYPES = {TIME: pa.timestamp("us", tz="UTC"), "float64": pa.float64(), "str": pa.string()}


def write(report: Report, path: Path | None, options: SinkOptions) -> None:
    """All rows in one file; or, where the options name a folder, as a data set of one file a day."""
    if options.target:
        from sci_batch.sinks import dataset

        dataset.write(report, options)
        return
    with opened(path, no_clobber=options.no_clobber) as stream:
        _write(report, stream)


def encoded(
    report: Report, *, leave_out: tuple[str, ...] = (), more: Mapping[bytes, bytes] | None = None
) -> pa.Buffer:
    """A file: zstd, text columns as dictionaries; `more` metadata, and without the columns to leave out."""
    sink = pa.BufferOutputStream()
    _write(report, sink, leave_out, more)
    return sink.getvalue()


def _write(
    report: Report, sink: BinaryIO | pa.NativeFile, leave_out: tuple[str, ...] = (),
    more: Mapping[bytes, bytes] | None = None,
) -> None:  # fmt: skip
    """Write frame by frame; each is a row group, so that memory does not grow with the rows."""
    columns = [column for column in report.provenance.columns if column.name not in leave_out]
    schema = pa.schema([_field(column) for column in columns])
    metadata = {METADATA_KEY: line(head(report)).encode(), **(more or {})}
    texts = [column.name for column in columns if column.dtype == "str"]
    tables = (
        pa.Table.from_pandas(frame, schema=schema, preserve_index=False) for frame in report.rows.frames()
    )
    table = next(tables)
    described = {**(table.schema.metadata or {}), **metadata}
    with pq.ParquetWriter(
        sink, table.schema.with_metadata(described), compression="zstd", use_dictionary=texts
    ) as writer:
        writer.write_table(table.replace_schema_metadata(described))
        del table  # else it would lie beside all that follow
        for table in tables:
            writer.write_table(table.replace_schema_metadata(described))


def _field(column: Column) -> pa.Field:
    metadata = {"unit": column.unit, "meaning": column.meaning}
    return pa.field(column.name, _TYPES[column.dtype], nullable=column.nullable, metadata=metadata)
