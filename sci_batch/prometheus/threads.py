"""Threads that wait for a server, and do not keep the program from being stopped."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager


@contextmanager
def threads(count: int, name: str) -> Iterator[ThreadPoolExecutor]:
    """A pool of threads. After a failure, what has not begun is not begun, and what has is waited for.

    Who stops the program (SIGTERM, Ctrl-C) does not wait: an answer may take longer than a pod is given.
    """
    pool = ThreadPoolExecutor(count, thread_name_prefix=name)
    stopped = False
    try:
        yield pool
    except (KeyboardInterrupt, SystemExit):
        stopped = True
        raise
    finally:
        pool.shutdown(wait=not stopped, cancel_futures=True)
