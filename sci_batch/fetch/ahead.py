"""The next stretch is fetched while the one before is worked on: server and tool both have work."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The same items in the same order; the first is begun at once, and at most one waits.

    What making an item raises comes where the item would have come.
    """
    pool = ThreadPoolExecutor(1, thread_name_prefix="ahead")
    return _taken(items, pool, pool.submit(next, items, None))


def _taken(items: Iterator[Item], pool: ThreadPoolExecutor, made: Future[Item | None]) -> Iterator[Item]:
    try:
        while (item := made.result()) is not None:
            made = pool.submit(next, items, None)
            yield item
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
