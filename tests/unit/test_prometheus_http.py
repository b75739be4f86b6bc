"""Connection settings and the HTTP config file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sci_batch.errors import UsageError
from sci_batch.prometheus import http_config
from sci_batch.prometheus.auth import read_config
from sci_batch.prometheus.http import HttpSettings, check, parse_headers
from sci_batch.prometheus.http_config_parts import Authorization, BasicAuth, OAuth2, Proxy, Secret, Tls

CANARY = "canary-5ecret"


@pytest.mark.parametrize(
    ("url", "redacted", "login", "params"),
    [
        ("http://p:9090", "http://p:9090", None, ()),
        ("http://p:9090/", "http://p:9090", None, ()),
        ("https://p/prom/", "https://p/prom", None, ()),
        ("https://p/prom/api/v1", "https://p/prom", None, ()),
        ("https://p/prom/api/v1/query?dedup=true", "https://p/prom", None, (("dedup", "true"),)),
        (
            f"http://me:{CANARY}@[::1]:1/x?token={CANARY}",
            "http://[::1]:1/x",
            ("me", CANARY),
            (("token", CANARY),),
        ),
        ("http://a%40b:p%2Fw@p", "http://p", ("a@b", "p/w"), ()),
        ("http://p?empty=", "http://p", None, (("empty", ""),)),
    ],
)
def test_url_is_taken_apart(
    url: str, redacted: str, login: tuple[str, str] | None, params: tuple[tuple[str, str], ...]
) -> None:
    settings = HttpSettings(url=url, extra_params=(("more", "1"),))
    check(settings)
    assert settings.redacted_url == redacted
    assert settings.url_login == login
    assert settings.url_params == (*params, ("more", "1"))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "prometheus:9090",
        "http://",
        "ftp://p",
        f"me:{CANARY}@prometheus:9090",
        f"http://me:{CANARY}/x@p:9090",
        f"http://me:12/{CANARY}@p:9090",
        f"http://me:{CANARY}#x@p:9090",
        f"http://me:12#{CANARY}@p:9090",
        "http://p:99999",
        "http://p:0",
        f"http://[{CANARY}",
    ],
)
def test_bad_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        check(HttpSettings(url=url))
    assert "--prometheus-url" in str(caught.value)
    assert CANARY not in str(caught.value)


def test_repr_holds_no_secret() -> None:
    settings = HttpSettings(
        url=f"http://me:{CANARY}@p?token={CANARY}",
        headers=(("X-Key", CANARY),),
        extra_params=(("key", CANARY),),
    )
    assert CANARY not in repr(settings)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"bearer_token_file": "t", "basic_auth_file": "b"}, ("--bearer-token-file", "--basic-auth-file")),
        ({"url": "http://u:p@p", "basic_auth_file": "b"}, ("--prometheus-url", "--basic-auth-file")),
        ({"url": "http://u:p@p", "headers": (("authorization", "Bearer x"),)}, ("--header-file",)),
        ({"key_file": "k"}, ("--key-file needs --cert-file",)),
        (
            {"timeout_seconds": 0, "retries": -1, "concurrency": 0},
            ("--timeout", "--retries", "--concurrency"),
        ),
        ({"org_id": "a\nb"}, ("--org-id",)),
        ({"headers": (("A", "b\r\nEvil: 1"),)}, ("--header-file",)),
    ],
)
def test_contradictions_are_refused_together(given: dict[str, object], named: tuple[str, ...]) -> None:
    with pytest.raises(UsageError) as caught:
        check(HttpSettings(**{"url": "http://p", **given}))  # type: ignore[arg-type]
    assert caught.value.exit_code == 2
    for name in named:
        assert name in str(caught.value)


def test_headers_are_parsed() -> None:
    text = "# tenants\n\nX-Scope-OrgID: team-a\n  X-Time : 12:30 \nEmpty:\n"
    assert parse_headers(text) == (("X-Scope-OrgID", "team-a"), ("X-Time", "12:30"), ("Empty", ""))


@pytest.mark.parametrize("line", [CANARY, f"bad name: {CANARY}", f": {CANARY}", f"X: {CANARY}\N{EURO SIGN}"])
def test_wrong_header_line_is_named_by_number_only(line: str) -> None:
    with pytest.raises(UsageError, match="Line 3 ") as caught:
        parse_headers(f"# first\nGood: 1\n{line}\n")
    assert CANARY not in str(caught.value)


def _config(tmp_path: Path, text: str) -> str:
    file = tmp_path / "http.yml"
    file.write_text(text)
    return str(file)


def test_config_basic_auth_with_files_beside_it(tmp_path: Path) -> None:
    config = http_config.load(
        _config(
            tmp_path,
            """
            basic_auth: {username: '0123', password_file: secrets/pw}
            tls_config: {ca_file: /etc/ca.pem, cert_file: c.pem, key_file: k.pem, insecure_skip_verify: true}
            proxy_url: http://proxy:3128
            http_headers:
              X-Team: {values: [a, b], secrets: [s], files: [f]}
            """,
        )
    )
    assert config.login == BasicAuth(
        username=Secret(text="0123"), password=Secret(file=str(tmp_path / "secrets/pw"))
    )
    assert config.tls == Tls(
        ca_file="/etc/ca.pem",
        cert_file=str(tmp_path / "c.pem"),
        key_file=str(tmp_path / "k.pem"),
        insecure_skip_verify=True,
    )
    assert config.proxy == Proxy(url="http://proxy:3128")
    (header,) = config.headers
    assert header.name == "X-Team"
    assert header.values == (
        Secret(text="a"),
        Secret(text="b"),
        Secret(text="s"),
        Secret(file=str(tmp_path / "f")),
    )


def test_config_text_password_is_no_number(tmp_path: Path) -> None:
    config = http_config.load(_config(tmp_path, "basic_auth: {username: u, password: 0123}"))
    assert isinstance(config.login, BasicAuth)
    assert config.login.password.text == "0123"  # YAML 1.1 would read the octal number 83


def test_config_authorization_and_oauth2(tmp_path: Path) -> None:
    config = http_config.load(_config(tmp_path, f"authorization: {{credentials: {CANARY}}}"))
    assert config.login == Authorization(type="Bearer", credentials=Secret(text=CANARY))
    assert CANARY not in repr(config)
    config = http_config.load(
        _config(
            tmp_path,
            f"""
            oauth2:
              client_id: me
              client_secret: {CANARY}
              token_url: https://login/token
              scopes: [metrics.read]
              endpoint_params: {{audience: prom}}
            """,
        )
    )
    assert config.login == OAuth2(
        client_id="me",
        client_secret=Secret(text=CANARY),
        token_url="https://login/token",
        scopes=("metrics.read",),
        endpoint_params=(("audience", "prom"),),
    )
    assert CANARY not in repr(config)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("basic_auht: {}", ("basic_auht", "did you mean basic_auth?")),
        ("tls_config: {ca_fle: x}", ("tls_config.ca_fle", "did you mean ca_file?")),
        ("follow_redirects: true", ("follow redirects, which never happens",)),
        (
            "basic_auth: {username: u, password: p}\nauthorization: {credentials: c}",
            ("two logins", "basic_auth and authorization"),
        ),
        ("basic_auth: {password: p, password_file: f}", ("both basic_auth.password and",)),
        ("authorization: {type: Basic, credentials: c}", ("use basic_auth",)),
        ("authorization: {type: Bearer}", ("needs authorization.credentials",)),
        ("oauth2: {client_id: a}", ("needs oauth2.client_id",)),
        ("oauth2: {client_id: a, client_secret: s, token_url: login}", ("oauth2.token_url",)),
        ("tls_config: {insecure_skip_verify: perhaps}", ("true or false",)),
        ("tls_config: {cert_file: c}", ("both cert(_file) and key(_file)",)),
        ("http_headers: {X: {values: a}}", ("list of texts at http_headers.X.values",)),
        ("- a\n- b", ("no mapping at its top",)),
        (f"basic_auth: {{password: '{CANARY}", ("not YAML", "line 1")),
        (f"{CANARY}: 1", ("unknown key (not shown)",)),
    ],
)
def test_config_faults(tmp_path: Path, text: str, words: tuple[str, ...]) -> None:
    path = _config(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        http_config.load(path)
    message = str(caught.value)
    for word in (*words, path, "--http-config-file"):
        assert word in message
    assert CANARY not in message


def test_missing_config_names_flag_and_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--http-config-file .*nowhere\.yml cannot be read: No such file"):
        http_config.load(str(tmp_path / "nowhere.yml"))


def test_config_login_beside_a_flag_is_refused(tmp_path: Path) -> None:
    text = "authorization: {credentials: c}"
    settings = HttpSettings(url="http://p", bearer_token_file="t", http_config_file=_config(tmp_path, text))
    with pytest.raises(UsageError, match="Two logins") as caught:
        read_config(settings)
    assert "--bearer-token-file" in str(caught.value)
    assert "--http-config-file" in str(caught.value)


def test_settings_import_nothing_heavy() -> None:
    code = (
        "import sys; from sci_batch.prometheus import HttpSettings, check, parse_headers\n"
        "check(HttpSettings(url='http://p'))\n"
        "print(sorted({'requests', 'urllib3', 'numpy', 'pandas', 'pyarrow', 'yaml'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
