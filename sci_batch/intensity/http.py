"""Requests to the servers of grid data: one session, retries, no secrets in words, no redirects."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import requests

from sci_batch import __version__
from sci_batch.errors import AuthError, SourceError, UsageError
from sci_batch.intensity.frame import RejectedError, Request
from sci_batch.prometheus.auth import HeaderAuth, read_secret
from sci_batch.prometheus.problems import clean, retry_after_seconds

CONNECT_SECONDS, READ_SECONDS = 10.0, 60.0
RETRIES = 4
_LONGEST_WAIT_SECONDS = 60.0
_PASSING = (408, 425, 429, 500, 502, 503, 504)
_LOGIN = (401, 403, 407)

log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Api:
    """One server of grid data; use it in a `with` block.

    Parameters
    ----------
    name
        What to call it in messages.
    url
        Base address.
    request
        Whether it may be called at all, and the session to use.
    login
        How to repair a refused login.
    where
        How to repair a wrong address.
    secrets
        Texts that must not be shown, should the server repeat them.
    """

    name: str
    url: str
    request: Request
    login: str = "It should need no login: check proxies."
    where: str = ""
    secrets: tuple[str, ...] = ()
    _session: requests.Session | None = field(default=None, init=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            self._session.close()

    def get(
        self, path: str, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> bytes:
        """The body of a 200.

        Raises
        ------
        UsageError
            `--offline`.
        AuthError
            401, 403, 407.
        RejectedError
            Another 4xx, or a redirection.
        SourceError
            Not reached, or 429 and 5xx to the end.
        """
        if self.request.offline:
            raise UsageError(
                f"{self.name} would be called, and --offline is given",
                "Fetch the figures where there is a network (`sci-batch factors fetch --out ci.parquet`) "
                "and give --intensity file:ci.parquet; or leave out --offline.",
            )
        tried = 0
        while True:
            answer = self._once(path, params or {}, headers or {})
            if isinstance(answer, bytes):
                return answer
            tried += 1
            error, wait = answer
            if wait is None or tried > RETRIES:
                raise error
            seconds = wait if wait >= 0 else _backoff(tried)
            log.info("Trying again in %.1f s. %s", seconds, error.what)
            self.request.sleep(seconds)

    def json(self, body: bytes) -> Any:
        """The decoded body.

        Raises
        ------
        SourceError
            Not JSON, as the page of a proxy.
        """
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise self.broken("it is not JSON") from None

    def broken(self, why: str) -> SourceError:
        """An answer that cannot be understood."""
        return SourceError(f"{self.name} at {self.place} answered with something else: {why}", self.where)

    @property
    def place(self) -> str:
        """Address without login and query."""
        return redacted(self.url)

    def _once(
        self, path: str, params: Mapping[str, str], headers: Mapping[str, str]
    ) -> bytes | tuple[SourceError | AuthError, float | None]:
        """The body, or the error and how long to wait [s]: None is for ever, below 0 as we like."""
        session = self._opened()
        try:
            answer = session.get(
                self.url.rstrip("/") + path,
                params=dict(params),
                # HeaderAuth also keeps .netrc from adding a login of its own.
                auth=HeaderAuth(tuple(headers.items())),
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                allow_redirects=False,
            )
        except requests.RequestException as failed:
            reason = clean(self._hide(_reason(failed)), 200)
            return SourceError(f"{self.name} at {self.place} cannot be reached ({reason})", self._where), -1.0
        if answer.status_code == 200:
            return answer.content
        return self._refused(answer)

    def _refused(self, answer: requests.Response) -> tuple[SourceError | AuthError, float | None]:
        status = answer.status_code
        said = f"HTTP {status}{self._words(answer)}"
        if status in _PASSING:
            wait = retry_after_seconds(answer.headers.get("Retry-After"))
            error = SourceError(
                f"{self.name} at {self.place} keeps failing ({said})",
                "Try again later, give --intensity-fallback, or use a file.",
            )
            return error, -1.0 if wait is None else wait
        if status in _LOGIN:
            return AuthError(f"{self.name} at {self.place} refused access ({said})", self.login), None
        if 300 <= status < 400:
            target = urlsplit(answer.headers.get("Location", "")).hostname or "another address"
            words = f"{self.name} at {self.place} redirects to {clean(target, 100)}, which is not followed"
            return RejectedError(words, self._where), None
        return RejectedError(f"{self.name} rejected the question ({said})", "Check --intensity."), None

    @property
    def _where(self) -> str:
        return self.where or "Check the network and HTTPS_PROXY; --intensity-fallback helps over an outage."

    def _words(self, answer: requests.Response) -> str:
        text = answer.content[:20_000].decode("utf-8", "replace")
        if text.lstrip().startswith("<"):
            return ""
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            data = None
        if isinstance(data, dict):
            found = data.get("error") or data.get("message") or data.get("detail") or ""
            text = str(found.get("message", found)) if isinstance(found, dict) else str(found)
        words = clean(self._hide(text), 200)
        return f": {words}" if words else ""

    def _hide(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, "***") if secret else text
        return text

    def _opened(self) -> requests.Session:
        if self._session is None:
            # urllib3 logs the query string at debug level.
            logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)
            self._session = self.request.http_session() if self.request.http_session else requests.Session()
            self._session.headers.update(
                {"User-Agent": f"sci-batch/{__version__}", "Accept": "application/json"}
            )
        return self._session


def _backoff(tried: int) -> float:
    longest = min(2.0 ** (tried - 1), _LONGEST_WAIT_SECONDS)
    return longest * (0.5 + 0.5 * random.random())  # noqa: S311 -- spreads clients, guards nothing


def _reason(failed: requests.RequestException) -> str:
    if isinstance(failed, requests.exceptions.SSLError):
        return "its certificate is not accepted; REQUESTS_CA_BUNDLE names others"
    if isinstance(failed, requests.exceptions.ProxyError):
        return "the proxy fails"
    if isinstance(failed, requests.exceptions.Timeout):
        return "no answer in time"
    # The words of others hold the whole URL.
    return (
        "no connection" if isinstance(failed, requests.exceptions.ConnectionError) else type(failed).__name__
    )


def redacted(url: str) -> str:
    """An address fit for messages and for names of cache folders: no login, no query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}".rstrip("/")


