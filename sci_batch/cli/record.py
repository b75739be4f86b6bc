"""`sci-batch record`: keep what a computation would fetch."""

from __future__ import annotations

import os

from sci_batch.cli.log import say
from sci_batch.cli.options import with_options
from sci_batch.cli.terminal import now_ms, progress
from sci_batch.settings import Loaded


@with_options("record")
def record(loaded: Loaded) -> None:
    """Store everything that `compute` would fetch, to compute later without a server.

    Example: sci-batch record --since 24h -p http://prometheus:9090 --out snapshot

    Then: sci-batch compute --snapshot snapshot --intensity 380
    """
    settings = loaded.settings
    from sci_batch import source

    with progress(settings) as tell:
        source.record(settings, now_ms=now_ms(os.environ), progress=tell)
    if not settings.quiet:
        say(f"recorded into {settings.out}; compute with --snapshot {settings.out}")
