"""Logins: read at each request, sent to one host only, shown nowhere."""

from __future__ import annotations

import base64
import logging
import traceback
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests
from requests_mock import Mocker

from sci_batch.errors import AuthError, SciBatchError, SourceError, UsageError
from sci_batch.prometheus import Client, HttpSettings

URL = "http://p:9090"
QUERY = f"{URL}/api/v1/query"
TOKEN_URL = "https://login/oauth/token"
CANARY = "canary-5ecret"
KEY_IN_URL = "key/canary-5ecret"
EMPTY = {"status": "success", "data": {"resultType": "vector", "result": []}}


def _client(**given: Any) -> Client:
    settings = HttpSettings(**{"url": URL, **given})
    return Client(settings, sleep=lambda _: None, jitter=lambda: 0.0)


def _file(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


def _sent(requests_mock: Mocker) -> list[str | None]:
    return [request.headers.get("Authorization") for request in requests_mock.request_history]


def _basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def test_bearer_file_is_read_at_each_request(requests_mock: Mocker, tmp_path: Path) -> None:
    requests_mock.post(QUERY, json=EMPTY)
    token = tmp_path / "token"
    with _client(bearer_token_file=_file(token, "first\n")) as client:
        client.instant("up", 0)
        token.write_text("second")
        client.instant("up", 0)
        token.unlink()
        with pytest.raises(UsageError, match="--bearer-token-file cannot be read: No such file") as caught:
            client.instant("up", 0)
    assert str(token) in str(caught.value)
    assert _sent(requests_mock) == ["Bearer first", "Bearer second"]


def test_a_token_rotated_between_two_tries_is_used(requests_mock: Mocker, tmp_path: Path) -> None:
    token = tmp_path / "token"
    requests_mock.post(QUERY, [{"status_code": 503}, {"json": EMPTY}])
    settings = HttpSettings(url=URL, bearer_token_file=_file(token, "first"))

    def sleep(_: float) -> None:
        token.write_text("second")

    with Client(settings, sleep=sleep) as client:
        client.instant("up", 0)
    assert _sent(requests_mock) == ["Bearer first", "Bearer second"]


def test_a_token_rotated_while_it_is_on_the_way_is_no_refusal(requests_mock: Mocker, tmp_path: Path) -> None:
    token = tmp_path / "token"

    def answer(request: Any, context: Any) -> Any:
        token.write_text("second")
        context.status_code = 200 if request.headers["Authorization"] == "Bearer second" else 401
        return EMPTY

    requests_mock.post(QUERY, json=answer)
    with _client(bearer_token_file=_file(token, "first"), retries=0) as client:
        client.instant("up", 0)
    assert _sent(requests_mock) == ["Bearer first", "Bearer second"]


def test_a_token_that_is_taken_back_is_fetched_again_once(requests_mock: Mocker, tmp_path: Path) -> None:
    tokens = [{"json": {"access_token": f"t{number}", "expires_in": 3600}} for number in range(9)]
    requests_mock.post(TOKEN_URL, tokens)
    refused = {"status_code": 401}
    requests_mock.post(QUERY, [{"json": EMPTY}, refused, {"json": EMPTY}, refused])
    with _client(http_config_file=_oauth(tmp_path)) as client:
        client.instant("up", 0)
        client.instant("up", 0)
        with pytest.raises(AuthError):
            client.instant("up", 0)
    sent = [call.headers["Authorization"] for call in requests_mock.request_history if call.url == QUERY]
    assert sent == ["Bearer t0", "Bearer t0", "Bearer t1", "Bearer t1", "Bearer t2"]


@pytest.mark.parametrize("text", ["", "\n", "first-part\nsecond-part", "töken\N{EURO SIGN}"])
def test_unfit_token_file_is_refused(tmp_path: Path, text: str) -> None:
    with (
        _client(bearer_token_file=_file(tmp_path / "t", text)) as client,
        pytest.raises(UsageError) as caught,
    ):
        client.instant("up", 0)
    for piece in text.split():
        assert piece not in str(caught.value)


def test_basic_file_and_url(requests_mock: Mocker, tmp_path: Path) -> None:
    requests_mock.post(QUERY, json=EMPTY)
    with _client(basic_auth_file=_file(tmp_path / "b", "me:pä:ss\n")) as client:
        client.instant("up", 0)
    with _client(url="http://me:p%40ss@p:9090") as client:
        client.instant("up", 0)
    assert _sent(requests_mock) == [_basic("me", "pä:ss"), _basic("me", "p@ss")]
    assert [request.url for request in requests_mock.request_history] == [QUERY, QUERY]
    with _client(basic_auth_file=_file(tmp_path / "b", CANARY)) as client:
        with pytest.raises(UsageError, match="user:password") as caught:
            client.instant("up", 0)
        assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("basic_auth: {username: me, password: pw}", _basic("me", "pw")),
        ("basic_auth: {username_file: user, password_file: secret}", _basic("from-user-file", "from-file")),
        ("authorization: {credentials: tok}", "Bearer tok"),
        ("authorization: {type: Token, credentials_file: secret}", "Token from-file"),
    ],
)
def test_config_logins(requests_mock: Mocker, tmp_path: Path, config: str, expected: str) -> None:
    requests_mock.post(QUERY, json=EMPTY)
    _file(tmp_path / "secret", "from-file\n")
    _file(tmp_path / "user", "from-user-file\n")
    path = _file(tmp_path / "http.yml", config)
    with _client(http_config_file=path) as client:
        client.instant("up", 0)
        Path(path).write_text("http_headers: {X-A: {values: [a], files: [secret]}}")
        client.instant("up", 0)
    assert _sent(requests_mock) == [expected, None]
    assert requests_mock.request_history[1].headers["X-A"] == "a, from-file"


