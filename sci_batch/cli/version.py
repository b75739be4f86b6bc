"""`sci-batch version`."""

from __future__ import annotations

import typer

from sci_batch import __version__

PROGRAM = "sci-batch"


def version() -> None:
    """Print the version."""
    typer.echo(f"{PROGRAM} {__version__}")
