"""`prometheus.WriteRequest` of remote write 1.0 in protobuf.

    message WriteRequest { repeated TimeSeries timeseries = 1; }
    message TimeSeries   { repeated Label labels = 1; repeated Sample samples = 2; }
    message Label        { string name = 1; string value = 2; }
    message Sample       { double value = 1; int64 timestamp = 2; }

Four messages of two fields need no generated code, which would tie us to one release of its run time; the
tests have real servers read it.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np

_DOUBLE = struct.Struct("<d")


def write_request(
    labels: Sequence[Sequence[tuple[str, str]]], series: np.ndarray, time_ms: np.ndarray, value: np.ndarray
) -> bytes:
    """The message.

    Parameters
    ----------
    labels
        Of each series, sorted by name, without empty ones.
    series, time_ms, value
        Place in `labels`, time [ms since the Unix epoch, not before it] and value of each sample; the
        samples of a series come in the order of time.
    """
    order = np.argsort(series, kind="stable")
    chosen, first = np.unique(series[order], return_index=True)
    times, values = np.split(time_ms[order], first[1:]), np.split(value[order], first[1:])
    return b"".join(
        _field(1, _labels(labels[number]) + _samples(times[place].tolist(), values[place].tolist()))
        for place, number in enumerate(chosen.tolist())
    )


def _labels(pairs: Sequence[tuple[str, str]]) -> bytes:
    return b"".join(_field(1, _field(1, name.encode()) + _field(2, text.encode())) for name, text in pairs)


def _samples(times: list[int], values: list[float]) -> bytes:
    return b"".join(
        _field(2, b"\x09" + _DOUBLE.pack(value) + b"\x10" + _varint(time_ms))
        for time_ms, value in zip(times, values, strict=True)
    )


def _field(number: int, payload: bytes) -> bytes:
    """A field of known length: text, or a message."""
    return _varint(number << 3 | 2) + _varint(len(payload)) + payload


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first.

    >>> _varint(300).hex()
    'ac02'
    """
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
