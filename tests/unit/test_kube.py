"""Last known facts of Kubernetes: many pieces of the range in one answer are the pieces one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from sci_batch.asking import kube as asking
from sci_batch.asking.plan import Plan
from sci_batch.errors import SciBatchError
from sci_batch.fetch import kube
from sci_batch.prometheus.problems import TooMuchError
from sci_batch.prometheus.samples import Samples, empty, label_set

HOUR_MS = 3_600_000
START_MS = 1_780_272_000_000
HOURS = 45
"""Seven whole pieces and a shorter one."""
OWNERS = (
    # uid, owner, seen in hours from .. to
    ("a", "set-1", 0, 44),
    ("a", "set-2", 7, 20),  # two owners at once, and the other one is seen last
    ("b", "set-3", 0, 5),
    ("b", "set-4", 13, 14),
    ("c", "set-6", 30, 40),
    ("c", "set-5", 30, 40),  # in the same pieces: the order of the labels decides
    ("d", "set-7", 43, 44),
)


class Server:
    """Answers `last_over_time(...[6h])` for OWNERS; `too_much`: what covers several pieces is refused."""

    def __init__(self, *, too_much: bool) -> None:
        self.too_much = too_much
        self.asked: list[str] = []

    def instant(self, query: str, at_ms: int) -> Samples:
        self.asked.append("instant")
        return self._answer([at_ms], 3 if "[3h]" in query else 6)

    def range(self, _query: str, start_ms: int, end_ms: int, step_ms: int) -> Samples:
        self.asked.append("range")
        if self.too_much:
            raise TooMuchError("too much", "ask for less")
        return self._answer(list(range(start_ms, end_ms + 1, step_ms)), 6)

    def _answer(self, times_ms: list[int], hours: int) -> Samples:
        rows = []
        for uid, owner, first, last in sorted(OWNERS, key=lambda one: (one[1], one[0])):
            for at in times_ms:
                end = (at - START_MS) / HOUR_MS
                if first <= end and last > end - hours:
                    rows.append((uid, owner, at))
        if not rows:
            return empty()
        frame = pd.DataFrame(rows, columns=["uid", "owner_name", "at"])
        series = frame.groupby(["owner_name", "uid"], sort=True).ngroup().to_numpy(np.int32)
        labels = frame.drop_duplicates(["owner_name", "uid"])[["owner_name", "uid"]]
        sets = [
            label_set({"owner_name": owner, "uid": uid, "namespace": "n", "pod": "p"})
            for owner, uid in labels.itertuples(index=False)
        ]
        return Samples(sets, series, frame["at"].to_numpy(np.int64), np.ones(len(frame)))


def last(server: Any) -> list[tuple[str, str]]:
    plan = Plan(
        edges_ms=(START_MS, START_MS + HOURS * HOUR_MS), pull="edges", power_domains=("package",), cluster=(),
        max_gap_ms=180_000,
    )  # fmt: skip
    fact = asking.wanted(plan)["pod_owners"]
    table = kube._last(plan, fact, asking.newest(asking._answers(server, plan, fact)))
    return list(zip(table["uid"].tolist(), table["owner_name"].tolist(), strict=True))


def test_the_last_owner_of_each_pod_counts() -> None:
    server = Server(too_much=False)
    assert last(server) == [("a", "set-1"), ("b", "set-4"), ("c", "set-6"), ("d", "set-7")]
    assert server.asked == ["range", "instant"]


def test_pieces_one_by_one_where_they_are_too_much_together_tell_the_same() -> None:
    server = Server(too_much=True)
    assert last(server) == last(Server(too_much=False))
    assert server.asked == ["range", *["instant"] * 8]


def test_what_is_too_much_even_in_the_smallest_piece_is_an_error() -> None:
    class Full(Server):
        def instant(self, _query: str, _at_ms: int) -> Samples:
            raise TooMuchError("too much", "ask for less")

    with pytest.raises(SciBatchError, match="too much"):
        last(Full(too_much=True))
