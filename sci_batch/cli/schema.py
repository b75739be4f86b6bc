"""`sci-batch schema`: the columns and flags of the result."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from sci_batch.errors import UsageError
from sci_batch.notation import visible
from sci_batch.schema import FLAGS, result_columns
from sci_batch.settings import OPTIONS
from sci_batch.settings.values import group_by as parse_group_by
from sci_batch.settings.values import one_of

FORMATS = ("text", "markdown", "json")
_GROUP_BY = OPTIONS["group_by"]


def schema(
    group_by: Annotated[
        str, typer.Option(help=_GROUP_BY.help, metavar=_GROUP_BY.metavar)
    ] = _GROUP_BY.default,
    form: Annotated[
        str, typer.Option("--format", "-f", help="Text, markdown or json.", metavar="FORMAT")
    ] = "text",
) -> None:
    """Print the columns of the result: name, type, unit, meaning; then its flags."""
    try:
        keys = parse_group_by(group_by)
        one_of(*FORMATS)(form)
    except UsageError as error:
        raise UsageError(f"schema: {error.what}", error.cure) from None
    columns = result_columns(keys)
    if form == "json":
        typer.echo(json.dumps({"columns": [asdict(column) for column in columns], "flags": FLAGS}, indent=2))
        return
    rows = [("column", "type", "unit", "null", "meaning")]
    for item in columns:
        rows.append((item.name, item.dtype, item.unit, "yes" if item.nullable else "", item.meaning))
    flags = [("flag", "meaning"), *FLAGS.items()]
    layout = markdown if form == "markdown" else aligned
    typer.echo("\n".join([*layout(rows), "", *layout(flags)]))


def markdown(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Lines of a Markdown table, the first row being its head; names in code font."""
    head, *body = rows
    yield "| " + " | ".join(head) + " |"
    yield "|" + " --- |" * len(head)
    for name, *cells in body:
        yield "| " + " | ".join([f"`{name}`", *(cell.replace("|", "\\|") for cell in cells)]) + " |"


def aligned(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Lines of text in columns."""
    rows = [tuple(map(visible, row)) for row in rows]
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
