"""Outputs: one file each, one line each in `SINKS`. A sink writes all of a report, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sci_batch.report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkOptions:
    """What a sink may know about the terminal and the wishes of the user.

    `terminal`, `width` [characters, None: no limit], `color` and `encoding` describe standard
    output; a file gets UTF-8 without colours. `top` limits the rows of tables.
    """

    terminal: bool = False
    width: int | None = None
    color: bool = False
    encoding: str = "utf-8"
    top: int | None = None
    no_clobber: bool = False


Sink = Callable[["Report", Path | None, SinkOptions], None]
"""Writes to a file, or to standard output where the path is None; raises `SinkError`."""


def _sink(module: str) -> Sink:
    def write(report: Report, path: Path | None, options: SinkOptions) -> None:
        # Imported late: the names must be readable without pandas and pyarrow.
        import_module(f"sci_batch.sinks.{module}").write(report, path, options)

    return write


SINKS: dict[str, Sink] = {
    "table": _sink("table"),
    "wide": _sink("wide"),
    "csv": _sink("csv"),
    "json": _sink("json"),
    "jsonl": _sink("jsonl"),
    "parquet": _sink("parquet"),
}
BINARY = frozenset({"parquet"})
"""Formats that no terminal can show."""