def base_url(request: Request, variable: str, default: str) -> str:
    """The address of a server, or what `SCI_BATCH_..._URL` says instead.

    Raises
    ------
    UsageError
        No http(s) address; the message does not repeat it.
    """
    url = request.environ.get(variable, "").strip() or default
    return checked_url(url, variable)


def checked_url(url: str, name: str) -> str:
    """An http(s) address without login, query and fragment."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good, parts = False, urlsplit("")
    if not good or "@" in parts.netloc or parts.query or parts.fragment:
        raise UsageError(
            f"{name} is not the plain address of a server",
            "Give for example http://host:8080, no login in it.",
        )
    return url.rstrip("/")


def secret(request: Request, variable: str, why: str) -> str:
    """A secret from `VARIABLE`, or from the file that `VARIABLE_FILE` names.

    Raises
    ------
    AuthError
        Neither is set.
    UsageError
        The file cannot be read, or both are set.
    """
    text = request.environ.get(variable, "").strip()
    path = request.environ.get(f"{variable}_FILE", "").strip()
    if text and path:
        raise UsageError(f"{variable} and {variable}_FILE are both set", "Set one of them.")
    if path:
        text = read_secret(path, f"{variable}_FILE")
    if not text:
        raise AuthError(f"{why} is not given", f"Set {variable}, or {variable}_FILE to a file that holds it.")
    if not text.isascii() or not text.isprintable():
        raise UsageError(f"{variable} holds a character that HTTP cannot carry", f"Check {variable}.")
    return text
