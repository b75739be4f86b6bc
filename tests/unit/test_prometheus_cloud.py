"""Logins by a cloud's identity, against local stand-ins for its services; botocore checks the signature."""

from __future__ import annotations

import datetime
import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import google.auth.jwt
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sci_batch.errors import AuthError, SciBatchError, SinkError, UsageError
from sci_batch.prometheus import Client, HttpSettings, check, http
from sci_batch.sinks.access import Push
from sci_batch.sinks.delivery import Delivery

GOOD = b'{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"2"]}]}}'
ROLE = "arn:aws:iam::123456789012:role/reader"
KEYS = {"AKID": "canary-5ecret"}


@dataclass(frozen=True, slots=True)
class Heard:
    """One request as it came."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Service:
    """A loopback server; `answer` makes status and body."""

    answer: Callable[[Heard], tuple[int, bytes]]
    heard: list[Heard] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[Heard], tuple[int, bytes]]], Service]]:
    running: list[tuple[ThreadingHTTPServer, threading.Thread]] = []

    def start(answer: Callable[[Heard], tuple[int, bytes]]) -> Service:
        service = Service(answer)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                headers = {name.lower(): value for name, value in self.headers.items()}
                heard = Heard(self.command, f"http://{headers['host']}{self.path}", headers, body)
                service.heard.append(heard)
                status, text = service.answer(heard)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - name of the base class
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        running.append((server, thread))
        service.url = f"http://127.0.0.1:{server.server_address[1]}"
        return service

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


Serve = Callable[[Callable[[Heard], tuple[int, bytes]]], Service]


@pytest.fixture(autouse=True)
def _nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No identity of the machine that the tests run on."""
    for name in [*os.environ]:
        if name.upper().startswith(("AWS_", "AZURE_", "GOOGLE_", "IDENTITY_", "HTTP_PROXY", "HTTPS_PROXY")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def ask(url: str, **given: Any) -> None:
    with Client(HttpSettings(url=url, **{"retries": 0, **given}), sleep=lambda _: None) as client:
        client.instant("x", 0)


def refused(kind: type[SciBatchError], url: str, **given: Any) -> SciBatchError:
    with pytest.raises(kind) as caught:
        ask(url, **given)
    return caught.value


def signed_by(heard: Heard) -> str:
    """Access key of a request whose signature botocore makes likewise; empty: it does not."""
    scheme, _, rest = heard.headers.get("authorization", "").partition(" ")
    parts = dict(part.strip().split("=", 1) for part in rest.split(",") if "=" in part)
    key, _, region, service, _ = [*parts.get("Credential", "").split("/"), "", "", "", ""][:5]
    if scheme != "AWS4-HMAC-SHA256" or service != "aps" or key not in KEYS:
        return ""
    signer = SigV4Auth(Credentials(key, KEYS[key]), service, region)
    names = [name for name in parts["SignedHeaders"].split(";") if name != "host"]
    ours = AWSRequest(
        method=heard.method,
        url=heard.url,
        data=heard.body,
        headers={name: heard.headers[name] for name in names},
    )
    ours.context["timestamp"] = heard.headers["x-amz-date"]
    text = signer.string_to_sign(ours, signer.canonical_request(ours))
    return key if signer.signature(text, ours) == parts["Signature"] else ""


def amazon(heard: Heard) -> tuple[int, bytes]:
    """Lets in what is signed."""
    return (200, GOOD) if signed_by(heard) else (403, b'{"message":"Missing Authentication Token"}')


def test_queries_are_signed(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    service = serve(amazon)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEYS["AKID"])
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token-of-a-role")
    url = f"{service.url}/workspaces/ws-1?a=b c&d=%2Fe"
    ask(url, sigv4_region="eu-west-1", org_id="x", extra_params=(("dedup", "true"),))
    (heard,) = service.heard
    assert "/eu-west-1/aps/aws4_request" in heard.headers["authorization"]
    assert heard.headers["x-amz-security-token"] == "token-of-a-role"
    # What a proxy on the way may change is not signed.
    assert "SignedHeaders=host;x-amz-date;x-amz-security-token," in heard.headers["authorization"]


def test_a_wrong_key_is_refused_and_not_shown(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    service = serve(amazon)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another-5ecret")
    error = refused(AuthError, service.url, sigv4_region="eu-west-1")
    assert "Missing Authentication Token" in error.what
    assert "another-5ecret" not in str(error)


def test_published_results_are_signed(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service = serve(amazon)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    text = f"[writer]\naws_access_key_id = AKID\naws_secret_access_key = {KEYS['AKID']}\n"
    (tmp_path / "credentials").write_text(text)
    push = Push(retries=0, sigv4_region="us-east-1", sigv4_profile="writer")
    target = f"{service.url}/workspaces/ws-1/api/v1/remote_write"
    with Delivery(target, push, name="a receiver") as delivery:
        delivery.send("POST", target, b"\x00\xff body", {"Content-Encoding": "snappy"})
    assert [signed_by(heard) for heard in service.heard] == ["AKID"]
    for wrong, words in ((None, "finds no AWS keys"), ("reader", "no AWS profile reader")):
        push = Push(retries=0, sigv4_region="us-east-1", sigv4_profile=wrong)
        with Delivery(target, push, name="a receiver") as delivery, pytest.raises(SinkError) as caught:
            delivery.send("POST", target, b"", {})
        assert words in caught.value.what
        assert "--push-sigv4-profile" in caught.value.cure


def test_a_role_is_taken_and_taken_again_before_it_ends(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, list[str]]] = []

    def roles(heard: Heard) -> tuple[int, bytes]:
        asked.append(parse_qs(heard.body.decode()))
        number = len(asked)
        # The first is over so soon that it must not be used twice.
        ends = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=5 if number == 1 else 60)
        return 200, (
            "<AssumeRoleResponse><AssumeRoleResult><Credentials>"
            f"<AccessKeyId>ROLE{number}</AccessKeyId><SecretAccessKey>secret{number}</SecretAccessKey>"
            f"<SessionToken>token{number}</SessionToken><Expiration>{ends:%Y-%m-%dT%H:%M:%SZ}</Expiration>"
            "</Credentials></AssumeRoleResult></AssumeRoleResponse>"
        ).encode()

    monkeypatch.setitem(KEYS, "ROLE1", "secret1")
    monkeypatch.setitem(KEYS, "ROLE2", "secret2")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEYS["AKID"])
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", serve(roles).url)
    service = serve(amazon)
    settings = HttpSettings(url=service.url, retries=0, sigv4_region="eu-west-1", sigv4_role_arn=ROLE)
    with Client(settings) as client:
        for _ in range(3):
            client.instant("x", 0)
    assert [signed_by(heard) for heard in service.heard] == ["ROLE1", "ROLE2", "ROLE2"]
    assert [form["RoleArn"] for form in asked] == [[ROLE], [ROLE]]


