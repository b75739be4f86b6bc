"""The outputs of a command: what is wrong with them, and all of them, also after one has failed."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from sci_batch.cli.terminal import abandon_stdout, on_terminal, say, sink_options
from sci_batch.errors import SinkError, UsageError
from sci_batch.settings import Output, Settings
from sci_batch.sinks import BINARY, SINKS, SinkOptions
from sci_batch.sinks.access import check
from sci_batch.sinks.target import same

Subject = TypeVar("Subject")
STORED = ("parquet", "json")
"""Formats that `sci-batch push --from` reads, the better one first."""


def refuse_early(outputs: Sequence[Output], settings: Settings, environ: Mapping[str, str]) -> None:
    """What is wrong with the outputs and can be seen before anything is fetched.

    Raises
    ------
    UsageError
        Nobody could read an output, a file must not be replaced, or a login or package is missing.
    """
    options = sink_options(settings, environ)
    for output in outputs:
        if output.path is None and output.format in BINARY and on_terminal():
            raise UsageError(
                f"{output.format} on a terminal is unreadable",
                f"Give a file: -o {output.format}=result.{output.format}.",
            )
        added = output.format == "markdown" and same(output.path, options.appended)
        if settings.no_clobber and output.path is not None and not added and output.path.exists():
            raise UsageError(f"{output.path} exists, and --no-clobber is given", "Give -o another path.")
    if any(output.format == "pushgateway" for output in outputs):
        _need_client()
    if targets := [output.target for output in outputs if output.target]:
        check(options.push, targets)


def _need_client() -> None:
    from importlib.util import find_spec

    if find_spec("prometheus_client") is None:
        raise UsageError(
            "-o pushgateway needs the package prometheus-client", "Run: pip install 'sci-batch[push]'"
        )


def tell(notes: Sequence[str], outputs: Sequence[Output]) -> None:
    """Notes on a change, unless standard output shows them already."""
    if not any(output.path is None and output.format in ("table", "markdown") for output in outputs):
        for note in notes:
            say(f"note: {note}")


def refuse_reading(path: Path, outputs: Sequence[Output]) -> None:
    """A stored result is never written over by what is made of it.

    Raises
    ------
    UsageError
        One of the outputs is that file.
    """
    if any(same(output.path, path) for output in outputs):
        raise UsageError(f"{path} is both read and written", "Give --output another path.")


def write(
    subject: Subject, outputs: Sequence[Output], options: SinkOptions,
    sinks: Mapping[str, Callable[[Subject, Path | None, SinkOptions], None]],
) -> SinkError | None:  # fmt: skip
    """Write every output by its sink; one error: what is written, what is not, and how to catch up."""
    written: list[Output] = []
    failures: list[tuple[Output, SinkError]] = []
    for output in outputs:
        try:
            sinks[output.format](subject, output.path, replace(options, target=output.target))
            written.append(output)
        except BrokenPipeError:
            abandon_stdout()
        except SinkError as error:
            failures.append((output, error))
    if not failures:
        return None
    what = "; ".join(f"{output.format}: {error.what}" for output, error in failures)
    done = ", ".join(map(str, written)) or "nothing"
    cures = dict.fromkeys(error.cure for _, error in failures)
    later = [output for output, _ in failures if output.format in SINKS]
    again = _again(later, written) if later and STORED[0] in sinks else ""
    return SinkError(f"{what}. Written: {done}", " ".join([*cures, again]).strip())


def _again(failed: Sequence[Output], written: Sequence[Output]) -> str:
    """How to write what failed without computing once more."""
    files = {output.format: output.path for output in reversed(written) if output.path}
    stored = next((files[name] for name in STORED if name in files), None)
    wanted = " ".join(f"-o {shlex.quote(str(output))}" for output in failed)
    if stored is not None:
        return f"Then run: sci-batch push --from {shlex.quote(str(stored))} {wanted}"
    return "With -o parquet=FILE beside it, `sci-batch push --from FILE` can do it later without computing."
