"""Bodies of the query API as `Samples`."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sci_batch.prometheus import decode as module
from sci_batch.prometheus.decode import BrokenBodyError, Decoded, decode
from sci_batch.prometheus.samples import Samples, concat, contradicts, in_order, label_set, once


def _body(kind: str, result: Any, **more: Any) -> bytes:
    envelope = {"status": "success", "data": {"resultType": kind, "result": result}, **more}
    return json.dumps(envelope, separators=(",", ":"), ensure_ascii=False).encode()


def _flat(samples: Samples) -> list[tuple[dict[str, str], int, float]]:
    """One tuple per sample, labels without the empty ones."""
    rows = samples.labels.to_dict("records") if len(samples.labels.columns) else [{}] * len(samples.labels)
    return [
        ({str(key): value for key, value in rows[series].items() if value}, int(time), float(value))
        for series, time, value in zip(samples.series, samples.time_ms, samples.value, strict=True)
    ]


MATRIX = [
    {"metric": {"__name__": "j", "pod": "a"}, "values": [[1700000000, "1.5"], [1700000030.123, "2e+06"]]},
    {"metric": {"__name__": "j", "zone": "dram"}, "values": [[1700000000.001, "-0.1"]]},
]


def test_matrix() -> None:
    decoded = decode(_body("matrix", MATRIX))
    assert decoded.kind == "matrix"
    samples = decoded.samples
    assert _flat(samples) == [
        ({"__name__": "j", "pod": "a"}, 1700000000000, 1.5),
        ({"__name__": "j", "pod": "a"}, 1700000030123, 2e6),
        ({"__name__": "j", "zone": "dram"}, 1700000000001, -0.1),
    ]
    assert samples.labels["pod"].to_list() == ["a", ""]
    assert samples.labels["zone"].to_list() == ["", "dram"]
    assert all(dtype == "str" for dtype in samples.labels.dtypes)
    assert samples.series.dtype == np.int32
    assert samples.time_ms.dtype == np.int64
    assert samples.value.dtype == np.float64


def test_vector_scalar_and_string() -> None:
    vector = decode(_body("vector", [{"metric": {"a": "1"}, "value": [1.5, "3"]}])).samples
    assert _flat(vector) == [({"a": "1"}, 1500, 3.0)]
    scalar = decode(_body("scalar", [2, "42"])).samples
    assert _flat(scalar) == [({}, 2000, 42.0)]
    assert len(scalar.labels) == 1
    text = decode(_body("string", [2, "words"]))
    assert (text.kind, len(text.samples)) == ("string", 0)
    assert len(decode(_body("matrix", [])).samples) == 0


def test_not_finite_values_and_histograms_are_dropped_and_counted() -> None:
    result = [
        {"metric": {"pod": "a"}, "values": [[1, "NaN"], [2, "7"], [3, "+Inf"], [4, "-Inf"], [5, "8"]]},
        {"metric": {"pod": "gone"}, "values": [[1, "NaN"]]},
        {"metric": {"pod": "h"}, "histograms": [[1, {"count": "1", "sum": "2"}]]},
        {"metric": {"pod": "z"}, "values": [[1, "9"]], "histograms": [[2, {"count": "1", "sum": "2"}]]},
    ]
    decoded = decode(_body("matrix", result))
    assert _flat(decoded.samples) == [
        ({"pod": "a"}, 2000, 7.0),
        ({"pod": "a"}, 5000, 8.0),
        ({"pod": "z"}, 1000, 9.0),
    ]
    assert decoded.samples.labels["pod"].to_list() == ["a", "z"]
    assert decoded.dropped == 3 + 1 + 1 + 1
    vector = [{"metric": {}, "value": [1, "NaN"]}, {"metric": {"h": "1"}, "histogram": [1, {}]}]
    assert decode(_body("vector", vector)).dropped == 2


def test_labels_that_look_like_markers() -> None:
    evil = '"}],"values":[[1,"2"]]},{"metric":{'
    result = [{"metric": {"pod": evil, "n": "]]}"}, "values": [[1, "2"], [2, "3"]]}]
    decoded = module._by_markers(_body("matrix", result))
    assert decoded is not None
    assert _flat(decoded.samples) == [
        ({"pod": evil, "n": "]]}"}, 1000, 2.0),
        ({"pod": evil, "n": "]]}"}, 2000, 3.0),
    ]


def test_warnings_are_kept_and_infos_are_not() -> None:
    body = _body(
        "matrix",
        MATRIX,
        warnings=["results truncated", "PromQL info: metric might not be a counter"],
        infos=["x"],
    )
    assert decode(body).warnings == ("results truncated",)
    partial = b'{"status":"success","isPartial":true,"data":{"resultType":"vector","result":[]}}'
    assert decode(partial).warnings == ("isPartial: some storage nodes did not answer",)


@pytest.mark.parametrize("kind", ["matrix", "vector"])
def test_a_body_cut_anywhere_is_never_accepted(kind: str) -> None:
    result = MATRIX if kind == "matrix" else [{"metric": {"a": "1"}, "value": [1, "2"]}]
    body = _body(kind, result, warnings=["w"])
    decode(body)
    for length in range(len(body)):
        with pytest.raises(BrokenBodyError):
            decode(body[:length])


def _one_value(value: str, *, time: str = "1", metric: str = "{}") -> bytes:
    series = f'{{"metric":{metric},"values":[[{time},{value}]]}}'
    return f'{{"status":"success","data":{{"resultType":"matrix","result":[{series}]}}}}'.encode()


@pytest.mark.parametrize(
    "body",
    [
        b"null",
        b"[]",
        b'"text"',
        b'{"status":"success"}',
        b'{"status":"success","data":{"resultType":"matrix","result":null}}',
        b'{"status":"success","data":{"resultType":"matrix","result":[1]}}',
        b'{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"2","3"]]}]}}',
        b'{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"x"]]}]}}',
        b'{"status":"success","data":{"resultType":"streams","result":[]}}',
        b'{"status":"error","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"2"]]}]}}',
        b'{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"values":[[1,"2"]]}]}} x',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"status":"success","data":{"resultType":"matrix","result":' + b"[" * 100_000,
        _one_value("true"), _one_value('"1_000"'), _one_value('"\u0661"'),
        _one_value("null"), _one_value('"0x1p4"'), _one_value('"1,5"'),
        _one_value('"1"', time="1e300"), _one_value('"1"', time="NaN"), _one_value('"1"', time="null"),
        _one_value('"1"', metric='{"pod":null}'), _one_value('"1"', metric='{"pod":7}'),
        _one_value('"1"', metric='{"pod":["a"]}'), _one_value('"1"', metric="null"),
        _one_value('"1"', metric='{"pod":"\\ud83d"}'),
        # these were taken for series without any sample
        b'{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"value":[1,"2"]}]}}',
        b'{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"values":[[1,"2"]]}]}}',
        b'{"status":"success","data":{"resultType":"matrix","result":[{"metric":{}}]}}',
    ],
)  # fmt: skip
def test_what_is_no_query_answer(body: bytes) -> None:
    with pytest.raises(BrokenBodyError):
        decode(body)


def test_an_error_in_a_200_is_told() -> None:
    with pytest.raises(BrokenBodyError, match="out of order"):
        decode(b'{"status":"error","errorType":"internal","error":"out of order"}')


def test_one_warning_may_be_a_text() -> None:
    assert decode(_body("matrix", MATRIX, warnings="truncated")).warnings == ("truncated",)


def test_what_comes_twice_counts_once() -> None:
    doubled = [
        {"metric": {"pod": "b"}, "values": [[2, "5"], [1, "4"], [1, "4"]]},
        {"metric": {"pod": "a"}, "values": [[1, "1"], [2, "2"]]},
        {"metric": {"pod": "b"}, "values": [[1, "4"], [3, "6"]]},
        {"metric": {"pod": "a"}, "values": [[1, "1"], [2, "3"]]},
    ]
    samples = once(decode(_body("matrix", doubled)).samples)
    assert _flat(in_order(samples)) == [
        ({"pod": "a"}, 1000, 1.0), ({"pod": "a"}, 2000, 2.0), ({"pod": "a"}, 2000, 3.0),
        ({"pod": "b"}, 1000, 4.0), ({"pod": "b"}, 2000, 5.0), ({"pod": "b"}, 3000, 6.0),
    ]  # fmt: skip
    assert contradicts(samples)
    assert not contradicts(decode(_body("matrix", MATRIX)).samples)
    nameless = once(decode(_body("vector", [{"metric": {}, "value": [1, "2"]}] * 2)).samples)
    assert (_flat(nameless), len(nameless.labels)) == ([({}, 1000, 2.0)], 1)


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_VALUE = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(["NaN", "+Inf", "-Inf", "1e+21", "0"]),
)


@st.composite
def _matrices(draw: st.DrawFn) -> list[dict[str, Any]]:
    result = []
    for labels in draw(st.lists(st.dictionaries(_TEXT, _TEXT, max_size=4), max_size=6)):
        times = sorted(draw(st.sets(st.integers(0, 4_000_000_000_000), min_size=1, max_size=6)))
        values = [[time / 1000, draw(_VALUE)] for time in times]
        result.append({"metric": labels, "values": values})
    return result


@given(_matrices(), st.booleans())
@settings(max_examples=200, deadline=None)
def test_markers_and_whole_parse_agree(result: list[dict[str, Any]], compact: bool) -> None:
    body = _body("matrix", result) if compact else json.dumps(json.loads(_body("matrix", result))).encode()
    whole = module._whole(body)
    fast = module._by_markers(body)
    if compact:
        assert fast is not None
    for decoded in filter(None, (fast, decode(body))):
        _assert_same(decoded, whole)
    expected = [
        ({name: text for name, text in series["metric"].items() if text}, round(time * 1000), float(value))
        for series in result
        for time, value in series["values"]
        if math.isfinite(float(value))
    ]
    assert _flat(whole.samples) == expected


def _assert_same(one: Decoded, other: Decoded) -> None:
    pd.testing.assert_frame_equal(one.samples.labels, other.samples.labels)
    np.testing.assert_array_equal(one.samples.series, other.samples.series)
    np.testing.assert_array_equal(one.samples.time_ms, other.samples.time_ms)
    np.testing.assert_array_equal(one.samples.value, other.samples.value)
    assert (one.kind, one.warnings, one.dropped) == (other.kind, other.warnings, other.dropped)


def _samples(rows: list[tuple[str, int, float]]) -> Samples:
    names = list(dict.fromkeys(name for name, _, _ in rows))
    return Samples(
        [label_set({"pod": name}) for name in names],
        np.array([names.index(name) for name, _, _ in rows], np.int32),
        np.array([time for _, time, _ in rows], np.int64),
        np.array([value for _, _, value in rows], np.float64),
    )


def test_in_order_sorts_series_and_times() -> None:
    mixed = _samples([("b", 2, 1.0), ("b", 1, 2.0), ("a", 5, 3.0), ("c", 1, 4.0), ("a", 4, 5.0)])
    assert _flat(in_order(mixed)) == [
        ({"pod": "a"}, 4, 5.0),
        ({"pod": "a"}, 5, 3.0),
        ({"pod": "b"}, 1, 2.0),
        ({"pod": "b"}, 2, 1.0),
        ({"pod": "c"}, 1, 4.0),
    ]


@pytest.mark.parametrize("read", [module._by_markers, module._whole])
def test_samples_on_the_edge_are_left_out_and_not_counted(read: Callable[..., Decoded]) -> None:
    result = [
        {"metric": {"pod": "a"}, "values": [[2, "NaN"]]},
        {"metric": {"pod": "b"}, "values": [[2, "2"], [2.001, "3"], [3, "NaN"]]},
        {"metric": {"pod": "c"}, "values": [[1.999, "4"], [4, "5"]]},
    ]
    decoded = read(_body("matrix", result), 2000)
    found = [({"pod": "b"}, 2001, 3.0), ({"pod": "c"}, 1999, 4.0), ({"pod": "c"}, 4000, 5.0)]
    assert _flat(decoded.samples) == found, "what was not asked for is told from what was, and refused later"
    assert decoded.samples.series.dtype == np.int32
    assert decoded.dropped == 1


def test_pieces_without_labels_are_joined() -> None:
    parts = [
        decode(_body("matrix", [{"metric": {}, "values": [[second, "1"]]}])).samples for second in (1, 2)
    ]
    joined = concat(parts)
    assert _flat(joined) == [({}, 1000, 1.0), ({}, 2000, 1.0)]
    assert len(joined.labels) == 1


def test_series_of_large_answers_share_pairs_and_are_the_same_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as there are series, and in every answer: their labels are read once."""
    monkeypatch.setattr("sci_batch.prometheus.decode.SMALL_BYTES", 0)
    labels = [{"pod": "a", "zone": "dram"}, {"zone": "dram", "pod": "b", "job": ""}]
    body = _body("matrix", [{"metric": one, "values": [[1, "1"]]} for one in labels])
    first, again = decode(body).samples.sets, decode(body).samples.sets
    assert list(first) == [(("pod", "a"), ("zone", "dram")), (("pod", "b"), ("zone", "dram"))]
    assert first[0][1] is first[1][1]
    assert all(one is other for one, other in zip(first, again, strict=True))


@pytest.mark.parametrize("small", [0, 1 << 18])
def test_labels_are_utf8_and_a_servers_own_words_come_first(
    monkeypatch: pytest.MonkeyPatch, small: int
) -> None:
    monkeypatch.setattr("sci_batch.prometheus.decode.SMALL_BYTES", small)
    body = _body("matrix", [{"metric": {}, "values": [[1, "1"]]}])
    marked = body.replace(b'"metric":{}', b'"metric":\xef\xbb\xbf{}')
    assert marked != body
    with pytest.raises(BrokenBodyError):
        decode(marked)
    refused = body.replace(b'"metric":{}', b'"metric":"s"').replace(b'"success"', b'"error","error":"boom"')
    with pytest.raises(BrokenBodyError, match="boom"):
        decode(refused)
