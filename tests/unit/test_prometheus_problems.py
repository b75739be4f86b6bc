"""Each row of the table of refusals."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from sci_batch.errors import AuthError, SciBatchError, SourceError
from sci_batch.prometheus.problems import (
    Answer,
    Asked,
    Reaction,
    TooMuchError,
    clean,
    judge,
    retry_after_seconds,
)

ASKED = Asked("http://p:9090/api/v1/query", "sum(up)")
RESOLUTION = (
    "exceeded maximum resolution of 11,000 points per timeseries. "
    "Try decreasing the query resolution (?step=XX)"
)
TOO_MANY = "query processing would load too many samples into memory in query execution"
VM_HEAD = 'error when executing query="' + "x" * 900 + '": '


def _json(status: int, kind: str, words: str) -> Answer:
    body = json.dumps({"status": "error", "errorType": kind, "error": words}).encode()
    return Answer(status, {"content-type": "application/json"}, body)


def _text(status: int, body: str, **headers: str) -> Answer:
    return Answer(status, {"content-type": "text/plain", **headers}, body.encode())


def _html(status: int, body: str) -> Answer:
    return Answer(status, {"content-type": "text/html; charset=utf-8"}, body.encode())


ROWS: list[tuple[Answer, Reaction, type[SciBatchError], str]] = [
    (_json(400, "bad_data", RESOLUTION), Reaction.SHRINK, TooMuchError, "maximum resolution"),
    (
        _json(400, "bad_data", "parse error: x"),
        Reaction.STOP,
        SourceError,
        "HTTP 400, bad_data: parse error: x",
    ),
    (_json(422, "execution", TOO_MANY), Reaction.SHRINK, TooMuchError, "too many samples"),
    (
        _json(422, "execution", "expanding series: context deadline exceeded"),
        Reaction.SHRINK,
        TooMuchError,
        "--query.timeout",
    ),
    (
        _json(422, "execution", "many-to-many matching not allowed"),
        Reaction.STOP,
        SourceError,
        "query: sum(up)",
    ),
    (_json(503, "timeout", "query timed out in expression evaluation"), Reaction.SHRINK, TooMuchError, "503"),
    (_json(503, "timeout", ""), Reaction.SHRINK, TooMuchError, "HTTP 503, timeout"),
    (_json(499, "canceled", "query was canceled in execution"), Reaction.RETRY, SourceError, "499"),
    (
        _json(422, "bad_data", "the query exceeds (err-mimir-max-query-length). To adjust"),
        Reaction.SHRINK,
        TooMuchError,
        "mimir",
    ),
    (_json(422, "bad_data", "x (err-mimir-max-total-query-length)"), Reaction.SHRINK, TooMuchError, "mimir"),
    (_json(422, "execution", "x (err-mimir-max-chunks-per-query)"), Reaction.SHRINK, TooMuchError, "mimir"),
    (
        _json(422, "execution", "x (err-mimir-max-query-expression-size-bytes)"),
        Reaction.STOP,
        SourceError,
        "mimir",
    ),
    (_text(413, "Request Entity Too Large"), Reaction.SHRINK, TooMuchError, "413"),
    (
        _json(422, "422", f"{VM_HEAD}too many points; cannot exceed -search.maxPointsPerTimeseries=30000"),
        Reaction.SHRINK,
        TooMuchError,
        "maxPointsPerTimeseries=30000",
    ),
    (
        _json(503, "503", "couldn't start the request, since -search.maxConcurrentRequests=8"),
        Reaction.RETRY,
        SourceError,
        "503",
    ),
    (_text(429, "slow down"), Reaction.RETRY, SourceError, "HTTP 429: slow down"),
    (
        _html(502, "<html><title>502 Bad Gateway</title></html>"),
        Reaction.RETRY,
        SourceError,
        "502 Bad Gateway",
    ),
    (_text(503, "no healthy upstream"), Reaction.RETRY, SourceError, "no healthy upstream"),
    (_html(504, "<h1>Gateway Time-out</h1>"), Reaction.RETRY_THEN_SHRINK, SourceError, "504"),
    (_text(401, "Unauthorized"), Reaction.STOP, AuthError, "--bearer-token-file"),
    (_json(403, "", "no org id"), Reaction.STOP, AuthError, "--org-id"),
    (_html(200, "<title>Grafana</title><form>Log in"), Reaction.STOP, AuthError, "login page (Grafana)"),
    (
        _html(200, "<title>Welcome to nginx!</title>"),
        Reaction.STOP,
        SourceError,
        "HTML page (Welcome to nginx!)",
    ),
    (_text(404, "404 page not found"), Reaction.STOP, SourceError, "path prefix"),
    (_text(400, "unsupported path requested: /x"), Reaction.STOP, SourceError, "No Prometheus API"),
    (_text(405, "Method Not Allowed"), Reaction.STOP, SourceError, "POST"),
    (
        _text(400, "Client sent an HTTP request to an HTTPS server."),
        Reaction.STOP,
        SourceError,
        "Use https://",
    ),
    (
        _text(302, "", location="https://sso.example/start?state=abc"),
        Reaction.STOP,
        AuthError,
        "another host",
    ),
    (_text(302, "", location="/login?next=1"), Reaction.STOP, AuthError, "login page"),
    (
        _text(301, "", location="/prometheus/api/v1/query?a=b"),
        Reaction.STOP,
        SourceError,
        "Use -p http://p:9090/prometheus",
    ),
    (_text(308, "", location="https://p/api/v1/query"), Reaction.STOP, SourceError, "Use -p https://p"),
]


@pytest.mark.parametrize(("answer", "reaction", "error", "words"), ROWS)
def test_table(answer: Answer, reaction: Reaction, error: type[SciBatchError], words: str) -> None:
    problem = judge(answer, ASKED)
    assert problem is not None
    assert problem.reaction is reaction
    assert type(problem.error) is error
    assert words in str(problem.error)
    assert "state=abc" not in str(problem.error)
    assert len(problem.error.what) < 500


def test_a_good_answer_is_no_problem() -> None:
    assert judge(Answer(200, {"content-type": "application/json"}, b"{}"), ASKED) is None


def test_escapes_and_controls_never_reach_the_terminal() -> None:
    words = "\x1b[31mred\x1b[0m\x1b]0;title\x07 a\r\nb\x00c\u202ed\x9b1m"
    problem = judge(_json(400, "bad_data", words), ASKED)
    assert problem is not None
    assert "(HTTP 400, bad_data: red a b c d 1m)" in str(problem.error)


def test_long_words_keep_both_ends() -> None:
    short = clean("head " + "x" * 1000 + " tail", 300)
    assert len(short) == 300
    assert short.startswith("head x")
    assert short.endswith("x tail")
    assert clean("x" * 300, 300) == "x" * 300


NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        ("0", 0.0),
        ("-3", 0.0),
        ("nan", 0.0),
        ("3600", 60.0),
        ("Thu, 01 Jan 2026 12:00:20 GMT", 20.0),
        ("Thu, 01 Jan 2026 13:00:00 GMT", 60.0),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0.0),
        ("soon", None),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(value, NOW) == seconds
    problem = judge(Answer(429, {} if value is None else {"retry-after": value}, b""), ASKED, NOW)
    assert problem is not None
    assert problem.wait_seconds == seconds
