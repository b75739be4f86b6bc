"""Answers that are JSON, and not what was asked for: envelopes, labels, too little time."""

from __future__ import annotations

import json
from typing import Any

from tests.hostile import faults as f
from tests.hostile.proxy import Exchange, Fault
from tests.hostile.scenario import (
    EDGES,
    LIMIT,
    NO_DATA,
    NO_DATE,
    SOURCE,
    START,
    STORED,
    Scenario,
    in_group,
)


def envelope() -> list[Scenario]:
    one = in_group("JSON that is no answer")

    def kind(word: str) -> Fault:
        return f.changed(lambda whole: {**whole, "data": {**whole["data"], "resultType": word}})

    def result(value: Any) -> Fault:
        return f.changed(lambda whole: {**whole, "data": {**whole["data"], "result": value}})

    broken = "something broken"
    return [
        one("json-null", "sends `null`", f.says(200, b"null"), SOURCE, broken),
        one("json-list", "sends `[]`", f.says(200, b"[]"), SOURCE, broken),
        one("json-number", "sends `7`", f.says(200, b"7"), SOURCE, broken),
        one("json-of-others", "sends the JSON of another program", f.says(200, b'{"took":3,"hits":{}}'),
            SOURCE,
            broken),
        one("deep-json", "sends a hundred thousand brackets", f.says(200, b"[" * 100_000), SOURCE, broken),
        one("deep-result", "nests its result a hundred thousand deep", f.says(200,
            b'{"status":"success","data":'
            b'{"resultType":"matrix","result":' + b"[" * 100_000), SOURCE, broken),
        one("two-documents", "sends its answer twice in one body", f.bytes_changed(lambda body: body * 2),
            SOURCE,
            broken),
        one("words-behind", "sends words behind its answer", f.bytes_changed(lambda body: body + b"\nOK"),
            SOURCE,
            broken),
        one("byte-order-mark", "begins with a byte order mark",
            f.bytes_changed(lambda body: b"\xef\xbb\xbf" + body)),
        one("unknown-keys", "sends keys that nobody knows, everywhere, and `infos`",
            f.changed(_with_unknown_keys)),
        one("other-order", "sends all keys in another order, with spaces between", f.changed(_in_other_order,
            compact=False)),
        one("no-status", "sends no status", f.changed(lambda whole: {"data": whole["data"]}), SOURCE, broken),
        one("no-data", "sends a success without data", f.says(200, b'{"status":"success"}'), SOURCE, broken),
        one("data-null", "sends `data: null`", f.says(200, b'{"status":"success","data":null}'), SOURCE,
            broken),
        one("result-null", "sends `result: null`", result(None), SOURCE, broken),
        one("result-object", "sends an object as result", result({"a": 1}), SOURCE, broken),
        one("result-of-numbers", "sends numbers as result", result([1, 2]), SOURCE, broken),
        one("kind-vector", "calls every matrix a vector", kind("vector"), SOURCE, broken),
        one("kind-matrix", "calls every vector a matrix", f.where("query?", kind("matrix")), SOURCE, broken),
        one("kind-string", "calls every result a string", kind("string"), SOURCE, "answers with a string"),
        one("kind-unknown", "calls every result `streams`", kind("streams"), SOURCE, broken),
        one("kind-list", "names a list of types", kind(["matrix"]), SOURCE, broken),  # type: ignore[arg-type]
        one("real-matrix-for-vector", "answers a range where a moment was asked for",
            f.where("query?max by", f.says(200, _MATRIX_OF_TWO)), SOURCE, "a matrix where a vector"),
        one("answer-to-another",
            "answers questions for samples as it did the first question (a cache that knows no forms)",
            _first_answer(), SOURCE, "other times"),
        one("empty-results", "holds no series at all", result([]), NO_DATA, "no metrics of Kepler"),
    ]  # fmt: skip


_MATRIX_OF_TWO = json.dumps({
    "status": "success", "data": {"resultType": "matrix", "result": [
        {"metric": {"pod": "a"}, "values": [[1, "1"], [2, "2"]]},
    ]},
}).encode()  # fmt: skip


def _with_unknown_keys(whole: dict[str, Any]) -> dict[str, Any]:
    data = {**whole["data"], "stats": {"timings": [None]}, "explanation": None}
    data["result"] = [{"exemplars": [], **one, "group": {"name": "x"}} for one in data["result"]]
    return {"trace": {"id": 1}, **whole, "data": data, "took": 1.5, "infos": ["a counter by its name?"]}


