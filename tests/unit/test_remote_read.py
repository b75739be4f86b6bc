"""Remote read: answers made by hand, and what makes the client ask in JSON instead."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from requests_mock import Mocker

from sci_batch.errors import AuthError
from sci_batch.prometheus import Client, HttpSettings, remote_offer, remote_read
from sci_batch.prometheus.decode import BrokenBodyError
from sci_batch.prometheus.problems import Answer
from sci_batch.prometheus.remote_messages import message
from sci_batch.prometheus.remote_offer import NotOfferedError, external_labels
from sci_batch.prometheus.remote_read import UnknownAnswerError, read, request
from sci_batch.prometheus.selectors import Matcher, matchers
from tests import xor
from tests.chunked import STREAMED, T0, frame, framed
from tests.simulator.series import STALE

URL = "http://p:9090"
NAN, INF = float("nan"), float("inf")


def _answer(body: bytes, kind: str = STREAMED) -> Answer:
    return Answer(200, {"content-type": kind}, body)


def _read(body: bytes, start: int = 0, end: int = 100, external: Sequence[str] = ()) -> tuple[Any, int]:
    """The samples (pod, seconds since T0, value) and the number of those left out."""
    decoded = read(_answer(body), T0 + start * 1000, T0 + end * 1000, external)
    samples = decoded.samples
    pods = samples.label("pod").to_numpy()[samples.series].tolist()
    times = ((samples.time_ms - T0) / 1000).tolist()
    return list(zip(pods, times, samples.value.tolist(), strict=True)), decoded.dropped


def test_chunks_are_trimmed_to_the_left_open_range() -> None:
    body = frame([({"pod": "a"}, [[(-10, 1.0), (0, 2.0), (10, 3.0), (20, 4.0), (21, 5.0)]])])
    assert _read(body, 0, 20) == ([("a", 10, 3.0), ("a", 20, 4.0)], 0)


def test_series_go_on_in_the_next_frame_and_those_outside_the_range_are_left_out() -> None:
    body = frame([({"pod": "a"}, [[(200, 1.0)]]), ({"pod": "b"}, [[(1, 1.0)], [(2, 2.0)]])])
    body += frame([({"pod": "b"}, [[(3, 3.0)]]), ({"pod": "c", "x": "y"}, [[(1, 9.0)]])])
    assert _read(body) == ([("b", 1, 1.0), ("b", 2, 2.0), ("b", 3, 3.0), ("c", 1, 9.0)], 0)


def test_overlapping_chunks_are_put_in_order_each_time_once() -> None:
    body = frame([
        ({"pod": "a"}, [[(1, 1.0), (3, 3.0), (5, 5.0)], [(2, 2.0), (3, 3.0), (4, 4.0)]]),
        ({"pod": "b"}, [[(9, 9.0)], [(8, 8.0)]]),
    ])  # fmt: skip
    in_order = [("a", second, second) for second in range(1, 6)] + [("b", 8, 8.0), ("b", 9, 9.0)]
    assert _read(body) == (in_order, 0)


def test_ends_of_series_are_no_values_and_other_nans_are_counted() -> None:
    body = frame([({"pod": "a"}, [[(-1, NAN), (1, -0.0), (2, NAN), (3, STALE), (4, -INF), (5, 5e-324)]])])
    body += frame([({"pod": "b"}, [[(1, STALE)]])])
    samples, dropped = _read(body)
    assert samples == [("a", 1, 0.0), ("a", 5, 5e-324)]
    assert np.signbit(samples[0][2])
    assert dropped == 2


def test_external_labels_are_taken_off() -> None:
    body = frame([({"pod": "a", "replica": "r1"}, [[(1, 1.0)]])])
    samples = read(_answer(body), T0, T0 + 5000, ["replica"]).samples
    assert samples.labels.columns.tolist() == ["pod"]


def test_no_series() -> None:
    assert _read(b"") == ([], 0)
    assert _read(frame([])) == ([], 0)
    assert _read(frame([({"pod": "a"}, [[]])])) == ([], 0)


@pytest.mark.parametrize(
    "kind", ["", "application/json", "application/x-protobuf", "application/x-streamed-protobuf"]
)
def test_another_kind_of_answer(kind: str) -> None:
    with pytest.raises(UnknownAnswerError):
        read(_answer(b"", kind), 0, 1, ())


@pytest.mark.parametrize("kind", [0, 2, 3, 4])
def test_another_kind_of_chunk(kind: int) -> None:
    with pytest.raises(UnknownAnswerError, match=f"type {kind}"):
        _read(frame([({"pod": "a"}, [[(1, 1.0)]])], kind))


def test_a_chunk_of_nothing_and_one_cut_off() -> None:
    answer = message("ChunkedReadResponse")()
    chunk = answer.chunked_series.add().chunks.add(type=1, data=b"\0")
    with pytest.raises(UnknownAnswerError, match="empty"):
        _read(framed(answer.SerializeToString()))
    chunk.data = b"\0\7\0"
    with pytest.raises(UnknownAnswerError, match="longer or shorter"):
        _read(framed(answer.SerializeToString()))


def test_every_cut_and_every_changed_byte_is_seen() -> None:
    body = frame([({"pod": "a"}, [[(1, 1.5), (2, 2.25)]])])
    for end in range(1, len(body)):
        with pytest.raises(BrokenBodyError):
            _read(body[:end])
    for at in range(len(body)):
        with pytest.raises(BrokenBodyError):
            _read(body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :])
    with pytest.raises(BrokenBodyError, match="no message"):
        _read(framed(b"\xff\xff\xff"))


def test_a_cut_in_the_checksum_of_an_empty_frame() -> None:
    for end in range(1, 5):
        with pytest.raises(BrokenBodyError, match="cut off"):
            _read(framed(b"")[:end])


def test_a_frame_that_claims_to_be_huge_or_is(monkeypatch: pytest.MonkeyPatch) -> None:
    body = frame([({"pod": "a"}, [[(1, 1.0)]])])
    with pytest.raises(BrokenBodyError, match="cut off"):
        _read(body + b"\xff" * 9 + b"\x01" + b"1234" + body)
    monkeypatch.setattr(remote_read, "LARGEST_FRAME_BYTES", len(body) - 6)
    with pytest.raises(UnknownAnswerError, match="a frame is larger"):
        _read(body)
    monkeypatch.setattr(remote_read, "LARGEST_FRAME_BYTES", len(body) - 5)
    assert _read(body) == ([("a", 1, 1.0)], 0)


def test_an_answer_of_too_many_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    body = frame([({"pod": "a"}, [[(-3, 1.0), (-2, 1.0)], [(1, 1.0)]])])
    monkeypatch.setattr(remote_read, "MOST_SAMPLES", 3)
    assert _read(body) == ([("a", 1, 1.0)], 0)
    monkeypatch.setattr(remote_read, "MOST_SAMPLES", 2)
    with pytest.raises(UnknownAnswerError, match="more than 2 samples"):
        _read(body)


def test_the_same_series_written_in_two_ways_is_one() -> None:
    answer = message("ChunkedReadResponse")()
    pairs = [("pod", "a"), ("zone", "z"), ("none", "")]
    for number, order in enumerate((pairs, pairs[1::-1])):
        one = answer.chunked_series.add()
        for name, value in order:
            one.labels.append(message("Label")(name=name, value=value).SerializeToString())
        one.chunks.add(type=1, data=xor.encode([(T0 + 1000, 7), (T0 + 2000 + number, 8)]))
    samples = read(_answer(framed(answer.SerializeToString())), T0, T0 + 5000, ()).samples
    assert samples.labels.to_dict("records") == [{"pod": "a", "zone": "z"}]
    assert samples.time_ms.tolist() == [T0 + 1000, T0 + 2000, T0 + 2001]


def test_what_is_asked_for() -> None:
    found = matchers('joules{zone=~"a|b",pod="x.y",mode!=""}')
    assert found is not None
    asked = message("ReadRequest").FromString(_unpacked(request(found, T0, T0 + 5)))
    query = asked.queries[0]
    assert (query.start_timestamp_ms, query.end_timestamp_ms) == (T0 + 1, T0 + 5)
    assert list(asked.accepted_response_types) == [1]
    # Prometheus would leave an equality out where it is also an external label
    assert [(one.type, one.name, one.value) for one in query.matchers] == [
        (0, "__name__", "joules"), (2, "zone", "a|b"), (2, "pod", r"x\.y"), (1, "mode", ""),
    ]  # fmt: skip


def _unpacked(block: bytes) -> bytes:
    assert block[0] < 0x80  # the length, one byte
    return bytes(pa.decompress(block, decompressed_size=block[0], codec="snappy", asbytes=True))


@pytest.mark.parametrize(
    ("selector", "last"),
    [
        (r'm{a="q\"b\\c\nd"}', Matcher("a", "=", 'q"b\\c\nd')),
        (r'm{a!~"x,y=\"}"}', Matcher("a", "!~", 'x,y="}')),
        ("m{}", Matcher("__name__", "=", "m")),
        ("m:sum", Matcher("__name__", "=", "m:sum")),
    ],
)  # fmt: skip
def test_selectors(selector: str, last: Matcher) -> None:
    found = matchers(selector)
    assert found is not None
    assert found[-1] == last


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{a='b'}",
        "m{a='b'}",
        'm{a="b",}',
        'm{a="b"c="d"}',
        'm{a="b"}[5m]',
        'm{,a="b"}',
        'm{a="\\t"}',
        "m + n",
    ],
)
def test_other_promql_is_no_selector(text: str) -> None:
    assert matchers(text) is None


def test_external_labels_of_a_configuration() -> None:
    config = "global:\n  external_labels:\n    a: 'x: y'\n    b: z\nscrape_configs:\n- job_name: c\n"
    assert external_labels(config) == {"a", "b"}
    assert (
        external_labels("global:\n  scrape_interval: 15s\nother:\n  external_labels:\n    c: d\n")
        == frozenset()
    )
    assert external_labels("rule_files: []\n") == frozenset()
    with pytest.raises(NotOfferedError):
        external_labels("global:\n  external_labels: {\nb: c\n")


JSON = {
    "status": "success",
    "data": {
        "resultType": "matrix",
        "result": [{"metric": {"pod": "json"}, "values": [[T0 / 1000 + 1, "7"]]}],
    },
}


def _config(yaml: str = "global:\n  scrape_interval: 15s\n") -> dict[str, Any]:
    return {"status": "success", "data": {"yaml": yaml}}


def _stored(pods: list[str], *, times: int = 1, **given: Any) -> tuple[list[str], list[float]]:
    """Pods of the answer (the same each time), and the waits."""
    waits: list[float] = []
    with Client(HttpSettings(url=URL, **given), sleep=waits.append) as client:
        for _ in range(times):
            pods += client.stored('m{a="b"}', T0, T0 + 60_000).labels["pod"].tolist()
    return pods, waits


def _chunked(requests_mock: Mocker, *more: dict[str, Any], config: dict[str, Any] | None = None) -> None:
    """Answers of the two first questions, and of those after."""
    kind = {"Content-Type": STREAMED}
    one = frame([({"pod": "chunks"}, [[(1, 7.0)]])])
    requests_mock.post(
        f"{URL}/api/v1/read",
        [{"content": b"", "headers": kind}, *more, {"content": one, "headers": kind}],
    )
    requests_mock.get(f"{URL}/api/v1/status/config", json=config or _config())
    requests_mock.post(f"{URL}/api/v1/query", json=JSON)


def test_remote_read_is_looked_for_once(requests_mock: Mocker) -> None:
    _chunked(requests_mock)
    assert _stored([], times=3) == (["chunks"] * 3, [])
    asked = [request.path for request in requests_mock.request_history]
    assert asked == ["/api/v1/read", "/api/v1/status/config", *["/api/v1/read"] * 3]


@pytest.mark.parametrize(
    ("refusal", "odd"),
    [
        ({"status_code": 404, "text": "404 page not found"}, False),
        ({"status_code": 405}, False),
        ({"status_code": 400, "json": {"status": "error", "error": "unsupported path requested"}}, False),
        ({"status_code": 401}, False),
        ({"status_code": 500, "text": "oops"}, True),
        ({"status_code": 302, "headers": {"Location": "http://login/"}}, True),
        ({"text": "<html>log in</html>", "headers": {"Content-Type": "text/html"}}, True),
        ({"content": b"", "headers": {"Content-Type": "application/x-protobuf"}}, False),
        ({"json": {}}, True),
    ],
)
def test_a_server_without_it_is_asked_in_json(
    requests_mock: Mocker, refusal: dict[str, Any], odd: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "sci_batch")
    requests_mock.post(f"{URL}/api/v1/read", **refusal)
    requests_mock.post(f"{URL}/api/v1/query", json=JSON)
    assert _stored([], times=2) == (["json", "json"], [])
    assert [(record.message.partition(" (")[0], record.tell) for record in caplog.records] == [  # type: ignore[attr-defined]
        ("raw samples are read as JSON, not by remote read", odd)
    ]


@pytest.mark.parametrize(
    ("config", "reason", "odd"),
    [
        ({"status_code": 404}, "HTTP 404", False),
        (
            {"json": _config("global: {}\nremote_read:\n- url: http://other\n")},
            "reads from other servers",
            False,
        ),
        ({"json": {"status": "success", "data": []}}, "not a configuration", True),
        ({"json": _config("global:\n  external_labels: {\n")}, "cannot be read", True),
    ],
)
def test_a_server_that_may_answer_otherwise_than_its_queries_is_asked_in_json(
    requests_mock: Mocker, config: dict[str, Any], reason: str, odd: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "sci_batch")
    _chunked(requests_mock)
    requests_mock.get(f"{URL}/api/v1/status/config", **config)
    assert _stored([], retries=0)[0] == ["json"]
    assert reason in caplog.messages[-1]
    assert caplog.records[-1].tell is odd  # type: ignore[attr-defined]


def test_without_the_extra_nothing_is_asked_for_it(
    requests_mock: Mocker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "sci_batch")
    monkeypatch.setattr(remote_offer, "NEEDED", ("json", "no_such_package.part"))
    requests_mock.post(f"{URL}/api/v1/query", json=JSON)
    assert _stored([]) == (["json"], [])
    assert "sci-batch[fast]" in caplog.text
    assert not caplog.records[-1].tell  # type: ignore[attr-defined]


def test_an_unknown_chunk_in_the_middle_is_read_as_json_from_then_on(
    requests_mock: Mocker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "sci_batch")
    histogram = frame([({"pod": "h"}, [[(1, 1.0)]])], kind=2)
    _chunked(requests_mock, {"content": histogram, "headers": {"Content-Type": STREAMED}})
    assert _stored([], times=2) == (["json", "json"], [])
    assert [record.tell for record in caplog.records] == [True]  # type: ignore[attr-defined]


def test_a_broken_answer_is_asked_for_again(requests_mock: Mocker) -> None:
    _chunked(requests_mock, {"content": b"\x05abc", "headers": {"Content-Type": STREAMED}})
    pods, waits = _stored([])
    assert (pods, len(waits)) == (["chunks"], 1)


def test_a_frame_that_begins_as_html_does(requests_mock: Mocker) -> None:
    labels = {"pod": "chunks", "x": ""}
    while len(frame([(labels, [[(1, 7.0)]])])) < ord("<") + 5:
        labels["x"] += "x"
    body = frame([(labels, [[(1, 7.0)]])])
    assert body[:1] == b"<"
    _chunked(requests_mock, {"content": body, "headers": {"Content-Type": STREAMED}})
    assert _stored([])[0] == ["chunks"]


def test_too_much_is_asked_for_in_halves(requests_mock: Mocker) -> None:
    limit = {"status_code": 422, "text": "err-mimir-max-chunks-per-query"}
    _chunked(requests_mock, limit)
    with Client(HttpSettings(url=URL)) as client:
        assert len(client.stored("m", T0, T0 + 240_000)) == 1
    spans = [
        message("ReadRequest").FromString(_unpacked(request.body)).queries[0]
        for request in requests_mock.request_history
        if request.path == "/api/v1/read"
    ][1:]
    assert [(one.start_timestamp_ms - T0, one.end_timestamp_ms - T0) for one in spans] == [
        (1, 240_000), (1, 120_000), (120_001, 240_000),
    ]  # fmt: skip


def test_labels_that_are_stored_and_external_cannot_be_told_apart(requests_mock: Mocker) -> None:
    external = _config("global:\n  external_labels:\n    replica: a\n")
    _chunked(requests_mock, config=external)
    requests_mock.post(f"{URL}/api/v1/labels", json={"status": "success", "data": ["__name__", "pod"]})
    assert _stored([], times=2)[0] == ["chunks"] * 2
    assert [one.path for one in requests_mock.request_history].count("/api/v1/labels") == 1
    requests_mock.post(f"{URL}/api/v1/labels", json={"status": "success", "data": ["__name__", "replica"]})
    assert _stored([])[0] == ["json"]


def test_every_request_carries_the_login_and_the_parameters_of_the_url(requests_mock: Mocker) -> None:
    _chunked(requests_mock)
    given: dict[str, Any] = {
        "headers": (("Authorization", "Bearer secret"),),
        "extra_params": (("dedup", "true"),),
    }
    assert _stored([], org_id="team", **given)[0] == ["chunks"]
    for one in requests_mock.request_history:
        assert one.headers["Authorization"] == "Bearer secret"
        assert one.headers["X-Scope-OrgID"] == "team"
        assert one.qs == {"dedup": ["true"]}
        assert not one.allow_redirects


def test_a_refusal_of_both_ways_is_the_refusal_of_the_query(requests_mock: Mocker) -> None:
    requests_mock.post(f"{URL}/api/v1/read", status_code=401)
    requests_mock.post(f"{URL}/api/v1/query", status_code=401)
    with pytest.raises(AuthError, match="api/v1/query"):
        _stored([])
