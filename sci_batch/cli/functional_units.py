"""`sci-batch functional-units`: the presets, and what each of them needs."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from typing import Annotated

import typer

from sci_batch.cli.schema import FORMATS, aligned, markdown
from sci_batch.errors import UsageError
from sci_batch.settings.presets import PRESETS, Preset
from sci_batch.settings.values import one_of

_HEAD = ("preset", "unit", "joined on", "counts")
_LINE = 100


def functional_units(
    form: Annotated[
        str, typer.Option("--format", "-f", help="Text, markdown or json.", metavar="FORMAT")
    ] = "text",
) -> None:
    """Print the functional units that have a name: what they count, their PromQL, what it needs.

    Use one: sci-batch compute ... --functional-unit istio, or with a name of your own: visit=preset:istio
    """
    try:
        one_of(*FORMATS)(form)
    except UsageError as error:
        raise UsageError(f"functional-units: {error.what}", error.cure) from None
    if form == "json":
        typer.echo(json.dumps([_facts(name, preset) for name, preset in PRESETS.items()], indent=2))
    elif form == "markdown":
        whole = [
            (*_row(name, preset), f"`{counted(preset)}`", preset.needs) for name, preset in PRESETS.items()
        ]
        typer.echo("\n".join(markdown([(*_HEAD, "PromQL", "needs"), *whole])))
    else:
        short = [_row(name, preset) for name, preset in PRESETS.items()]
        typer.echo("\n".join([*aligned([_HEAD, *short]), *_details()]))


def counted(preset: Preset) -> str:
    """The query, or the metrics that job-run reads."""
    return preset.promql() or "kube_job_status_completion_time, each Job in the window of its value"


def _row(name: str, preset: Preset) -> tuple[str, str, str, str]:
    return name, preset.unit, ", ".join(preset.labels), preset.meaning


def _facts(name: str, preset: Preset) -> dict[str, object]:
    return {
        "preset": name, "unit": preset.unit, "labels": list(preset.labels), "counts": preset.meaning,
        "promql": preset.promql() or None, "needs": preset.needs,
    }  # fmt: skip


def _details() -> Iterator[str]:
    for name, preset in PRESETS.items():
        yield ""
        yield name
        yield f"  {counted(preset)}"
        yield from textwrap.wrap(
            f"needs {preset.needs}", _LINE, initial_indent="  ", subsequent_indent="  ",
            break_on_hyphens=False,
        )  # fmt: skip
