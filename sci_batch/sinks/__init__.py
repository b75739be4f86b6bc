"""Outputs: one file each, one line each in `SINKS`. A sink writes all of a report, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sci_batch.sinks.access import Push

if TYPE_CHECKING:
    from sci_batch.comparison import Change
    from sci_batch.report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkOptions:
    """What a sink may know about the terminal and the wishes of the user.

    `terminal`, `width` [characters, None: no limit], `color` and `encoding` describe standard
    output; a file gets UTF-8 without colours. `top` limits the rows of tables.

    `target` is the address or folder of an output that is no file, `push` how to reach it, `now_ms` the
    time of the run [ms since the Unix epoch]. `appended` is the one file that is added to, not replaced.
    `disclosed` are words of the user for a disclosure; `computed` is false for a result that was read from a
    file.
    """

    terminal: bool = False
    width: int | None = None
    color: bool = False
    encoding: str = "utf-8"
    top: int | None = None
    no_clobber: bool = False
    target: str = field(default="", repr=False)
    push: Push = field(default_factory=Push)
    now_ms: int = 0
    appended: Path | None = None
    disclosed: tuple[tuple[str, str], ...] = ()
    computed: bool = True


Sink = Callable[["Report", Path | None, SinkOptions], None]
"""Writes to a file, or to standard output where the path is None; raises `SinkError`."""


def _sink(module: str) -> Callable[[Any, Path | None, SinkOptions], None]:
    def write(subject: Any, path: Path | None, options: SinkOptions) -> None:
        # Imported late: the names must be readable without pandas and pyarrow.
        import_module(f"sci_batch.sinks.{module}").write(subject, path, options)

    return write


def load(formats: Iterable[str]) -> None:
    """Import what these outputs need; what cannot be imported is told when it is written."""
    for name in formats:
        if name in SINKS:
            with suppress(ImportError):
                import_module(f"sci_batch.sinks.{name.replace('-', '_')}")


SINKS: dict[str, Sink] = {
    "table": _sink("table"),
    "wide": _sink("wide"),
    "csv": _sink("csv"),
    "json": _sink("json"),
    "jsonl": _sink("jsonl"),
    "parquet": _sink("parquet"),
    "markdown": _sink("markdown"),
    "html": _sink("html"),
    "impact-framework": _sink("impact_framework"),
    "sci-yaml": _sink("sci_yaml"),
    "openmetrics": _sink("openmetrics"),
    "textfile": _sink("textfile"),
    "pushgateway": _sink("pushgateway"),
    "remote-write": _sink("remote_write"),
}
CHANGE_SINKS: dict[str, Callable[[Change, Path | None, SinkOptions], None]] = {
    "table": _sink("change_table"),
    "csv": _sink("change_csv"),
    "json": _sink("change_json"),
    "markdown": _sink("change_markdown"),
}
"""Outputs of a change from one result to another."""
LIMITS = "junit"
"""Format of the limits of `--fail-on` and what became of them."""
BINARY = frozenset({"parquet"})
"""Formats that no terminal can show."""
ADDRESSED = frozenset({"pushgateway", "remote-write"})
"""Formats that go to an address, not to a file."""
PARTITIONED = frozenset({"parquet"})
"""Formats that a folder or a bucket can hold as a data set."""
NEEDS = {
    "pushgateway": ("push", {"prometheus_client": "prometheus-client"}),
    "html": ("html", {"jinja2": "jinja2", "vl_convert": "vl-convert-python"}),
}
"""Formats that need more than the plain installation: the extra, and its modules with their packages."""
