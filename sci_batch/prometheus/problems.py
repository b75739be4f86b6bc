"""What a server's refusal means: its text first, then `errorType`, then the HTTP status."""

from __future__ import annotations

import enum
import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

from sci_batch.errors import AuthError, SciBatchError, SourceError

FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 60.0
_LONGEST_WORDS = 20_000
_LOGIN_CURE = (
    "Check the login (--bearer-token-file, --basic-auth-file, --http-config-file, --sigv4-region, --google, "
    "--azure), --org-id, and what the login may read."
)
LESS_CURE = (
    "Ask for fewer series (--namespace, --cluster-label), or raise the limits of the server "
    "(Prometheus: --query.max-samples, --query.timeout)."
)


class Reaction(enum.Enum):
    """What to do about a failed request."""

    STOP = "stop"
    RETRY = "retry"
    SHRINK = "shrink"
    RETRY_THEN_SHRINK = "retry, then shrink"


@dataclass(frozen=True, slots=True)
class Problem:
    """A failed request: the error to end with, and what to try before."""

    error: SciBatchError
    reaction: Reaction
    wait_seconds: float | None = None
    """The server's `Retry-After`, capped."""


class TooMuchError(SourceError):
    """The server cannot answer this much at once; less time may work."""


class TransientError(Exception):
    """A failure beside the query (token service) that may pass; carries the error to end with."""

    def __init__(self, error: SciBatchError) -> None:
        super().__init__(error.what)
        self.error = error


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked: for messages, so without secrets."""

    url: str
    query: str = ""

    @property
    def suffix(self) -> str:
        """The query as the end of a sentence."""
        return f"; query: {clean(self.query, 1000)}" if self.query else ""


# Prometheus, Thanos, Cortex and Mimir, VictoriaMetrics. Lower case.
_TOO_MUCH = re.compile(
    "|".join(
        (
            "too many samples",
            "exceeded maximum resolution",
            "context deadline exceeded",
            "query timed out",
            "timeout exceeded",
            "err-mimir-max-(total-)?query-length",
            "err-mimir-max-(estimated-)?(chunks|series|fetched|chunk|memory)[a-z-]*",
            "exceeded (chunks|series|samples|bytes) limit",
            "the query hit the (max|aggregated)",
            "query time range exceeds the limit",
            "received message larger than max",
            "too many points for the given step",
            r"-search\.max(samples|points|unique|memory|queryduration|series)",
        )
    )
)
_BUSY = re.compile(
    r"too many outstanding requests|query was canceled|-search\.maxconcurrentrequests"
    r"|-search\.maxqueueduration"
)
_BY_TYPE = {
    "timeout": Reaction.SHRINK,
    "too_large_entry": Reaction.SHRINK,
    "canceled": Reaction.RETRY,
    "unavailable": Reaction.RETRY,
    "too_many_requests": Reaction.RETRY,
}
_ABSENT = re.compile(r"HTTP (401|403|404|405|407|501)\b|unsupported path|does not accept POST")
_BY_STATUS = {
    **dict.fromkeys((408, 425, 429, 499, 500, 502, 503), Reaction.RETRY),
    413: Reaction.SHRINK,
    504: Reaction.RETRY_THEN_SHRINK,
}


def judge(answer: Answer, asked: Asked, now: datetime | None = None) -> Problem | None:
    """Decide about an answer; None when it is a 200 that can be decoded."""
    if answer.status == 200:
        return _page_instead_of_json(answer, asked) if is_html(answer) else None
    if 300 <= answer.status < 400:
        return Problem(_redirected(answer, asked), Reaction.STOP)
    kind, words = _words(answer)
    reaction = _reaction(answer.status, kind, words.lower())
    error = _error(answer, asked, kind, clean(words), reaction)
    return Problem(error, reaction, retry_after_seconds(answer.headers.get("retry-after"), now))


def is_absent(error: SciBatchError) -> bool:
    """Whether the server, or what stands before it, has no such page, or keeps it to itself."""
    return _ABSENT.search(error.what) is not None


def _reaction(status: int, kind: str, text: str) -> Reaction:
    if _TOO_MUCH.search(text):
        return Reaction.SHRINK
    if _BUSY.search(text):
        return Reaction.RETRY
    return _BY_TYPE.get(kind) or _BY_STATUS.get(status) or Reaction.STOP


def _error(answer: Answer, asked: Asked, kind: str, words: str, reaction: Reaction) -> SciBatchError:
    said = f"HTTP {answer.status}{f', {kind}' if kind else ''}"
    said += f": {words}" if words else ""
    if reaction is Reaction.SHRINK:
        return TooMuchError(f"Prometheus cannot answer this much at once ({said}){asked.suffix}", LESS_CURE)
    if reaction is not Reaction.STOP:
        return SourceError(
            f"Prometheus at {asked.url} keeps failing ({said}){asked.suffix}",
            "Try again later, or lower --concurrency.",
        )
    if answer.status in (401, 403, 407):
        return AuthError(f"Prometheus at {asked.url} refused access ({said}).", _LOGIN_CURE)
    if answer.status == 404 or "unsupported path requested" in words:
        return SourceError(
            f"No Prometheus API at {asked.url} ({said}).",
            "Check the path prefix in -p/--prometheus-url, for example http://host/prometheus.",
        )
    if answer.status == 405:
        return SourceError(
            f"{asked.url} does not accept POST ({said}).",
            "Let the proxy in front of Prometheus pass POST, or give -p/--prometheus-url without it.",
        )
    if "http request to an https server" in words.lower() or "sent to https port" in words.lower():
        return SourceError(f"{asked.url} speaks HTTPS only.", "Use https:// in -p/--prometheus-url.")
    return SourceError(
        f"Prometheus rejected the query ({said}){asked.suffix}",
        "If the query comes from a flag, check it there; sci-batch queries prints all of them.",
    )


def _words(answer: Answer) -> tuple[str, str]:
    """`errorType` and the server's words, whole: the cause may stand behind a long query."""
    if is_html(answer):
        title = re.search(rb"<title[^>]*>(.*?)</title>", answer.body[:20_000], re.I | re.S)
        return "", clean(title.group(1).decode("utf-8", "replace")) if title else "an HTML page"
    text = answer.body[:_LONGEST_WORDS].decode("utf-8", "replace")
    try:
        data = json.loads(answer.body)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        return "", clean(text, _LONGEST_WORDS)
    words = data.get("error") or data.get("message") or text
    return clean(str(data.get("errorType") or ""), 40), clean(str(words), _LONGEST_WORDS)