def _oauth(tmp_path: Path) -> str:
    _file(tmp_path / "secret", CANARY)
    return _file(
        tmp_path / "http.yml",
        f"""
        oauth2:
          client_id: me
          client_secret_file: secret
          token_url: {TOKEN_URL}
          scopes: [a, b]
          endpoint_params: {{audience: prom, ticket: ticket-5ecret}}
        """,
    )


def test_oauth_token_is_kept_until_it_ends(requests_mock: Mocker, tmp_path: Path) -> None:
    requests_mock.post(QUERY, json=EMPTY)
    answers = [{"json": {"access_token": f"t{number}", "expires_in": 0}} for number in (1, 2)]
    requests_mock.post(TOKEN_URL, [*answers, {"json": {"access_token": "t3", "expires_in": 3600}}])
    with _client(http_config_file=_oauth(tmp_path)) as client:
        for _ in range(4):
            client.instant("up", 0)
        (tmp_path / "secret").write_text("rotated")
        client.instant("up", 0)
    calls = requests_mock.request_history
    assert [call.headers["Authorization"] for call in calls if call.url == QUERY] == [
        "Bearer t1",
        "Bearer t2",
        "Bearer t3",
        "Bearer t3",
        "Bearer t3",
    ]
    tokens = [call for call in calls if call.url == TOKEN_URL]
    assert [call.headers["Authorization"] for call in tokens] == [_basic("me", CANARY)] * 3 + [
        _basic("me", "rotated")
    ]
    assert parse_qs(tokens[0].text) == {
        "grant_type": ["client_credentials"],
        "scope": ["a b"],
        "audience": ["prom"],
        "ticket": ["ticket-5ecret"],
    }


def test_oauth_falls_back_to_the_form(requests_mock: Mocker, tmp_path: Path) -> None:
    requests_mock.post(QUERY, json=EMPTY)
    refused = {"status_code": 401, "json": {"error": "invalid_client"}}
    requests_mock.post(TOKEN_URL, [refused, {"json": {"access_token": "t", "expires_in": 60}}])
    with _client(http_config_file=_oauth(tmp_path)) as client:
        client.instant("up", 0)
    form = parse_qs(requests_mock.request_history[1].text)
    assert (form["client_id"], form["client_secret"]) == (["me"], [CANARY])
    assert requests_mock.request_history[1].headers.get("Authorization") is None


