"""Queries in pieces, retries, partial answers; the server is a function of what was asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs

import numpy as np
import pytest
import requests
from requests_mock import Mocker
from requests_mock.request import _RequestObjectProxy
from requests_mock.response import _Context

from sci_batch.errors import AuthError, PartialError, SourceError
from sci_batch.prometheus import Client, HttpSettings, Samples, TooMuchError

URL = "http://p:9090"
T0 = 1_700_000_000_000
TOO_MANY = {
    "status": "error",
    "errorType": "execution",
    "error": "query processing would load too many samples into memory in query execution",
}
EMPTY = {"status": "success", "data": {"resultType": "matrix", "result": []}}


class Waits(list[float]):
    """Stands for `sleep`: remembers how long."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def _client(waits: Waits | None = None, **given: Any) -> Client:
    settings = HttpSettings(**{"url": URL, **given})
    return Client(settings, sleep=Waits() if waits is None else waits, jitter=lambda: 1.0)


def _form(request: _RequestObjectProxy) -> dict[str, str]:
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    return {name: values[0] for name, values in parse_qs(request.text, strict_parsing=True).items()}


def _ms(seconds: str) -> int:
    ms = Decimal(seconds) * 1000
    assert ms == int(ms)
    return int(ms)


class Grid:
    """Answers query_range with value = milliseconds since T0, refusing more than `most` points."""

    def __init__(self, most: int, status: int = 422) -> None:
        self.most = most
        self.status = status
        self.accepted: list[int] = []
        self.refused: list[int] = []

    def __call__(self, request: _RequestObjectProxy, context: _Context) -> dict[str, Any]:
        form = _form(request)
        start, end, step = (_ms(form[name]) for name in ("start", "end", "step"))
        times = range(start, end + 1, step)
        assert (end - start) % step == 0
        if len(times) > self.most:
            self.refused.append(len(times))
            context.status_code = self.status
            return TOO_MANY if self.status == 422 else {}
        self.accepted.append(len(times))
        values = [[time / 1000, str(time - T0)] for time in times]
        result = [{"metric": {"pod": "a"}, "values": values}, {"metric": {"pod": "b"}, "values": values}]
        return {"status": "success", "data": {"resultType": "matrix", "result": result}}


def _assert_whole_grid(samples: Samples, start: int, step: int, points: int) -> None:
    expected = start + step * np.arange(points, dtype=np.int64)
    assert samples.labels["pod"].to_list() == ["a", "b"]
    for number in (0, 1):
        mine = samples.series == number
        np.testing.assert_array_equal(samples.time_ms[mine], expected)
        np.testing.assert_array_equal(samples.value[mine], (expected - T0).astype(np.float64))


@pytest.mark.parametrize(
    ("points", "pieces"),
    [
        (1, [1]),
        (11_000, [11_000]),
        (11_001, [11_000, 1]),
        (11_002, [11_000, 2]),
        (22_001, [11_000, 11_000, 1]),
    ],
)
def test_range_is_sliced_without_overlap_or_hole(
    requests_mock: Mocker, points: int, pieces: list[int]
) -> None:
    grid = Grid(11_000)
    requests_mock.post(f"{URL}/api/v1/query_range", json=grid)
    with _client() as client:
        start = T0 + 123
        samples = client.range("m", start, start + (points - 1) * 500 + 499, 500)
        _assert_whole_grid(samples, start, 500, points)
    assert grid.accepted == pieces
    assert grid.refused == []


def test_range_with_its_end_before_its_start_asks_nothing(requests_mock: Mocker) -> None:
    with _client() as client:
        assert len(client.range("m", T0, T0 - 1, 1000)) == 0
        assert len(client.raw("m", T0, T0)) == 0
    assert requests_mock.call_count == 0


@pytest.mark.parametrize("most", [1, 2, 7, 24, 99])
def test_range_shrinks_until_it_fits(requests_mock: Mocker, most: int) -> None:
    grid = Grid(most)
    requests_mock.post(f"{URL}/api/v1/query_range", json=grid)
    waits = Waits()
    with _client(waits) as client:
        _assert_whole_grid(client.range("m", T0, T0 + 99 * 30_000, 30_000), T0, 30_000, 100)
        assert client.queries == ["m"]
    assert sum(grid.accepted) == 100
    assert waits == []  # less is asked for at once
    # Halves from 100 on: what was refused is never asked for again.
    assert grid.refused == [size for size in (100, 50, 25, 13, 7, 4, 2) if size > most]


