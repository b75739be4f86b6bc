"""What the terminal is, and how far a run has come."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from sci_batch.cli.log import in_json, say
from sci_batch.errors import UsageError
from sci_batch.settings import CLOCK_VARIABLE, Settings, push_settings
from sci_batch.sinks import SinkOptions

WIDE_ENOUGH = 80
"""Characters of a line of progress with bar and times."""


class Progress(Protocol):
    """What the pipeline calls as it goes on."""

    def __call__(self, words: str, share: float, /) -> None:
        """Say where we are: words, and the share that is done, 0..1."""


@contextmanager
def progress(settings: Settings) -> Iterator[Progress]:
    """Progress as a bar on a terminal, as lines with `--verbose`, else nothing."""
    if settings.quiet:
        yield lambda _words, _share, /: None
    elif settings.verbose:
        yield lambda words, share, /: say(f"{words} {share:.0%}")
    elif in_json() or sys.stderr is None or not sys.stderr.isatty():
        yield lambda _words, _share, /: None
    else:
        with _bar(color=_color(settings.color, True, os.environ)) as tell:
            yield tell


@contextmanager
def _bar(*, color: bool) -> Iterator[Progress]:
    """Words, bar, share, elapsed time and time left on one line of standard error; it goes at the end."""
    from rich import progress as bars
    from rich.console import Console

    console = Console(
        stderr=True, color_system="standard" if color else None, markup=False, emoji=False, highlight=False
    )
    columns: list[bars.ProgressColumn] = [
        bars.TextColumn("{task.description}", markup=False),
        bars.TaskProgressColumn(),
    ]
    if console.width >= WIDE_ENOUGH:
        columns.insert(1, bars.BarColumn(bar_width=10))
        columns += [bars.TimeElapsedColumn(), bars.TextColumn("elapsed,", markup=False)]
        columns += [bars.TimeRemainingColumn(compact=True), bars.TextColumn("left", markup=False)]
    line = bars.Progress(
        *columns,
        console=console,
        redirect_stdout=False,  # it belongs to the data
        refresh_per_second=4,
        transient=True,
    )
    with line:
        task = line.add_task("starting", total=1.0)

        def tell(words: str, share: float, /) -> None:
            line.update(task, description=words, completed=share)

        yield tell


def now_ms(environ: Mapping[str, str]) -> int:
    """The clock [ms since the Unix epoch], the only place that reads it."""
    import time

    given = environ.get(CLOCK_VARIABLE, "").strip()
    if not given:
        return time.time_ns() // 1_000_000
    if not given.isdecimal() or not given.isascii() or len(given) > 11:
        raise UsageError(f"{CLOCK_VARIABLE}: {given!r} is not Unix seconds", "Unset it: it is for tests.")
    return int(given) * 1_000


def on_terminal() -> bool:
    """Whether people read standard output."""
    return sys.stdout is not None and sys.stdout.isatty()


def sink_options(settings: Settings, environ: Mapping[str, str]) -> SinkOptions:
    """What the outputs may know about standard output, the clock and the servers they send to."""
    terminal = on_terminal()
    summary = environ.get("GITHUB_STEP_SUMMARY", "").strip()
    return SinkOptions(
        terminal=terminal,
        width=shutil.get_terminal_size().columns if terminal else None,
        color=_color(settings.color, terminal, environ),
        encoding=getattr(sys.stdout, "encoding", None) or "utf-8",
        top=settings.top,
        no_clobber=settings.no_clobber,
        push=push_settings(settings),
        now_ms=now_ms(environ),
        appended=Path(summary) if summary else None,
        disclosed=settings.disclose,
    )


def page_options(settings: Settings, environ: Mapping[str, str], widest: int) -> SinkOptions:
    """The same for a page that is no easier to read beyond `widest` characters."""
    options = sink_options(settings, environ)
    return options if options.width is None else replace(options, width=min(options.width, widest))


def show(page: bytes) -> None:
    """Put a page on standard output."""
    from sci_batch.sinks.target import opened

    with opened(None) as stream:
        stream.write(page)


def _color(choice: str, terminal: bool, environ: Mapping[str, str]) -> bool:
    if choice != "auto":
        return choice == "always"
    if environ.get("NO_COLOR"):
        return False
    return bool(environ.get("FORCE_COLOR")) or (terminal and environ.get("TERM") != "dumb")


def abandon_stdout() -> None:
    """After a broken pipe: nothing more to say, also not when the interpreter ends."""
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, sys.stdout.fileno())
    except (OSError, ValueError):  # standard output is no file, as under test
        return
    finally:
        os.close(sink)
