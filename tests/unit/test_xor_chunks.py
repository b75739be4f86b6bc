"""XOR chunks: many at once against one bit after the other."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sci_batch.prometheus import xor_chunks
from sci_batch.prometheus.xor_chunks import BadChunkError, blocks
from tests import xor

STEPS = st.one_of(
    st.just(30_000),
    st.integers(29_000, 31_000),
    # the largest and smallest change of each width, and one beyond
    st.sampled_from([
        30_000 + sign * (1 << width - 1) + more
        for width in (14, 17, 20) for sign in (-1, 1) for more in (-1, 0, 1)
    ]),
    st.integers(0, 1 << 40),
)  # fmt: skip
VALUES = st.one_of(
    st.floats(0, 1e6).map(lambda value: xor.bits_of(round(value, 6))),
    st.integers(0, (1 << 64) - 1),
    st.sampled_from(
        [0, 1, 1 << 63, (1 << 64) - 1, 0x7FF0000000000002, *map(xor.bits_of, (-0.0, 1.0, float("inf")))]
    ),
)


@st.composite
def chunks(draw: st.DrawFn) -> list[xor.Sample]:
    time = draw(st.integers(-(1 << 50), 1 << 50))
    out = []
    for step, bits in draw(st.lists(st.tuples(STEPS, VALUES), max_size=30)):
        out.append((time, bits))
        time += step
    return out


def _read(texts: list[bytes]) -> list[list[xor.Sample]]:
    out: list[list[xor.Sample]] = [[] for _ in texts]
    for block in blocks(texts):
        assert (np.diff(block.chunk) >= 0).all()
        for chunk, time, bits in zip(
            block.chunk.tolist(), block.time_ms.tolist(), block.bits.tolist(), strict=True
        ):
            out[chunk].append((time, bits))
    return out


@given(samples=st.lists(chunks(), max_size=12), at_once=st.integers(1, 13))
def test_many_at_once_are_what_each_is_alone(samples: list[list[xor.Sample]], at_once: int) -> None:
    texts = [xor.encode(one) for one in samples]
    assert [xor.decode(text) for text in texts] == samples  # the twin reads what its own writer wrote
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(xor_chunks, "AT_ONCE", at_once)
        assert _read(texts) == samples


def test_an_empty_byte_behind_a_full_one() -> None:
    # 88 bits and one full byte: a first time of one byte, and nothing more
    assert _read([xor.encode([(0, 7)]) + b"\0"]) == [[(0, 7)]]  # Prometheus leaves it so


def test_a_chunk_by_hand() -> None:
    one = struct.pack(">d", 1.0)
    # the second value is as before; the third time is on by as much; 1.0 XOR 1.5 is one bit behind 12 zeros
    bits = "0" + "0" + "11" + "01100" + "000001" + "1"
    text = b"\0\3" + b"\0" + one + b"\xe8\x07" + int(bits.ljust(16, "0"), 2).to_bytes(2, "big")
    assert _read([text]) == [[(0, xor.bits_of(1.0)), (1000, xor.bits_of(1.0)), (2000, xor.bits_of(1.5))]]


def test_long_chunks_are_read_in_smaller_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = [[(30_000 * number, number) for number in range(count)] for count in (50, 3, 0, 50)]
    monkeypatch.setattr(xor_chunks, "MOST_CELLS", 100)
    texts = [xor.encode(one) for one in samples]
    assert len(list(blocks(texts))) == 2
    assert _read(texts) == samples


@pytest.mark.parametrize("cut", [1, 12, 40])
def test_a_chunk_that_ends_too_early(cut: int) -> None:
    whole = xor.encode([(30_000 * number, xor.bits_of(number * 1.1)) for number in range(20)])
    with pytest.raises(BadChunkError):
        list(blocks([whole, whole[:-cut]]))


def test_a_number_without_an_end() -> None:
    with pytest.raises(BadChunkError, match="64 bits"):
        list(blocks([b"\0\1" + b"\xff" * 30]))


def test_bytes_behind_the_samples() -> None:
    with pytest.raises(BadChunkError):
        list(blocks([xor.encode([(0, 1)]) + b"\0\0"]))


def test_more_samples_than_its_bytes_can_hold_are_seen_before_the_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class NoWork:
        def __init__(self, _: object) -> None:
            pytest.fail("it is decoded")

    smallest = xor.encode([(0, 7), (0, 7), *[(0, 7)] * 8])  # 9 bytes and 2 of a count, 9 bits, 8 times 2 bits
    assert len(smallest) == 2 + 9 + 4
    assert _read([smallest]) == [[(0, 7)] * 10]
    monkeypatch.setattr(xor_chunks, "_Reader", NoWork)
    for text in (b"\xff\xff", b"\xff\xff" + bytes(3_000), b"\0\x12" + smallest[2:], b"\0\1" + bytes(8)):
        with pytest.raises(BadChunkError, match="longer or shorter"):
            list(blocks([smallest, text]))


def test_long_chunks_between_short_ones_are_too_much_work(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [xor.encode([(number, 7) for number in range(count)]) for count in (50, 3, 50, 3)]
    monkeypatch.setattr(xor_chunks, "AT_ONCE", 2)
    monkeypatch.setattr(xor_chunks, "MOST_STEPS", 100)
    assert [len(one) for one in _read(texts)] == [50, 3, 50, 3]
    monkeypatch.setattr(xor_chunks, "MOST_STEPS", 99)
    with pytest.raises(BadChunkError, match="too much work"):
        list(blocks(texts))


@pytest.mark.parametrize("last", [b"\x02", b"\x7f"])
def test_a_number_of_more_than_64_bits(last: bytes) -> None:
    chunk = b"\0\1" + b"\x80" * 9 + last + bytes(8)
    with pytest.raises(BadChunkError, match="64 bits"):
        list(blocks([chunk]))
    assert _read([chunk.replace(last, b"\1", 1)]) == [[(1 << 62, 0)]]


@pytest.mark.parametrize(("leading", "width"), [(31, 34), (1, 0), (31, 63)])
def test_a_change_that_is_wider_than_a_value(leading: int, width: int) -> None:
    bits = f"{0:08b}" + "11" + f"{leading:05b}{width:06b}" + "1" * 70  # a distance, a value's change
    text = (
        b"\0\2" + b"\0" + bytes(8) + int(bits[: 8 + 13 + (width or 64)].ljust(96, "0"), 2).to_bytes(12, "big")
    )
    text = text[: 11 + -(-(21 + (width or 64)) // 8)]
    with pytest.raises(BadChunkError):
        list(blocks([text]))
    with pytest.raises(BadChunkError):  # also where there is more behind it, and others beside it
        list(blocks([text + bytes(8), xor.encode([(0, 1)] * 3)]))


@pytest.mark.parametrize("chunks", [[b""], [b"\0"], [b"", b"\0\0"], [b"\0\0", b"\0"]])
def test_chunks_without_room_for_their_count(chunks: list[bytes]) -> None:
    with pytest.raises(BadChunkError, match="empty"):
        list(blocks(chunks))
