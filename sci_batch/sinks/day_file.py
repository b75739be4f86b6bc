"""One file of a data set: the rows of a day, and in its metadata the runs that they come from.

A file of one run holds what the single-file output holds. Where there are several, the metadata
`sci_batch` speaks of all rows, and `sci_batch_runs` of each run. The column `cluster` is left out: the
folder says it, and a reader would find it twice.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pyarrow as pa

from sci_batch import parquet_file
from sci_batch.errors import SinkError
from sci_batch.sinks.head import provenance_of, report_of, totals_of
from sci_batch.sinks.json import SCHEMA_VERSION, known, line
from sci_batch.sinks.parquet import METADATA_KEY, encoded
from sci_batch.sinks.runs import Rows, Run, of_report
from sci_batch.sinks.runs import report_of as report_of_runs

CLUSTER = "cluster"
RUNS_KEY = b"sci_batch_runs"


def written(rows: Rows) -> bytes:
    """The file; the same rows of the same runs are the same bytes."""
    more = {RUNS_KEY: line(_runs(rows.runs)).encode()} if len(rows.runs) > 1 else None
    return bytes(encoded(report_of_runs(rows), leave_out=(CLUSTER,), more=more))


def read(content: bytes, name: str) -> Rows:
    """The rows and their runs.

    Raises
    ------
    SinkError
        The file is none of ours, or of a newer version; `name` says which.
    """
    try:
        frame, metadata = parquet_file.read(pa.py_buffer(content), name)
        head = json.loads(metadata[METADATA_KEY])
        version = int(head["schema_version"])
        if version <= SCHEMA_VERSION:
            rows = of_report(
                report_of(head, frame.assign(**{CLUSTER: head["provenance"].get("cluster", "")}))
            )
            return Rows(rows.result, _read_runs(metadata[RUNS_KEY])) if RUNS_KEY in metadata else rows
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise SinkError(
            f"{name} is no file of a sci-batch data set", "Move it away, or give another folder."
        ) from None
    raise SinkError(f"{name} was written by a newer sci-batch", "Update sci-batch.")


def _runs(runs: tuple[Run, ...]) -> dict[str, Any]:
    """The runs of one day differ in little but their times: what they share stands once."""
    shared: list[dict[str, Any]] = []
    each = []
    for run in runs:
        words = known(dataclasses.asdict(run.provenance))
        times = {name: words.pop(name) for name in ("start", "end")}
        if words not in shared:
            shared.append(words)
        totals = known(dataclasses.asdict(run.totals))
        each.append({**times, "provenance": shared.index(words), "windows_ms": run.windows, "totals": totals})
    return {"provenance": shared, "runs": each}


def _read_runs(text: bytes) -> tuple[Run, ...]:
    document = json.loads(text)
    shared = document["provenance"]
    return tuple(
        Run(
            tuple(run["windows_ms"]),
            provenance_of({**shared[run["provenance"]], "start": run["start"], "end": run["end"]}),
            totals_of(run["totals"]),
        )
        for run in document["runs"]
    )
