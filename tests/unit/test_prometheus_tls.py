"""TLS with real certificates, good and bad ones, on loopback."""

from __future__ import annotations

import datetime
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from sci_batch.errors import AuthError, SciBatchError, SinkError, SourceError, UsageError
from sci_batch.prometheus import Client, HttpSettings
from sci_batch.sinks.access import Push
from sci_batch.sinks.delivery import Delivery

GOOD = b'{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"2"]}]}}'
YESTERDAY = datetime.datetime(2020, 1, 2, tzinfo=datetime.UTC)


@dataclass(frozen=True, slots=True)
class Papers:
    """Files in one folder: the authority, and certificates with keys by name."""

    folder: Path

    def __getitem__(self, name: str) -> str:
        return str(self.folder / name)


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    folder = tmp_path_factory.mktemp("papers")
    ours, other = trustme.CA(), trustme.CA()
    made = {
        "server": ours.issue_cert("127.0.0.1", "prometheus.example"),
        "expired": ours.issue_cert(
            "127.0.0.1", not_before=YESTERDAY - datetime.timedelta(1), not_after=YESTERDAY
        ),
        "elsewhere": ours.issue_cert("elsewhere.example"),
        "client": ours.issue_cert("client@example.org"),
        "stranger": other.issue_cert("client@example.org"),
    }
    for name, pair in made.items():
        pair.cert_chain_pems[0].write_to_path(folder / f"{name}.pem")
        pair.private_key_pem.write_to_path(folder / f"{name}.key")
    ours.cert_pem.write_to_path(folder / "ca.pem")
    other.cert_pem.write_to_path(folder / "other-ca.pem")
    key = load_pem_private_key((folder / "client.key").read_bytes(), None)
    locked = key.private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(b"pass")
    )
    (folder / "locked.key").write_bytes(locked)
    (folder / "none.pem").write_text("no certificate\n")
    return Papers(folder)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(GOOD)))
        self.end_headers()
        self.wfile.write(GOOD)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - name of the base class
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    tls: ssl.SSLContext | None = None

    def finish_request(self, request: Any, client_address: Any) -> None:
        # The handshake belongs to the thread of its own connection.
        if self.tls is not None:
            request = self.tls.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
            try:
                request.do_handshake()
            except OSError:
                _hear_out(request)
                return
        try:
            super().finish_request(request, client_address)
        except OSError:  # a client that is not let in
            return
        finally:
            request.close()


def _hear_out(refused: ssl.SSLSocket) -> None:
    """Close when the client has: what it still sends would reset the connection before it hears why."""
    with socket.socket(fileno=refused.detach()) as plain, suppress(OSError):
        plain.shutdown(socket.SHUT_WR)
        while plain.recv(4096):
            pass


@contextmanager
def listening(papers: Papers, name: str | None = "server", **options: Any) -> Iterator[str]:
    """A server with one of the certificates, or without TLS; its address without the scheme."""
    server = _Server(("127.0.0.1", 0), _Handler)
    if name is not None:
        server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.tls.load_cert_chain(papers[f"{name}.pem"], papers[f"{name}.key"])
        if options.pop("wants_client", False):
            server.tls.verify_mode = ssl.CERT_REQUIRED
            server.tls.load_verify_locations(papers["ca.pem"])
        for attribute, value in options.items():
            setattr(server.tls, attribute, value)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def address(papers: Papers) -> Iterator[str]:
    with listening(papers) as address:
        yield address


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


def ask(url: str, **given: Any) -> float:
    with Client(HttpSettings(url=url, **{"retries": 0, **given}), sleep=lambda _: None) as client:
        return float(client.instant("x", 0).value[0])


def refused(kind: type[SciBatchError], url: str, **given: Any) -> SciBatchError:
    with pytest.raises(kind) as caught:
        ask(url, **given)
    assert type(caught.value) is kind
    return caught.value


def send(url: str, **given: Any) -> None:
    files = {name: Path(value) for name, value in given.items()}
    with Delivery(url, Push(retries=0, **files), name="a server") as delivery:  # type: ignore[arg-type]
        delivery.send("POST", url, b"x", {})


def test_an_authority_of_ones_own(papers: Papers, address: str) -> None:
    assert ask(f"https://{address}", ca_file=papers["ca.pem"]) == 2
    unknown = refused(SourceError, f"https://{address}")
    assert "unable to get local issuer certificate" in unknown.what
    assert "--ca-file" in unknown.cure
    assert unknown.exit_code == 7
    assert ask(f"https://{address}", insecure_skip_verify=True) == 2


