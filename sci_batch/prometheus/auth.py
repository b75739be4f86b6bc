"""What one request carries to prove who asks; secret files are read at that moment.

Kubernetes rotates mounted tokens, so nothing read here is kept, except OAuth2 tokens until they end.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, quote_plus
from urllib.request import getproxies_environment

import requests
from requests.auth import AuthBase
from requests.utils import get_auth_from_url

from sci_batch.errors import UsageError
from sci_batch.prometheus import http_config
from sci_batch.prometheus.cloud import Identity, Proof
from sci_batch.prometheus.http import SHORTEST_KEY_IN_URL, TENANT, HttpSettings, given_logins, is_header
from sci_batch.prometheus.http_config_parts import FLAG, Authorization, BasicAuth, HttpConfig, OAuth2, Secret
from sci_batch.prometheus.oauth import TokenSource

_SHORTEST_SECRET = 4  # hiding shorter ones would only blank out innocent words


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Headers of one request, and the texts in them that no message may show."""

    headers: tuple[tuple[str, str], ...] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    proof: Proof | None = field(default=None, repr=False)
    """Of a cloud, made from the whole request."""

    @property
    def auth(self) -> HeaderAuth:
        """What `requests` asks to complete the request."""
        return HeaderAuth(self.headers, self.proof)

    def hide(self, text: str) -> str:
        """Blank out every secret in a text that came from outside."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            if len(secret) >= _SHORTEST_SECRET:
                text = text.replace(secret, "***")
        return text


class HeaderAuth(AuthBase):
    """Sets the headers. Its mere presence keeps `requests` from sending a login of `.netrc`."""

    def __init__(self, headers: Iterable[tuple[str, str]], proof: Proof | None = None) -> None:
        self._headers = dict(headers)
        self._proof = proof

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the headers to a request about to be sent."""
        request.headers.update(self._headers)
        if self._proof is not None:
            self._proof.prove(request)
        return request


def read_config(settings: HttpSettings) -> HttpConfig:
    """Read the HTTP config file, if any, and refuse a second login beside its own.

    Raises
    ------
    UsageError
        See `http_config.load`; or two logins.
    """
    config = http_config.load(settings.http_config_file) if settings.http_config_file else HttpConfig()
    logins = given_logins(settings)
    if config.login is not None:
        logins.append(FLAG)
    if len(logins) > 1:
        raise UsageError(f"Two logins are given at once ({' and '.join(logins)}).", "Keep one of them.")
    if settings.org_id is not None and any(
        header.name.lower() == TENANT.lower() for header in config.headers
    ):
        raise UsageError(
            f"Two tenants are given ({settings.flags}org-id and {TENANT} in {FLAG}).", "Keep one of them."
        )
    return config


def credentials(
    settings: HttpSettings, config: HttpConfig, tokens: TokenSource, identity: Identity
) -> Credentials:
    """Put together the headers of one request.

    Raises
    ------
    UsageError
        A secret file is missing, unreadable, empty or unfit for a header; names flag and file. Or a cloud
        knows no identity here.
    AuthError, TransientError
        The token service refused, or did not answer.
    """
    headers: dict[str, str] = {}
    secrets = [value for _, value in settings.url_params if len(value) >= SHORTEST_KEY_IN_URL]
    secrets += [quote_plus(value) for value in secrets]  # VictoriaMetrics repeats the whole URL
    if settings.org_id is not None:
        headers[TENANT] = settings.org_id
    for header in config.headers:
        values = [_resolve(value, FLAG) for value in header.values]
        headers[header.name] = ", ".join(values)
        secrets += values
    for name, value in settings.free_headers():
        headers[name] = value
        secrets += [value, value.rpartition(" ")[2]]
    secrets += _proxy_passwords(config)
    login = _login(settings, config, tokens)
    if login is not None:
        headers["Authorization"], hidden = login
        secrets += hidden
    for name, value in headers.items():
        if not is_header(name, value):
            raise UsageError(
                f"The header {name!r} holds a line break or a character that HTTP cannot carry.",
                "Correct its value or the file it comes from; nothing of it is shown here.",
            )
    proof = identity.proof()
    secrets += () if proof is None else proof.secrets
    return Credentials(headers=tuple(headers.items()), secrets=tuple(secrets), proof=proof)


def read_secret(path: str, flag: str) -> str:
    """Text of a secret file without surrounding white space.

    Raises
    ------
    UsageError
        Naming flag and file, never the content.
    """
    try:
        text = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as failed:
        reason = getattr(failed, "strerror", None) or "not UTF-8 text"
        raise UsageError(f"The file {path} of {flag} cannot be read: {reason}.", f"Check {flag}.") from None
    if not text:
        raise UsageError(f"The file {path} of {flag} is empty.", f"Check {flag}.")
    if len(text.splitlines()) > 1:
        raise UsageError(f"The file {path} of {flag} has more than one line.", f"Check {flag}.")
    return text


def _login(
    settings: HttpSettings, config: HttpConfig, tokens: TokenSource
) -> tuple[str, tuple[str, ...]] | None:
    if settings.bearer_token_file is not None:
        token = read_secret(settings.bearer_token_file, f"{settings.flags}bearer-token-file")
        return _with_scheme("Bearer", token)
    if settings.basic_auth_file is not None:
        return _basic(*_user_and_password(settings.basic_auth_file, f"{settings.flags}basic-auth-file"))
    if settings.url_login is not None:
        return _basic(*settings.url_login)
    match config.login:
        case BasicAuth(username=username, password=password):
            return _basic(_resolve(username, FLAG), _resolve(password, FLAG))
        case Authorization(type=scheme, credentials=secret):
            return _with_scheme(scheme, _resolve(secret, FLAG))
        case OAuth2() as oauth:
            secret_text = _resolve(oauth.client_secret, FLAG)
            value, hidden = _with_scheme("Bearer", tokens.token(oauth, secret_text))
            return value, (*hidden, secret_text)
    return None


def _proxy_passwords(config: HttpConfig) -> list[str]:
    """A proxy may repeat its login in a refusal."""
    found = [value.rpartition(" ")[2] for _, value in config.proxy.connect_headers]
    for url in (config.proxy.url, *getproxies_environment().values()):
        user, password = get_auth_from_url(url or "")
        if password:
            found += [password, quote(password), _basic(user, password)[1][0]]
    return found


def _resolve(secret: Secret, flag: str) -> str:
    if secret.file is not None:
        return read_secret(secret.file, flag)
    return secret.text or ""


def _user_and_password(path: str, flag: str) -> tuple[str, str]:
    user, colon, password = read_secret(path, flag).partition(":")
    if not colon:
        raise UsageError(f"The file {path} of {flag} is not 'user:password'.", "Add the colon.")
    return user, password


def _with_scheme(scheme: str, token: str) -> tuple[str, tuple[str, ...]]:
    return f"{scheme} {token}", (token,)


def _basic(user: str, password: str) -> tuple[str, tuple[str, ...]]:
    encoded = base64.b64encode(f"{user}:{password}".encode()).decode("ascii")
    return f"Basic {encoded}", (encoded, password)
