"""Remote read of a real Prometheus gives, bit for bit, what its JSON gives."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sci_batch.prometheus import Client, HttpSettings, Samples
from tests import servers
from tests.simulator.series import Series, remote_write_bodies, write_openmetrics

pytestmark = pytest.mark.live

T0 = 1_700_000_000_000
STEP = 30_000
COUNT = 1_000


def _series(
    pod: str, times: np.ndarray, value: np.ndarray, stale: np.ndarray | None = None, **more: str
) -> Series:
    labels = {"__name__": "joules", "pod": pod, **more}
    return Series(labels, times, value, np.empty(0, np.int64) if stale is None else stale)


def _made() -> tuple[list[Series], list[Series], list[Series]]:
    """In blocks before the server starts; written in order; written late."""
    rng = np.random.default_rng(7)
    times = T0 + STEP * np.arange(COUNT)
    rising = np.round(np.cumsum(rng.exponential(7, COUNT)), 6)
    jitter = times + rng.integers(-40, 40, COUNT)
    special = rising.copy()
    special[[5, 130, 131]] = [np.nan, np.inf, -np.inf]
    special[700:720] = [
        0.0,
        -0.0,
        5e-324,
        1.7976931348623157e308,
        0.1 + 0.2,
        1e21,
        1e-7,
        2.0**53 + 2,
        *[np.pi] * 12,
    ]
    reset = np.where(np.arange(COUNT) < 400, rising, rising - rising[400])
    holes = np.delete(np.arange(COUNT), [*range(300, 420), 777])
    second = np.arange(0, COUNT, 2)
    blocks = [_series("block", times[:400], rising[:400]), _series("both", times[second], rising[second])]
    written = [
        _series("jitter", jitter, rising),
        _series("special", times, special),
        _series("reset", times, reset),
        _series("ends", times[:500], rising[:500], stale=times[[500]]),
        _series("comes-and-goes", times[holes], rising[holes], stale=times[[300, 777]]),
        _series("short", times[[600]], rising[[600]]),
        _series("only-nan", times[:5], np.full(5, np.nan)),
        _series('line\nquote"back\\', times[:9], rising[:9], zone="psü", empty=""),
        _series("late", times[second], rising[second]),
        _series("marked", times[:3], rising[:3], replica="its own"),
        *(_series(f"many-{number:03}", times, np.round(rising * number, 3)) for number in range(60)),
    ]
    late = [
        _series("late", times[1::2], rising[1::2]),
        _series("late", times[400:600:7], rising[400:600:7]),  # in order and out of order at one time
        _series("both", times[1::2], rising[1::2]),
        _series("block", times[100:700:3], rising[100:700:3]),
    ]
    return blocks, written, late


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    blocks, written, late = _made()

    def fill(data: Path) -> None:
        text = tmp_path_factory.mktemp("blocks") / "text"
        write_openmetrics(text, blocks)
        servers.load_blocks(text, data)

    with servers.prometheus(blocks=fill, external_labels={"replica": "r1", "region": "eu"}) as server:
        for series in (written, *([one] for one in late)):
            servers.load_remote_write(server.url, remote_write_bodies(series))
        yield server.url


def _same(one: Samples, other: Samples) -> None:
    assert one.labels.equals(other.labels)
    assert one.labels.dtypes.equals(other.labels.dtypes)
    for name in ("series", "time_ms", "value"):
        ours, theirs = getattr(one, name), getattr(other, name)
        assert ours.dtype == theirs.dtype
        assert ours.tobytes() == theirs.tobytes(), name


@pytest.mark.parametrize(
    ("start", "end"), [(-1, COUNT), (0, 120), (119, 121), (399.5, 400.25), (500, 501), (130, 131), (-50, -2)]
)
@pytest.mark.parametrize(
    "selector", ['joules{pod!="marked"}', 'joules{pod=~"late|both|block"}', 'joules{pod="special"}']
)
def test_the_same_samples_as_in_json(
    url: str, selector: str, start: float, end: float, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "sci_batch")
    span = T0 + round(start * STEP), T0 + round(end * STEP)
    with Client(HttpSettings(url=url)) as by_chunks, Client(HttpSettings(url=url)) as as_json:
        one, other = by_chunks.stored(selector, *span), as_json.raw(selector, *span)
        assert by_chunks.queries == as_json.queries
        assert by_chunks.dropped == as_json.dropped
    _same(one, other)
    assert not caplog.records  # it was remote read
    if selector == 'joules{pod!="marked"}' and end == COUNT:
        # 63 whole pods, 3 not finite; 500, 879, 1, 9; both halves of `late` and `both`; 400 and 100 late
        assert len(other) == 63_000 - 3 + 500 + 879 + 1 + 9 + 2 * COUNT + 400 + 100
        assert as_json.dropped == 3 + 5


@pytest.mark.parametrize(
    "selector",
    [
        'joules{pod="short",replica="r1"}',  # external, not stored: neither way has such a series
        'joules{pod="short",region=""}',
        'joules{pod=~"sh.*",region!="eu"}',
        'joules{pod!~"many.*|special|only.*",pod="line\\nquote\\"back\\\\"}',
        'joules{pod="short",absent=""}',
        "absent",
    ],
)
def test_the_same_series_as_in_json(url: str, selector: str) -> None:
    span = T0 - 1, T0 + STEP * COUNT
    with Client(HttpSettings(url=url)) as client:
        _same(client.stored(selector, *span), client.raw(selector, *span))


def test_a_stored_label_that_is_external_too_is_read_as_json(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "sci_batch")
    with Client(HttpSettings(url=url)) as client:
        _same(client.stored("joules", T0, T0 + STEP * 9), client.raw("joules", T0, T0 + STEP * 9))
    assert ["external" in message for message in caplog.messages] == [True]


def test_victoria_metrics_offers_none(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "sci_batch")
    times = T0 + STEP * np.arange(9)
    with servers.victoria_metrics() as server:
        series = [_series("a", times, np.arange(9.0))]
        servers.load_remote_write(server.url, remote_write_bodies(series))
        servers.flush_victoria(server.url)
        with Client(HttpSettings(url=server.url)) as client:
            assert client.stored("joules", T0, T0 + STEP * 9).value.tolist() == list(range(1, 9))
    assert ["as JSON" in message for message in caplog.messages] == [True]
