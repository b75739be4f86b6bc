"""A word that must appear nowhere is put wherever a secret can be given; then everything is searched."""

from __future__ import annotations

import base64
import json
import logging
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyarrow.parquet as pq
import pytest
import requests

from sci_batch.cli.main import main
from sci_batch.prometheus import problems, session
from sci_batch.sinks import delivery
from tests.live.cluster import served, small
from tests.simulator import simulate

pytestmark = pytest.mark.live
CANARY = "Canary5ecret"
USERS = ("me", "proxy", "client")
FORMS = (
    CANARY,
    *(
        base64.b64encode(f"{user}:{CANARY}".encode()).decode().rstrip("=")
        for user in ("me", "proxy", "client")
    ),
)
FORWARDED = ("content-type", "accept-encoding")
LOGINS = ("url", "bearer", "basic", "header", "config", "oauth2", "aws")
FAILURES = ("refused", "busy", "page", "proxy", "unreachable", "tls", "bug")
EXIT_CODES = {"refused": 6, "busy": 7, "page": 6, "proxy": 7, "unreachable": 7, "tls": 7, "bug": 1}


@dataclass(slots=True)
class Guard:
    """A proxy, a token service and two servers to publish to in one; its refusals repeat all secrets."""

    prometheus: str
    port: int = 0
    mood: str = "kind"
    logins: set[str] = field(default_factory=set)
    published: list[tuple[str, bool]] = field(default_factory=list)
    """Path, and whether a login came with it."""

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, str, bytes]:
        parts = urlsplit(path)
        told = f"{path} {headers} {body.decode('latin-1')}".encode()
        if headers.get("proxy-authorization") != f"Basic {_base64('proxy')}":
            return 407, "text/plain", told
        if parts.hostname == "login.invalid":
            assert parse_qs(body.decode())["audience"] == [CANARY]
            return 200, "application/json", json.dumps({"access_token": CANARY, "expires_in": 600}).encode()
        login = headers.get("authorization", "")
        if parts.hostname == "push.invalid":
            self.published.append((parts.path, CANARY in login and CANARY in headers["x-key"]))
            return (200, "text/plain", b"") if self.mood == "kind" else (400, "text/plain", told)
        self.logins.add(login)
        if self.mood != "kind":
            status = {"refused": 401, "busy": 503, "page": 200}[self.mood]
            kind = "text/html" if self.mood == "page" else "text/plain"
            return status, kind, b"<title>Login " + told + b"</title>" if self.mood == "page" else told
        assert parse_qs(parts.query)["key"] == [CANARY]
        assert headers["x-key"] == CANARY
        kept = {name: headers[name] for name in FORWARDED if name in headers}
        call = requests.post if body else requests.get
        there = call(f"{self.prometheus}{parts.path}", data=body, headers=kept, timeout=30)
        return there.status_code, there.headers["Content-Type"], there.content


def _base64(user: str) -> str:
    return base64.b64encode(f"{user}:{CANARY}".encode()).decode()


@pytest.fixture(scope="module")
def guard() -> Iterator[Guard]:
    with served(simulate(small())) as url:
        yield from _guard(url)


