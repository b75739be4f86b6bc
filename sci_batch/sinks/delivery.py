"""Requests to a server that takes results: login, TLS, retries, no redirects, no secrets in words."""

from __future__ import annotations

import logging
import random
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import requests

from sci_batch import __version__
from sci_batch.errors import AuthError, SinkError, UsageError
from sci_batch.prometheus.auth import Credentials, credentials
from sci_batch.prometheus.cloud import Identity
from sci_batch.prometheus.http import CONNECT_TIMEOUT_SECONDS
from sci_batch.prometheus.http_config_parts import HttpConfig, Proxy
from sci_batch.prometheus.oauth import TokenSource
from sci_batch.prometheus.problems import TransientError, clean, retry_after_seconds, wait_seconds
from sci_batch.prometheus.tls import trust
from sci_batch.prometheus.transport import certificate_refused, may_pass, reason, tls_cure, tls_words
from sci_batch.prometheus.wires import Wires
from sci_batch.sinks.access import Push

_LONGEST_WORDS = 20_000
SHOWN_WORDS = 400
"""Characters of a server's answer that are read, and shown."""
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""HTTP states after which the same request may work."""
_BROKEN = (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError)

log = logging.getLogger(__name__)


class RefusedError(SinkError):
    """The server answered that it does not take this; `said` are its words."""

    def __init__(self, what: str, cure: str, said: str) -> None:
        super().__init__(what, cure)
        self.said = said


@dataclass(frozen=True, slots=True)
class _Failure:
    error: SinkError
    passing: bool
    wait_seconds: float | None = None


class Delivery:
    """Sends to one server; secret files are read at each request, as Kubernetes rotates them.

    Parameters
    ----------
    target
        Address; it may hold `user:password@` and a query string, which goes with each request.
    name
        What the server is called in messages.
    final
        Pattern of an answer that no repetition changes, whatever its HTTP status.
    sleep, jitter
        How to wait [s], and a source of numbers in 0..1 that spreads the waits.
    """

    def __init__(
        self,
        target: str,
        push: Push,
        *,
        name: str,
        final: re.Pattern[str] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._target = target
        self._push = push
        self._name = name
        self._final = final
        self._sleep = sleep
        self._jitter = jitter
        self._tokens = TokenSource(push.timeout_seconds)
        self._identity = Identity(push.http(target))
        self._wires = Wires()

    def __enter__(self) -> Delivery:
        return self

    def __exit__(self, *_: object) -> None:
        self._wires.close()

    def send(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Send until it is taken; `url` has no login and no query string.

        Raises
        ------
        RefusedError
            The server does not take it.
        SinkError
            A secret file is wrong, or the server stayed unreachable.
        """
        tried = 0
        while (failure := self._once(method, url, body, headers)) is not None:
            tried += 1
            if not failure.passing or tried > self._push.retries:
                raise failure.error
            self._wait(failure, tried)

    def _wait(self, failure: _Failure, tried: int) -> None:
        seconds = wait_seconds(failure.wait_seconds, tried, self._jitter())
        log.info("Trying again in %.1f s: %s", seconds, failure.error.what)
        self._sleep(seconds)

    def _once(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> _Failure | None:
        try:
            http = self._push.http(self._target)
            pool = self._wires.session(trust(http, HttpConfig()), Proxy())
            login = credentials(http, HttpConfig(), self._tokens, self._identity)
        except (UsageError, AuthError) as error:  # a file that is gone since, or a cloud that refuses
            raise SinkError(error.what.rstrip("."), error.cure) from None
        except TransientError as failed:
            return _Failure(SinkError(failed.error.what.rstrip("."), failed.error.cure), True)
        try:
            answer = pool.request(
                method,
                url,
                params=list(http.url_params),
                data=body,
                headers={"User-Agent": f"sci-batch/{__version__}", **headers},
                auth=login.auth,
                timeout=(min(CONNECT_TIMEOUT_SECONDS, http.timeout_seconds), http.timeout_seconds),
                allow_redirects=False,
            )
        except requests.RequestException as failed:
            return self._unanswered(failed, url)
        except UsageError as error:  # a TLS file that holds no such thing
            raise SinkError(error.what.rstrip("."), error.cure) from None
        if answer.status_code >= 300:
            return self._refused(answer, url, login)
        # A proxy may answer with its login page, and "200 OK".
        page = "html" in answer.headers.get("Content-Type", "").lower() and answer.content
        return self._refused(answer, url, login) if page else None

    def _unanswered(self, failed: requests.RequestException, url: str) -> _Failure:
        if isinstance(failed, requests.exceptions.SSLError):
            words = tls_words(failed)
            cure = tls_cure(words, "--push-ca-file", "the address of --output")
            if certificate_refused(words):
                cure = "Give with --push-cert-file and --push-key-file a certificate that the server trusts."
            return _Failure(SinkError(f"the TLS connection to {url} failed: {words}", cure), may_pass(words))
        if isinstance(failed, requests.exceptions.Timeout):
            words = f"no answer within {self._push.timeout_seconds:g} s"
        elif isinstance(failed, _BROKEN):
            words = reason(failed)
        else:
            # A request that could not be built; its text may hold a header.
            what = f"the request to {url} could not be sent ({type(failed).__name__})"
            return _Failure(SinkError(what, "Check the address of --output and HTTPS_PROXY."), False)
        cure = f"Check the address of --output, and that {self._name} runs and may be reached from here."
        return _Failure(SinkError(f"{self._name} at {url} cannot be reached: {words}", cure), True)

    def _refused(self, answer: requests.Response, url: str, login: Credentials) -> _Failure:
        said = clean(login.hide(answer.content[:_LONGEST_WORDS].decode("utf-8", "replace")), _LONGEST_WORDS)
        state = answer.status_code
        words = f": {clean(said, SHOWN_WORDS)}" if said else ""
        what = f"{self._name} at {url} refused (HTTP {state}{words})"
        final = self._final is not None and self._final.search(said) is not None
        wait = retry_after_seconds(answer.headers.get("Retry-After"))
        error = RefusedError(what, _cure(state, self._name), said)
        return _Failure(error, state in _PASSING and not final, wait)


def _cure(state: int, name: str) -> str:
    if state < 300:
        return f"A page for people answered instead of {name}: check the address of --output and the login."
    if state < 400:
        return "A redirect is not followed, so that no login goes astray: give its address in --output."
    if state in (401, 403, 407):
        return (
            "Check --push-bearer-token-file, --push-basic-auth-file, --push-header-file and --push-org-id, "
            "and what the login may write."
        )
    if state in (404, 405):
        return f"Check the path of the address in --output: is there {name}?"
    return "Try again later." if state in _PASSING else "See what the server says."
