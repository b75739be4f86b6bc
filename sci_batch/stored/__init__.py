"""A result read back from a file: Parquet and JSON bit for bit and whole, CSV its rows."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pandas as pd

from sci_batch.errors import UsageError
from sci_batch.report import AlsoTotal, Provenance, Report, Totals, UnitTotal
from sci_batch.schema import TIME, check
from sci_batch.sinks.json import SCHEMA_VERSION
from sci_batch.stored import rows

_PARQUET_START = b"PAR1"
_JSON_START = b"{"
_CURE = "Give a file that sci-batch wrote with -o parquet=FILE, -o json=FILE or -o csv=FILE."
_FOREIGN = (ValueError, KeyError, TypeError)
"""What the readers of Parquet, JSON, CSV and UTF-8 raise on something else."""


def read(path: Path, unit: str | None = None, cluster: str = "") -> Report:
    """The report that was written.

    Parameters
    ----------
    unit, cluster
        Name of the first functional unit, and the cluster: a CSV file does not hold them.

    Raises
    ------
    UsageError
        The file cannot be read, is none of ours, was written by a newer version, or is of another unit or
        cluster.
    """
    try:
        with path.open("rb") as stream:
            start = stream.read(len(_PARQUET_START))
        if start == _PARQUET_START:
            report = _whole(path, *_parquet(path))
        elif start[:1] == _JSON_START:
            report = _whole(path, *_json(path))
        else:
            report = rows.read(path, unit, cluster)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}", _CURE) from None
    except _FOREIGN:
        raise UsageError(f"{path} is no result of sci-batch", _CURE) from None
    _same("functional unit", report.provenance.functional_unit, unit, "--unit-name")
    _same("cluster", report.provenance.cluster, cluster or None, "--cluster-label")
    return report


def _same(what: str, found: str | None, wanted: str | None, flag: str) -> None:
    """Refuse to show the result of one in the name of another."""
    if wanted is not None and wanted != found:
        raise UsageError(
            f"the {what} of the result is {found or '(none given)'}, not {wanted}",
            f"Give the same {flag} as when it was computed, or none.",
        )


def _whole(path: Path, head: dict[str, Any], cells: pd.DataFrame) -> Report:
    version = head.get("schema_version")
    if not isinstance(version, int):
        raise UsageError(f"{path} is no result of sci-batch", _CURE)
    if version > SCHEMA_VERSION:
        raise UsageError(f"{path} was written by a newer sci-batch", "Update sci-batch.")
    try:
        return _report(head, cells)
    except (*_FOREIGN, AttributeError) as error:
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


def _report(head: dict[str, Any], cells: pd.DataFrame) -> Report:
    made = _made(Provenance, head["provenance"])
    sums = head["totals"]
    units = tuple(_made(UnitTotal, unit) for unit in sums.get("units", ()))
    also = tuple(_made(AlsoTotal, other) for other in sums.get("also", ()))
    result = pd.DataFrame({column.name: _typed(cells[column.name], column.dtype) for column in made.columns})
    check(result, made.columns)
    return Report(
        result=result,
        totals=_made(Totals, {**sums, "units": units, "also": also}),
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
