"""OAuth2 client credentials (RFC 6749, section 4.4): a secret for a token, kept until it ends."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus, urlsplit

import requests
from requests.auth import AuthBase

from sci_batch.errors import AuthError, SourceError
from sci_batch.prometheus.http import CONNECT_TIMEOUT_SECONDS, SHORTEST_KEY_IN_URL
from sci_batch.prometheus.http_config_parts import FLAG, OAuth2
from sci_batch.prometheus.problems import TransientError, clean
from sci_batch.prometheus.tls import Trust
from sci_batch.prometheus.transport import reason
from sci_batch.prometheus.wires import Wires, proxies

_EARLY_SECONDS = 30.0  # a token must outlive the request that carries it
_UNKNOWN_LIFE_SECONDS = 300.0


class TokenSource:
    """Fetches tokens and keeps the latest; safe for threads."""

    def __init__(self, timeout_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._timeout = (min(CONNECT_TIMEOUT_SECONDS, timeout_seconds), timeout_seconds)
        self._clock = clock
        self._wires = Wires()
        self._lock = threading.Lock()
        self._known: tuple[OAuth2, str] | None = None
        self._token = ""
        self._ends = 0.0

    def token(self, oauth: OAuth2, secret: str) -> str:
        """A token that is still good for a while.

        Raises
        ------
        AuthError
            The token service refused the client.
        TransientError
            It could not be reached, or failed on its side.
        """
        with self._lock:
            if self._known != (oauth, secret) or self._clock() >= self._ends:
                answer = _fetch(oauth, secret, self._wires, self._timeout)
                self._token = str(answer["access_token"])
                life = _seconds(answer.get("expires_in"))
                # Half its life at least: a very short token is still used more than once.
                self._ends = self._clock() + max(life - _EARLY_SECONDS, life / 2)
                self._known = (oauth, secret)
            return self._token

    def forget(self) -> None:
        """Have the next token fetched anew."""
        with self._lock:
            self._known = None


def _seconds(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        return _UNKNOWN_LIFE_SECONDS


class _ClientAuth(AuthBase):
    """Client id and secret as basic authentication, or nothing; either way no `.netrc`."""

    def __init__(self, header: str | None) -> None:
        self._header = header

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._header is not None:
            request.headers["Authorization"] = self._header
        return request


def _fetch(oauth: OAuth2, secret: str, wires: Wires, timeout: tuple[float, float]) -> dict[str, Any]:
    form = [("grant_type", "client_credentials"), *oauth.endpoint_params]
    if oauth.scopes:
        form.append(("scope", " ".join(oauth.scopes)))
    pair = f"{quote_plus(oauth.client_id)}:{quote_plus(secret)}".encode()
    header = f"Basic {base64.b64encode(pair).decode('ascii')}"
    response = _post(oauth, form, header, wires, timeout)
    if response.status_code in (400, 401):
        # Some services want the client in the form: RFC 6749, section 2.3.1.
        whole = [*form, ("client_id", oauth.client_id), ("client_secret", secret)]
        response = _post(oauth, whole, None, wires, timeout)
    try:
        answer = response.json()
    except (ValueError, RecursionError):
        answer = {}
    if response.status_code == 200 and isinstance(answer, dict) and answer.get("access_token"):
        return answer
    raise _refused(oauth, response.status_code, answer, secret)


def _post(
    oauth: OAuth2,
    form: list[tuple[str, str]],
    header: str | None,
    wires: Wires,
    timeout: tuple[float, float],
) -> requests.Response:
    session = wires.session(Trust(tls=oauth.tls), oauth.proxy)
    try:
        return session.post(
            oauth.token_url,
            data=form,
            auth=_ClientAuth(header),
            timeout=timeout,
            proxies=proxies(oauth.proxy, oauth.token_url),
            allow_redirects=False,
        )
    except requests.RequestException as failed:
        # Words of a request that could not be built may hold the proxy's login.
        known = isinstance(failed, requests.exceptions.SSLError)
        words = reason(failed) if known else type(failed).__name__
        raise TransientError(
            SourceError(
                f"Cannot reach the token service at {_redacted(oauth.token_url)} ({words}).",
                f"Check oauth2.token_url and oauth2.tls_config in {FLAG}.",
            )
        ) from None


def _refused(oauth: OAuth2, status: int, answer: object, secret: str) -> Exception:
    word = answer.get("error", "") if isinstance(answer, dict) else ""
    said = clean(str(word))
    parameters = [value for _, value in oauth.endpoint_params if len(value) >= SHORTEST_KEY_IN_URL]
    for hidden in (secret, *parameters):
        said = said.replace(hidden, "***")
    what = f"The token service at {_redacted(oauth.token_url)} gave no token (HTTP {status}"
    what += f", {said})." if said else ")."
    cure = f"Check oauth2.client_id, client_secret(_file), scopes and token_url in {FLAG}."
    if status >= 500 or status == 429:
        return TransientError(SourceError(what, cure))
    return AuthError(what, cure)


def _redacted(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