def _in_other_order(whole: dict[str, Any]) -> dict[str, Any]:
    data = {key: whole["data"][key] for key in sorted(whole["data"])}
    data["result"] = [dict(reversed(one.items())) for one in data["result"]]
    return {"data": data, "status": whole["status"]}


def _empty(whole: dict[str, Any]) -> dict[str, Any]:
    return {**whole, "data": {**whole["data"], "result": []}}


def _first_answer() -> Fault:
    kept: list[bytes] = []

    def fault(ask: Exchange) -> None:
        if STORED in ask.query:
            ask.send(body=kept[0])
            return
        if ask.path == "query_range" and b'"values"' in ask.truth():
            kept.append(ask.truth())
        f.true(ask)

    return fault


HOSTILE_NAME = '=]]}"],["💥\n\u202e\u0007</td>|,\';\\u0022{}' + "\\"
"""In place of the namespace `shop`."""


def labels() -> list[Scenario]:
    one = in_group("Labels")

    def renamed(old: dict[str, str]) -> dict[str, str]:
        return {name: HOSTILE_NAME if text == "shop" else text for name, text in old.items()}

    broken = "something broken"
    return [
        one("hostile-name",
            "has a namespace of `]]`, quotes, line breaks, emoji, bidi and control characters",
            f.labels(renamed), rows="renamed"),
        one("hostile-name-edges", "has such a namespace in edges", f.labels(renamed), rows="renamed",
            flags=EDGES),
        one("many-labels", "has 60 more labels on every series, one of 100,000 characters",
            f.labels(lambda old: {**old, **{f"label_{number}": "x" * 40 for number in range(59)},
                "note": "y" * 100_000})),
        one("marker-labels", "has labels that look like the JSON around them",
            f.labels(lambda old: {**old, "a": '"}],"values":[[1,"2"]]},{"metric":{', ',"values":[[': "]]}"})),
        one("label-number", "has a label that is a number", f.labels(lambda old: {**old, "pod_name": 7}),
            SOURCE,
            broken),
        one("label-null", "has a label that is `null`", f.labels(lambda old: {**old, "pod_name": None}),
            SOURCE,
            broken),
        one("label-list", "has a label that is a list", f.labels(lambda old: {**old, "pod_name": ["a"]}),
            SOURCE,
            broken),
        one("metric-null", "has `null` for all labels", f.series(lambda old: {**old, "metric": None}),
            SOURCE, broken),
        one("metric-list", "has a list for all labels", f.series(lambda old: {**old, "metric": ["a"]}),
            SOURCE,
            broken),
        one("no-metric", "has no labels at all", f.series(lambda old: {key: old[key] for key in old if key !=
            "metric"}), SOURCE, broken),
        one("no-utf-8", "has bytes in a label that are no UTF-8", f.replaced(b'"shop"', b'"sh\xff\xfeop"'),
            SOURCE,
            broken),
        one("lone-surrogate", "has half a character in a label", f.replaced(b'"shop"', b'"sh\\ud83dop"'),
            SOURCE,
            broken),
    ]  # fmt: skip


def retention() -> list[Scenario]:
    def cut_off(ask: Exchange) -> None:
        f.samples(lambda pairs: [pair for pair in pairs if pair[0] > START + 3300])(ask)

    one = in_group("Retention and clocks")

    return [
        one("short-retention", "keeps samples for less than the range", cut_off, rows="seen",
            words="flag gap (1 row)"),
        one("short-retention-limit", "does so, and `--fail-on 'row.coverage<0.9'` is given", cut_off,
            ends=LIMIT,
            words="limit passed: row.coverage<0.9", flags=("--fail-on", "row.coverage<0.9"), writes=True),
        one("shorter-retention", "holds nothing of the range any more", f.changed(_empty), ends=NO_DATA,
            words="the server's retention"),
        one("our-clock-ahead", "is two hours behind the tool's own clock, and `--since 1h` is given", f.true,
            NO_DATA,
            "no metrics of Kepler in this range"),
        one("clock-ahead", "has a clock an hour ahead",
            f.with_headers(Date="Mon, 02 Mar 2026 03:00:00 GMT")),
        one("clock-of-no-year", "has a date that no calendar has", f.with_headers(Date=NO_DATE)),
    ]  # fmt: skip
