"""Series of samples, and the three ways to hand them to a server."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.simulator.power import Floats, Ints

STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
"""Prometheus' stale marker, one special NaN."""
BODY_BYTES = 4_000_000
"""Size of one remote-write request."""


@dataclass(frozen=True, slots=True)
class Series:
    """One series: labels (`__name__` included), Unix times [ms] and values.

    `stale_ms` are the times at which a real Prometheus would have stored a stale marker: the next
    scrape of the target after the series was last in it. Only remote write carries them.
    """

    labels: dict[str, str]
    time_ms: Ints
    value: Floats
    stale_ms: Ints

    @property
    def name(self) -> str:
        return self.labels["__name__"]


class Recorder:
    """Collects series; `base_ms` is the Unix time of the simulator's zero."""

    def __init__(self, base_ms: int, external_labels: Iterable[tuple[str, str]] = ()) -> None:
        self._base_ms = base_ms
        self._external = dict(external_labels)
        self.series: list[Series] = []

    def add(self, labels: dict[str, str], times: Ints, index: Ints, value: Floats) -> None:
        """Add one series with the samples `value` at the scrapes `times[index]` of its target."""
        if not len(index):
            return
        last = np.append(np.diff(index) > 1, True)
        stale = index[last] + 1
        stale = stale[stale < len(times)]
        self.series.append(
            Series(
                # Prometheus takes an empty label for an absent one.
                {name: text for name, text in {**labels, **self._external}.items() if text},
                times[index] + self._base_ms,
                np.round(value, 6),
                times[stale] + self._base_ms,
            )
        )


def write_openmetrics(path: Path, series: Iterable[Series]) -> None:
    """Write OpenMetrics text for `promtool tsdb create-blocks-from openmetrics` (no stale markers)."""
    with path.open("w", encoding="utf-8") as file:
        for one in series:
            head = one.name + _braces(one.labels) + " "
            times = (one.time_ms / 1000).tolist()
            file.writelines(
                f"{head}{value!r} {time!r}\n" for value, time in zip(one.value.tolist(), times, strict=True)
            )
        file.write("# EOF\n")


def _braces(labels: dict[str, str]) -> str:
    quoted = (
        f'{name}="{text}"'
        for name, text in (
            (name, text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"'))
            for name, text in labels.items()
            if name != "__name__"
        )
    )
    return "{" + ",".join(quoted) + "}"


def write_victoria(path: Path, series: Iterable[Series]) -> None:
    """Write JSON lines for VictoriaMetrics' `/api/v1/import` (no stale markers)."""
    with path.open("w", encoding="utf-8") as file:
        for one in series:
            line = {"metric": one.labels, "values": one.value.tolist(), "timestamps": one.time_ms.tolist()}
            file.write(json.dumps(line, separators=(",", ":")) + "\n")


def remote_write_bodies(series: Iterable[Series]) -> Iterator[bytes]:
    """Bodies for remote write 0.1.0, stale markers included: snappy blocks of protobuf, some MB each."""
    parts: list[bytes] = []
    size = 0
    for one in series:
        part = _time_series(one)
        parts.append(part)
        size += len(part)
        if size > BODY_BYTES:
            yield _snappy(b"".join(parts))
            parts, size = [], 0
    if parts:
        yield _snappy(b"".join(parts))


def _time_series(one: Series) -> bytes:
    """`WriteRequest.timeseries` of prompb: sorted labels, then samples in time order."""
    pairs = sorted(one.labels.items())
    labels = b"".join(_field(1, _field(1, name.encode()) + _field(2, text.encode())) for name, text in pairs)
    time_ms = np.concatenate([one.time_ms, one.stale_ms])
    value = np.concatenate([one.value, np.full(len(one.stale_ms), STALE)])
    order = np.argsort(time_ms, kind="stable")
    return _field(1, labels + _samples(time_ms[order], value[order]))


def _field(number: int, payload: bytes) -> bytes:
    """A length-delimited protobuf field."""
    return bytes([number << 3 | 2]) + _varint(len(payload)) + payload


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _samples(time_ms: Ints, value: Floats) -> bytes:
    """Field 2 of a series, 18 bytes a sample: a double and a time whose varint always has 6 bytes."""
    if len(time_ms) and not 1 << 35 <= time_ms.min() <= time_ms.max() < 1 << 42:
        raise ValueError("times must lie between 1971 and 2109")
    out = np.empty((len(time_ms), 18), np.uint8)
    out[:, 0:3] = (0x12, 16, 0x09)
    out[:, 3:11] = value.astype("<f8").view(np.uint8).reshape(-1, 8)
    out[:, 11] = 0x10
    for byte in range(6):
        out[:, 12 + byte] = (time_ms >> (7 * byte)) & 0x7F | (0x80 if byte < 5 else 0)
    return out.tobytes()


def _snappy(data: bytes) -> bytes:
    """A valid snappy block that holds the data as they are: loopback needs no compression."""
    return _varint(len(data)) + bytes([63 << 2]) + struct.pack("<I", len(data) - 1) + data
