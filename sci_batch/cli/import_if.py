"""`sci-batch import-if`: from the Carbon Hack plugin to this tool."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sci_batch.cli.log import say
from sci_batch.errors import SinkError, UsageError
from sci_batch.files import path_of
from sci_batch.settings import OPTIONS

if TYPE_CHECKING:
    from sci_batch.impact.migration import Migration

MAX_BYTES = 2_000_000


def import_if(
    file: Annotated[str, typer.Argument(help="Manifest with the plugin kepler-importer.")],
    out: Annotated[str, typer.Option(help="File to write; `-` is standard output.", metavar="FILE")] = "-",
) -> None:
    """Turn a manifest of the Carbon Hack plugin kepler-importer into a sci-batch.toml.

    Example: sci-batch import-if old.yml --out sci-batch.toml

    Then: sci-batch compute --config sci-batch.toml

    Comments in the file say what each setting was, what changes in the numbers, and why.
    """
    from sci_batch.impact.carbon_hack import migrated
    from sci_batch.impact.kepler_importer import components
    from sci_batch.impact.yaml_file import mapping, text_of
    from sci_batch.settings.document import written
    from sci_batch.sinks.target import opened

    path = None if out == "-" else path_of(out)
    if path is not None and path.exists():
        raise UsageError(f"{path} exists", "Give --out another path: nothing of yours is replaced.")
    made = migrated(components(mapping(text_of(path_of(file), max_bytes=MAX_BYTES), file)))
    _check(made, file)
    head = [f"Settings of sci-batch from {Path(file).name}, a manifest with kepler-importer. What changes:"]
    text = written([*head, *(f"- {words}" for words in made.head)], made.values, made.reasons)
    try:
        with opened(path) as stream:
            stream.write(text.encode())
    except SinkError as error:
        raise SinkError(error.what, "Check --out, its rights and space.") from None
    if path is not None:
        say(f"wrote {path}; its comments say what changes and why")
    if "intensity" not in made.values:
        say("note: intensity is not set, and needed: see the comment at it")
    if path is not None:
        say(f"next: sci-batch compute --config {shlex.quote(str(path))}")


def _check(made: Migration, file: str) -> None:
    """What the settings themselves would refuse."""
    by_name = {item.name: item for item in OPTIONS.values()}
    for name, value in made.values.items():
        for text in [value] if isinstance(value, str) else value:
            try:
                by_name[name].parse(text)
            except UsageError as error:
                raise UsageError(f"{file}: {name}: {error.what}", error.cure) from None
