"""Who does the work: this process, or the workers of a Dask cluster. Both give the same numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sci_batch.engine.process import Engine, Process
from sci_batch.fetch import Progress
from sci_batch.settings import Settings

if TYPE_CHECKING:
    from sci_batch.engine.cluster import Cluster

__all__ = ["Engine", "Process", "chosen"]


@contextmanager
def chosen(settings: Settings, progress: Progress) -> Iterator[Engine]:
    """The engine of `--engine`.

    Raises
    ------
    UsageError, SourceError
        There is no Dask, or no scheduler that answers.
    """
    if settings.engine == "process":
        yield Process()
        return
    from sci_batch.engine.cluster import connected

    cluster: Cluster
    with connected(settings, progress) as cluster:
        yield cluster