def test_oauth_refusal_and_outage(requests_mock: Mocker, tmp_path: Path) -> None:
    path = _oauth(tmp_path)
    requests_mock.post(TOKEN_URL, status_code=401, json={"error": f"invalid_client {CANARY} ticket-5ecret"})
    with _client(http_config_file=path) as client, pytest.raises(AuthError) as caught:
        client.instant("up", 0)
    assert "HTTP 401, invalid_client *** ***" in str(caught.value)
    requests_mock.reset_mock()
    requests_mock.post(TOKEN_URL, exc=requests.exceptions.ConnectionError(CANARY))
    with _client(http_config_file=path, retries=2) as client, pytest.raises(SourceError) as unreachable:
        client.instant("up", 0)
    assert TOKEN_URL in str(unreachable.value)
    assert CANARY not in str(unreachable.value)
    assert requests_mock.call_count == 3


CANARY_LOGINS = ["bearer", "basic", "url", "header", "config", "config header", "oauth2"]


def _with_canary(kind: str, tmp_path: Path) -> dict[str, Any]:
    match kind:
        case "bearer":
            return {"bearer_token_file": _file(tmp_path / "t", CANARY)}
        case "basic":
            return {"basic_auth_file": _file(tmp_path / "b", f"me:{CANARY}")}
        case "url":
            return {"url": f"http://me:{CANARY}@p:9090/?key={KEY_IN_URL}"}
        case "header":
            return {"headers": (("Authorization", f"Bearer {CANARY}"), ("X-Key", CANARY))}
        case "config":
            text = f"authorization: {{credentials: {CANARY}}}"
            return {"http_config_file": _file(tmp_path / "c.yml", text)}
        case "config header":
            text = f"http_headers: {{X-Key: {{secrets: [{CANARY}]}}}}"
            return {"http_config_file": _file(tmp_path / "c.yml", text)}
        case "oauth2":
            return {"http_config_file": _oauth(tmp_path)}
    raise AssertionError(kind)


@pytest.mark.parametrize("kind", CANARY_LOGINS)
@pytest.mark.parametrize(
    "answer",
    [
        {"status_code": 401, "text": f"bad token {CANARY} in {_basic('me', CANARY)}"},
        {"status_code": 503, "text": f"busy {CANARY}"},
        {"status_code": 400, "text": f"unsupported path requested: /x?key={KEY_IN_URL.replace('/', '%2F')}"},
        {"status_code": 400, "json": {"errorType": "bad_data", "error": "x" * 120 + CANARY + "x" * 200}},
        {"status_code": 302, "headers": {"Location": f"http://other/{CANARY}?t={CANARY}"}},
        {"status_code": 200, "text": f"<title>{CANARY}</title>"},
        {"status_code": 200, "json": {"status": "error", "error": CANARY}},
        {"exc": requests.exceptions.ConnectionError(f"failed: http://me:{CANARY}@p/: refused")},
        {"exc": requests.exceptions.InvalidHeader(f"bad header {CANARY}")},
        {"exc": requests.exceptions.InvalidProxyURL(f"http://me:{CANARY}@proxy")},
    ],
)
def test_no_secret_in_errors_repr_or_logs(
    requests_mock: Mocker, tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str, answer: dict[str, Any]
) -> None:
    caplog.set_level(logging.DEBUG)
    given = _with_canary(kind, tmp_path)
    requests_mock.post(QUERY, **answer)
    requests_mock.post(TOKEN_URL, json={"access_token": CANARY, "expires_in": 60})
    with _client(**given, retries=1) as client:
        with pytest.raises(SciBatchError) as caught:
            client.instant("up", 0)
        shown = [str(caught.value), repr(caught.value), repr(HttpSettings(**{"url": URL, **given}))]
        shown += [*traceback.format_exception(caught.value), repr(client), repr(vars(client))]
    shown += [r.getMessage() for r in caplog.records if not r.name.startswith("requests_mock")]
    encoded = base64.b64encode(f"me:{CANARY}".encode()).decode()
    for text in shown:
        assert CANARY not in text
        assert "anary-5ecre" not in text
        assert encoded not in text or kind not in ("basic", "url")
