"""Chunks of Prometheus' storage (Gorilla's XOR coding) as arrays.

A chunk is a number of samples [2 bytes, big end first], the first time [zigzag varint, ms] and value
[8 bytes], the first distance in time [varint], then bits (Prometheus `tsdb/chunkenc/xor.go`): of each sample
by how much its distance in time differs from the one before (from the third on), and its value XOR the one
before (from the second on).

Bits can only be read one after the other. So many chunks are read at once, the same sample of each in one
step: numpy's price per step is shared by all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

AT_ONCE = 12_288
"""Chunks read in lockstep: enough to share the price of a step, few enough to stay in the cache."""
MOST_CELLS = 2 * AT_ONCE * 120
"""Samples of one block at most, where chunks are long: a server may put 65,535 into one."""

MOST_STEPS = 1 << 20
"""Of lockstep for one answer, half a minute or so: long chunks between short ones share no price."""


class BadChunkError(ValueError):
    """Not what Prometheus writes, such as a chunk that ends too early."""


@dataclass(frozen=True, slots=True)
class Block:
    """The samples of some chunks that follow each other."""

    chunk: np.ndarray
    """Number of the chunk that each sample comes from [int64], ascending."""
    time_ms: np.ndarray
    bits: np.ndarray
    """The values as stored [uint64]: markers are told apart by their bits."""


def blocks(chunks: Sequence[bytes]) -> Iterator[Block]:
    """The samples of all chunks, in their order.

    Raises
    ------
    BadChunkError
        See there.
    """
    if not len(chunks):
        return
    counts = counts_of(chunks)
    sizes = np.fromiter(map(len, chunks), np.int64, len(chunks))
    if (sizes * 8 < _least_bits(counts)).any():
        raise BadChunkError(_OTHER_SIZE)
    most = max(1, min(AT_ONCE, MOST_CELLS // max(int(counts.max()), 1)))
    at_once = -(-len(chunks) // -(-len(chunks) // most))  # blocks of one size: a small one costs as much
    firsts = np.arange(0, len(chunks), at_once)
    if np.maximum.reduceat(counts, firsts).sum() > MOST_STEPS:
        raise BadChunkError("the chunks are of such lengths that they are too much work")
    for first in firsts.tolist():
        part = slice(first, first + at_once)
        chunk, time_ms, bits = _decoded(chunks[part], counts[part])
        yield Block(chunk + first, time_ms, bits)


def counts_of(chunks: Sequence[bytes]) -> np.ndarray:
    """How many samples each chunk says it has [int64].

    Raises
    ------
    BadChunkError
        One has no room for that.
    """
    if min(map(len, chunks), default=2) < 2:
        raise BadChunkError("a chunk is empty")
    return np.frombuffer(b"".join([chunk[:2] for chunk in chunks]), ">u2").astype(np.int64)


def _least_bits(counts: np.ndarray) -> np.ndarray:
    """A count; time and value of the first sample, 9 bits of the second, 2 of each that follows."""
    least: np.ndarray = 16 + 72 * (counts > 0) + 9 * (counts > 1) + 2 * np.maximum(counts - 2, 0)
    return least


def _decoded(chunks: Sequence[bytes], counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Chunk numbers, times and values of one block."""
    longest = int(counts.max())
    by_length = np.argsort(-counts, kind="stable")  # so that those not yet at their end stand in front
    reader = _Reader([chunks[number] for number in by_length.tolist()])
    active = np.searchsorted(-counts[by_length], -np.arange(longest), side="left").tolist()
    times = np.empty((longest, len(chunks)), np.int64)
    values = np.empty((longest, len(chunks)), np.uint64)
    for number, count in enumerate(active):
        reader.read(number, times[number, :count], values[number, :count])
    reader.check()
    lane = np.empty(len(chunks), np.int64)
    lane[by_length] = np.arange(len(chunks))
    number = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    place = np.repeat(lane, counts) + number * len(chunks)
    chunk = np.repeat(np.arange(len(chunks)), counts)
    return chunk, times.reshape(-1).take(place), values.reshape(-1).take(place)


_OTHER_SIZE = "a chunk is longer or shorter than its samples"
_ONE = np.uint64(1)
_TOP = np.uint64(63)
_ALL = np.uint64(64)

_WIDTHS = np.array([0] * 8 + [14] * 4 + [17] * 2 + [20, 64], np.uint64)
"""How wide the change of distance is [bits], by the next four bits."""
_PREFIXES = np.array([1] * 8 + [2] * 4 + [3] * 2 + [4, 4], np.uint64)
"""How many of the four bits said so."""
_CONTROLS = np.array([1, 1, 2, 13], np.uint64)
"""Bits before a value's change, by the first two: none follows, as wide as before, a new width first."""
_CODES = np.arange(1 << 11)
"""A new width: five bits for the zeros in front, six for the width, in which 0 says 64."""
_NEW_WIDTHS = np.where(_CODES & 63 == 0, 64, _CODES & 63).astype(np.uint64)
_NEW_ZEROS = 64 - (_CODES >> 6) - _NEW_WIDTHS.astype(np.int64)
_NEW_WIDTHS[_NEW_ZEROS < 0] = 1 << 40  # wider than a value: leads behind the end, which is checked
_NEW_ZEROS = np.maximum(_NEW_ZEROS, 0).astype(np.uint64)


