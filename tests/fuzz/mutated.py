"""Inputs that are nearly good: a seed with a few cuts, doublings and words of nonsense in it."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from tests.fuzz.seeds import NONSENSE

_EDITS = st.lists(
    st.tuples(
        st.sampled_from(("put", "replace", "cut", "double", "end", "flip")),
        st.floats(0, 1, exclude_max=True), st.integers(1, 40), st.sampled_from(NONSENSE), st.integers(1, 255),
    ),
    min_size=1, max_size=4,
)  # fmt: skip
_Edit = tuple[str, float, int, bytes, int]


def inputs(seeds: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Changed seeds, words of nonsense, and any bytes."""
    changed = st.builds(_changed, st.sampled_from(seeds), _EDITS)
    return st.one_of(changed, changed, changed, st.sampled_from(NONSENSE), st.text(max_size=30).map(_encoded),
                     st.binary(max_size=30))  # fmt: skip


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _changed(seed: bytes, edits: Sequence[_Edit]) -> bytes:
    data = seed
    for kind, share, length, word, bits in edits:
        at = int(share * len(data))
        part = data[at : at + length]
        match kind:
            case "put":
                data = data[:at] + word + data[at:]
            case "replace":
                data = data[:at] + word + data[_end_of_word(data, at) :]
            case "cut":
                data = data[:at] + data[at + length :]
            case "double":
                data = data[:at] + part + data[at:]
            case "end":
                data = data[:at]
            case _ if part:
                data = data[:at] + bytes([part[0] ^ bits]) + data[at + 1 :]
    return data


def _end_of_word(data: bytes, at: int) -> int:
    """Where the cell, number or name that begins there is over."""
    ends = (data.find(mark, at + 1) for mark in b',;"\n}] ')
    return min((end for end in ends if end >= 0), default=len(data))
