"""A result read back from a file that `-o parquet` or `-o json` wrote, bit for bit."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pandas as pd

from sci_batch.errors import UsageError
from sci_batch.report import Provenance, Report, Totals, UnitTotal
from sci_batch.schema import TIME, check
from sci_batch.sinks.json import SCHEMA_VERSION

_PARQUET_START = b"PAR1"
_CURE = "Give a file that sci-batch wrote with -o parquet=FILE or -o json=FILE."


def read(path: Path) -> Report:
    """The report that was written.

    Raises
    ------
    UsageError
        The file cannot be read, is none of ours, or was written by a newer version.
    """
    try:
        with path.open("rb") as stream:
            start = stream.read(len(_PARQUET_START))
        head, rows = _parquet(path) if start == _PARQUET_START else _json(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}", _CURE) from None
    except (ValueError, KeyError, TypeError):  # what JSON, Parquet and UTF-8 raise on something else
        raise UsageError(f"{path} is no result of sci-batch", _CURE) from None
    version = head.get("schema_version")
    if not isinstance(version, int) or version > SCHEMA_VERSION:
        raise UsageError(f"{path} was written by a newer sci-batch", "Update sci-batch.")
    try:
        return _report(head, rows)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path} is not whole: {error}", _CURE) from None


def _parquet(path: Path) -> tuple[dict[str, Any], pd.DataFrame]:
    import pyarrow.parquet as pq

    from sci_batch.sinks.parquet import METADATA_KEY

    # The file alone: a folder named date=... above it is no column.
    table = pq.read_table(path, partitioning=None)
    return json.loads(table.schema.metadata[METADATA_KEY]), table.to_pandas()


def _json(path: Path) -> tuple[dict[str, Any], pd.DataFrame]:
    head = json.loads(path.read_bytes())
    return head, pd.DataFrame(head.pop("rows"))


def _report(head: dict[str, Any], rows: pd.DataFrame) -> Report:
    made = _made(Provenance, head["provenance"])
    sums = head["totals"]
    units = tuple(_made(UnitTotal, unit) for unit in sums.get("units", ()))
    result = pd.DataFrame({column.name: _typed(rows[column.name], column.dtype) for column in made.columns})
    check(result, made.columns)
    return Report(
        result=result,
        totals=_made(Totals, {**sums, "units": units}),
        provenance=made,
        flag_counts={flag: int(count["rows"]) for flag, count in head["flags"].items()},
    )


def _made(cls: type[Any], values: dict[str, Any]) -> Any:
    """A dataclass of its fields; fields of a later version of the tool are left out, lists become tuples."""
    names = {field.name for field in dataclasses.fields(cls)}
    return cls(
        **{
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
            if name in names
        }
    )


def _typed(cells: pd.Series, dtype: str) -> pd.Series:
    if dtype == TIME:
        return pd.to_datetime(cells, utc=True).dt.as_unit("us")
    return cells.astype("float64") if dtype == "float64" else cells.astype("str")
