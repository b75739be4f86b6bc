"""Answers for two: the thread that asks early, and the run."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest

from sci_batch.errors import SourceError
from sci_batch.prometheus.early_answers import EarlyAnswers
from sci_batch.prometheus.samples import Samples


def answer(value: float) -> Samples:
    return Samples([()], np.zeros(1, np.int32), np.zeros(1, np.int64), np.array([value]))


def never() -> Samples:
    raise AssertionError("asked a second time")


class Server:
    """Counts what it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> Samples:
        self.asked += 1
        return answer(self.asked)


@pytest.mark.parametrize("early_first", [True, False])
def test_the_second_one_gets_the_answer_of_the_first(early_first: bool) -> None:
    answers = EarlyAnswers()
    first = answers.answer("q", lambda: answer(7.0), early=early_first)
    assert answers.answer("q", never, early=not early_first) is first


def test_an_answer_is_given_up_when_both_have_it() -> None:
    answers, server = EarlyAnswers(), Server()
    for _ in range(2):
        for early in (True, False):
            answers.answer("q", server, early=early)
    assert server.asked == 2


def test_early_answers_wait_for_the_run_and_its_own_are_not_kept() -> None:
    answers, server = EarlyAnswers(), Server()
    with answers:
        answers.answer("early", server, early=True)
        answers.answer("own", server, early=False)
    assert server.asked == 2
    assert answers.answer("early", never, early=False).value.tolist() == [1.0]
    for _ in range(2):
        answers.answer("own", server, early=False)
    assert server.asked == 4
    answers.answer("early", server, early=False)
    assert server.asked == 5


def test_a_failure_is_for_both() -> None:
    answers = EarlyAnswers()

    def fail() -> Samples:
        raise SourceError("no", "Wait.")

    with pytest.raises(SourceError, match="no"):
        answers.answer("q", fail, early=True)
    with pytest.raises(SourceError, match="no"):
        answers.answer("q", never, early=False)


def test_who_comes_while_it_is_asked_waits() -> None:
    answers, asked, go = EarlyAnswers(), threading.Event(), threading.Event()
    found: list[Samples] = []

    def slow() -> Samples:
        asked.set()
        go.wait(30)
        return answer(3.0)

    def in_thread(ask: Callable[[], Samples], early: bool) -> threading.Thread:
        thread = threading.Thread(target=lambda: found.append(answers.answer("q", ask, early=early)))
        thread.start()
        return thread

    first = in_thread(slow, True)
    asked.wait(30)
    second = in_thread(never, False)
    go.set()
    for thread in (first, second):
        thread.join(30)
    assert [one.value.tolist() for one in found] == [[3.0], [3.0]]
