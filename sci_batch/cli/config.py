"""`sci-batch config`: which settings are in effect, and a file to start from."""

from __future__ import annotations

import typer

from sci_batch.cli.help import GroupedHelp
from sci_batch.cli.options import with_options
from sci_batch.settings import Loaded
from sci_batch.settings.document import effective, template

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    help="Settings: show what is in effect, or print a file to start from.",
)


@app.command(cls=GroupedHelp)
@with_options("show")
def show(loaded: Loaded) -> None:
    """Print the settings in effect, as TOML, each with its origin; secrets are hidden."""
    typer.echo(effective(loaded), nl=False)


@app.command()
def init() -> None:
    """Print a commented sci-batch.toml with every key."""
    typer.echo(template(), nl=False)