def test_range_gives_up_at_one_point(requests_mock: Mocker) -> None:
    grid = Grid(0)
    requests_mock.post(f"{URL}/api/v1/query_range", json=grid)
    with _client() as client, pytest.raises(TooMuchError, match="too many samples") as caught:
        client.range("sum(m)", T0, T0 + 3000, 1000)
    assert grid.refused == [4, 2, 1]
    assert caught.value.exit_code == 7
    assert "query: sum(m)" in str(caught.value)
    assert "--namespace" in str(caught.value)


def test_a_gateway_timeout_is_tried_twice_and_then_shrinks(requests_mock: Mocker) -> None:
    grid = Grid(2, status=504)
    requests_mock.post(f"{URL}/api/v1/query_range", json=grid)
    waits = Waits()
    with _client(waits) as client:
        _assert_whole_grid(client.range("m", T0, T0 + 3000, 1000), T0, 1000, 4)
    assert grid.refused == [4, 4]
    assert waits == [0.5]


def test_a_gateway_timeout_of_the_smallest_piece_is_retried_to_the_end(requests_mock: Mocker) -> None:
    requests_mock.post(f"{URL}/api/v1/query", status_code=504, text="upstream timed out")
    waits = Waits()
    with _client(waits) as client, pytest.raises(SourceError, match="HTTP 504: upstream timed out"):
        client.instant("up", T0)
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0]


class Store:
    """Answers `m[<n>ms]` from stored samples, with the left edge included as Prometheus 2 does."""

    def __init__(self, times: list[int], most_ms: int, left_edge: bool = True) -> None:
        self.times = times
        self.most_ms = most_ms
        self.left_edge = left_edge
        self.asked: list[tuple[int, int]] = []

    def __call__(self, request: _RequestObjectProxy, context: _Context) -> dict[str, Any]:
        form = _form(request)
        length = int(form["query"].removeprefix('m{a="b"}[').removesuffix("ms]"))
        end = _ms(form["time"])
        if length > self.most_ms:
            context.status_code = 503
            return {"status": "error", "errorType": "timeout", "error": "query timed out"}
        start = end - length
        self.asked.append((start, end))
        inside = [time for time in self.times if start < time <= end or (self.left_edge and time == start)]
        values = [[time / 1000, str(time - T0)] for time in inside]
        result = [{"metric": {"a": "b"}, "values": values}] if values else []
        return {"status": "success", "data": {"resultType": "matrix", "result": result}}


@pytest.mark.parametrize("left_edge", [True, False])
@pytest.mark.parametrize("most_ms", [10**9, 1_800_000, 61_000, 60_000])
def test_raw_has_each_sample_once_and_not_its_left_edge(
    requests_mock: Mocker, most_ms: int, left_edge: bool
) -> None:
    length = 3_600_001
    store = Store([*range(T0 - 60_000, T0 + length + 60_000, 15_000), T0 + length], most_ms, left_edge)
    requests_mock.post(f"{URL}/api/v1/query", json=store)
    with _client() as client:
        samples = client.raw('m{a="b"}', T0, T0 + length)
        assert client.queries == ['m{a="b"}[3600001ms]']
    expected = sorted(time for time in store.times if T0 < time <= T0 + length)
    assert samples.time_ms.tolist() == expected
    assert samples.value.tolist() == [float(time - T0) for time in expected]
    assert len(samples.labels) == 1
    edges = [T0, *(end for _, end in store.asked)]
    assert store.asked == list(pairwise(edges))
    assert edges[-1] == T0 + length


def test_raw_is_not_split_below_a_minute(requests_mock: Mocker) -> None:
    store = Store([], most_ms=59_999)
    requests_mock.post(f"{URL}/api/v1/query", json=store)
    with _client() as client, pytest.raises(TooMuchError):
        client.raw('m{a="b"}', T0, T0 + 120_000)
    assert [_form(request)["query"] for request in requests_mock.request_history] == [
        'm{a="b"}[120000ms]',
        'm{a="b"}[60000ms]',
    ]


def test_raw_drops_a_series_that_only_has_the_left_edge(requests_mock: Mocker) -> None:
    result = [
        {"metric": {"pod": "old"}, "values": [[T0 / 1000, "1"]]},
        {"metric": {"pod": "new"}, "values": [[T0 / 1000 + 1, "2"]]},
    ]
    answer = {"status": "success", "data": {"resultType": "matrix", "result": result}}
    requests_mock.post(f"{URL}/api/v1/query", json=answer)
    with _client() as client:
        assert client.raw("m", T0, T0 + 1000).labels["pod"].to_list() == ["new"]