def test_a_role_that_may_not_be_taken(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    denied = (
        b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>canary</Message></Error></ErrorResponse>"
    )
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", serve(lambda _: (403, denied)).url)
    error = refused(AuthError, "http://127.0.0.1:1", sigv4_region="eu-west-1", sigv4_role_arn=ROLE)
    assert error.what == "AWS gave no keys for the role (AccessDenied)."
    assert "--sigv4-role-arn" in error.cure
    assert caplog.text == ""  # the library would warn with a traceback


def test_no_keys_and_no_profile() -> None:
    assert "--sigv4-region finds no AWS keys" in refused(UsageError, "http://p", sigv4_region="x").what
    error = refused(UsageError, "http://p", sigv4_region="x", sigv4_profile="nobody")
    assert error.what == "There is no AWS profile nobody."


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def test_google_tokens_are_renewed_before_they_end(
    serve: Serve, key: rsa.RSAPrivateKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    claims: list[Any] = []

    def tokens(heard: Heard) -> tuple[int, bytes]:
        (assertion,) = parse_qs(heard.body.decode())["assertion"]
        claims.append(google.auth.jwt.decode(assertion, certs=public))  # type: ignore[no-untyped-call]
        life = 60 if len(claims) == 1 else 3600
        return 200, json.dumps({"access_token": f"t{len(claims)}", "expires_in": life}).encode()

    token_service, service = serve(tokens), serve(lambda _: (200, GOOD))
    account = {
        "type": "service_account",
        "client_email": "reader@project.example",
        "private_key_id": "1",
        "private_key": key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode(),
        "token_uri": f"{token_service.url}/token",
        "project_id": "project",
    }
    (tmp_path / "account.json").write_text(json.dumps(account))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "account.json"))
    with Client(HttpSettings(url=service.url, retries=0, google=True)) as client:
        for _ in range(3):
            client.instant("x", 0)
    assert [heard.headers["authorization"] for heard in service.heard] == [
        "Bearer t1",
        "Bearer t2",
        "Bearer t2",
    ]
    assert {claim["scope"] for claim in claims} == {"https://www.googleapis.com/auth/monitoring.read"}
    token_service.answer = lambda _: (400, b'{"error": "invalid_grant", "error_description": "canary"}')
    error = refused(AuthError, service.url, google=True)
    assert error.what == "The token service of Google gave no token (RefreshError)."
    assert "monitoring.viewer" in error.cure


