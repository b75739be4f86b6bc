"""TLS as the flags and the HTTP config file ask for it."""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.util.ssl_ import create_urllib3_context

from sci_batch.errors import UsageError
from sci_batch.prometheus.http import HttpSettings
from sci_batch.prometheus.http_config_parts import FLAG, HttpConfig, Tls

_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What to trust and to show, and which flag each part of it came from, for messages."""

    tls: Tls
    flags: Mapping[str, str] = field(
        default_factory=lambda: dict.fromkeys(("ca", "cert", "key"), FLAG), compare=False
    )

    @property
    def files(self) -> dict[str, str]:
        """Part to file."""
        named = {"ca": self.tls.ca_file, "cert": self.tls.cert_file, "key": self.tls.key_file}
        return {part: path for part, path in named.items() if path is not None}

    def stamp(self) -> tuple[tuple[str, int, int], ...]:
        """Changes when one of the files is replaced, as Kubernetes does it.

        Raises
        ------
        UsageError
            A file is missing.
        """
        found = []
        for part, path in self.files.items():
            flag = self.flags[part]
            try:
                state = Path(path).stat()
            except OSError as failed:
                there = (
                    "does not exist"
                    if isinstance(failed, FileNotFoundError)
                    else f"is no file ({failed.strerror})"
                )
                raise UsageError(f"The file {path} of {flag} {there}.", f"Check {flag}.") from None
            found.append((path, state.st_mtime_ns, state.st_ino))
        return tuple(found)


def trust(settings: HttpSettings, config: HttpConfig) -> Trust:
    """Flags first, then the HTTP config file."""
    tls = config.tls
    flags = dict.fromkeys(("ca", "cert", "key"), FLAG)
    if settings.ca_file is not None:
        tls = replace(tls, ca_file=settings.ca_file, ca=None)
        flags["ca"] = f"{settings.flags}ca-file"
    if settings.cert_file is not None:
        tls = replace(tls, cert_file=settings.cert_file, key_file=settings.key_file, cert=None, key=None)
        flags |= {part: f"{settings.flags}{part}-file" for part in ("cert", "key")}
    if settings.insecure_skip_verify:
        tls = replace(tls, insecure_skip_verify=True)
    return Trust(tls=tls, flags=flags)


def context(trust: Trust) -> ssl.SSLContext:
    """What a connection is made with; the files are read now.

    Raises
    ------
    UsageError
        A file, or a text in the HTTP config file, holds no certificate or key, or the two do not fit.
    """
    tls = trust.tls
    made = create_urllib3_context()
    if tls.min_version is not None:
        made.minimum_version = _VERSIONS[tls.min_version]
    if tls.max_version is not None:
        made.maximum_version = _VERSIONS[tls.max_version]
    if tls.insecure_skip_verify:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    else:
        _load_authorities(made, trust)
    if tls.cert_file is not None or tls.cert is not None:
        _load_certificate(made, trust)
    return made


def _load_authorities(made: ssl.SSLContext, trust: Trust) -> None:
    tls, flag, where = trust.tls, trust.flags["ca"], trust.tls.ca_file
    if tls.ca is None and where is None:
        variable = next((name for name in _BUNDLES if os.environ.get(name)), None)
        where = os.environ[variable] if variable else DEFAULT_CA_BUNDLE_PATH
        flag = variable or flag
    try:
        if where is not None and Path(where).is_dir():
            made.load_verify_locations(capath=where)
        else:
            made.load_verify_locations(cafile=where, cadata=tls.ca)
    except (OSError, ValueError) as failed:  # of the first is ssl.SSLError
        raise UsageError(
            f"The {_of(where, flag, 'ca')} {_fault(failed, 'authority')}.", f"Check {flag}."
        ) from None


def _load_certificate(made: ssl.SSLContext, trust: Trust) -> None:
    tls, flag = trust.tls, trust.flags["cert"]
    try:
        with _as_file(tls.cert, tls.cert_file) as cert, _as_file(tls.key, tls.key_file) as key:
            # An empty password: else OpenSSL would ask for one at the terminal.
            made.load_cert_chain(cert or "", key, password="")
    except (OSError, ValueError) as failed:
        whose = f"{_of(tls.cert_file, flag, 'cert')} and its key"
        raise UsageError(f"The {whose} cannot be used: {_key_fault(failed)}.", f"Check {flag}.") from None


def _of(path: str | None, flag: str, part: str) -> str:
    return f"text tls_config.{part} in {flag}" if path is None else f"file {path} of {flag}"


def _fault(failed: Exception, what: str) -> str:
    if isinstance(failed, ssl.SSLError) or not isinstance(failed, OSError):
        return f"holds no certificate of an {what} in PEM form"
    return f"cannot be read: {failed.strerror}"


def _key_fault(failed: Exception) -> str:
    words = str(failed)
    if "KEY_VALUES_MISMATCH" in words:
        return "they do not belong together"
    if isinstance(failed, ssl.SSLError) or not isinstance(failed, OSError):
        return "no certificate and unencrypted key in PEM form"
    return failed.strerror or "not readable"


@contextmanager
def _as_file(text: str | None, path: str | None) -> Iterator[str | None]:
    """OpenSSL reads certificates and keys from files only: a text becomes one for a moment, for us alone.

    In memory where the system can: no disk is needed, and a killed run leaves no key behind.
    """
    if text is None:
        yield path
        return
    if hasattr(os, "memfd_create") and Path("/proc/self/fd").is_dir():
        with os.fdopen(os.memfd_create("sci-batch"), "w") as memory:
            memory.write(text)
            memory.flush()
            yield f"/proc/self/fd/{memory.fileno()}"
        return
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(text)
        file.flush()
        yield file.name