def _matrix(*values: list[object]) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": "matrix", "result": [
        {"metric": {"pod": "a"}, "values": list(values)}]}}  # fmt: skip


@pytest.mark.parametrize("off_ms", [-1000, 500, 3000])
def test_other_times_than_asked_for_are_refused(requests_mock: Mocker, off_ms: int) -> None:
    """A cache between may answer another question; nothing of it may be taken for this one."""
    requests_mock.post(
        f"{URL}/api/v1/query_range", json=_matrix([T0 / 1000, "1"], [(T0 + off_ms) / 1000, "2"])
    )
    with _client() as client, pytest.raises(SourceError, match="other times") as caught:
        client.range("m", T0, T0 + 2000, 1000)
    assert "cache" in caught.value.cure


@pytest.mark.parametrize("off_ms", [-1, 2001])
def test_stored_samples_of_other_times_are_refused(requests_mock: Mocker, off_ms: int) -> None:
    requests_mock.post(f"{URL}/api/v1/query", json=_matrix([(T0 + off_ms) / 1000, "2"]))
    with _client() as client, pytest.raises(SourceError, match="other times"):
        client.raw("m", T0, T0 + 2000)


def test_two_values_at_one_time_are_refused_unless_stored(requests_mock: Mocker) -> None:
    twice = _matrix([T0 / 1000 + 1, "1"], [T0 / 1000 + 1, "2"])
    requests_mock.post(f"{URL}/api/v1/query_range", json=twice)
    requests_mock.post(f"{URL}/api/v1/query", json=twice)
    with _client() as client:
        with pytest.raises(SourceError, match="two values of one series"):
            client.range("m", T0, T0 + 2000, 1000)
        assert client.raw("m", T0, T0 + 2000).value.tolist() == [1.0, 2.0]


def test_a_matrix_for_a_moment_is_refused(requests_mock: Mocker) -> None:
    requests_mock.post(f"{URL}/api/v1/query", json=_matrix([T0 / 1000, "1"], [T0 / 1000 + 1, "2"]))
    with _client() as client:
        with pytest.raises(SourceError, match="a matrix where a vector"):
            client.instant("up", T0)
        assert len(client.instant("up[5m]", T0 + 1000)) == 2


def test_what_is_sent(requests_mock: Mocker) -> None:
    base = "https://p/prom/x"
    requests_mock.post(f"{base}/api/v1/query", json=EMPTY)
    requests_mock.post(f"{base}/api/v1/query_range", json=EMPTY)
    extra = (("namespace", "a b"),)
    with _client(url=f"{base}/?dedup=true", extra_params=extra, org_id="team-a") as client:
        client.instant("up", T0 + 123)
        client.range("b", -1500, 3000, 500)
        client.range("a", T0, T0, 3_600_000)
        assert client.queries == ["a", "b", "up"]
    forms = [_form(request) for request in requests_mock.request_history]
    assert forms == [
        {"query": "up", "time": "1700000000.123", "nocache": "1"},
        {"query": "b", "start": "-1.5", "end": "3", "step": "0.5", "nocache": "1"},
        {"query": "a", "start": "1700000000", "end": "1700000000", "step": "3600", "nocache": "1"},
    ]
    for request in requests_mock.request_history:
        assert request.qs == {"dedup": ["true"], "namespace": ["a b"]}
        assert request.headers["Accept-Encoding"] == "identity"
        assert request.headers["X-Scope-OrgID"] == "team-a"
        assert request.headers["User-Agent"].startswith("sci-batch/")
        assert "Authorization" not in request.headers
        timeout: Any = request.timeout
        assert timeout == (10.0, 60.0)
        assert not request.allow_redirects


def test_compression_is_asked_for(requests_mock: Mocker) -> None:
    requests_mock.post(f"{URL}/api/v1/query", json=EMPTY)
    with _client(compression=True) as client:
        client.instant("up", T0)
    assert requests_mock.request_history[0].headers["Accept-Encoding"] == "gzip"


