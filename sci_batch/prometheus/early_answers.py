"""Answers for two: a thread that asks early, and the run that comes to ask the same."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from sci_batch.prometheus.samples import Samples


@dataclass(slots=True)
class _Shared:
    answer: Future[Samples] = field(default_factory=Future)
    taken: set[bool] = field(default_factory=set)
    """By whom: the early one, the other one."""


class EarlyAnswers:
    """Whoever asks first sends the question, the other one is given the same answer, or the same failure.

    An answer is kept until both have it. Early questions are asked inside a `with` block; behind it answers
    are kept for the run alone.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shared: dict[Hashable, _Shared] = {}
        self._over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._over = True
            self._shared = {key: one for key, one in self._shared.items() if False not in one.taken}

    def answer(self, question: Hashable, ask: Callable[[], Samples], *, early: bool) -> Samples:
        """The answer to a question, by `ask` where the other one has not asked it yet."""
        with self._lock:
            shared = self._shared.get(question)
            first = shared is None
            if shared is None:
                shared = self._shared[question] = _Shared()
            shared.taken.add(early)
            if len(shared.taken) == 2 or (self._over and not early):
                del self._shared[question]
        if first:
            try:
                shared.answer.set_result(ask())
            except BaseException as failure:
                shared.answer.set_exception(failure)
        return shared.answer.result()
