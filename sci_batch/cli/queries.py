"""`sci-batch queries`: what would be asked."""

from __future__ import annotations

import os

import typer

from sci_batch.cli.options import with_options
from sci_batch.cli.terminal import now_ms
from sci_batch.settings import Loaded


@with_options("queries")
def queries(loaded: Loaded) -> None:
    """Print the PromQL that `compute` would send, one query a line; nothing is sent."""
    from sci_batch.source import live

    for query in live.queries(loaded.settings, now_ms=now_ms(os.environ)):
        typer.echo(query)
