"""`sci-batch verify-if`: the Impact Framework calculates a manifest of ours again."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from sci_batch.cli.options import CONFIG_HELP
from sci_batch.cli.schema import aligned
from sci_batch.errors import PartialError
from sci_batch.files import path_of
from sci_batch.settings import OPTIONS, load

if TYPE_CHECKING:
    from sci_batch.impact.verification import Compared

MAX_BYTES = 100_000_000
_IF_RUN = OPTIONS["if_run"]


def verify_if(
    file: Annotated[str, typer.Argument(help="Manifest written with -o impact-framework=FILE.")],
    if_run: Annotated[
        str | None,
        typer.Option("--if-run", help=f"{_IF_RUN.help} [env: {_IF_RUN.environment}]", metavar="PATH"),
    ] = None,
    config: Annotated[str | None, typer.Option(help=CONFIG_HELP, metavar="FILE")] = None,
) -> None:
    """Let the Impact Framework calculate a manifest, and compare its numbers with ours in it.

    Example: sci-batch verify-if if.yaml

    Windows must agree to the last bit, totals to 1e-12, as they are added up in another order. Exit 5 when
    they do not, 7 when the Impact Framework fails: its own exit code is 0 then, too.
    """
    settings = load({"if_run": if_run}, os.environ, "show", config).settings
    from sci_batch.impact import if_run as runner
    from sci_batch.impact.verification import check, compared
    from sci_batch.impact.yaml_file import mapping, text_of

    text = text_of(path_of(file), max_bytes=MAX_BYTES)
    manifest = mapping(text, file)
    check(manifest, file)
    computed = runner.outputs(runner.program(settings.if_run), text)
    found = [each for each in compared(manifest, computed) if each.count]
    environment = computed["execution"].get("environment")
    version = environment.get("if-version") if isinstance(environment, dict) else None
    typer.echo("\n".join(_lines(found, f"Impact Framework {version or '(unknown version)'}")))
    wrong = [each for each in found if not each.agrees]
    if wrong:
        raise PartialError(
            "; ".join(f"{each.what} differs by {each.furthest:.3g} of it at {each.where}" for each in wrong),
            "Was the manifest changed after it was written? Write it again with -o impact-framework=FILE.",
        )


def _lines(found: Sequence[Compared], theirs: str) -> Iterator[str]:
    rows = [("", "numbers", "same bits", "largest relative difference")]
    rows += [(each.what, str(each.count), str(each.same), f"{each.furthest:.2g}") for each in found]
    yield from aligned(rows)
    totals = [("", "sci-batch", theirs)]
    totals += [(each.what, repr(each.values[0]), repr(each.values[1])) for each in found if each.values]
    yield ""
    yield from aligned(totals)
    yield ""
    agrees = all(each.agrees for each in found)
    yield f"{theirs}: {'the same numbers' if agrees else 'OTHER NUMBERS'}"