def test_google_without_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "nowhere.json"))
    error = refused(UsageError, "http://127.0.0.1:1", google=True)
    assert "GOOGLE_APPLICATION_CREDENTIALS" in error.cure


def test_azure_tokens_come_from_the_identity_of_the_machine(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = iter(range(1, 9))

    def tokens(heard: Heard) -> tuple[int, bytes]:
        number = next(given)
        ends = int(datetime.datetime.now(datetime.UTC).timestamp()) + (60 if number == 1 else 86_400)
        text = {"access_token": f"t{number}", "expires_on": str(ends), "token_type": "Bearer"}
        return 200, json.dumps({**text, "resource": "r", "client_id": "c"}).encode()

    token_service, service = serve(tokens), serve(lambda _: (200, GOOD))
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{token_service.url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "canary-5ecret")
    with Client(HttpSettings(url=service.url, retries=0, azure=True)) as client:
        for _ in range(3):
            client.instant("x", 0)
    assert [heard.headers["authorization"] for heard in service.heard] == [
        "Bearer t1",
        "Bearer t2",
        "Bearer t2",
    ]
    resource = parse_qs(urlsplit(token_service.heard[0].url).query)["resource"]
    assert resource == ["https://prometheus.monitor.azure.com"]
    token_service.answer = lambda _: (401, b'{"error": "canary-5ecret"}')
    error = refused(AuthError, service.url, azure=True)
    assert "canary" not in str(error)
    assert "Monitoring Data Reader" in error.cure


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"sigv4_region": "x", "bearer_token_file": "t"}, "--bearer-token-file and --sigv4-region"),
        ({"google": True, "azure": True}, "--google and --azure"),
        ({"sigv4_profile": "x"}, "--sigv4-profile and -role-arn need --sigv4-region"),
    ],
)
def test_contradictions(given: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        check(HttpSettings(url="http://p", **given))


@pytest.mark.parametrize(
    ("given", "package"),
    [
        ({"sigv4_region": "x"}, "botocore"),
        ({"google": True}, "google-auth"),
        ({"azure": True}, "azure-identity"),
    ],
)
def test_a_package_that_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], package: str
) -> None:
    monkeypatch.setattr(http, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=f"needs the package {package}") as caught:
        check(HttpSettings(url="http://p", **given))
    assert f"pip install {package} (the extra sci-batch[" in caught.value.cure
