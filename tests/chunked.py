"""Streamed remote read by the word of its description: answers are made, and read byte by byte.

The reader here is the slow twin of `remote_read`: no protobuf library, no numpy.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache

from sci_batch.prometheus.remote_messages import message
from tests import xor
from tests.simulator.series import STALE

T0 = 1_700_000_000_000
STREAMED = "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse"

Chunk = Sequence[tuple[int, float]]
"""Seconds since T0, and values."""
Row = tuple[dict[str, str], int, int]
"""Labels, time [Unix ms], and the bits of the value."""


def frame(series: Sequence[tuple[Mapping[str, str], Sequence[Chunk]]], kind: int = 1) -> bytes:
    """One frame with these chunks."""
    return framed(content([
        (labels, [xor.encode([(T0 + second * 1000, xor.bits_of(value)) for second, value in chunk])
                  for chunk in chunks])
        for labels, chunks in series
    ], kind))  # fmt: skip


def content(series: Sequence[tuple[Mapping[str, str], Sequence[bytes]]], kind: int = 1) -> bytes:
    """The message in a frame, of chunks as they are stored."""
    answer = message("ChunkedReadResponse")()
    for labels, chunks in series:
        one = answer.chunked_series.add()
        for name, value in sorted(labels.items()):
            one.labels.append(message("Label")(name=name, value=value).SerializeToString())
        for data in chunks:
            one.chunks.add(type=kind, data=data)
    return bytes(answer.SerializeToString())


def framed(content: bytes) -> bytes:
    """Length, checksum, content."""
    length, rest = bytearray(), len(content)
    while rest > 0x7F:
        length.append(rest & 0x7F | 0x80)
        rest >>= 7
    length.append(rest)
    return bytes(length) + crc32c(content).to_bytes(4, "big") + content


def crc32c(text: bytes) -> int:
    """Castagnoli's sum, one byte after the other."""
    rest = 0xFFFFFFFF
    for byte in text:
        rest = rest >> 8 ^ _shifted(rest & 0xFF ^ byte)
    return rest ^ 0xFFFFFFFF


@cache
def _shifted(rest: int) -> int:
    for _ in range(8):
        rest = rest >> 1 ^ (0x82F63B78 if rest & 1 else 0)
    return rest


def decode(body: bytes, start_ms: int, end_ms: int, external: Collection[str] = ()) -> tuple[list[Row], int]:
    """The finite samples with `start_ms < time <= end_ms` by series and time, and how many are not finite.

    Raises `ValueError` where it is no such answer.
    """
    found: dict[frozenset[tuple[str, str]], dict[int, int]] = {}
    for one in frames(body):
        for series in _of(one, 1):
            labels = dict(map(_label, _of(series, 1)))
            known = frozenset(
                (name, value) for name, value in labels.items() if value and name not in external
            )
            samples = found.setdefault(known, {})
            for time, bits in [pair for chunk in _of(series, 2) for pair in _samples(chunk)]:
                if start_ms < time <= end_ms and bits != xor.bits_of(STALE):
                    samples.setdefault(time, bits)
    rows = [
        (dict(labels), time, bits)
        for labels, samples in found.items() for time, bits in sorted(samples.items())
    ]  # fmt: skip
    finite = [row for row in rows if math.isfinite(struct.unpack("<d", struct.pack("<Q", row[2]))[0])]
    return finite, len(rows) - len(finite)


def frames(body: bytes) -> Iterator[bytes]:
    """The content of each frame."""
    while body:
        length, body = _varint(body)
        checksum, text, body = body[:4], body[4 : 4 + length], body[4 + length :]
        if (len(checksum), len(text)) != (4, length) or crc32c(text) != int.from_bytes(checksum, "big"):
            raise ValueError("cut off, or changed")
        yield text


def _varint(text: bytes) -> tuple[int, bytes]:
    number = 0
    for place, byte in enumerate(text[:10]):
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return number, text[place + 1 :]
    raise ValueError("a number without an end")


def _fields(text: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and content of each field; groups are passed over."""
    groups: list[int] = []
    while text:
        tag, text = _varint(text)
        number, wire = tag >> 3, tag & 7
        value: int | bytes = b""
        if wire == 0:
            value, text = _varint(text)
        elif wire == 3:
            groups.append(number)
            continue
        elif wire == 4:
            if not groups or groups.pop() != number:
                raise ValueError("the end of another group")
            continue
        else:
            if wire == 2:
                length, text = _varint(text)
            else:
                length = {1: 8, 5: 4}[wire]
            if len(text) < length:
                raise ValueError("cut off")
            value, text = text[:length] if wire == 2 else 0, text[length:]
            if wire != 2:
                continue
        if not groups:
            yield number, value
    if groups:
        raise ValueError("a group without an end")


def _of(text: bytes, wanted: int) -> list[bytes]:
    return [value for number, value in _fields(text) if number == wanted and isinstance(value, bytes)]


def _label(text: bytes) -> tuple[str, str]:
    name, value = ((_of(text, number) or [b""])[-1] for number in (1, 2))
    return name.decode(), value.decode()


def _samples(chunk: bytes) -> list[xor.Sample]:
    kinds = [value for number, value in _fields(chunk) if number == 3 and isinstance(value, int)]
    if not kinds or kinds[-1] & 0xFFFFFFFF != 1:
        raise ValueError("another kind of chunk")
    return xor.decode((_of(chunk, 4) or [b""])[-1])
