"""What is done with counters' columns everywhere: numbers for groups, words and flags of them, means."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sci_batch.counters import (
    FLAG_BITS,
    any_flag,
    composite,
    flag_words,
    flags_text,
    joined_words,
    run_ends,
    run_starts,
    weighted_mean,
    window_of_step,
)
from sci_batch.schema import FLAGS


def test_one_number_orders_by_id_then_time() -> None:
    """The largest time that fits in 44 bits is still before the next id: 17,592,186,044,416 ms."""
    ids, times = np.array([0, 2, 1, 1], np.int32), np.array([2**44 - 1, 0, 5, 4])
    made = composite(ids, times)
    assert made.tolist() == [2**44 - 1, 2**45, 2**44 + 5, 2**44 + 4]
    assert made.dtype == np.int64
    assert np.argsort(made).tolist() == [0, 3, 2, 1]


def test_runs() -> None:
    values = np.array([7, 7, 9, 7, 8, 8, 8])
    assert np.flatnonzero(run_starts(values)).tolist() == [0, 2, 3, 4]
    assert np.flatnonzero(run_ends(values)).tolist() == [1, 2, 3, 6]
    for nothing in (run_starts(values[:0]), run_ends(values[:0])):
        assert (nothing.tolist(), nothing.dtype) == ([], np.dtype(bool))


def test_steps_lie_in_the_window_that_begins_with_or_before_them() -> None:
    found = window_of_step(np.array([0, 5, 10, 12, 15, 20]), np.array([0, 10, 15, 20]))
    assert found.tolist() == [0, 0, 1, 1, 2]


def test_flags_as_words_in_their_order() -> None:
    first, second, last = FLAGS_IN_ORDER[0], FLAGS_IN_ORDER[1], FLAGS_IN_ORDER[-1]
    both = FLAG_BITS[last] | FLAG_BITS[first]
    assert flag_words(both) == f"{first},{last}"
    assert flag_words(0) == ""
    assert flags_text(np.array([both, 0, FLAG_BITS[second], both])).tolist() == [
        f"{first},{last}", "", second, f"{first},{last}",
    ]  # fmt: skip


FLAGS_IN_ORDER = list(FLAGS)


def test_every_flag_has_a_bit_of_its_own() -> None:
    assert sorted(FLAG_BITS.values()) == [2**n for n in range(len(FLAGS))]


def test_flags_of_a_group_are_those_of_any_row() -> None:
    found = any_flag(np.array([0, 2, 0, 2]), np.array([1, 4, 2, 4], np.int32), 4)
    assert found.tolist() == [3, 0, 4, 0]
    assert found.dtype == np.int64


def test_means_by_weight_else_by_the_other_weight_else_plain() -> None:
    """1 and 4 by 2:1 are 2; 2 and 6 by nothing are 4, by 1:3 they are 5."""
    group, values = np.array([0, 0, 1, 1]), np.array([1.0, 4.0, 2.0, 6.0])
    weight = np.array([2.0, 1.0, 0.0, 0.0])
    assert weighted_mean(group, values, weight, 2).tolist() == [2.0, 4.0]
    other = np.array([9.0, 9.0, 1.0, 3.0])
    assert weighted_mean(group, values, weight, 2, otherwise=other).tolist() == [2.0, 5.0]
    assert weighted_mean(group, values, weight * 0.25, 2).tolist() == [2.0, 4.0], "weights of less than 1"


def test_a_mean_lies_between_its_values_in_every_group() -> None:
    """In binary the first mean is 0.20000000000000004, the second 0.5999999999999999; the third is wider."""
    group, values = np.repeat([0, 1, 2], 3), np.array([0.2, 0.2, 0.2, 0.6, 0.6, 0.6, -5.0, 7.0, 1.0])
    weight = np.array([2.5, 1.5, 2.0, 0.8, 1.7, 1.2, 1.0, 1.0, 1.0])
    assert weighted_mean(group, values, weight, 3).tolist() == [0.2, 0.6, 1.0]


def test_words_of_groups() -> None:
    group = np.array([0, 1, 1, 3, 3, 3])
    words = pd.Series(["rapl", "model", "gpu", "", "rapl", "rapl"], dtype="str")
    found = joined_words(group, words, 4)
    assert found.tolist() == ["rapl", "gpu+model", "", "rapl"]
    assert (found.dtype == "str", found.index.tolist()) == (True, [0, 1, 2, 3])


def test_one_word_is_that_of_every_group() -> None:
    found = joined_words(np.array([0, 1, 1]), pd.Series(["rapl"] * 3, dtype="str"), 2)
    assert (found.tolist(), found.dtype == "str") == (["rapl", "rapl"], True)
