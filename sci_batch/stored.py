"""A result read back from what `-o parquet` or `-o json` wrote: a file, bit for bit, or a data set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from sci_batch.errors import SinkError, SourceError, UsageError
from sci_batch.report import Report
from sci_batch.sinks.access import Push
from sci_batch.sinks.head import report_of
from sci_batch.sinks.json import SCHEMA_VERSION
from sci_batch.sinks.location import names_folder

_PARQUET_START = b"PAR1"
_CURE = "Give a file that sci-batch wrote with -o parquet=FILE or -o json=FILE."


def read(place: Path | str, *, cluster: str = "", push: Push | None = None) -> Report:
    """The report that was written; of a data set, all of it.

    Parameters
    ----------
    place
        File, folder, or address of a bucket.
    cluster
        Value of `--cluster-label`, which chooses the cluster where a data set holds several.
    push
        Patience with a bucket.

    Raises
    ------
    UsageError
        The file cannot be read, is none of ours, or was written by a newer version; or there is no data set,
        or one of several clusters.
    SourceError
        The data set cannot be read, or its rows are not of a kind.
    """
    if names_folder(str(place)) or Path(place).is_dir():
        from sci_batch.sinks import dataset

        try:
            return dataset.read(str(place), cluster, push)
        except SinkError as failed:
            raise SourceError(failed.what, failed.cure) from None
    return _of_file(Path(place))


def _of_file(path: Path) -> Report:
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
        return report_of(head, rows)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path} is not whole: {error}", _CURE) from None


def _parquet(path: Path) -> tuple[dict[str, Any], pd.DataFrame]:
    import pyarrow.parquet as pq

    from sci_batch.sinks.parquet import METADATA_KEY

    # The file alone: a folder named date=... above it is no column.
    table = pq.read_table(path, partitioning=None)
    head, rows = json.loads(table.schema.metadata[METADATA_KEY]), table.to_pandas()
    # In a file of a data set, the folder names the cluster.
    return head, rows if "cluster" in rows else rows.assign(cluster=head["provenance"].get("cluster", ""))


def _json(path: Path) -> tuple[dict[str, Any], pd.DataFrame]:
    head = json.loads(path.read_bytes())
    return head, pd.DataFrame(head.pop("rows"))
