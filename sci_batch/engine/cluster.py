"""A Dask cluster as the engine.

Each share of the nodes is read by a chain of tasks, one after the other in time, and each span of windows
is worked on by a task of its own.

The tasks are those of one process with other cuts: the same stretches, the same arithmetic, the same numbers.
What a worker that is lost had done is done again by another; nothing is counted twice, as tasks return
values and write nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from sci_batch import attribution
from sci_batch.engine import connection, shard
from sci_batch.engine.process import Basis
from sci_batch.errors import SciBatchError
from sci_batch.fetch.shards import shards
from sci_batch.inputs import Progress
from sci_batch.ledger import Ledger, Span
from sci_batch.settings import Settings
from sci_batch.source import Source
from sci_batch.summary import Part

CHUNKS = 12
"""Tasks of a share: what is done again at most when a worker is lost is one of them, and those behind it that
no worker holds any more."""
SHARES_PER_HAND = 2
SPANS_PER_HAND = 2
"""For each task that the workers do at the same time."""


class Cluster:
    """Workers behind a scheduler, through a `distributed.Client`."""

    def __init__(self, client: Any, progress: Progress) -> None:
        self._client, self._progress = client, progress

    @property
    def _hands(self) -> int:
        """Tasks that the workers do at the same time."""
        threads: dict[str, int] = self._client.nthreads()
        return max(1, sum(threads.values()))

    def read(
        self, source: Source, steps_ms: np.ndarray, windows_ms: np.ndarray, settings: Settings
    ) -> Ledger:
        """All counters of the range, booked; edges of steps and windows in Unix ms."""
        from distributed import as_completed

        if source.found is None:
            raise ValueError("a recording is read by one process")
        hands = self._hands
        # what all of them ask at the same time stays within --concurrency, where it can
        each = replace(settings, concurrency=max(1, settings.concurrency // hands))
        jobs = [
            shard.Job(settings=each, plan=source.plan, found=found, created=source.inputs.kube.created,
                      steps_ms=steps_ms)
            for found in shards(source.plan, source.found, SHARES_PER_HAND * hands)
        ]  # fmt: skip
        ledger = _Shared(Ledger(steps_ms, windows_ms), len(jobs))
        futures: dict[Any, tuple[int, int]] = {}
        cuts = _cuts(source.plan.start_ms, source.plan.end_ms)
        # on every worker: what is scattered cannot be made again when the worker that holds it is lost
        given = self._client.scatter(jobs, broadcast=True, hash=False)
        for number, job in enumerate(given):
            state = None
            for place, upto_ms in enumerate(cuts):
                done = self._client.submit(shard.read, job, state, upto_ms, pure=False)
                state = self._client.submit(shard.state_of, done, pure=False)
                futures[self._client.submit(shard.read_of, done, pure=False)] = number, place
        total = len(futures)
        for count, future in enumerate(as_completed(list(futures), loop=self._client.loop), start=1):
            ledger.put(*futures.pop(future), connection.answer(future))
            self._progress(f"pulling energy counters, {len(jobs)} shares of the nodes", count / total)
        if ledger.whole.empty:
            raise attribution.nothing_rose()
        return ledger.whole

    def parts(self, ledger: Ledger, work: Callable[[Span, Basis], Part], basis: Basis) -> Iterator[Part]:
        """`work` of every span, in order of time; some more spans than workers are under way."""
        given = self._client.scatter(basis, broadcast=True, hash=False)
        waiting: deque[Any] = deque()
        for span in ledger.spans():
            waiting.append(self._client.submit(_worked, work, span, given, pure=False))
            if len(waiting) > SPANS_PER_HAND * self._hands:
                yield connection.answer(waiting.popleft())
        while waiting:
            yield connection.answer(waiting.popleft())


def _worked(work: Callable[[Span, Basis], Part], span: Span, basis: Basis) -> Part | shard.Failed:
    """The rows and sums alone: the tables on the way stay behind."""
    try:
        made = work(span, basis)
    except SciBatchError as error:
        return shard.Failed.of(error)
    return Part(result=made.result, served=made.served, book=made.book, left_out=made.left_out)


def _cuts(start_ms: int, end_ms: int) -> list[int]:
    return [int(at) for _, at in pairwise(np.linspace(start_ms, end_ms, CHUNKS + 1))]


class _Shared:
    """Puts the shares together: counters get numbers of their own, and each share goes in order of time."""

    def __init__(self, whole: Ledger, shares: int) -> None:
        self.whole = whole
        self._next = [0] * shares
        self._early: dict[tuple[int, int], shard.Read] = {}
        self._key = [np.empty(0, np.int64) for _ in range(shares)]
        self._node = [np.empty(0, np.int64) for _ in range(shares)]
        self._keys, self._nodes = pd.DataFrame(), pd.DataFrame()

    def put(self, share: int, place: int, found: shard.Read) -> None:
        """Take in what a task read; what comes before its time waits."""
        self._early[share, place] = found
        while (share, self._next[share]) in self._early:
            self._take(share, self._early.pop((share, self._next[share])))
            self._next[share] += 1

    def _take(self, share: int, found: shard.Read) -> None:
        self.whole.queries.update(found.queries)
        self.whole.warnings.update(found.warnings)
        nodes = found.nodes.iloc[len(self._node[share]) :]
        self._nodes, self._node[share] = _more(self._nodes, nodes, self._node[share])
        new = found.keys.iloc[len(self._key[share]) :]
        new = new.assign(node_id=self._node[share][new["node_id"].to_numpy()])
        self._keys, self._key[share] = _more(self._keys, new, self._key[share])
        for booked in found.booked:
            rises = booked.rises.assign(key=self._key[share][booked.rises["key"].to_numpy()])
            seen = booked.seen.assign(node=self._node[share][booked.seen["node"].to_numpy()])
            self.whole.add(self._keys, self._nodes, type(booked)(rises=rises, seen=seen))


def _more(table: pd.DataFrame, new: pd.DataFrame, numbers: np.ndarray) -> tuple[pd.DataFrame, np.ndarray]:
    """The table with new rows behind, and the numbers of the old and new ones."""
    grown = np.append(numbers, np.arange(len(table), len(table) + len(new)))
    return (pd.concat([table, new], ignore_index=True) if len(table) else new.reset_index(drop=True)), grown
