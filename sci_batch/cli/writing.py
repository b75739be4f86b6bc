"""The outputs of a command: what is wrong with them, and all of them, also after one has failed."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from sci_batch.cli.log import say
from sci_batch.cli.terminal import abandon_stdout, on_terminal, sink_options
from sci_batch.errors import SinkError, UsageError
from sci_batch.files import is_folder, is_there
from sci_batch.report import Report
from sci_batch.settings import Output, Settings
from sci_batch.sinks import ADDRESSED, BINARY, NEEDS, PARTITIONED, SINKS, SinkOptions
from sci_batch.sinks.access import Push, check, unshown
from sci_batch.sinks.location import located
from sci_batch.sinks.target import same

Subject = TypeVar("Subject")
PAGE_FORMATS = ("table", "json")
CAP = "--push-max-series"
STORED = ("parquet", "json", "csv")
"""Formats that `sci-batch push --from` reads, those that hold everything first."""


def form_of_page(outputs: Sequence[Output]) -> str:
    """Table or json, for commands that print one page; what compute would write elsewhere is not for them."""
    chosen = next((output.format for output in outputs if output.path is None), "table")
    return chosen if chosen in PAGE_FORMATS else "table"


def refuse_early(outputs: Sequence[Output], settings: Settings, environ: Mapping[str, str]) -> None:
    """What is wrong with the outputs and can be seen before anything is fetched.

    Raises
    ------
    UsageError
        Nobody could read an output, a file must not be replaced, or a login or package is missing.
    """
    options = sink_options(settings, environ)
    for output in outputs:
        if output.format in BINARY and not output.place and on_terminal():
            raise UsageError(
                f"{output.format} on a terminal is unreadable",
                f"Give a file: -o {output.format}=result.{output.format}.",
            )
        added = output.format == "markdown" and same(output.path, options.appended)
        if settings.no_clobber and output.path is not None and not added and is_there(output.path):
            raise UsageError(f"{output.path} exists, and --no-clobber is given", "Give -o another path.")
        if output.format in PARTITIONED:
            _check_folder(output, environ)
        if output.format in NEEDS:
            _need_packages(output.format)
    if targets := [output.target for output in outputs if output.format in ADDRESSED]:
        check(options.push, targets)


def _check_folder(output: Output, environ: Mapping[str, str]) -> None:
    if output.path is not None and is_folder(output.path):
        raise UsageError(
            f"{output.path} is a folder",
            f"Give a file in it, or, for a data set by day, -o {output.format}={output.path}/.",
        )
    if output.target:
        from sci_batch.sinks.storage import check as check_storage

        check_storage(located(output.target), environ)


def _need_packages(name: str) -> None:
    from importlib.util import find_spec

    extra, modules = NEEDS[name]
    missing = [package for module, package in modules.items() if find_spec(module) is None]
    if missing:
        raise UsageError(
            f"-o {name} needs the package{'s' if len(missing) > 1 else ''} {' and '.join(missing)}",
            f"Run: pip install {' '.join(missing)} (the extra sci-batch[{extra}])",
        )


def tell(notes: Sequence[str], outputs: Sequence[Output]) -> None:
    """Notes on a change, unless standard output shows them already."""
    if not any(output.path is None and output.format in ("table", "markdown") for output in outputs):
        for note in notes:
            say(f"note: {note}")


def refuse_reading(place: str, outputs: Sequence[Output]) -> None:
    """A stored result is never written over by what is made of it.

    Raises
    ------
    UsageError
        One of the outputs is that file.
    """
    if any(_same(output, place) for output in outputs):
        raise UsageError(f"{place} is both read and written", "Give --output another path.")


def _same(output: Output, place: str) -> bool:
    if output.format in ADDRESSED or not output.place:
        return False
    return output.place == place or Path(output.place).resolve() == Path(place).resolve()


def write(
    subject: Subject, outputs: Sequence[Output], options: SinkOptions,
    sinks: Mapping[str, Callable[[Subject, Path | None, SinkOptions], None]], stored: Output | None = None,
) -> tuple[list[Output], SinkError | None]:  # fmt: skip
    """Write every output by its sink, files first.

    `stored` is the file that a report was read from.

    Returns
    -------
    What is written, and one error that names what is not, and what to run.
    """
    written: list[Output] = []
    failures: list[tuple[Output, SinkError]] = []
    # A server may keep us waiting until we are stopped: the files are safe then.
    for output in sorted(outputs, key=lambda output: bool(output.target)):
        try:
            sinks[output.format](subject, output.path, replace(options, target=output.target))
            written.append(output)
        except BrokenPipeError:
            abandon_stdout()
        except SinkError as error:
            failures.append((output, error))
    if not failures:
        return written, None
    what = "; ".join(f"{output.format}: {error.what}" for output, error in failures)
    done = ", ".join(map(str, written)) or "nothing"
    cures = dict.fromkeys(error.cure for _, error in failures)
    again = ""
    if isinstance(subject, Report):
        later = [output for output, _ in failures if output.format in SINKS]
        capped = any(CAP in error.cure for _, error in failures)
        again = _again(subject, later, stored or _stored(written), options.push, capped) if later else ""
    return written, SinkError(f"{what}. Written: {done}", " ".join([*cures, again]).strip())


def _stored(written: Sequence[Output]) -> Output | None:
    """The best of what `push` and `report` read."""
    files = {output.format: output for output in reversed(written) if output.place}
    return next((files[name] for name in STORED if name in files), None)


def _again(report: Report, failed: Sequence[Output], stored: Output | None, push: Push, capped: bool) -> str:
    """The command that writes what failed without computing once more.

    `capped`: there were more series than `CAP` lets through, so it has to be given anew.
    """
    if stored is None:
        return (
            "With -o parquet=FILE beside it, `sci-batch push --from FILE` can do it later without computing."
        )
    addresses = all(output.target for output in failed)
    words = ["sci-batch", *(("push", "--from") if addresses else ("report",)), stored.place]
    for output in failed:
        words += ["-o", str(output)]
    words += [
        word for flag, value in push.given.items() if not (capped and flag == CAP) for word in (flag, value)
    ]
    if stored.format == "csv":
        words += _unsaid(report)
    hidden = [part for output in failed if output.format in ADDRESSED for part in unshown(output.target)]
    beside = [f"the {part} in the address" for part in dict.fromkeys(hidden)]
    beside += [f"a higher {CAP}"] * capped
    return f"Then run: {shlex.join(words)}" + (f" (with {' and '.join(beside)})" if beside else "")


def _unsaid(report: Report) -> list[str]:
    """What a CSV file does not hold."""
    made = report.provenance
    unit = [] if made.functional_unit is None else ["--unit-name", made.functional_unit]
    return [*unit, *(["--cluster-label", f"cluster={made.cluster}"] if made.cluster else [])]
