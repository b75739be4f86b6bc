"""One connection pool: sends a request until it is answered, or until trying again is no use."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from typing import TypeVar

import requests

from sci_batch import __version__
from sci_batch.errors import SciBatchError, SourceError
from sci_batch.prometheus import bounds, problems
from sci_batch.prometheus.auth import Credentials, credentials, read_config
from sci_batch.prometheus.cloud import Identity
from sci_batch.prometheus.decode import BrokenBodyError
from sci_batch.prometheus.http import CONNECT_TIMEOUT_SECONDS, HttpSettings, check
from sci_batch.prometheus.oauth import TokenSource
from sci_batch.prometheus.problems import Answer, Asked, Problem, Reaction, TooMuchError, TransientError
from sci_batch.prometheus.tls import trust
from sci_batch.prometheus.transport import judge_failure
from sci_batch.prometheus.wires import Wires, proxies

T = TypeVar("T")
Form = Sequence[tuple[str, str]]
Read = Callable[[Answer], T]
"""Turns an answer with a body into the result."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sent:
    """What goes to the server."""

    method: str
    asked: Asked
    data: list[tuple[str, str]] | bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """An answer beside its body: how long it took [s], and when it came by both clocks [Unix ms]."""

    seconds: float
    here_ms: int
    server_ms: int | None
    """The server's `Date`, cut to whole seconds; None without one."""
    victoria: bool
    """Only VictoriaMetrics names its host."""