def test_a_given_authority_takes_the_place_of_the_usual_ones(
    papers: Papers, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", papers["ca.pem"])
    assert ask(f"https://{address}") == 2
    refused(SourceError, f"https://{address}", ca_file=papers["other-ca.pem"])


def test_an_expired_certificate(papers: Papers) -> None:
    with listening(papers, "expired") as address:
        error = refused(SourceError, f"https://{address}", ca_file=papers["ca.pem"])
    assert "certificate has expired" in error.what
    assert error.cure.startswith("Renew the server's certificate")


def test_a_certificate_for_another_name(papers: Papers, tmp_path: Path) -> None:
    config = tmp_path / "http.yml"
    config.write_text(f"tls_config: {{ca_file: {papers['ca.pem']}, server_name: elsewhere.example}}")
    with listening(papers, "elsewhere") as address:
        error = refused(SourceError, f"https://{address}", ca_file=papers["ca.pem"])
        assert ask(f"https://{address}", http_config_file=str(config)) == 2
    assert "certificate is not valid for '127.0.0.1'" in error.what
    assert "-p/--prometheus-url a name that the certificate is for" in error.cure
    assert "tls_config.server_name" in error.cure


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_certificates_on_both_sides(papers: Papers, tmp_path: Path, version: ssl.TLSVersion) -> None:
    ours = {
        "ca_file": papers["ca.pem"],
        "cert_file": papers["client.pem"],
        "key_file": papers["client.key"],
    }
    stranger = {**ours, "cert_file": papers["stranger.pem"], "key_file": papers["stranger.key"]}
    config = tmp_path / "http.yml"
    texts = {name: Path(ours[f"{name}_file"]).read_text() for name in ("ca", "cert", "key")}
    config.write_text(json.dumps({"tls_config": texts}))  # JSON is YAML
    with listening(papers, wants_client=True, maximum_version=version) as address:
        assert ask(f"https://{address}", **ours) == 2
        assert ask(f"https://{address}", http_config_file=str(config)) == 2
        send(f"https://{address}", **ours)
        if version is ssl.TLSVersion.TLSv1_3:  # 1.2 has no word of its own for a certificate that is missing
            for given in (stranger, {"ca_file": papers["ca.pem"]}):
                error = refused(AuthError, f"https://{address}", **given)
                assert "--cert-file and --key-file" in error.cure
                assert error.exit_code == 6
                with pytest.raises(SinkError) as caught:
                    send(f"https://{address}", **given)
                assert "--push-cert-file and --push-key-file" in caught.value.cure


def test_a_client_certificate_that_is_replaced_is_read_again(papers: Papers, tmp_path: Path) -> None:
    cert, key = tmp_path / "tls.crt", tmp_path / "tls.key"

    def put(name: str) -> None:
        for file, ending in ((cert, "pem"), (key, "key")):
            new = tmp_path / "new"
            new.write_bytes(Path(papers[f"{name}.{ending}"]).read_bytes())
            new.replace(file)

    put("client")
    files = {"ca_file": papers["ca.pem"], "cert_file": str(cert), "key_file": str(key)}
    with listening(papers, wants_client=True) as address:
        settings = HttpSettings(url=f"https://{address}", retries=0, **files)  # type: ignore[arg-type]
        with Client(settings) as client:
            client.instant("x", 0)
            put("stranger")
            with pytest.raises(AuthError):
                client.instant("x", 0)
            put("client")
            client.instant("x", 0)


def test_plain_where_tls_is_spoken_and_the_other_way_round(papers: Papers, address: str) -> None:
    with listening(papers, None) as plain:
        error = refused(SourceError, f"https://{plain}", ca_file=papers["ca.pem"])
        assert "use http:// in -p/--prometheus-url" in error.cure
        with pytest.raises(SinkError) as caught:
            send(f"https://{plain}", ca_file=papers["ca.pem"])
        assert "use http:// in the address of --output" in caught.value.cure
    assert f"Cannot reach Prometheus at http://{address}" in refused(SourceError, f"http://{address}").what


def test_no_common_version(papers: Papers, tmp_path: Path) -> None:
    config = tmp_path / "http.yml"
    config.write_text(f"tls_config: {{ca_file: {papers['ca.pem']}, min_version: TLS13}}")
    with listening(papers, maximum_version=ssl.TLSVersion.TLSv1_2) as address:
        error = refused(SourceError, f"https://{address}", http_config_file=str(config))
        assert "min_version" in error.cure
        config.write_text(f"tls_config: {{ca_file: {papers['ca.pem']}, max_version: TLS12}}")
        assert ask(f"https://{address}", http_config_file=str(config)) == 2


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"ca_file": "none.pem"}, "none.pem of --ca-file holds no certificate of an authority"),
        ({"cert_file": "none.pem"}, "none.pem of --cert-file and its key cannot be used: no certificate"),
        ({"cert_file": "client.pem", "key_file": "stranger.key"}, "they do not belong together"),
        ({"cert_file": "client.pem", "key_file": "locked.key"}, "unencrypted key"),
        ({"cert_file": "client.pem", "key_file": "gone.key"}, "gone.key of --key-file does not exist"),
    ],
)
def test_files_that_are_none(papers: Papers, address: str, files: dict[str, str], words: str) -> None:
    given = {"ca_file": papers["ca.pem"], **{name: papers[file] for name, file in files.items()}}
    error = refused(UsageError, f"https://{address}", **given)
    assert words in error.what
    assert error.exit_code == 2


def test_the_token_service_has_tls_of_its_own(papers: Papers, address: str, tmp_path: Path) -> None:
    config = tmp_path / "http.yml"
    login = f"client_id: a, client_secret: b, token_url: 'https://{address}/token'"
    config.write_text(f"oauth2: {{{login}}}")
    error = refused(SourceError, "http://127.0.0.1:1", http_config_file=str(config))
    assert "local issuer certificate" in error.what
    config.write_text(f"oauth2: {{{login}, tls_config: {{ca_file: {papers['ca.pem']}}}}}")
    # It is reached now, and answers with no token.
    error = refused(AuthError, "http://127.0.0.1:1", http_config_file=str(config))
    assert "gave no token (HTTP 200)" in error.what
