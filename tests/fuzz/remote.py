"""Answers of remote read: what the fast reader takes is what the slow one finds, to the bit."""

from __future__ import annotations

from functools import cache

import numpy as np

from sci_batch.prometheus.decode import BrokenBodyError, Decoded
from sci_batch.prometheus.problems import Answer
from sci_batch.prometheus.remote_read import UnknownAnswerError, read
from sci_batch.prometheus.xor_chunks import BadChunkError, blocks
from tests import chunked, xor
from tests.chunked import T0
from tests.simulator.series import STALE

_EXTERNAL = ("replica",)
_RANGES_MS = ((T0, T0 + 100_000), (-(1 << 61), 1 << 61))
_POD = {"__name__": "joules_total", "pod": "a"}


def stream(data: bytes) -> None:
    """The whole body: frames with their lengths and checksums."""
    for start_ms, end_ms in _RANGES_MS:
        found = _read(data, start_ms, end_ms)
        if found is not None:
            _compare(found, data, start_ms, end_ms)


def frame(data: bytes) -> None:
    """The message in a frame whose checksum is right."""
    stream(chunked.framed(data))


def chunk(data: bytes) -> None:
    """A chunk between others, in lockstep with them; refused by the one reader where the other does."""
    if len(data) < 2:  # refused with its frame
        return
    texts = [_neighbours()[0], data, _neighbours()[1]]
    try:
        known: list[list[xor.Sample]] | None = [xor.decode(one) for one in texts]
    except ValueError:
        known = None
    try:
        found: list[list[xor.Sample]] | None = _samples(texts)
    except BadChunkError as error:
        assert str(error)
        found = None
    assert found == known


def _samples(chunks: list[bytes]) -> list[list[xor.Sample]]:
    found: list[list[xor.Sample]] = [[] for _ in chunks]
    for block in blocks(chunks):
        columns = (block.chunk.tolist(), block.time_ms.tolist(), block.bits.tolist())
        for number, time_ms, bits in zip(*columns, strict=True):
            found[number].append((time_ms, bits))
    return found


def _read(body: bytes, start_ms: int, end_ms: int) -> Decoded | None:
    """None: it is asked for again, or in JSON."""
    answer = Answer(200, {"content-type": chunked.STREAMED}, body)
    try:
        return read(answer, start_ms, end_ms, _EXTERNAL)
    except (BrokenBodyError, UnknownAnswerError) as error:
        assert str(error).isprintable()
        assert 0 < len(str(error)) < 200
    return None


def _compare(found: Decoded, body: bytes, start_ms: int, end_ms: int) -> None:
    samples = found.samples
    assert np.isfinite(samples.value).all()
    columns = {name: samples.labels[name].tolist() for name in samples.labels}
    labels = [
        {name: column[row] for name, column in columns.items() if column[row]}
        for row in range(len(samples.labels))
    ]
    series, times = samples.series.tolist(), samples.time_ms.tolist()
    rows = list(
        zip([labels[number] for number in series], times, samples.value.view(np.uint64).tolist(), strict=True)
    )
    assert (rows, found.dropped) == chunked.decode(body, start_ms, end_ms, _EXTERNAL)


@cache
def _neighbours() -> tuple[bytes, bytes]:
    """One of fewer and one of more samples than a changed one will mostly have."""
    few = [(T0 - 5_000, xor.bits_of(0.25)), (T0 + 1, xor.bits_of(STALE))]
    return xor.encode(few), xor.encode([(T0 + 3_000 * number, number << 40) for number in range(12)])


@cache
def streams() -> tuple[bytes, ...]:
    """Series over several frames, ends of series, values that are no numbers, labels to be taken off."""
    first = chunked.frame([
        (_POD, [[(-10, 1.0), (0, 1.5), (30, 2.25)], [(30, 2.25), (60, float("nan"))]]),
        ({**_POD, "pod": "b", "replica": "r1"}, [[(1, float("inf")), (2, STALE)]]),
    ])  # fmt: skip
    second = chunked.frame([({**_POD, "pod": "b", "replica": "r2"}, [[(90, 7e-300), (120, -0.0)]])])
    return first + second, second, chunked.frame([])


@cache
def frames() -> tuple[bytes, ...]:
    """The messages of those."""
    return tuple(
        chunked.content([(_POD, [chunks()[0]]), ({"pod": "b", "replica": "r"}, [chunks()[number], b"\0\0"])])
        for number in range(2)
    )


@cache
def chunks() -> tuple[bytes, ...]:
    """Like clockwork and idle; every width of a distance and of a value; one sample; as many as usual."""
    steps = (0, 1, 30_000, 30_001, 60_000, 47_000, 500_000, 1 << 40, 15_000)
    times = np.cumsum((T0, *steps)).tolist()
    values = (0, 1, 1 << 63, xor.bits_of(1.5), xor.bits_of(1.25), xor.bits_of(STALE), 7, 7, 6, (1 << 64) - 1)
    return (
        xor.encode([(T0 + 15_000 * number, xor.bits_of(3.5)) for number in range(6)]),
        xor.encode(list(zip(times, values, strict=True))),
        xor.encode([(-1, 7)]),
        xor.encode([(T0 + number, number % 3) for number in range(120)]),
    )
