"""Requests of the outputs that publish: logins, retries, refusals, and words without secrets."""

from __future__ import annotations

import logging
import re
import socket
from pathlib import Path
from typing import Any

import pytest
import requests
import requests_mock

from sci_batch.errors import SinkError, UsageError
from sci_batch.report import Report
from sci_batch.sinks import SINKS, SinkOptions
from sci_batch.sinks.access import Push, check, check_target, group_name, shown
from sci_batch.sinks.delivery import Delivery, RefusedError
from sci_batch.sinks.remote_write import TOO_LATE
from tests.cli import handmade

URL = "http://gateway:9091"
WRITE = "http://prometheus:9090/api/v1/write"


@pytest.fixture
def http() -> Any:
    with requests_mock.Mocker() as mock:
        yield mock


def delivery(waits: list[float] | None = None, target: str = URL, **push: Any) -> Delivery:
    sleep = ([] if waits is None else waits).append
    return Delivery(target, Push(**push), name="a server", final=TOO_LATE, sleep=sleep, jitter=lambda: 1.0)


def send(made: Delivery) -> None:
    made.send("PUT", URL, b"body", {})


def test_tries_again_with_longer_waits_until_it_is_taken(http: Any) -> None:
    waits: list[float] = []
    http.put(
        URL, [{"status_code": 503}, {"status_code": 429}, {"exc": requests.ConnectionError}, {"text": ""}]
    )
    send(delivery(waits))
    assert waits == [0.5, 1.0, 2.0]
    assert [sent.body for sent in http.request_history] == [b"body"] * 4


@pytest.mark.parametrize("state", [429, 503])
def test_waits_as_long_as_the_server_asks(http: Any, state: int) -> None:
    waits: list[float] = []
    http.put(URL, [{"status_code": state, "headers": {"Retry-After": "7"}}, {"text": ""}])
    send(delivery(waits))
    assert waits == [7.0]


def test_gives_up_after_the_retries(http: Any) -> None:
    http.put(URL, status_code=500, text="disk full")
    with pytest.raises(
        RefusedError, match=r"a server at http://gateway:9091 refused \(HTTP 500: disk full\)"
    ):
        send(delivery(retries=2))
    assert http.call_count == 3


@pytest.mark.parametrize("state", [400, 404, 413, 422])
def test_a_refusal_for_good_is_not_repeated(http: Any, state: int) -> None:
    http.put(URL, status_code=state)
    with pytest.raises(RefusedError):
        send(delivery())
    assert http.call_count == 1


@pytest.mark.parametrize(
    "words",
    [
        "out of order sample",  # Prometheus 2 and 3
        "out of bounds",
        "too old sample",
        "duplicate sample for timestamp",
        "err-mimir-sample-out-of-order: the sample has been rejected",
        "the sample has been rejected because its timestamp is too old (err-mimir-sample-timestamp-too-old)",
        "another sample with the same timestamp, but a different value",
    ],
)
def test_what_is_too_late_stays_too_late_even_as_a_server_error(http: Any, words: str) -> None:
    http.put(URL, status_code=500, text=words)
    with pytest.raises(RefusedError):
        send(delivery())
    assert http.call_count == 1