def test_series_come_sorted_whatever_the_server_does(requests_mock: Mocker) -> None:
    result = [{"metric": {"pod": name}, "value": [1, value]} for name, value in (("b", "2"), ("a", "1"))]
    answer = {"status": "success", "data": {"resultType": "vector", "result": result}}
    requests_mock.post(f"{URL}/api/v1/query", json=answer)
    with _client() as client:
        samples = client.instant("up", T0)
    assert samples.labels["pod"].to_list() == ["a", "b"]
    assert samples.value.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("bad", "wait"),
    [
        ({"status_code": 429, "text": "slow down", "headers": {"Retry-After": "7"}}, 7.0),
        ({"status_code": 503, "text": "busy", "headers": {"Retry-After": "3600"}}, 60.0),
        ({"status_code": 503, "text": "busy"}, 0.5),
        ({"status_code": 502, "text": "<html>Bad Gateway</html>"}, 0.5),
        ({"exc": requests.exceptions.ConnectTimeout}, 0.5),
        ({"exc": requests.exceptions.ReadTimeout}, 0.5),
        ({"exc": requests.exceptions.ConnectionError("reset")}, 0.5),
        ({"exc": requests.exceptions.ChunkedEncodingError}, 0.5),
        ({"text": '{"status":"success","data":{"resultType":"matrix","result":[{"met'}, 0.5),
        ({"json": {"status": "error", "error": "x"}}, 0.5),
        ({"text": ""}, 0.5),
    ],
)
def test_what_may_pass_is_tried_again(requests_mock: Mocker, bad: dict[str, Any], wait: float) -> None:
    requests_mock.post(f"{URL}/api/v1/query", [bad, {"json": EMPTY}])
    waits = Waits()
    with _client(waits) as client:
        assert len(client.instant("up", T0)) == 0
    assert waits == [wait]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"status_code": 503, "text": "busy"}, "keeps failing (HTTP 503: busy)"),
        ({"exc": requests.exceptions.ReadTimeout}, "did not answer within 60 s"),
        ({"exc": requests.exceptions.ConnectionError("reset")}, f"Cannot reach Prometheus at {URL}"),
        ({"text": "{"}, "something broken (no JSON, or cut off)"),
        ({"json": {"status": "error", "error": "bad blocks"}}, "something broken (bad blocks)"),
    ],
)
def test_what_does_not_pass_ends_in_an_error(requests_mock: Mocker, bad: dict[str, Any], words: str) -> None:
    requests_mock.post(f"{URL}/api/v1/query", **bad)
    waits = Waits()
    with _client(waits, retries=2) as client, pytest.raises(SourceError) as caught:
        client.instant("up", T0)
    assert words in str(caught.value)
    assert caught.value.exit_code == 7
    assert waits == [0.5, 1.0]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"status_code": 401}, AuthError),
        ({"status_code": 403, "text": "forbidden"}, AuthError),
        ({"text": "<html><title>Sign in</title>"}, AuthError),
        ({"status_code": 404, "text": "404 page not found"}, SourceError),
        ({"status_code": 400, "json": {"errorType": "bad_data", "error": "parse error"}}, SourceError),
    ],
)
def test_what_cannot_pass_is_not_tried_again(
    requests_mock: Mocker, answer: dict[str, Any], error: type[SourceError]
) -> None:
    requests_mock.post(f"{URL}/api/v1/query", **answer)
    with _client() as client, pytest.raises(error):
        client.instant("up", T0)
    assert requests_mock.call_count == 1


def test_jitter_spreads_the_waits(requests_mock: Mocker) -> None:
    requests_mock.post(f"{URL}/api/v1/query", status_code=503)
    waits = Waits()
    settings = HttpSettings(url=URL, retries=9)
    with Client(settings, sleep=waits, jitter=lambda: 0.0) as client, pytest.raises(SourceError):
        client.instant("up", T0)
    assert waits == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]  # half of 0.5 * 2**n, at most 60


def test_a_warning_is_a_failure_unless_partial_is_allowed(requests_mock: Mocker) -> None:
    warned = {**EMPTY, "warnings": ["store b\x1b[31m is down", "store a is down", "store a is down"]}
    requests_mock.post(f"{URL}/api/v1/query", json={**warned, "infos": ["PromQL info: x"]})
    with _client() as client, pytest.raises(PartialError) as caught:
        client.instant("up", T0)
    assert caught.value.exit_code == 5
    assert "store a is down; store b is down" in str(caught.value)
    assert "--allow-partial" in str(caught.value)
    assert requests_mock.call_count == 1
    with _client(allow_partial=True) as client:
        client.instant("up", T0)
        client.instant("up", T0)
        assert client.warnings == ["store a is down", "store b is down"]