_Bits = tuple[np.ndarray, np.ndarray | np.uint64]
"""The next bits of each chunk, highest first, and how many of them are told."""


class _Reader:
    """Reads one sample of every chunk at a time; a chunk that has no more must stand behind all that have."""

    def __init__(self, chunks: Sequence[bytes]) -> None:
        sizes = np.fromiter(map(len, chunks), np.int64, len(chunks))
        ends = np.cumsum(sizes)
        text = b"".join(chunks) + bytes(24)
        text = text[: len(text) // 8 * 8]
        self._bytes = np.frombuffer(text, np.uint8)
        self._words = np.frombuffer(text, ">u8").astype(np.uint64)
        self._end = ends * 8
        self._at = (ends - sizes + 2) * 8
        """Position of each chunk's next bit."""
        self._step = np.zeros(len(chunks), np.int64)
        self._time = np.zeros(len(chunks), np.int64)
        self._value = np.zeros(len(chunks), np.uint64)
        self._width = np.full(len(chunks), 64, np.uint64)
        """Of the part of a value that changed, in the sample before [bits]."""
        self._zeros = np.zeros(len(chunks), np.uint64)
        """Behind that part [bits]."""

    def read(self, number: int, times: np.ndarray, values: np.ndarray) -> None:
        """Put the samples with this number into `times` [ms] and `values` [bits]."""
        count = len(times)
        if number == 0:
            zigzag = self._varint(count)
            self._time[:count] = (zigzag >> _ONE).view(np.int64) ^ -(zigzag & _ONE).view(np.int64)
            self._value[:count] = self._bits(self._at[:count])
            self._at[:count] += 64
        else:
            word, left = self._first_step(count) if number == 1 else self._change_step(count)
            self._time[:count] += self._step[:count]
            self._change_value(word, left)
        times[:] = self._time[:count]
        values[:] = self._value[:count]

    def check(self) -> None:
        """Raise `BadChunkError` unless every chunk ended inside its last byte, or before an empty one."""
        left = self._end - self._at
        if ((left < 0) | (left > 8)).any():
            raise BadChunkError(_OTHER_SIZE)

    def _bits(self, at: np.ndarray) -> np.ndarray:
        """The 64 bits from each position."""
        word = at >> 6
        shift = (at & 63).view(np.uint64)
        high = self._words.take(word, mode="clip")
        word += 1
        low = self._words.take(word, mode="clip")
        high <<= shift
        low >>= _ONE
        low >>= _TOP - shift
        high |= low
        return high

    def _varint(self, count: int) -> np.ndarray:
        """Seven bits a byte, the lowest first."""
        out = np.zeros(count, np.uint64)
        more = np.arange(count)
        for shift in range(0, 64, 7):
            byte = self._bytes.take(self._at[more] >> 3, mode="clip").astype(np.uint64)
            out[more] |= (byte & np.uint64(0x7F)) << np.uint64(shift)
            self._at[more] += 8
            if shift == 63 and (byte > _ONE).any():
                raise BadChunkError("a number in a chunk has more than 64 bits")
            more = more[byte > np.uint64(0x7F)]
            if not len(more):
                break
        return out

    def _first_step(self, count: int) -> _Bits:
        """Read the distance in time between the first two samples; the next bits."""
        self._step[:count] = self._varint(count).view(np.int64)
        return self._bits(self._at[:count]), _ALL

    def _change_step(self, count: int) -> _Bits:
        """Read by how much the distance in time changes; the next bits."""
        at = self._at[:count]
        word = self._bits(at)
        head = (word >> np.uint64(60)).view(np.int64)
        if head.max() < 8:  # scraped like clockwork
            at += 1
            word <<= _ONE
            return word, _TOP
        width, prefix = _WIDTHS.take(head), _PREFIXES.take(head)
        wide = np.flatnonzero(head == 15)
        width[wide] = 0
        word <<= prefix
        change = word >> _ONE
        change >>= _TOP - width
        # signed, but the highest bit alone is the largest number, not the lowest
        modulus = (change > ((_ONE << width) >> _ONE)) * (_ONE << width)
        self._step[:count] += (change - modulus).view(np.int64)
        word <<= width
        prefix += width
        at += prefix.view(np.int64)
        if len(wide):
            self._step[wide] += self._bits(at[wide]).view(np.int64)
            at[wide] += 64
            word[wide] = self._bits(at[wide])
            prefix[wide] = 0
        return word, _ALL - prefix

    def _change_value(self, word: np.ndarray, left: np.ndarray | np.uint64) -> None:
        """Read by which bits the value changes; `word` holds the next `left` bits."""
        count = len(word)
        at, width, zeros = self._at[:count], self._width[:count], self._zeros[:count]
        head = (word >> np.uint64(62)).view(np.int64)
        fresh = np.flatnonzero(head == 3)
        if len(fresh):
            code = ((word.take(fresh) >> np.uint64(51)) & np.uint64(0x7FF)).view(np.int64)
            width[fresh] = _NEW_WIDTHS.take(code)
            zeros[fresh] = _NEW_ZEROS.take(code)
        changed = word >> _TOP
        size = changed * width
        control = _CONTROLS.take(head)
        at += control.view(np.int64)
        word <<= control
        control += size
        far = np.flatnonzero(control > left)
        if len(far):
            word[far] = self._bits(at.take(far))
        at += size.view(np.int64)
        word >>= _ALL - width
        word <<= zeros
        word *= changed
        self._value[:count] ^= word
