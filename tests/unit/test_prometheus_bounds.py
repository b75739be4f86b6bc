"""How long and how large one answer may be, on connections of every kind."""

from __future__ import annotations

import gzip
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from sci_batch.errors import SourceError
from sci_batch.prometheus import Client, HttpSettings, TooMuchError, bounds

GOOD = b'{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"2"]}]}}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
Reply = Callable[[socket.socket], None]


@contextmanager
def _listener(reply: Reply) -> Iterator[str]:
    """A server that takes any request, and lets `reply` write what it likes, on each connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    asked = b""
                    while not asked.endswith(b"nocache=1"):
                        asked += connection.recv(65536)
                    try:
                        reply(connection)
                    except OSError:
                        continue

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


def _asked(url: str, timeout_seconds: float = 30.0) -> float:
    with Client(HttpSettings(url=url, retries=0, timeout_seconds=timeout_seconds)) as client:
        return float(client.instant("up", 1000).value[0])


@pytest.mark.parametrize(
    ("start", "drop"),
    [
        (b"", b"H"), (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"), (HEAD + b"\r\n", b" "),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
)  # fmt: skip
def test_an_answer_that_drips_ends(start: bytes, drop: bytes) -> None:
    """Each drop comes long before the time-out; without a bound on the whole this went on for ever."""
    over = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.sendall(start)
        for _ in range(400):
            connection.sendall(drop)
            if over.wait(0.02):
                return

    with _listener(drip) as url:
        with pytest.raises(SourceError, match=r"did not answer within 0\.1 s"):
            _asked(url, 0.1)
        over.set()


def test_a_slow_answer_within_its_time_is_whole() -> None:
    def in_parts(connection: socket.socket) -> None:
        for part in (HEAD, b"\r\n", GOOD[:30], GOOD[30:]):
            connection.sendall(part)
            time.sleep(0.05)

    with _listener(in_parts) as url:
        assert _asked(url) == 2.0


@pytest.mark.parametrize("length", [b"Content-Length: 9999999\r\n", b""])
def test_a_body_beyond_the_limit_is_too_much(monkeypatch: pytest.MonkeyPatch, length: bytes) -> None:
    monkeypatch.setattr(bounds, "LARGEST_BYTES", 1 << 20)
    sent = []

    def pour(connection: socket.socket) -> None:
        connection.sendall(HEAD + length + b"\r\n")
        for _ in range(1000):
            sent.append(connection.send(b" " * 65536))

    with _listener(pour) as url, pytest.raises(TooMuchError, match="more than 1 MiB"):
        _asked(url)
    assert sum(sent) < 32 << 20  # what buffers took


def test_a_body_is_measured_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "LARGEST_BYTES", 1 << 20)
    body = gzip.compress(b" " * (2 << 20))
    assert len(body) < 1 << 14
    packed = HEAD + b"Content-Encoding: gzip\r\n\r\n"
    with (
        _listener(lambda connection: connection.sendall(packed + body)) as url,
        pytest.raises(TooMuchError, match="more than 1 MiB"),
    ):
        _asked(url)


def test_a_body_at_the_limit_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "LARGEST_BYTES", len(GOOD))
    with _listener(lambda connection: connection.sendall(HEAD + b"\r\n" + GOOD)) as url:
        assert _asked(url) == 2.0


def test_layers_of_packing_are_refused() -> None:
    answer = HEAD + b"Content-Encoding: gzip, gzip\r\n\r\n" + gzip.compress(gzip.compress(GOOD))
    with (
        _listener(lambda connection: connection.sendall(answer)) as url,
        pytest.raises(SourceError, match="content-encoding"),
    ):
        _asked(url)


def test_a_redirect_that_never_ends_is_not_read() -> None:
    """The library read the whole body of every redirect, followed or not."""
    sent = []

    def pour(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n")
        for _ in range(1000):
            sent.append(connection.send(b" " * 65536))

    with _listener(pour) as url, pytest.raises(SourceError, match="redirects to"):
        _asked(url)
    assert sum(sent) < 32 << 20


@pytest.mark.parametrize("location", [b"http://[", b"mailto:a", b""])
def test_a_redirect_to_an_address_that_is_none(location: bytes) -> None:
    answer = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + location + b"\r\n\r\n"
    with (
        _listener(lambda connection: connection.sendall(answer)) as url,
        pytest.raises(SourceError, match="redirects to nowhere") as caught,
    ):
        _asked(url)
    assert caught.value.cure


@pytest.mark.parametrize("header", ["Date", "Retry-After"])
def test_a_date_that_no_calendar_has(header: str) -> None:
    date = f"{header}: Mon, 01 Jan 99999999999999999999 00:00:00 GMT\r\n".encode()
    answer = b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n" + date + b"\r\n"
    with (
        _listener(lambda connection: connection.sendall(answer)) as url,
        pytest.raises(SourceError, match="HTTP 503"),
    ):
        _asked(url)


def test_headers_that_are_none_are_not_told_with_a_traceback(caplog: pytest.LogCaptureFixture) -> None:
    """The library's warning of them holds the whole URL, key included."""
    answer = b"HTTP/1.1 200 OK\r\nno header\r\nConnection: close\r\n\r\n" + GOOD
    with caplog.at_level(logging.WARNING), _listener(lambda connection: connection.sendall(answer)) as url:
        assert _asked(f"{url}/?key=canary-5ecret") == 2.0
    assert caplog.text == ""


def test_deep_json_in_a_refusal_is_only_words() -> None:
    deep = b"HTTP/1.1 400 No\r\nConnection: close\r\n\r\n" + b"[" * 100_000
    with (
        _listener(lambda connection: connection.sendall(deep)) as url,
        pytest.raises(SourceError, match="HTTP 400"),
    ):
        _asked(url)
