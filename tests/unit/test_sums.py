"""Sums over rows that are told to people."""

from __future__ import annotations

from sci_batch.sums import together


def test_flags_of_several_frames_are_added_and_the_most_frequent_is_first() -> None:
    found = together([{"gap": 1, "inferred-owner": 2}, {"gap": 1, "inferred-owner": 3}, {"units-missing": 9}])
    assert list(found.items()) == [("units-missing", 9), ("inferred-owner", 5), ("gap", 2)]