def test_a_redirect_is_not_followed(http: Any, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret-token\n")
    elsewhere = http.put("http://elsewhere/", text="")
    http.put(URL, status_code=307, headers={"Location": "http://elsewhere/"})
    with pytest.raises(RefusedError, match="HTTP 307") as caught:
        send(delivery(bearer_token_file=token))
    assert "redirect is not followed" in caught.value.cure
    assert not elsewhere.called


def test_a_login_page_is_no_success(http: Any) -> None:
    http.put(URL, text="<html><title>Sign in</title>", headers={"Content-Type": "text/html; charset=utf-8"})
    with pytest.raises(RefusedError, match="HTTP 200: <html><title>Sign in") as caught:
        send(delivery())
    assert "A page for people answered instead of a server" in caught.value.cure


def test_long_words_of_a_server_are_read_whole_and_shown_short(http: Any) -> None:
    """The cause may stand in the middle of them."""
    http.put(URL, status_code=500, text=f"{'a' * 3000} out of order sample {'b' * 3000}")
    with pytest.raises(RefusedError) as caught:
        send(delivery())
    assert http.call_count == 1
    assert len(caught.value.what) < 500


def test_files_are_read_at_each_request(http: Any, tmp_path: Path) -> None:
    token, headers = tmp_path / "token", tmp_path / "headers"
    headers.write_text("X-Team: shop\n# a remark\n")
    http.put(URL, text="")
    made = delivery(bearer_token_file=token, header_file=headers, org_id="tenant-1")
    for text in ("one", "two"):
        token.write_text(text + "\n")
        send(made)
    assert [sent.headers["Authorization"] for sent in http.request_history] == ["Bearer one", "Bearer two"]
    assert {sent.headers["X-Team"] for sent in http.request_history} == {"shop"}
    assert {sent.headers["X-Scope-OrgID"] for sent in http.request_history} == {"tenant-1"}


def test_a_login_in_the_address_and_a_key_in_its_query(http: Any) -> None:
    http.put(URL, text="")
    send(delivery(target="http://me:p%40ss@gateway:9091/?key=abc"))
    (sent,) = http.request_history
    assert sent.headers["Authorization"] == "Basic bWU6cEBzcw=="  # me:p@ss
    assert sent.url == "http://gateway:9091/?key=abc"


@pytest.mark.parametrize("place", ["bearer", "basic", "header", "address", "query"])
def test_no_secret_in_words_of_errors_and_logs(
    http: Any, tmp_path: Path, place: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret, file = "hunter2-secret", tmp_path / "secret"
    target, push = URL, Push(retries=1)
    match place:
        case "bearer":
            file.write_text(secret)
            push = Push(bearer_token_file=file, retries=1)
        case "basic":
            file.write_text(f"user:{secret}")
            push = Push(basic_auth_file=file, retries=1)
        case "header":
            file.write_text(f"Authorization: Token {secret}")
            push = Push(header_file=file, retries=1)
        case "address":
            target = f"http://user:{secret}@gateway:9091"
        case "query":
            target = f"{URL}/?key={secret}"

    def repeat_everything(request: Any, context: Any) -> str:
        context.status_code, context.headers["Retry-After"] = 503, "0"
        return f"{request.url} {dict(request.headers)} {secret}"

    http.put(requests_mock.ANY, text=repeat_everything)
    options = SinkOptions(target=target, push=push)
    with pytest.raises(SinkError) as caught:
        SINKS["pushgateway"](handmade.report(), None, options)
    assert "HTTP 503" in str(caught.value)
    logged = [record.getMessage() for record in caplog.records if record.name != "requests_mock.adapter"]
    assert logged
    for words in (str(caught.value), repr(options), *logged):
        assert secret not in words


def test_what_is_wrong_with_secret_files_names_the_flag(tmp_path: Path) -> None:
    missing, empty, plain = tmp_path / "missing", tmp_path / "empty", tmp_path / "plain"
    empty.write_text("\n")
    plain.write_text("no colon here\n")
    for push, words in (
        (Push(bearer_token_file=missing), "--push-bearer-token-file cannot be read"),
        (Push(bearer_token_file=empty), "--push-bearer-token-file is empty"),
        (Push(basic_auth_file=plain), "--push-basic-auth-file is not 'user:password'"),
        (Push(header_file=missing), "--push-header-file cannot be read"),
        (Push(header_file=plain), "Line 1 of the headers"),
    ):
        with pytest.raises(SinkError, match=re.escape(words)) as caught:
            send(Delivery(URL, push, name="a server"))
        assert "no colon" not in str(caught.value)


def test_certificates_that_are_gone_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.pem"
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"https://127.0.0.1:{listening.getsockname()[1]}"

        def refused(**push: Path) -> SinkError:
            with pytest.raises(SinkError) as caught:
                Delivery(url, Push(retries=0, **push), name="a server").send("PUT", url, b"", {})  # type: ignore[arg-type]
            return caught.value

        assert "a.pem of --push-ca-file does not exist" in refused(ca_file=file).what
        file.write_text("no certificate")
        for part in ("ca", "cert"):
            error = refused(**{f"{part}_file": file})
            assert f"a.pem of --push-{part}-file" in error.what
            assert "in PEM form" in error.what
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none"))
        assert "REQUESTS_CA_BUNDLE" in refused().cure


def test_checks_before_a_long_computation(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    headers = tmp_path / "headers"
    headers.write_text("X-Key: a")
    check(Push(basic_auth_file=file), [URL, f"{URL}/other/path"])
    for push, targets, words in (
        (Push(bearer_token_file=file, basic_auth_file=file), [URL], "two logins"),
        (Push(bearer_token_file=file), ["http://a:b@gateway:9091"], "two logins"),
        (
            Push(bearer_token_file=file, headers=(("authorization", "x"),)),
            [URL],
            r"two logins are given at once \(--push-bearer-token-file and an Authorization header",
        ),
        (Push(headers=(("X-Key", "a"),)), [URL, WRITE], "SCI_BATCH_PUSH_HEADERS would go to 2 servers"),
        (Push(key_file=file), [URL], "--push-key-file needs --push-cert-file"),
        (Push(ca_file=tmp_path / "none"), [URL], "of --push-ca-file does not exist"),
        (Push(org_id="a\nb"), [URL], "--push-org-id"),
        (Push(header_file=headers), [URL, WRITE], "--push-header-file would go to 2 servers"),
        (Push(header_file=file), [URL], "of --push-header-file: Line 1 of the headers"),
    ):
        with pytest.raises(UsageError, match=words):
            check(push, targets)


@pytest.mark.parametrize("address", ["", "gateway:9091", "ftp://host", "http://", "http://u:p@ss:w@rd@h:1x"])
def test_addresses_that_are_none_are_not_repeated(address: str) -> None:
    with pytest.raises(UsageError, match="the address is no http") as caught:
        check_target(address)
    assert "p@ss" not in str(caught.value)


def test_addresses_for_people() -> None:
    assert shown("https://u:p@[::1]:9091/prefix/?k=v") == "https://[::1]:9091/prefix"
    assert shown(WRITE) == WRITE
    assert group_name(Push(group="hourly"), ("namespace",)) == "hourly"


def pushed_to(target: str, http: Any, report: Report | None = None, **push: Any) -> list[Any]:
    options = SinkOptions(target=target, push=Push(retries=0, **push), now_ms=1_772_330_400_000)
    SINKS["remote-write"](report or handmade.report(), None, options)
    return list(http.request_history)


def test_remote_write_headers_and_the_usual_path(http: Any) -> None:
    http.post(requests_mock.ANY, status_code=204)
    first, second = pushed_to("http://prometheus:9090/?tenant=1", http, org_id="team-a")
    for sent in (first, second):
        assert sent.url == f"{WRITE}?tenant=1"
        assert sent.headers["Content-Encoding"] == "snappy"
        assert sent.headers["Content-Type"] == "application/x-protobuf"
        assert sent.headers["X-Prometheus-Remote-Write-Version"] == "0.1.0"
        assert sent.headers["X-Scope-OrgID"] == "team-a"
    assert b"sci_batch_last_success_timestamp_seconds" not in first.body
    assert b"sci_batch_last_success_timestamp_seconds" in second.body
    mimir = pushed_to("http://mimir/api/v1/push", http)[-1]
    assert mimir.url == "http://mimir/api/v1/push"


def test_remote_write_says_what_is_in_when_the_server_dies(
    http: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sci_batch.sinks.remote_write.SAMPLES_AT_ONCE", 18)  # a window has 17 samples
    http.post(WRITE, [{"status_code": 204}, {"status_code": 503, "text": "shutting down"}])
    with pytest.raises(
        SinkError,
        match="windows that end before 2026-03-01T02:00:00Z are in, the others are not, or not whole",
    ):
        pushed_to(WRITE, http)
    http.post(WRITE, status_code=401, text="who are you")
    with pytest.raises(SinkError, match=r"HTTP 401: who are you\); no window is in") as caught:
        pushed_to(WRITE, http)
    assert "--push-bearer-token-file" in caught.value.cure


def test_remote_write_sends_newer_windows_after_older_ones_were_refused(http: Any) -> None:
    """Both in one request, then one by one; no success is claimed."""
    answers = [{"status_code": 400, "text": "out of order sample"}] * 2 + [{"status_code": 204}]
    http.post(WRITE, answers)
    with pytest.raises(
        SinkError, match="1 window, which ends at 2026-03-01T01:00:00Z: out of order"
    ) as caught:
        pushed_to(WRITE, http)
    assert http.call_count == 3
    # From 01:00 to the run at 02:00 it is 1 h, and one more for what passes meanwhile.
    assert "out_of_order_time_window: 3h" in caught.value.cure
    assert not any(b"last_success" in sent.body for sent in http.request_history)


def test_remote_write_says_when_only_the_time_of_the_success_is_missing(http: Any) -> None:
    http.post(WRITE, [{"status_code": 204}, {"status_code": 400, "text": "out of bounds"}])
    with pytest.raises(SinkError, match=r"out of bounds\); all windows are in, but not the time of this"):
        pushed_to(WRITE, http)


def test_remote_write_with_too_many_series_sends_nothing(http: Any) -> None:
    with pytest.raises(SinkError, match="18 series are more than --push-max-series 17"):
        pushed_to(WRITE, http, max_series=17)
    assert not http.called
