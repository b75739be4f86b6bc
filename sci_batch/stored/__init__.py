"""A result read back: Parquet, JSON and data sets bit for bit and whole, CSV its rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from sci_batch.errors import SinkError, SourceError, UsageError
from sci_batch.files import contents
from sci_batch.report import Report
from sci_batch.sinks.access import Push
from sci_batch.sinks.head import report_of
from sci_batch.sinks.json import SCHEMA_VERSION
from sci_batch.sinks.location import names_folder
from sci_batch.stored import rows

_PARQUET_START = b"PAR1"
_JSON_START = b"{"
_CURE = "Give a file that sci-batch wrote with -o parquet=FILE, -o json=FILE or -o csv=FILE."
_FOREIGN = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)
"""What the readers of Parquet, JSON, CSV and UTF-8 raise on something else."""


def read(place: Path | str, unit: str | None = None, cluster: str = "", push: Push | None = None) -> Report:
    """The report that was written; of a data set, all of it.

    Parameters
    ----------
    place
        File, folder, or address of a bucket.
    unit, cluster
        Name of the first functional unit, and the cluster: a CSV file does not hold them. The cluster also
        chooses where a data set holds several.
    push
        Patience with a bucket.

    Parameters
    ----------
    unit, cluster
        Name of the first functional unit, and the cluster: a CSV file does not hold them.

    Raises
    ------
    UsageError
        The file cannot be read, is none of ours, was written by a newer version, or is of another unit or
        cluster; or there is no data set, or one of several clusters.
    SourceError
        The data set cannot be read, or its rows are not of a kind.
    """
    if names_folder(str(place)) or Path(place).is_dir():
        report = _of_data_set(str(place), cluster, push)
    else:
        report = _of_file(Path(place), unit, cluster)
    _same("functional unit", report.provenance.functional_unit, unit, "--unit-name")
    _same("cluster", report.provenance.cluster, cluster or None, "--cluster-label")
    return report


def _of_data_set(place: str, cluster: str, push: Push | None) -> Report:
    from sci_batch.sinks import dataset

    try:
        return dataset.read(place, cluster, push)
    except SinkError as failed:
        raise SourceError(failed.what, failed.cure) from None


def _of_file(path: Path, unit: str | None, cluster: str) -> Report:
    try:
        with path.open("rb") as stream:
            start = stream.read(len(_PARQUET_START))
        if start == _PARQUET_START:
            return _whole(path, *_parquet(path))
        if start[:1] == _JSON_START:
            return _whole(path, *_json(path))
        return rows.read(path, unit, cluster)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}", _CURE) from None
    except _FOREIGN:
        raise UsageError(f"{path} is no result of sci-batch", _CURE) from None


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
        return report_of(head, cells)
    except _FOREIGN as error:
        raise UsageError(f"{path} is not whole: {error}", _CURE) from None


def _parquet(path: Path) -> tuple[dict[str, Any], pd.DataFrame]:
    from sci_batch import parquet_file
    from sci_batch.sinks.parquet import METADATA_KEY

    rows, metadata = parquet_file.read(path, path)
    head = json.loads(metadata[METADATA_KEY])
    # In a file of a data set, the folder names the cluster.
    return head, rows if "cluster" in rows else rows.assign(cluster=head["provenance"].get("cluster", ""))


def _json(path: Path) -> tuple[dict[str, Any], pd.DataFrame]:
    head = json.loads(contents(path))
    return head, pd.DataFrame(head.pop("rows"))
