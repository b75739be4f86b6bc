"""Remote read, streamed: the chunks as the server keeps them, a fifth of the bytes of JSON.

What is asked is a snappy block (Arrow's codec) of protobuf. The answer is not compressed: frames of a length
[varint], a CRC-32C [4 bytes, big end first] and a message (Prometheus `storage/remote/chunked.go`). Chunks
come whole, so they begin before the range and end behind it, and hold the markers of series that ended.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import google_crc32c
import numpy as np
import pyarrow as pa
from google.protobuf.message import DecodeError

from sci_batch.prometheus.decode import BrokenBodyError, Decoded, assembled
from sci_batch.prometheus.problems import Answer, clean
from sci_batch.prometheus.remote_messages import message
from sci_batch.prometheus.samples import LabelSet
from sci_batch.prometheus.selectors import Matcher
from sci_batch.prometheus.xor_chunks import BadChunkError, blocks, counts_of

PATH = "read"
HEADERS = {
    "Content-Encoding": "snappy",
    "Content-Type": "application/x-protobuf",
    "X-Prometheus-Remote-Read-Version": "0.1.0",
    "Accept": "application/x-streamed-protobuf",
}
STREAMED = "application/x-streamed-protobuf"
LARGEST_FRAME_BYTES = 16 << 20
"""Prometheus sends 1 MiB, unless told otherwise. As a message, nonsense takes thirty times that."""
MOST_SAMPLES = 50_000_000
"""Of one answer, those outside the range included: as many as Prometheus lets a query read, unless told."""

_STREAMED_XOR_CHUNKS = 1
_XOR = 1
_OPERATORS = {"=": 0, "!=": 1, "=~": 2, "!~": 3}
_STALE = np.uint64(0x7FF0000000000002)
"""The marker at the end of a series; as a number it is a NaN."""


class UnknownAnswerError(Exception):
    """An answer of another kind than we read; says which."""


class NotStreamedError(UnknownAnswerError):
    """An answer in the older form of remote read, from a server that knows no chunks."""


@dataclass(slots=True)
class _Received:
    """The series of one answer, and all its chunks one after the other."""

    labels: list[LabelSet]
    series: list[int]
    """Of each chunk."""
    chunks: list[bytes]


def request(matchers: Iterable[Matcher], start_ms: int, end_ms: int) -> bytes:
    """The body that asks for the samples with `start_ms < time <= end_ms`."""
    asked = message("ReadRequest")()
    asked.accepted_response_types.append(_STREAMED_XOR_CHUNKS)
    query = asked.queries.add(start_timestamp_ms=start_ms + 1, end_timestamp_ms=end_ms)
    for one in map(_literal, matchers):
        query.matchers.add(type=_OPERATORS[one.operator], name=one.label, value=one.value)
    return bytes(pa.compress(asked.SerializeToString(), codec="snappy", asbytes=True))


def _literal(matcher: Matcher) -> Matcher:
    """Equality as a pattern: Prometheus drops it where it has that external label, stored or not."""
    if matcher.operator != "=" or matcher.label == "__name__":
        return matcher
    pattern = "".join(f"\\{char}" if char in r"\.+*?()|[]{}^$" else char for char in matcher.value)
    return Matcher(matcher.label, "=~", pattern)


def check(answer: Answer) -> None:
    """Raise `UnknownAnswerError` where an answer is not streamed chunks."""
    kind = answer.headers.get("content-type", "")
    if not kind.startswith(STREAMED) or "ChunkedReadResponse" not in kind:
        error = NotStreamedError if kind.startswith(HEADERS["Content-Type"]) else UnknownAnswerError
        raise error(f"the answer is {clean(kind.partition(';')[0], 60) or 'of no type'}, not streamed chunks")


def read(answer: Answer, start_ms: int, end_ms: int, external: Collection[str]) -> Decoded:
    """The samples with `start_ms < time <= end_ms`, as the JSON of a range selector has them.

    Parameters
    ----------
    answer
        Of a `request` with the same times.
    external
        Labels that the server adds to every series on this way only.

    Raises
    ------
    UnknownAnswerError
        Another kind of answer or of chunk, or more than fits into memory.
    BrokenBodyError
        Cut off, or changed on the way.
    """
    check(answer)
    received = _received(answer.body, frozenset(external))
    of_chunk = np.array(received.series, np.int32)
    series, times, values = [], [], []
    dropped = 0
    try:
        if counts_of(received.chunks).sum() > MOST_SAMPLES:
            raise UnknownAnswerError(f"the answer has more than {MOST_SAMPLES:,} samples")
        for block in blocks(received.chunks):
            keep = (block.time_ms > start_ms) & (block.time_ms <= end_ms) & (block.bits != _STALE)
            whole = bool(keep.all())
            number, time_ms, bits = (
                column if whole else column[keep] for column in (block.chunk, block.time_ms, block.bits)
            )
            series.append(of_chunk[number])
            times.append(time_ms)
            values.append(bits.view(np.float64))
    except BadChunkError as failed:
        raise UnknownAnswerError(str(failed)) from None
    if not series:
        return Decoded("matrix", assembled([], np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0)))
    number, time_ms, value = _once(np.concatenate(series), np.concatenate(times), np.concatenate(values))
    finite = np.isfinite(value)
    if not finite.all():
        dropped = int(len(finite) - finite.sum())
        number, time_ms, value = number[finite], time_ms[finite], value[finite]
    return Decoded("matrix", assembled(received.labels, number, time_ms, value), dropped=dropped)


def _received(body: bytes, external: frozenset[str]) -> _Received:
    """A series that does not fit into one frame goes on in the next."""
    parse = message("ChunkedReadResponse").FromString
    numbers: dict[tuple[bytes, ...], int] = {}
    series: list[int] = []
    chunks: list[bytes] = []
    for frame in _frames(body):
        try:
            received = parse(frame)
        except DecodeError:
            raise BrokenBodyError("a frame that is no message") from None
        for one in received.chunked_series:
            number = numbers.setdefault(tuple(one.labels), len(numbers))
            for chunk in one.chunks:
                if chunk.type != _XOR:
                    raise UnknownAnswerError(f"a chunk is of type {chunk.type}")
                series.append(number)
                chunks.append(chunk.data)
    labels = [_labels(key, external) for key in numbers]
    first: dict[LabelSet, int] = {}
    same = [first.setdefault(one, number) for number, one in enumerate(labels)]
    return _Received(labels, [same[number] for number in series], chunks)


@lru_cache(maxsize=1 << 15)
def _labels(texts: tuple[bytes, ...], external: frozenset[str]) -> LabelSet:
    """Most series are met again in the next answer. Series share the pairs that they have in common."""
    by_name = {pair[0]: pair for pair in map(_label, texts)}
    return tuple(by_name[name] for name in sorted(by_name.keys() - external) if by_name[name][1])


@lru_cache(maxsize=1 << 16)
def _label(text: bytes) -> tuple[str, str]:
    """Name and value; most are met again in many series and answers."""
    try:
        label = message("Label").FromString(text)
    except DecodeError:
        raise BrokenBodyError("a label that is no message") from None
    return label.name, label.value


def _frames(body: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(body):
        length, at = _length(body, at)
        if len(body) < at + 4 + length:
            raise BrokenBodyError("cut off")
        if length > LARGEST_FRAME_BYTES:
            raise UnknownAnswerError(f"a frame is larger than {LARGEST_FRAME_BYTES >> 20} MiB")
        frame = body[at + 4 : at + 4 + length]
        if google_crc32c.value(frame) != int.from_bytes(body[at : at + 4], "big"):
            raise BrokenBodyError("a wrong checksum")
        at += 4 + length
        yield frame


def _length(body: bytes, at: int) -> tuple[int, int]:
    """A varint, and the place behind it."""
    length = shift = 0
    while at < len(body) and shift < 64:
        byte = body[at]
        length |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return length, at
    raise BrokenBodyError("cut off")


def _once(
    series: np.ndarray, time_ms: np.ndarray, value: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ordered by series and time, each time once: chunks may overlap."""
    step = np.diff(series)
    if ((step > 0) | ((step == 0) & (np.diff(time_ms) > 0))).all():
        return series, time_ms, value
    order = np.lexsort((time_ms, series))
    series, time_ms, value = series[order], time_ms[order], value[order]
    first = np.ones(len(series), bool)
    first[1:] = (series[1:] != series[:-1]) | (time_ms[1:] != time_ms[:-1])
    return series[first], time_ms[first], value[first]
