"""TLS, proxy, and what a failed connection means."""

from __future__ import annotations

import re
from pathlib import Path

import requests
from urllib3.exceptions import ReadTimeoutError

from sci_batch.errors import SourceError, UsageError
from sci_batch.prometheus.http import HttpSettings
from sci_batch.prometheus.http_config import FLAG, HttpConfig, Tls
from sci_batch.prometheus.problems import Problem, Reaction, clean

Verify = bool | str
Cert = str | tuple[str, str] | None


def tls_arguments(tls: Tls, flag: str | None = None, flags: str = "--") -> tuple[Verify, Cert]:
    """`verify` and `cert` for `requests`.

    Raises
    ------
    UsageError
        A file is missing; named with `flag`, or with the flag of its own, which begins with `flags`.
    """
    for name, path in (("ca", tls.ca_file), ("cert", tls.cert_file), ("key", tls.key_file)):
        if path is not None and not Path(path).is_file():
            owner = flag or f"{flags}{name}-file"
            raise UsageError(f"The file {path} of {owner} does not exist.", f"Check {owner}.")
    verify: Verify = False if tls.insecure_skip_verify else (tls.ca_file or True)
    if tls.cert_file is not None and tls.key_file is not None:
        return verify, (tls.cert_file, tls.key_file)
    return verify, tls.cert_file


def effective_tls(settings: HttpSettings, config: HttpConfig) -> tuple[Verify, Cert]:
    """Flags first, then the HTTP config file; raises as `tls_arguments`."""
    given = Tls(ca_file=settings.ca_file, cert_file=settings.cert_file, key_file=settings.key_file)
    flag_verify, flag_cert = tls_arguments(given, flags=settings.flags)
    file_verify, file_cert = tls_arguments(config.tls, FLAG)
    verify = file_verify if flag_verify is True else flag_verify
    return (False if settings.insecure_skip_verify else verify), flag_cert or file_cert


def proxies(proxy_url: str | None) -> dict[str, str]:
    """Both schemes through one proxy; without one the environment decides."""
    return {} if proxy_url is None else {"http": proxy_url, "https": proxy_url}


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


def _tls_error(failed: requests.exceptions.SSLError, url: str) -> SourceError:
    words = tls_words(failed)
    if "WRONG_VERSION_NUMBER" in words or "wrong version number" in words:
        cure = "The server seems to speak plain HTTP: use http:// in -p/--prometheus-url."
    elif "CERTIFICATE_VERIFY_FAILED" in words:
        cure = "Give the authority that signed the server's certificate with --ca-file."
    else:
        cure = "Check --ca-file, --cert-file and --key-file."
    return SourceError(f"The TLS connection to {url} failed: {words}.", cure)