def _guard(prometheus: str) -> Iterator[Guard]:
    made = Guard(prometheus)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, kind, text = made.answer(self.path, headers, body)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_PUT = do_POST

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - name of the base class
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made.port = int(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def secrets(guard: Guard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every secret that goes beside a login, in the environment or in a file."""
    for name in [*os.environ]:
        if name.startswith(("SCI_BATCH_", "PROMETHEUS_URL", "AWS_")) or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)
    folder = tmp_path / "secrets"
    folder.mkdir()
    for name, text in {
        "word": CANARY,
        "basic": f"me:{CANARY}",
        "headers": f"X-Key: {CANARY}",
        "login-header": f"Authorization: Bearer {CANARY}",
    }.items():
        (folder / name).write_text(text)
    monkeypatch.setenv("HTTP_PROXY", f"http://proxy:{CANARY}@127.0.0.1:{guard.port}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("SCI_BATCH_HEADERS", f"X-Key: {CANARY}")
    monkeypatch.setenv("SCI_BATCH_PUSH_BEARER_TOKEN_FILE", str(folder / "word"))
    monkeypatch.setenv("SCI_BATCH_PUSH_HEADERS", f"X-Key: {CANARY}")
    monkeypatch.setenv("SCI_BATCH_EXTRA_PARAM", f"more={CANARY}")
    monkeypatch.setenv("SCI_BATCH_RETRIES", "1")
    for module in (problems, delivery):  # a second try, which is logged, and no waiting for it
        monkeypatch.setattr(module, "wait_seconds", lambda *_: 0.0)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", CANARY)
    monkeypatch.setenv("AWS_SESSION_TOKEN", CANARY)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return folder


def log_in(
    kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch, place: str = "http://p.invalid"
) -> list[str]:
    """Flags of one login; what stands in the address goes through the environment."""
    scheme, _, host = place.partition("://")
    login = f"me:{CANARY}@" if kind == "url" else ""
    monkeypatch.setenv("SCI_BATCH_PROMETHEUS_URL", f"{scheme}://{login}{host}/?key={CANARY}")
    config = folder / "http.yml"
    match kind:
        case "bearer":
            return ["--bearer-token-file", str(folder / "word")]
        case "basic":
            return ["--basic-auth-file", str(folder / "basic")]
        case "header":
            return ["--header-file", str(folder / "login-header")]
        case "config":
            config.write_text(
                f"{{bearer_token: {CANARY}, http_headers: {{X-More: {{secrets: [{CANARY}]}}}}}}"
            )
            return ["--http-config-file", str(config)]
        case "oauth2":
            token_url = f"http://me:{CANARY}@login.invalid/token?k={CANARY}"
            given = {"client_id": "client", "client_secret": CANARY, "token_url": token_url}
            config.write_text(json.dumps({"oauth2": {**given, "endpoint_params": {"audience": CANARY}}}))
            return ["--http-config-file", str(config)]
        case "aws":
            return ["--sigv4-region", "eu-west-1"]
    return []


def seen(folder: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> str:
    """Everything that was printed, logged, or written below the folder, as one text."""
    printed = capsys.readouterr()
    whole = [printed.out, printed.err, caplog.text, *(str(vars(record)) for record in caplog.records)]
    for file in sorted(folder.rglob("*")):
        whole.append(str(file))
        if file.is_file():
            whole.append(file.read_bytes().decode("latin-1"))
        if file.suffix == ".parquet":  # its pages are compressed
            table = pq.read_table(file)
            whole += [str(table.schema.metadata), str(table.to_pydict())]
    return "\n".join(whole)


def free_of_secrets(text: str) -> None:
    for form in FORMS:
        where = text.find(form)
        assert where < 0, text[max(0, where - 300) : where + 100]


@pytest.mark.parametrize("kind", LOGINS)
def test_nothing_that_is_made_holds_a_secret(
    guard: Guard,
    secrets: Path,
    kind: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    guard.mood, guard.logins, guard.published = "kind", set(), []
    login = log_in(kind, secrets, monkeypatch)
    out = tmp_path / "out"
    out.mkdir()
    begin = small().start + 3600
    flags = [*login, "--start", str(begin), "--end", str(begin + 3600), "--intensity", "380"]
    outputs = [f"csv={out}/result.csv", f"json={out}/result.json"]
    if kind == LOGINS[0]:  # what is made does not know the way in: once is enough
        outputs += [
            *(f"{name}={out}/result.{name}" for name in ("parquet", "html", "markdown", "sci-yaml")),
            *(f"{name}={out}/result.{name}" for name in ("openmetrics", "junit")),
            f"impact-framework={out}/if.yaml",
            f"pushgateway=http://push.invalid/?key={CANARY}",
            f"remote-write=http://push.invalid/api/v1/write?key={CANARY}",
        ]
    files = [word for output in outputs for word in ("-o", output)]
    schedule = ["--state", f"{out}/state.json", "--health-file", f"{out}/health.json"]
    checks = ["--fail-on", "operational_gco2e>1e9", "--verbose"]
    assert main(["compute", *flags, *files, *schedule, *checks]) == 0
    assert main(["config", "show", *flags, *files]) == 0
    if kind == LOGINS[0]:
        assert main(["record", *flags[:-2], "--out", f"{out}/recording"]) == 0
        assert main(["doctor", *flags, *files, "-o", "json"]) in (0, 5)
        assert main(["explain", "web", *flags]) in (0, 2)
        assert main(["queries", *flags[:-2]]) == 0
    assert guard.logins
    assert all(CANARY in login or FORMS[1] in login or "AWS4" in login for login in guard.logins)
    assert len(guard.published) >= 2 or kind != LOGINS[0]
    assert all(with_login for _, with_login in guard.published)
    text = seen(out, capsys, caplog)
    assert '"provenance"' in text  # the files are there
    free_of_secrets(text)


@pytest.mark.parametrize("failure", FAILURES)
def test_no_failure_tells_a_secret(
    guard: Guard,
    secrets: Path,
    failure: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    guard.mood = failure if failure in ("refused", "busy", "page") else "kind"
    place = "http://p.invalid"
    match failure:
        case "proxy":
            place = "https://p.invalid"  # it knows no tunnels
            monkeypatch.setenv("HTTPS_PROXY", os.environ["HTTP_PROXY"])
        case "unreachable":
            place = "http://127.0.0.1:1"
        case "tls":
            place = f"https://127.0.0.1:{guard.port}"
        case "bug":
            monkeypatch.setattr(session, "_outcome", _bug)
    out = tmp_path / "out"
    out.mkdir()
    for number, kind in enumerate(LOGINS if failure == "refused" else ("url", "config")):
        form = ("text", "json")[number % 2]
        flags = [*log_in(kind, secrets, monkeypatch, place), "--since", "1h", "--intensity", "380"]
        more = ["--log-format", form, "--health-file", f"{out}/{kind}.json", "--verbose"]
        assert main(["compute", *flags, "-o", f"csv={out}/result.csv", *more]) == EXIT_CODES[failure]
    main(["doctor", *log_in("url", secrets, monkeypatch, place), "--intensity", "380"])
    assert not (out / "result.csv").exists()
    text = seen(out, capsys, caplog)
    assert "exit_code" in text
    free_of_secrets(text)


def _bug(answer: Any, asked: Any, login: Any, read: Any) -> Any:
    raise ZeroDivisionError("a bug")


def test_a_refused_push_tells_no_secret(
    guard: Guard,
    secrets: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    guard.mood = "refused"
    stored = tmp_path / "result.json"
    assert (
        main(["compute", "--demo", "--since", "1h", "--group-by", "namespace", "-o", f"json={stored}"]) == 0
    )
    for target in (
        f"remote-write=http://push.invalid/api/v1/write?key={CANARY}",
        f"pushgateway=http://push.invalid/?key={CANARY}",
        f"remote-write=http://127.0.0.1:1/?key={CANARY}",
        f"remote-write=https://127.0.0.1:{guard.port}/?key={CANARY}",
    ):
        assert main(["push", "--from", str(stored), "-o", target]) == 8
    monkeypatch.delenv("SCI_BATCH_PUSH_BEARER_TOKEN_FILE")
    assert main(["push", "--from", str(stored), "-o", f"pushgateway=http://me:{CANARY}@push.invalid"]) == 8
    (secrets / "basic").write_text(CANARY)
    monkeypatch.setenv("SCI_BATCH_PUSH_BASIC_AUTH_FILE", str(secrets / "basic"))
    assert main(["push", "--from", str(stored), "-o", "pushgateway=http://push.invalid"]) == 8
    free_of_secrets(seen(tmp_path / "out", capsys, caplog))
