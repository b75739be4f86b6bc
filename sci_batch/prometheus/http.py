"""How to reach the server: the settings, checked, without anything heavy imported."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from sci_batch.errors import UsageError

CONNECT_TIMEOUT_SECONDS = 10.0
TENANT = "X-Scope-OrgID"
SHORTEST_KEY_IN_URL = 8
"""Characters of a parameter that may be a key; below stand words such as `true`."""
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
    header_file: str | None = None
    """File with lines `Name: value`, read at each request."""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Names and values beside those of the file."""
    org_id: str | None = None
    """Tenant, sent as `X-Scope-OrgID`."""
    http_config_file: str | None = None
    """File in the schema of `promtool --http.config.file`."""
    sigv4_region: str | None = None
    """Sign requests for AWS in this region, with the keys of a profile or of a role, if given."""
    sigv4_profile: str | None = None
    sigv4_role_arn: str | None = None
    google: bool = False
    """Log in by Google's application default credentials."""
    azure: bool = False
    """Log in by Azure's default credential."""
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

    def free_headers(self) -> tuple[tuple[str, str], ...]:
        """Headers of the file, read now, and those given beside it.

        Raises
        ------
        UsageError
            The file cannot be read, or a line of it is no header: its number is told, not its content.
        """
        if self.header_file is None:
            return self.headers
        flag = f"{self.flags}header-file"
        try:
            text = Path(self.header_file).read_text(encoding="latin-1")
        except OSError as failed:
            what = f"The file {self.header_file} of {flag} cannot be read: {failed.strerror}."
            raise UsageError(what, f"Check {flag}.") from None
        try:
            return (*parse_headers(text), *self.headers)
        except UsageError as error:
            raise UsageError(f"The file {self.header_file} of {flag}: {error.what}", error.cure) from None


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
    """Look at everything that needs no file but that of headers; all faults in one error.

    Raises
    ------
    UsageError
        A bad URL, two logins or tenants, a key without its certificate, a number out of range, a package that
        is not installed, or as `HttpSettings.free_headers`.
    """
    split_url(settings.url)
    faults = []
    headers = settings.free_headers()
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
    if settings.org_id is not None and any(name.lower() == TENANT.lower() for name, _ in headers):
        faults.append(f"two tenants are given ({settings.flags}org-id and a header {TENANT}): keep one")
    if settings.sigv4_region is None and (settings.sigv4_profile or settings.sigv4_role_arn):
        faults.append(f"{settings.flags}sigv4-profile and -role-arn need {settings.flags}sigv4-region")
    if not all(is_header(name, value) for name, value in headers):
        where = f"{settings.flags}header-file or its variable"
        faults.append(f"a header ({where}) holds a character that no HTTP header can carry")
    _need_packages(settings)
    if faults:
        raise UsageError(f"The connection settings are wrong: {'; '.join(faults)}.", "Correct these flags.")


def given_logins(settings: HttpSettings) -> list[str]:
    """Flags of all logins given, the HTTP config file not looked into."""
    in_header = any(name.lower() == "authorization" for name, _ in settings.free_headers())
    candidates = (
        (f"{settings.flags}bearer-token-file", settings.bearer_token_file is not None),
        (f"{settings.flags}basic-auth-file", settings.basic_auth_file is not None),
        (f"user:password in {settings.url_flag}", settings.url_login is not None),
        (f"{settings.flags}sigv4-region", settings.sigv4_region is not None),
        (f"{settings.flags}google", settings.google),
        (f"{settings.flags}azure", settings.azure),
        (f"an Authorization header ({settings.flags}header-file or its variable)", in_header),
    )
    return [flag for flag, given in candidates if given]


def _need_packages(settings: HttpSettings) -> None:
    wanted = (
        (f"{settings.flags}sigv4-region", settings.sigv4_region is not None, "botocore", "botocore", "aws"),
        (f"{settings.flags}google", settings.google, "google.auth", "google-auth", "google"),
        (f"{settings.flags}azure", settings.azure, "azure.identity", "azure-identity", "azure"),
    )
    for flag, given, module, package, extra in wanted:
        if given and not _is_installed(module):
            raise UsageError(
                f"{flag} needs the package {package}.",
                f"Run: pip install {package} (the extra sci-batch[{extra}])",
            )


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # not even the package above it
        return False