class Session:
    """Requests with login, time-outs, retries and decoded errors; safe for threads.

    Parameters
    ----------
    settings
        Checked here, the HTTP config file included.
    sleep, jitter, clock
        How to wait [s], a source of numbers in 0..1 that spreads the waits, and the clock [Unix s].

    Raises
    ------
    UsageError
        The settings contradict themselves, or the HTTP config file is wrong.
    """

    def __init__(
        self,
        settings: HttpSettings,
        *,
        sleep: Callable[[float], object] | None = None,
        jitter: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.time,
    ) -> None:
        check(settings)
        read_config(settings)
        self._settings = settings
        self._closed = threading.Event()
        self._sleep = self._closed.wait if sleep is None else sleep
        self._jitter = jitter
        self._clock = clock
        self.heard: Heard | None = None
        """The latest answer, also a refusal; None before the first."""
        self._base = settings.redacted_url
        self._timeout = (min(CONNECT_TIMEOUT_SECONDS, settings.timeout_seconds), settings.timeout_seconds)
        self._tokens = TokenSource(settings.timeout_seconds)
        self._identity = Identity(settings)
        self._wires = Wires(
            settings.concurrency,
            {
                "User-Agent": f"sci-batch/{__version__}",
                "Accept": "application/json",
                "Accept-Encoding": "gzip" if settings.compression else "identity",
            },
        )

    def close(self) -> None:
        """Close all connections. Threads that still ask get no more than what is under way."""
        self._closed.set()
        self._wires.close()

    def post(
        self, path: str, form: Form, read: Callable[[bytes], T], *, query: str, may_shrink: bool = False
    ) -> T:
        """Send a form and read the body of the answer.

        Parameters
        ----------
        path
            Below `/api/v1/`.
        read
            Turns the body into the result; `BrokenBodyError` from it is retried.
        query
            PromQL for messages.
        may_shrink
            Whether the caller can ask for less: then a gateway time-out is not repeated for long.

        Raises
        ------
        TooMuchError, SourceError, AuthError, UsageError
            See `problems.judge`.
        """
        sent = Sent("POST", self._asked(path, query), list(form))
        return self._until_answered(
            sent, lambda answer: read(answer.body), self._settings.retries, may_shrink
        )

    def post_message(
        self, path: str, body: bytes, headers: Mapping[str, str], read: Read[T], *, query: str = "",
        may_shrink: bool = False, retry: bool = True,
    ) -> T:  # fmt: skip
        """As `post`, for a body that is no form and has headers of its own; `read` gets the whole answer."""
        sent = Sent("POST", self._asked(path, query), body, headers)
        return self._until_answered(sent, read, self._settings.retries if retry else 0, may_shrink)

    def get(self, path: str, read: Callable[[bytes], T]) -> T:
        """As `post`, for the addresses that only take GET."""
        sent = Sent("GET", self._asked(path, ""), [])
        return self._until_answered(sent, lambda answer: read(answer.body), self._settings.retries, False)

    def _asked(self, path: str, query: str) -> Asked:
        return Asked(f"{self._base}/api/v1/{path}", query)

    def _until_answered(self, sent: Sent, read: Read[T], retries: int, may_shrink: bool) -> T:
        tried = 0
        while True:
            outcome = self._once(sent, read)
            if not isinstance(outcome, Problem):
                return outcome
            tried += 1
            stop_early = may_shrink and tried > 1
            if (
                outcome.reaction in (Reaction.STOP, Reaction.SHRINK)
                or tried > retries
                or (outcome.reaction is Reaction.RETRY_THEN_SHRINK and stop_early)
            ):
                raise _final(outcome)
            self._wait(outcome, tried)

    def _wait(self, problem: Problem, tried: int) -> None:
        seconds = problems.wait_seconds(problem.wait_seconds, tried, self._jitter())
        left = self._settings.retries - tried + 1
        log.info("Trying again in %.1f s, tries left: %d. %s", seconds, left, problem.error.what)
        self._sleep(seconds)

    def _once(self, sent: Sent, read: Read[T], *, again: bool = True) -> T | Problem:
        if self._closed.is_set():
            raise SourceError("this client is closed", "Make a new one.")
        config = read_config(self._settings)
        http = self._wires.session(trust(self._settings, config), config.proxy)
        try:
            login = credentials(self._settings, config, self._tokens, self._identity)
        except TransientError as failed:
            return Problem(failed.error, Reaction.RETRY)
        try:
            response = http.request(
                sent.method,
                sent.asked.url,
                params=list(self._settings.url_params),
                data=sent.data,
                headers=dict(sent.headers),
                auth=login.auth,
                timeout=self._timeout,
                proxies=proxies(config.proxy, sent.asked.url),
                allow_redirects=False,
                stream=True,
            )
            headers = {name.lower(): value for name, value in response.headers.items()}
            self.heard = Heard(
                seconds=response.elapsed.total_seconds(), here_ms=round(self._clock() * 1000),
                server_ms=_date_ms(headers.get("date")), victoria="x-server-hostname" in headers,
            )  # fmt: skip
            with response:
                body = bounds.read(response, sent.asked)
        except requests.RequestException as failed:
            return judge_failure(failed, sent.asked.url, self._settings.timeout_seconds)
        if response.status_code == 401 and again and self._is_renewed(login):
            return self._once(sent, read, again=False)
        if isinstance(body, Problem):
            return body
        return _outcome(Answer(response.status_code, headers, body), sent.asked, login, read)

    def _is_renewed(self, login: Credentials) -> bool:
        """Whether there is another login by now: a file replaced since it was read, or a token taken back."""
        self._tokens.forget()
        try:
            now = credentials(self._settings, read_config(self._settings), self._tokens, self._identity)
        except (SciBatchError, TransientError):
            return False
        return now.headers != login.headers


def _outcome(answer: Answer, asked: Asked, login: Credentials, read: Read[T]) -> T | Problem:
    if answer.status != 200 or problems.is_html(answer):
        problem = problems.judge(_without_secrets(answer, login), asked)
        if problem is not None:
            return problem
    try:
        return read(answer)
    except BrokenBodyError as broken:
        words = problems.clean(login.hide(str(broken)))
        return Problem(
            SourceError(
                f"{asked.url} answered with something broken ({words}){asked.suffix}",
                "Check what stands between here and Prometheus, and -p/--prometheus-url.",
            ),
            Reaction.RETRY,
        )


def _date_ms(text: str | None) -> int | None:
    """Unix ms of an HTTP date; None where it is missing or none."""
    try:
        return round(parsedate_to_datetime(text).timestamp() * 1000) if text else None
    except (ValueError, OverflowError):
        return None


def _without_secrets(answer: Answer, login: Credentials) -> Answer:
    """A server may repeat the login in its refusal."""
    return replace(
        answer,
        headers={name: login.hide(value) for name, value in answer.headers.items()},
        body=login.hide(answer.body.decode("utf-8", "replace")).encode(),
    )


def _final(problem: Problem) -> Exception:
    if problem.reaction is Reaction.RETRY_THEN_SHRINK and not isinstance(problem.error, TooMuchError):
        return TooMuchError(problem.error.what, problem.error.cure)
    return problem.error
