"""What needs a socket: broken bodies, redirects, `.netrc`, proxies, dead ports, TLS that is none."""

from __future__ import annotations

import gzip
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from sci_batch.errors import AuthError, SinkError, SourceError, UsageError
from sci_batch.prometheus import Client, HttpSettings
from sci_batch.sinks.access import Push
from sci_batch.sinks.delivery import Delivery

GOOD = b'{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"2"]}]}}'
Reply = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """A loopback server that answers with `replies` in turn, the last one for ever."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.seen: list[tuple[str, dict[str, str]]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", "0")))
                outer.seen.append((self.path, dict(self.headers.items())))
                (outer.replies.pop(0) if len(outer.replies) > 1 else outer.replies[0])(self)

            def do_CONNECT(self) -> None:
                outer.seen.append((self.path, dict(self.headers.items())))
                self.send_error(501)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - name of the base class
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        self.port = self._http.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    _no_proxies(monkeypatch)
    one = Server()
    yield one
    one.stop()


@pytest.fixture
def other(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    _no_proxies(monkeypatch)
    one = Server()
    yield one
    one.stop()


def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "NETRC"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def _send(status: int, body: bytes, length: int | None = None, **headers: str) -> Reply:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body) if length is None else length))
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.wfile.write(body)
        handler.close_connection = True

    return reply


def _hang_up(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True


def _client(url: str, **given: Any) -> Client:
    return Client(HttpSettings(url=url, **{"retries": 1, **given}), sleep=lambda _: None)


@pytest.mark.parametrize(
    "broken",
    [
        _send(200, GOOD[:-3], length=len(GOOD), Content_Type="application/json"),
        _send(200, GOOD[:-3], Content_Type="application/json"),
        _send(200, gzip.compress(GOOD)[:-20], Content_Encoding="gzip", Content_Type="application/json"),
        _send(200, b"no gzip at all", Content_Encoding="gzip", Content_Type="application/json"),
        _hang_up,
    ],
)
def test_broken_transfer_is_repeated_and_never_accepted(server: Server, broken: Reply) -> None:
    server.replies = [broken, _send(200, GOOD)]
    with _client(server.url) as client:
        assert client.instant("x", 0).value.tolist() == [2.0]
    assert len(server.seen) == 2
    server.replies = [broken]
    with _client(server.url) as client, pytest.raises(SourceError, match=r"127\.0\.0\.1"):
        client.instant("x", 0)


@pytest.mark.parametrize("compression", [True, False])
def test_encoding_on_the_wire(server: Server, compression: bool) -> None:
    packed = _send(200, gzip.compress(GOOD), Content_Encoding="gzip")
    server.replies = [packed if compression else _send(200, GOOD)]
    with _client(server.url, compression=compression) as client:
        assert client.instant("x", 0).value.tolist() == [2.0]
    assert server.seen[0][1]["Accept-Encoding"] == ("gzip" if compression else "identity")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_login_does_not_follow_a_redirect(server: Server, other: Server, tmp_path: Path, status: int) -> None:
    token, config = tmp_path / "token", tmp_path / "http.yml"
    token.write_text("canary-5ecret")
    config.write_text("http_headers: {X-More: {secrets: [canary-5ecret]}}")
    server.replies = [_send(status, b"", Location=f"http://localhost:{other.port}/api/v1/query")]
    other.replies = [_send(200, GOOD)]
    given = {"headers": (("X-Key", "canary-5ecret"),), "org_id": "team-a", "http_config_file": str(config)}
    with (
        _client(server.url, bearer_token_file=str(token), **given) as client,
        pytest.raises(AuthError, match="another host") as caught,
    ):
        client.instant("x", 0)
    assert f"-p http://localhost:{other.port}" in str(caught.value)
    assert {"Authorization", "X-Key", "X-More", "X-Scope-OrgID"} <= set(server.seen[0][1])
    with (
        Delivery(server.url, Push(bearer_token_file=token, org_id="a"), name="a server") as delivery,
        pytest.raises(SinkError, match=f"HTTP {status}"),
    ):
        delivery.send("POST", server.url, b"", {})
    token_url = f"token_url: '{server.url}/token'"
    config.write_text(f"oauth2: {{client_id: a, client_secret: canary-5ecret, {token_url}}}")
    with (
        _client("http://127.0.0.1:1", http_config_file=str(config)) as client,
        pytest.raises(AuthError, match=f"gave no token .HTTP {status}"),
    ):
        client.instant("x", 0)
    assert other.seen == []
    assert len(server.seen) == 3


def test_a_key_in_the_url_is_sent_and_not_logged(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server.replies = [_send(503, b"busy"), _send(200, GOOD)]
    with _client(f"{server.url}/?key=canary-5ecret") as client:
        client.instant("x", 0)
    assert [path for path, _ in server.seen] == ["/api/v1/query?key=canary-5ecret"] * 2
    assert "HTTP 503: busy" in caplog.text
    assert "canary" not in caplog.text


def test_netrc_is_not_sent(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password canary-5ecret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    server.replies = [_send(200, GOOD)]
    with _client(server.url) as client:
        client.instant("x", 0)
    assert "Authorization" not in server.seen[0][1]


def test_proxies_of_environment_and_config(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.replies = [_send(200, GOOD)]
    monkeypatch.setenv("HTTP_PROXY", server.url)
    with _client("http://prometheus.invalid/x") as client:
        client.instant("x", 0)
    monkeypatch.delenv("HTTP_PROXY")
    config = tmp_path / "http.yml"
    config.write_text(f"proxy_url: {server.url}")
    with _client("http://prometheus.invalid/y", http_config_file=str(config)) as client:
        client.instant("x", 0)
    assert [path for path, _ in server.seen] == [
        "http://prometheus.invalid/x/api/v1/query",
        "http://prometheus.invalid/y/api/v1/query",
    ]


def test_a_proxys_headers_go_to_tunnels_only(server: Server, tmp_path: Path) -> None:
    config = tmp_path / "http.yml"
    login = f"http://me:pw@127.0.0.1:{server.port}"
    config.write_text(f"{{proxy_url: '{login}', proxy_connect_header: {{X-Ticket: [canary-5ecret]}}}}")
    server.replies = [_send(200, GOOD)]
    with _client("http://prometheus.invalid", http_config_file=str(config)) as client:
        client.instant("x", 0)
    with (
        _client("https://prometheus.invalid", http_config_file=str(config)) as client,
        pytest.raises(SourceError, match="the proxy refused or is down"),
    ):
        client.instant("x", 0)
    plain, *tunnels = server.seen
    assert plain[1]["Proxy-Authorization"] == "Basic bWU6cHc="
    assert "X-Ticket" not in plain[1]
    for path, headers in tunnels:
        assert path == "prometheus.invalid:443"
        assert (headers["Proxy-Authorization"], headers["X-Ticket"]) == ("Basic bWU6cHc=", "canary-5ecret")
    assert len(tunnels) == 2


def test_no_proxy_goes_straight(server: Server, tmp_path: Path) -> None:
    config = tmp_path / "http.yml"
    config.write_text("{proxy_url: 'http://127.0.0.1:1', no_proxy: '127.0.0.0/8'}")
    server.replies = [_send(200, GOOD)]
    with _client(server.url, http_config_file=str(config)) as client:
        client.instant("x", 0)
    assert len(server.seen) == 1


def test_dead_port_is_told_with_the_flag(server: Server) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        url = f"http://me:canary-5ecret@127.0.0.1:{port}/"
        with _client(url) as client, pytest.raises(SourceError) as caught:
            client.instant("x", 0)
    message = str(caught.value)
    assert f"Cannot reach Prometheus at http://127.0.0.1:{port}/api/v1/query: Connection refused." in message
    assert "-p/--prometheus-url" in message
    assert "canary" not in message


def test_https_on_a_plain_port_is_told(server: Server) -> None:
    server.replies = [_hang_up]
    with (
        _client(f"https://127.0.0.1:{server.port}") as client,
        pytest.raises(SourceError, match="TLS") as caught,
    ):
        client.instant("x", 0)
    assert "use http://" in str(caught.value)


@pytest.mark.parametrize("name", ["ca", "cert"])
def test_missing_tls_files_are_named(server: Server, tmp_path: Path, name: str) -> None:
    missing = str(tmp_path / "nowhere.pem")
    given: dict[str, Any] = {f"{name}_file": missing}
    with _client(server.url, **given) as client, pytest.raises(UsageError) as caught:
        client.instant("x", 0)
    assert f"--{name}-file" in str(caught.value)
    assert missing in str(caught.value)
