"""Stretches made ahead: the same ones, in order, one at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from sci_batch.fetch.ahead import ahead


def test_the_same_items_in_the_same_order() -> None:
    assert list(ahead(iter(range(7)))) == list(range(7))
    assert list(ahead(iter(()))) == []


def test_the_first_is_begun_at_once_and_only_one_waits() -> None:
    made: list[int] = []
    first, second = threading.Event(), threading.Event()

    def items() -> Iterator[int]:
        for number in range(4):
            made.append(number)
            (first, second, second, second)[number].set()
            yield number

    taken = ahead(items())
    assert first.wait(10)
    assert made == [0]
    assert next(taken) == 0
    assert second.wait(10)
    assert made == [0, 1]
    assert list(taken) == [1, 2, 3]


def test_a_failure_comes_where_its_item_would_have_come() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("lost")

    taken = ahead(items())
    assert next(taken) == 1
    with pytest.raises(ValueError, match="lost"):
        next(taken)