def is_html(answer: Answer) -> bool:
    """Whether a page for people came instead of an answer for programs."""
    kind = answer.headers.get("content-type", "").lower()
    # a message may begin with any byte
    return "html" in kind or ("protobuf" not in kind and answer.body[:100].lstrip()[:1] == b"<")


def _page_instead_of_json(answer: Answer, asked: Asked) -> Problem:
    page = answer.body[:50_000].lower()
    _, title = _words(answer)
    if re.search(rb"log[ -]?in|sign[ -]?in|password|oauth|saml|sso\b", page):
        error: SciBatchError = AuthError(f"{asked.url} answers with a login page ({title}).", _LOGIN_CURE)
    else:
        error = SourceError(
            f"{asked.url} answers with an HTML page ({title}), not with the Prometheus API.",
            "Check host and path prefix in -p/--prometheus-url.",
        )
    return Problem(error, Reaction.STOP)


def _redirected(answer: Answer, asked: Asked) -> SciBatchError:
    location = clean(answer.headers.get("location", ""), 500)
    try:
        target = urlsplit(urljoin(asked.url, location))
    except ValueError:
        target = urlsplit("")
    if not location or not target.hostname:
        return SourceError(
            f"{asked.url} redirects to nowhere (HTTP {answer.status}).",
            "Check what stands between here and Prometheus, and -p/--prometheus-url.",
        )
    place = f"{target.scheme}://{target.netloc.rpartition('@')[2]}"
    path = re.sub(r"/api/v1(/.*)?$", "", target.path).rstrip("/")
    what = f"{asked.url} redirects to {place}{path} (HTTP {answer.status}), which is not followed"
    if re.search(r"log[-_]?in|sign[-_]?in|oauth|saml|sso|auth", target.path, re.I):
        return AuthError(f"{what}: it looks like a login page.", _LOGIN_CURE)
    if target.hostname != urlsplit(asked.url).hostname:
        return AuthError(
            f"{what}, so that no login goes to another host: mostly a login page.",
            f"{_LOGIN_CURE} If the server has moved: -p {place}{path}",
        )
    return SourceError(f"{what}.", f"Use -p {place}{path}")


def retry_after_seconds(value: str | None, now: datetime | None = None) -> float | None:
    """`Retry-After`, seconds or HTTP date, as seconds from now; at most 60, None when unreadable."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            date = parsedate_to_datetime(value)
        except (ValueError, OverflowError):
            return None
        date = date if date.tzinfo else date.replace(tzinfo=UTC)
        seconds = (date - (now or datetime.now(UTC))).total_seconds()
    # The comparison also turns NaN into 0.
    return min(seconds, LONGEST_WAIT_SECONDS) if seconds > 0 else 0.0


def wait_seconds(asked: float | None, tried: int, jitter: float) -> float:
    """How long to wait after the failure number `tried`: as the server asked, else twice as long each time.

    `jitter`, 0..1, spreads the waits of several clients.
    """
    if asked is not None:
        return asked
    longest: float = min(FIRST_WAIT_SECONDS * 2 ** (tried - 1), LONGEST_WAIT_SECONDS)
    return longest * (0.5 + 0.5 * jitter)


_ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|[@-Z\\-_])")


def clean(text: str, limit: int = 300) -> str:
    """Words of others, fit for a terminal: no escapes, no control characters, one line, shortened."""
    text = _ESCAPES.sub("", text)
    text = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in text)
    text = " ".join(text.split())
    if len(text) <= limit:
        return text
    head = (limit - 1) // 2
    # The end matters most: servers wrap the cause in ever more words in front.
    return f"{text[:head]}…{text[head + 1 - limit :]}"
