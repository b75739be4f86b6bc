"""HTTP config files: what promtool takes and refuses, and what becomes of each key."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import trustme

from sci_batch.errors import UsageError
from sci_batch.prometheus import HttpSettings, http_config
from sci_batch.prometheus.auth import read_config
from sci_batch.prometheus.http_config_parts import Authorization, HttpConfig, Proxy, Secret
from sci_batch.prometheus.tls import context, trust
from sci_batch.prometheus.wires import proxies
from tests import servers

ROOT = Path(__file__).parents[2]
VERDICTS = json.loads((ROOT / "fixtures/http_config/verdicts.json").read_text())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that the verdicts' configurations name."""
    made = tmp_path_factory.mktemp("http-config")
    authority = trustme.CA()
    pair = authority.issue_cert("client.example")
    authority.cert_pem.write_to_path(made / "ca.pem")
    pair.cert_chain_pems[0].write_to_path(made / "cert.pem")
    pair.private_key_pem.write_to_path(made / "key.pem")
    (made / "secret").write_text("the-secret\n")
    return made


def _config(folder: Path, text: str) -> HttpConfig:
    file = folder / "http.yml"
    file.write_text(text)
    return http_config.load(str(file))


@pytest.mark.parametrize("case", VERDICTS, ids=[case["text"] for case in VERDICTS])
def test_we_take_what_promtool_takes_and_refuse_what_it_refuses(folder: Path, case: dict[str, Any]) -> None:
    def used() -> None:
        given = trust(HttpSettings(url="https://p"), _config(folder, case["text"]))
        given.stamp()
        context(given)

    if case.get("ours", case["promtool"]) == "takes":
        used()
    else:
        with pytest.raises(UsageError, match="--http-config-file"):
            used()


@pytest.mark.live
@pytest.mark.parametrize(
    "text",
    [
        "basic_auth: {username: a, password: b}",
        "basic_auth: {username: a, password: a, password_file: secret}",
        "authorization: {type: Basic, credentials: x}",
        "{authorization: {credentials: a}, basic_auth: {username: a}}",
        'oauth2: {client_id: a, client_secret: s, token_url: "http://x", proxy_url: "http://y"}',
        "tls_config: {min_version: TLS99}",
    ],
)
def test_the_installed_promtool_agrees(tmp_path: Path, text: str) -> None:
    job = {"job_name": "a", "static_configs": [{"targets": ["p:1"]}]}
    # It reads the login of a scrape by the same code.
    body = text.strip("{}") if text.startswith("{") else text
    config = tmp_path / "prometheus.yml"
    config.write_text(f"scrape_configs: [{{ {json.dumps(job)[1:-1]}, {body} }}]")
    command = [servers.binary("promtool"), "check", "config", "--syntax-only", str(config)]
    (tmp_path / "secret").write_text("x")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    (verdict,) = [case["promtool"] for case in VERDICTS if case["text"].startswith(text[:-1])][:1]
    assert (done.returncode == 0) == (verdict == "takes"), done.stderr


def test_older_bearer_keys(folder: Path) -> None:
    assert _config(folder, "bearer_token: tok").login == Authorization(
        type="Bearer", credentials=Secret(text="tok")
    )
    file = Secret(file=str(folder / "secret"))
    assert _config(folder, "bearer_token_file: secret").login == Authorization(
        type="Bearer", credentials=file
    )


def test_a_key_without_a_value_is_no_login(folder: Path) -> None:
    assert _config(folder, "basic_auth:\nbearer_token: t").login == Authorization(
        type="Bearer", credentials=Secret(text="t")
    )
    assert _config(folder, "basic_auth:").login is None


def test_tls_versions_below_the_least_are_raised_to_it(folder: Path) -> None:
    tls = _config(folder, "tls_config: {min_version: TLS10, max_version: TLS13}").tls
    assert (tls.min_version, tls.max_version) == ("TLS12", "TLS13")
    with pytest.raises(UsageError, match=r"max_version: TLS12 .* is the least"):
        _config(folder, "tls_config: {max_version: TLS11}")


@pytest.mark.parametrize(
    ("no_proxy", "url", "direct"),
    [
        ("prometheus.example", "https://prometheus.example/x", True),
        (".example", "https://prometheus.example", True),
        ("other.example, prometheus.example:9090", "http://prometheus.example:9090", True),
        ("prometheus.example:9091", "http://prometheus.example:9090", False),
        ("example.com", "https://prometheus.example", False),
        ("10.0.0.0/8", "http://10.1.2.3:9090", True),
        ("10.0.0.0/8", "http://11.1.2.3:9090", False),
        ("*", "http://anything", True),
    ],
)
def test_no_proxy(no_proxy: str, url: str, direct: bool) -> None:
    made = proxies(Proxy(url="http://proxy:3128", no_proxy=no_proxy), url)
    assert made == dict.fromkeys(("http", "https"), "" if direct else "http://proxy:3128")


def test_the_environments_proxy_can_be_switched_off() -> None:
    assert proxies(Proxy(), "http://p") == proxies(Proxy(from_environment=True), "http://p") == {}
    assert proxies(Proxy(from_environment=False), "http://p") == {"http": "", "https": ""}


def test_two_tenants_are_refused(folder: Path) -> None:
    (folder / "http.yml").write_text("http_headers: {x-scope-orgid: {values: [a]}}")
    with pytest.raises(UsageError, match="Two tenants"):
        read_config(HttpSettings(url="http://p", org_id="b", http_config_file=str(folder / "http.yml")))


def test_the_example_of_the_documents_is_taken_whole(folder: Path) -> None:
    text = (ROOT / "docs/access.md").read_text(encoding="utf-8")
    config = _config(folder, text.partition("```yaml\n")[2].partition("```")[0])
    assert config.tls.server_name == "prometheus.internal"
    assert config.proxy.connect_headers == (("X-Ticket", "abc"),)
    assert [header.name for header in config.headers] == ["X-Scope-OrgID", "X-Key"]
