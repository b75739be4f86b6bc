"""Every HTTP status that means no, warnings, and how long to wait."""

from __future__ import annotations

from tests.hostile import faults as f
from tests.hostile.proxy import JSON, Exchange, Fault
from tests.hostile.scenario import (
    EDGES,
    LOGIN,
    NO_DATE,
    ONE_BY_ONE,
    PARTIAL,
    SOURCE,
    STORED,
    Scenario,
    in_group,
)

_TOO_MANY = f.refuses(
    422, "execution", "query processing would load too many samples into memory in query execution"
)
_LIMIT_OF_NGINX = f.says(413, b"<html><title>413 Request Entity Too Large</title></html>", f.HTML)


def refusals() -> list[Scenario]:
    one = in_group("Refusals")

    passing = [
        one("each-once",
            "answers 408, 425, 429, 499, 500, 502, 503, 504 and an empty 200, each to another question, "
            "with words, HTML, `null`, half JSON or nothing",
            _spread(f.says(408), f.says(425), f.says(429, b"slow down", "text/plain"), f.says(499, b"",
            f.HTML),
                    f.says(500, b"null"), f.says(502, f.GATEWAY_PAGE, f.HTML), f.says(503, b'{"status":"err'),
                    f.says(504, b"", "text/plain"), f.says(200))),
    ]  # fmt: skip
    for_ever = [
        one(f"{status}-for-ever", f"answers {status}, for ever, with {body}", f.says(status, text, kind),
            ends, words)
        for status, body, text, kind, ends, words in (
            (400, "an HTML page", b"<html><title>400 Bad Request</title>", f.HTML, SOURCE, "400 Bad Request"),
            (401, "an empty body", b"", "", LOGIN, "refused access (HTTP 401)"),
            (403, "a login page", f.LOGIN_PAGE, f.HTML, LOGIN, "Sign in to Acme"),
            (404, "`404 page not found`", b"404 page not found", "text/plain", SOURCE, "No Prometheus API"),
            (405, "an empty body", b"", "", SOURCE, "does not accept POST"),
            (407, "an empty body", b"", "", LOGIN, "HTTP 407"),
            (413, "an HTML page", b"<title>413 Too Large</title>", f.HTML, SOURCE, "cannot answer this much"),
            (422, "half JSON", b'{"status":"error","errorTy', JSON, SOURCE, "HTTP 422"),
            (429, "an empty list", b"[]", JSON, SOURCE, "keeps failing (HTTP 429"),
            (499, "an empty body", b"", "", SOURCE, "HTTP 499"),
            (500, "deep JSON", b"[" * 60_000, JSON, SOURCE, "HTTP 500"),
            (502, "an HTML page", f.GATEWAY_PAGE, f.HTML, SOURCE, "502 Bad Gateway"),
            (503, "bytes that are no text", bytes(range(256)) * 20, JSON, SOURCE, "HTTP 503"),
            (504, "an empty body", b"", "", SOURCE, "HTTP 504"),
            (101, "another protocol", b"", "", SOURCE, "HTTP 101"),
            (204, "no body", b"", "", SOURCE, "HTTP 204"),
            (206, "a part of the content", b'{"status":"success"', JSON, SOURCE, "HTTP 206"),
            (304, "no address", b"", "", SOURCE, "redirects to nowhere"),
            (418, "words that colour a terminal", b"\x1b[31mred\x1b]0;title\x07", "text/plain", SOURCE,
            "red"),
            (999, "an empty body", b"", "", SOURCE, "HTTP 999"),
        )
    ]  # fmt: skip
    in_its_words = [
        one("bad-query", "calls a query wrong (400 `bad_data`)", f.refuses(400, "bad_data",
            "parse error: nope"),
            SOURCE, "rejected the query (HTTP 400, bad_data: parse error: nope)"),
        one("too-many-samples-once", "says `too many samples` (422), once: less is asked for",
            _longer(3000, _TOO_MANY)),
        one("too-many-samples-of-edges", "says so of a span of edges, once", _longer(3000, _TOO_MANY),
            flags=EDGES),
        one("too-many-samples-for-ever", "says `too many samples`, however little is asked for",
            _TOO_MANY, SOURCE, "cannot answer this much at once"),
        one("413-once", "answers 413, once: less is asked for", _longer(3000, _LIMIT_OF_NGINX)),
        one("timeout-once", "says 503 `timeout`, once: less is asked for",
            _longer(3000, f.refuses(503, "timeout", "query timed out in expression evaluation"))),
        one("all-of-them",
            "says `too many outstanding requests` (429) and answers 500, 502, 503 and 504, all to one "
            "question",
            f.in_turn(f.refuses(429, "too_many_requests", "too many outstanding requests"),
                      *(f.says(status) for status in (500, 502, 503, 504))), flags=ONE_BY_ONE),
        one("error-in-200", "sends `status: error` in a 200", f.refuses(200, "internal", "out of order"),
            SOURCE,
            "out of order"),
        one("error-with-the-login", "repeats the login in its refusal",
            lambda ask: ask.send(403, ask.headers["Authorization"].encode(), "text/plain"), LOGIN, "***"),
        one("warnings", "sends a whole answer with `warnings`",
            f.changed(lambda whole: {**whole, "warnings": ["a store did not answer"]}), PARTIAL,
            "a store did not answer"),
        one("warnings-in-the-middle", "warns in one answer only",
            f.at(20, f.changed(lambda whole: {**whole, "warnings": ["a store did not answer"]})), PARTIAL,
            "a store did not answer"),
        one("warnings-that-are-text", "warns with a text in place of a list",
            f.changed(lambda whole: {**whole, "warnings": "a store did not answer"}), PARTIAL,
            "a store did not answer"),
        one("warnings-taken", "warns, and `--allow-partial` is given",
            f.changed(lambda whole: {**whole, "warnings": ["a store did not answer"]}),
            words="note: a store did not answer", flags=("--allow-partial",)),
        one("is-partial", "says `isPartial` (VictoriaMetrics)",
            f.changed(lambda whole: {**whole, "isPartial": True}), PARTIAL, "isPartial"),
    ]  # fmt: skip
    waits = [
        one("retry-after", "answers 503 with `Retry-After: 7`, then `99999999999`, `-5` and `nan`",
            f.in_turn(*(f.says(503, Retry_After=value) for value in ("7", "99999999999", "-5", "nan"))),
            flags=ONE_BY_ONE, waits=(7.0, 60.0, 0.0, 0.0)),
        one("retry-after-dates",
            "answers 503 with `Retry-After: soon`, then a date that is over, then one that no "
            "calendar has",
            f.in_turn(*(f.says(503, Retry_After=value) for value in (
                "soon", "Mon, 01 Jan 2001 00:00:00 GMT", NO_DATE))),
            flags=ONE_BY_ONE, waits=(0.0,)),
    ]  # fmt: skip
    return passing + for_ever + in_its_words + waits


def _spread(*faults: Fault) -> Fault:
    """Every fourth request meets another fault, so that no question meets two."""

    def fault(ask: Exchange) -> None:
        number, rest = divmod(ask.number, 4)
        (faults[number] if number < len(faults) and not rest else f.true)(ask)

    return fault


def _longer(seconds: float, fault: Fault) -> Fault:
    """Questions about more time than this meet the fault."""

    def either(ask: Exchange) -> None:
        form = ask.form
        if ask.path == "query":
            span = (
                int(ask.query.rpartition("[")[2].removesuffix(STORED)) / 1000 if STORED in ask.query else 0.0
            )
        else:
            span = float(form["end"]) - float(form["start"])
        (fault if span > seconds else f.true)(ask)

    return either
