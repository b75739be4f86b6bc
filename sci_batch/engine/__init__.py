"""Who does the work: this process, or the workers of a Dask cluster. Both give the same numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sci_batch.engine.process import Engine, Process
from sci_batch.errors import UsageError
from sci_batch.inputs import Progress
from sci_batch.settings import Settings

__all__ = ["Engine", "Process", "chosen"]


@contextmanager
def chosen(settings: Settings, progress: Progress) -> Iterator[Engine]:
    """The engine of `--engine`.

    Raises
    ------
    UsageError, SourceError
        There is no Dask, no scheduler that answers, or no workers that fit.
    """
    if settings.engine == "process":
        for flag, given in (("--scheduler", settings.scheduler), ("--workers", settings.workers)):
            if given is not None:
                raise UsageError(f"{flag} is given, and this process does the work", "Give --engine dask.")
        yield Process()
        return
    from sci_batch.engine.cluster import Cluster
    from sci_batch.engine.connection import connected

    with connected(settings, progress) as client:
        yield Cluster(client, progress)
