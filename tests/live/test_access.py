"""A real Prometheus behind TLS and a login, asked through the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme

from sci_batch.cli.main import main
from sci_batch.errors import AuthError
from sci_batch.prometheus import Client, HttpSettings
from tests import servers

pytestmark = pytest.mark.live
HASH = "$2b$04$f8w6PMaZN9t.KZi7dCaZLOswEJsS6GIK.5/HgrPS3oB1PmS.rZtJa"
"""bcrypt of "secret", cost 4."""


@dataclass(frozen=True, slots=True)
class Guarded:
    """The server and its papers. It reads `web.yml` again at each connection and each request."""

    url: str
    folder: Path

    def rule(self, user: str, **tls: Any) -> None:
        """Who is let in from now on."""
        files = {"cert_file": "server.pem", "key_file": "server.key", **tls}
        text = json.dumps({"tls_server_config": files, "basic_auth_users": {user: HASH}})
        (self.folder / "new").write_text(text)
        (self.folder / "new").replace(self.folder / "web.yml")

    def __getitem__(self, name: str) -> str:
        return str(self.folder / name)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("guarded")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    for name, pair in {
        "server": authority.issue_cert("127.0.0.1"),
        "client": authority.issue_cert("reader@example.org"),
    }.items():
        pair.cert_chain_pems[0].write_to_path(folder / f"{name}.pem")
        pair.private_key_pem.write_to_path(folder / f"{name}.key")
    Guarded("", folder).rule("reader")
    (folder / "password").write_text("secret\n")
    (folder / "wrong").write_text("canary-5ecret\n")
    access = servers.Access(basic_auth=("reader", "secret"), ca_file=folder / "ca.pem")
    with servers.prometheus(web_config=folder / "web.yml", access=access) as server:
        yield Guarded(server.url, folder)


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PROMETHEUS_URL"):
        monkeypatch.delenv(name, raising=False)


def config(guarded: Guarded, name: str = "password", **tls: str) -> str:
    given = {"basic_auth": {"username": "reader", "password_file": name}}
    file = guarded.folder / "http.yml"
    file.write_text(json.dumps({**given, "tls_config": {"ca_file": "ca.pem", **tls}}))
    return str(file)


def compute(url: str, *flags: str) -> int:
    usual = ("--since", "1h", "--intensity", "380", "--retries", "0", "-q", "-o", "csv")
    return main(["compute", "-p", url, *usual, *flags])


def test_the_login_of_an_http_config_file(guarded: Guarded, capsys: pytest.CaptureFixture[str]) -> None:
    assert compute(guarded.url, "--http-config-file", config(guarded)) == 4  # let in, and there is no Kepler
    assert "no metrics of Kepler" in capsys.readouterr().err
    assert compute(guarded.url, "--http.config.file", config(guarded, "wrong")) == 6
    told = capsys.readouterr()
    assert "refused access (HTTP 401" in told.err
    assert "--http-config-file" in told.err
    assert "canary" not in told.err + told.out


def test_what_is_wrong_with_the_way_is_told(guarded: Guarded, capsys: pytest.CaptureFixture[str]) -> None:
    login = ("--basic-auth-file", guarded["login"])
    (guarded.folder / "login").write_text("reader:secret")
    trusting = ("--ca-file", guarded["ca.pem"])
    for url, flags, words in (
        (guarded.url, (), "unable to get local issuer certificate"),
        (guarded.url.replace("https", "http"), trusting, "Use https:// in -p/--prometheus-url."),
        (guarded.url.replace("127.0.0.1", "localhost"), trusting, "is not valid for 'localhost'"),
    ):
        assert compute(url, *login, *flags) == 7
        assert words in capsys.readouterr().err
    assert compute(guarded.url, *login, *trusting) == 4
    assert compute(guarded.url, *login, "--insecure-skip-verify") == 4


def test_a_password_that_is_replaced_in_the_middle_of_a_run(guarded: Guarded) -> None:
    login = guarded.folder / "login"
    login.write_text("reader:secret")
    settings = HttpSettings(url=guarded.url, retries=0, basic_auth_file=str(login), ca_file=guarded["ca.pem"])
    try:
        with Client(settings) as client:
            client.instant("up", 0)
            guarded.rule("next-reader")
            with pytest.raises(AuthError):
                client.instant("up", 0)
            login.write_text("next-reader:secret")
            client.instant("up", 0)
    finally:
        guarded.rule("reader")


def test_a_client_certificate_is_asked_for(guarded: Guarded, capsys: pytest.CaptureFixture[str]) -> None:
    pair = {"cert_file": "client.pem", "key_file": "client.key"}
    try:
        guarded.rule("reader", client_auth_type="RequireAndVerifyClientCert", client_ca_file="ca.pem")
        assert compute(guarded.url, "--http-config-file", config(guarded, **pair)) == 4
        assert compute(guarded.url, "--http-config-file", config(guarded)) == 6
        assert "--cert-file and --key-file" in capsys.readouterr().err
    finally:
        guarded.rule("reader")
