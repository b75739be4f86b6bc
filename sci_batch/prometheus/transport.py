"""What a failed connection means."""

from __future__ import annotations

import re

import requests
from urllib3.exceptions import ReadTimeoutError

from sci_batch.errors import AuthError, SciBatchError, SourceError
from sci_batch.prometheus.http_config_parts import FLAG
from sci_batch.prometheus.problems import Problem, Reaction, clean


def judge_failure(failed: requests.RequestException, url: str, timeout_seconds: float) -> Problem:
    """What to do about a request that got no answer. `url` has no secrets."""
    if isinstance(failed, requests.exceptions.SSLError):
        error = _tls_error(failed, url)
        return Problem(error, Reaction.RETRY if may_pass(error.what) else Reaction.STOP)
    if isinstance(failed, requests.exceptions.ConnectTimeout):
        return Problem(_unreachable(url, "no connection in time"), Reaction.RETRY)
    if _is_read_timeout(failed):
        error = SourceError(
            f"{url} did not answer within {timeout_seconds:g} s.",
            "Raise --timeout, or ask for less: fewer namespaces, a shorter range.",
        )
        return Problem(error, Reaction.RETRY_THEN_SHRINK)
    if isinstance(failed, requests.exceptions.ProxyError):
        return Problem(_unreachable(url, "the proxy refused or is down"), Reaction.RETRY)
    broken = (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError)
    if isinstance(failed, broken):
        return Problem(_unreachable(url, "the answer broke off"), Reaction.RETRY)
    if isinstance(failed, requests.exceptions.ConnectionError):
        return Problem(_unreachable(url, reason(failed)), Reaction.RETRY)
    # What is left is a request that could not be built; its text may hold a header or the proxy's login.
    error = SourceError(
        f"The request to {url} could not be sent ({type(failed).__name__}).",
        f"Check -p/--prometheus-url, HTTPS_PROXY and {FLAG}.",
    )
    return Problem(error, Reaction.STOP)


def _unreachable(url: str, reason: str) -> SourceError:
    return SourceError(
        f"Cannot reach Prometheus at {url}: {reason}.",
        "Check -p/--prometheus-url, and that the server runs and may be reached from here.",
    )


def _is_read_timeout(failed: requests.RequestException) -> bool:
    inner = failed.args[0] if failed.args else None
    return isinstance(failed, requests.exceptions.ReadTimeout) or isinstance(inner, ReadTimeoutError)


def reason(failed: requests.RequestException) -> str:
    """The innermost words, such as 'Connection refused': the outer ones repeat the whole URL."""
    text = str(_inner(failed)).rsplit(": ", 1)[-1]
    return clean(re.sub(r"\[Errno -?\d+\] ", "", text), 200) or "connection failed"


def tls_words(failed: requests.exceptions.SSLError) -> str:
    """What the library says of the certificate or the handshake."""
    return clean(str(_inner(failed)), 300)


def may_pass(words: str) -> bool:
    """Whether a handshake may work later: a hang-up may be a restart, a wrong certificate stays wrong."""
    return "EOF occurred" in words


def _inner(failed: requests.RequestException) -> object:
    inner = failed.args[0] if failed.args else failed
    return getattr(inner, "reason", inner)


def certificate_refused(words: str) -> bool:
    """Whether the server wants a client certificate, or another one than it was shown."""
    return _CLIENT_REFUSED.search(words.upper().replace(" ", "_")) is not None


def tls_cure(words: str, ca_flag: str, url_flag: str) -> str:
    """What helps where the server's side of TLS failed."""
    upper = words.upper().replace(" ", "_")
    for pattern, cure in _TLS_CURES:
        if re.search(pattern, upper):
            return cure.format(ca=ca_flag, url=url_flag)
    own = " and ".join(ca_flag.replace("ca-file", f"{part}-file") for part in ("cert", "key"))
    return f"Check {ca_flag}, {own}, and http:// or https:// in {url_flag}."


_CLIENT_REFUSED = re.compile(
    r"ALERT_(CERTIFICATE_REQUIRED|UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_\w+|UNSUPPORTED_CERTIFICATE|"
    r"ACCESS_DENIED)"
)
"""What a server says of the certificate that we show, or do not."""
_TLS_CURES = (
    (
        r"WRONG_VERSION_NUMBER|RECORD_LAYER_FAILURE|PACKET_LENGTH_TOO_LONG",
        "The server seems to speak plain HTTP: use http:// in {url}.",
    ),
    (
        r"CERTIFICATE_HAS_EXPIRED",
        "Renew the server's certificate, or its authority in {ca}; is the clock of this machine right?",
    ),
    (
        r"NOT_YET_VALID",
        "Is the clock of this machine right? If so, the server's certificate begins too late.",
    ),
    (
        r"(HOSTNAME|IP_ADDRESS)_MISMATCH",
        f"Use in {{url}} a name that the certificate is for, or name it as tls_config.server_name in {FLAG}.",
    ),
    (r"CERTIFICATE_VERIFY_FAILED", "Give the authority that signed the server's certificate with {ca}."),
    (
        r"UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION",
        "The two sides know no common TLS version: see tls_config.min_version and max_version in "
        f"{FLAG}; 1.2 is the least.",
    ),
)


def _tls_error(failed: requests.exceptions.SSLError, url: str) -> SciBatchError:
    words = tls_words(failed)
    if certificate_refused(words):
        return AuthError(
            f"The server at {url} refused the client certificate, or wants one: {words}.",
            "Give with --cert-file and --key-file a certificate that the server trusts.",
        )
    cure = tls_cure(words, "--ca-file", "-p/--prometheus-url")
    return SourceError(f"The TLS connection to {url} failed: {words}.", cure)
