"""How to reach the server: the settings, checked, without anything heavy imported."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from sci_batch.errors import UsageError

CONNECT_TIMEOUT_SECONDS = 10.0
URL_CURE = "Give -p/--prometheus-url the address of the server, for example http://prometheus:9090."

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_API_SUFFIX = re.compile(r"/api/v1(/.*)?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """Where the server is and how to log in. Secrets are named by file and read at each request."""

    url: str = field(repr=False)
    """May hold a path prefix, a query string (kept on every request) and `user:password@`."""
    timeout_seconds: float = 60.0
    """Longest wait for the next part of an answer; for the connection it is 10 s at most."""
    retries: int = 5
    """Tries after the first."""
    concurrency: int = 2
    """Requests at the same time, at most."""
    bearer_token_file: str | None = None
    basic_auth_file: str | None = None
    """File with one line `user:password`."""
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    insecure_skip_verify: bool = False
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    org_id: str | None = None
    """Tenant, sent as `X-Scope-OrgID`."""
    http_config_file: str | None = None
    """File in the schema of `promtool --http.config.file`."""
    compression: bool = False
    """Ask for gzip: pays below about 10 MB/s, and costs the server five times the CPU."""
    allow_partial: bool = False
    """Collect the server's warnings instead of failing on them."""
    extra_params: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Parameters added to every request, such as `dedup=true`."""
    flags: str = "--"
    """How the flags begin that these settings come from, and `url_flag` that of the URL: for messages."""
    url_flag: str = "--prometheus-url"

    @property
    def redacted_url(self) -> str:
        """The base address without login, query string and trailing slash, fit for messages.

        Raises
        ------
        UsageError
            When the URL is no URL; the message does not repeat it.
        """
        parts = split_url(self.url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else (parts.hostname or "")
        port = f":{parts.port}" if parts.port is not None else ""
        path = _API_SUFFIX.sub("", parts.path.rstrip("/")).rstrip("/")
        return f"{parts.scheme}://{host}{port}{path}"

    @property
    def url_login(self) -> tuple[str, str] | None:
        """User and password that stand inside the URL, decoded."""
        parts = split_url(self.url)
        if parts.username is None and parts.password is None:
            return None
        return unquote(parts.username or ""), unquote(parts.password or "")

    @property
    def url_params(self) -> tuple[tuple[str, str], ...]:
        """Parameters for the URL of each request: those of `url`, then `extra_params`."""
        return (*parse_qsl(split_url(self.url).query, keep_blank_values=True), *self.extra_params)

    @property
    def has_authorization_header(self) -> bool:
        """Whether a free header is itself a login."""
        return any(name.lower() == "authorization" for name, _ in self.headers)


def split_url(url: str) -> SplitResult:
    """Take a URL apart.

    Raises
    ------
    UsageError
        Not http(s), no host, a port that is none, or a password that needs percent-encoding. The
        message never repeats the URL: it may hold a password.
    """
    unreadable = UsageError(
        "The Prometheus URL has a port or host that cannot be read.",
        f"{URL_CURE} A password in it must be percent-encoded; --basic-auth-file is safer.",
    )
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise unreadable from None
    if port == 0:
        raise unreadable
    if parts.scheme not in ("http", "https"):
        raise UsageError("The Prometheus URL does not begin with http:// or https://.", URL_CURE)
    if not parts.hostname:
        raise UsageError("The Prometheus URL names no host.", URL_CURE)
    if "@" in parts.path or parts.fragment:
        raise UsageError(
            "The Prometheus URL has an unexpected '@' or '#' after the host.",
            "Percent-encode the password in --prometheus-url, or use --basic-auth-file.",
        )
    return parts


def parse_headers(text: str) -> tuple[tuple[str, str], ...]:
    """Read `Name: value` lines; blank lines and lines that begin with `#` are skipped.

    Raises
    ------
    UsageError
        Naming the number of the wrong line, never its content.
    """
    headers = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, colon, value = line.partition(":")
        if not colon or not is_header(name.strip(), value.strip()):
            raise UsageError(
                f"Line {number} of the headers is not 'Name: value'.",
                "Write one header per line, for example 'X-Scope-OrgID: team-a'.",
            )
        headers.append((name.strip(), value.strip()))
    return tuple(headers)


def is_header(name: str, value: str) -> bool:
    """Whether HTTP can carry this header: no line break, no character beyond Latin-1."""
    return bool(_HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(value))


def check(settings: HttpSettings) -> None:
    """Look at everything that needs no file; all faults in one error.

    Raises
    ------
    UsageError
        A bad URL, two logins, a key without its certificate, or a number out of range.
    """
    split_url(settings.url)
    faults = []
    logins = given_logins(settings)
    if len(logins) > 1:
        faults.append(f"two logins are given at once ({' and '.join(logins)}): keep one")
    if settings.key_file and not settings.cert_file:
        faults.append(f"{settings.flags}key-file needs {settings.flags}cert-file")
    if settings.timeout_seconds <= 0:
        faults.append("--timeout must be above 0")
    if settings.retries < 0:
        faults.append("--retries must be 0 or more")
    if settings.concurrency < 1:
        faults.append("--concurrency must be 1 or more")
    if settings.org_id is not None and not is_header("X-Scope-OrgID", settings.org_id):
        faults.append(f"{settings.flags}org-id holds a character that no HTTP header can carry")
    if not all(is_header(name, value) for name, value in settings.headers):
        faults.append("a free header (-H) holds a character that no HTTP header can carry")
    if faults:
        raise UsageError(f"The connection settings are wrong: {'; '.join(faults)}.", "Correct these flags.")


def given_logins(settings: HttpSettings) -> list[str]:
    """Flags of all logins given, the HTTP config file not looked into."""
    candidates = (
        (f"{settings.flags}bearer-token-file", settings.bearer_token_file is not None),
        (f"{settings.flags}basic-auth-file", settings.basic_auth_file is not None),
        (f"user:password in {settings.url_flag}", settings.url_login is not None),
        ("an Authorization header (-H)", settings.has_authorization_header),
    )
    return [flag for flag, given in candidates if given]