def test_infos_are_no_failure(requests_mock: Mocker) -> None:
    requests_mock.post(f"{URL}/api/v1/query", json={**EMPTY, "infos": ["PromQL info: x"]})
    with _client() as client:
        client.instant("up", T0)
        assert client.warnings == []


def test_dropped_values_are_counted(requests_mock: Mocker) -> None:
    result = [{"metric": {}, "value": [1, "NaN"]}]
    answer = {"status": "success", "data": {"resultType": "vector", "result": result}}
    requests_mock.post(f"{URL}/api/v1/query", json=answer)
    with _client() as client:
        assert len(client.instant("up", T0)) == 0
        client.instant("up", T0)  # the same once more, as after a checkpoint
        assert client.dropped == 1
        client.instant("up", T0 + 1000)
        assert client.dropped == 2


def test_wrong_type_of_result_is_explained(requests_mock: Mocker) -> None:
    answer = {"status": "success", "data": {"resultType": "string", "result": [1, "x"]}}
    requests_mock.post(f"{URL}/api/v1/query", json=answer)
    with _client() as client, pytest.raises(SourceError, match="a string where a vector or scalar"):
        client.instant('"x"', T0)


def test_build_info(requests_mock: Mocker) -> None:
    path = f"{URL}/api/v1/status/buildinfo"
    requests_mock.get(path, json={"status": "success", "data": {"version": "2.42.0"}})
    with _client() as client:
        assert client.build_info() == {"version": "2.42.0"}
        requests_mock.get(path, status_code=404, text="404 page not found")
        assert client.build_info() == {}
        requests_mock.get(path, status_code=403)
        with pytest.raises(AuthError):
            client.build_info()


def test_map_keeps_order_and_its_bound() -> None:
    lock = threading.Lock()
    both_in = threading.Barrier(2, timeout=10)  # breaks unless two are at work at the same time
    at_work: list[int] = []
    most = 0

    def work(item: int) -> int:
        nonlocal most
        with lock:
            at_work.append(item)
            most = max(most, len(at_work))
        both_in.wait()
        with lock:
            at_work.remove(item)
        return item * item

    with _client(concurrency=2) as client:
        assert client.map(work, range(20)) == [item * item for item in range(20)]
    assert most == 2


def test_map_raises_the_first_failure_in_order_and_stops() -> None:
    begun: list[int] = []

    def work(item: int) -> int:
        begun.append(item)
        if item >= 3:
            raise SourceError(f"item {item}")
        return item

    with _client(concurrency=1) as client, pytest.raises(SourceError, match="item 3"):
        client.map(work, range(10_000))
    assert len(begun) < 10_000


def test_threads_share_one_client(requests_mock: Mocker) -> None:
    def answer(request: _RequestObjectProxy, context: _Context) -> dict[str, Any]:
        number = _form(request)["query"]
        result = [{"metric": {}, "value": [1, number]}, {"metric": {"x": "1"}, "value": [1, "NaN"]}]
        return {"status": "success", "data": {"resultType": "vector", "result": result}}

    requests_mock.post(f"{URL}/api/v1/query", json=answer)
    with _client(concurrency=4) as client:
        ask: Callable[[int], float] = lambda number: float(client.instant(str(number), T0).value[0])  # noqa: E731
        assert client.map(ask, range(50)) == [float(number) for number in range(50)]
        assert client.dropped == 50
        assert client.queries == sorted(str(number) for number in range(50))


def test_no_more_queries_than_allowed_are_under_way() -> None:
    """Three threads ask at once; a real server counts, as the mock lets one request in at a time."""
    counts = {"now": 0, "most": 0}
    lock = threading.Lock()
    body = b'{"status":"success","data":{"resultType":"vector","result":[]}}'

    class Counting(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            with lock:
                counts["now"] += 1
                counts["most"] = max(counts["most"], counts["now"])
            time.sleep(0.02)
            with lock:
                counts["now"] -= 1
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Counting)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with Client(HttpSettings(url=f"http://127.0.0.1:{server.server_port}", concurrency=2)) as client:
            askers = [
                threading.Thread(target=lambda: client.map(lambda at: client.instant("up", at), range(8)))
                for _ in range(3)
            ]
            for asker in askers:
                asker.start()
            for asker in askers:
                asker.join()
    finally:
        server.shutdown()
        server.server_close()
    assert counts["most"] == 2
