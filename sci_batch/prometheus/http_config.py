"""The HTTP config file, in the schema of `promtool --http.config.file`.

https://prometheus.io/docs/prometheus/latest/configuration/promtool/ ; what this tool cannot do is
refused by name, so that nobody believes in a setting that has no effect.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from sci_batch.errors import UsageError
from sci_batch.files import contents

FLAG = "--http-config-file"
_MOST_BYTES = 200_000

_NOT_SUPPORTED = {
    "server_name": "the host of --prometheus-url is checked against the certificate",
    "min_version": "TLS 1.2 is the least",
    "max_version": "the newest TLS both sides know is used",
    "ca": "use ca_file",
    "cert": "use cert_file",
    "key": "use key_file",
    "bearer_token": "use authorization.credentials",
    "bearer_token_file": "use authorization.credentials_file",
    "follow_redirects": "redirects are never followed with a login",
    "enable_http2": "HTTP/1.1 is used",
    "no_proxy": "set the environment variable NO_PROXY",
    "proxy_from_environment": "HTTPS_PROXY and HTTP_PROXY are read without it",
    "proxy_connect_header": "put the proxy's login into proxy_url",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Trust and client certificate."""

    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    insecure_skip_verify: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A secret written in the file, or the name of the file that holds it."""

    text: str | None = field(default=None, repr=False)
    file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BasicAuth:
    """`basic_auth`."""

    username: Secret
    password: Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """`authorization`."""

    type: str
    credentials: Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth2:
    """`oauth2`, the client credentials flow (RFC 6749, section 4.4)."""

    client_id: str
    client_secret: Secret
    token_url: str = field(repr=False)
    scopes: tuple[str, ...] = ()
    endpoint_params: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    tls: Tls = Tls()
    proxy_url: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """One of `http_headers`; its values, secrets and files are all sent."""

    name: str
    values: tuple[Secret, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpConfig:
    """What the file says; empty when there is none."""

    login: BasicAuth | Authorization | OAuth2 | None = None
    tls: Tls = Tls()
    proxy_url: str | None = field(default=None, repr=False)
    headers: tuple[Header, ...] = ()


def load(path: str) -> HttpConfig:
    """Read the file; file names inside are relative to its folder, as in promtool.

    Raises
    ------
    UsageError
        Missing file, no YAML, unknown key, two logins. Values are never shown.
    """
    import yaml  # type: ignore[import-untyped, unused-ignore]  # slow to import, seldom needed

    try:
        text = contents(Path(path), _MOST_BYTES).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as failed:
        reason = getattr(failed, "strerror", None) or "not UTF-8 text"
        raise UsageError(f"{FLAG} {path} cannot be read: {reason}.", f"Check {FLAG}.") from None
    try:
        # BaseLoader makes text, lists and mappings only: a password 0123 stays what it is.
        data = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506
    except RecursionError:
        raise UsageError(f"{FLAG} {path} is nested too deeply.", f"Check {FLAG}.") from None
    except yaml.YAMLError as failed:
        mark = getattr(failed, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise UsageError(f"{FLAG} {path} is not YAML{where}.", f"Check {FLAG}.") from None
    return parse(data, path)


def parse(data: object, path: str) -> HttpConfig:
    """Check the content of the file `path` and give it types; raises as `load`."""
    reader = _Reader(path)
    top = reader.mapping(data, "", ("basic_auth", "authorization", "oauth2", *_CONNECTION, "http_headers"))
    makers: dict[str, Callable[[object], BasicAuth | Authorization | OAuth2]] = {
        "basic_auth": reader.basic_auth,
        "authorization": reader.authorization,
        "oauth2": reader.oauth2,
    }
    logins = [name for name in makers if name in top]
    if len(logins) > 1:
        reader.refuse(f"holds two logins at once ({' and '.join(logins)}): keep one")
    return HttpConfig(
        login=makers[logins[0]](top[logins[0]]) if logins else None,
        tls=reader.tls(top.get("tls_config"), "tls_config"),
        proxy_url=reader.text(top, "proxy_url", ""),
        headers=reader.headers(top.get("http_headers")),
    )


_CONNECTION = ("tls_config", "proxy_url")
_OAUTH2 = ("client_id", "client_secret", "client_secret_file", "scopes", "token_url", "endpoint_params")


class _Reader:
    """Turns plain YAML into typed parts, and knows the file for messages and relative names."""

    def __init__(self, path: str) -> None:
        self._path = path

    def refuse(self, fault: str) -> NoReturn:
        raise UsageError(f"{FLAG} {self._path} {fault}.", f"Correct the file, or take {FLAG} away.")

    def mapping(self, data: object, place: str, allowed: tuple[str, ...] | None) -> Mapping[str, Any]:
        if data in (None, ""):
            return {}
        if not isinstance(data, dict):
            self.refuse(f"has no mapping at {place or 'its top'}")
        for key in data if allowed is not None else ():
            if key not in (allowed or ()):
                self._unknown(str(key), place, allowed or ())
        return data

    def _unknown(self, key: str, place: str, allowed: tuple[str, ...]) -> NoReturn:
        where = f"{place}.{key}" if place else key
        if key in _NOT_SUPPORTED:
            self.refuse(f"has the key {where}, which is not supported here: {_NOT_SUPPORTED[key]}")
        near = difflib.get_close_matches(key, allowed, n=1)
        guess = f"did you mean {near[0]}?" if near else f"known: {', '.join(allowed)}"
        # A key can be a secret that lost its colon: show only what looks like a key.
        shown = where if key.isidentifier() and len(key) <= 40 else "(not shown)"
        self.refuse(f"has an unknown key {shown} ({guess})")

    def text(self, data: Mapping[str, Any], key: str, place: str) -> str | None:
        value = data.get(key)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            self.refuse(f"needs text at {place}{key}")
        return value

    def texts(self, data: Mapping[str, Any], key: str, place: str) -> tuple[str, ...]:
        value = data.get(key) or []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.refuse(f"needs a list of texts at {place}{key}")
        return tuple(value)

    def file(self, data: Mapping[str, Any], key: str, place: str) -> str | None:
        name = self.text(data, key, place)
        return None if name is None else self._beside(name)

    def _beside(self, name: str) -> str:
        return str(Path(self._path).parent / name)

    def secret(self, data: Mapping[str, Any], key: str, place: str) -> Secret:
        found = Secret(text=self.text(data, key, place), file=self.file(data, f"{key}_file", place))
        if found.text is not None and found.file is not None:
            self.refuse(f"has both {place}{key} and {place}{key}_file: keep one")
        return found

    def tls(self, data: object, place: str) -> Tls:
        part = self.mapping(data, place, ("ca_file", "cert_file", "key_file", "insecure_skip_verify"))
        skip = (self.text(part, "insecure_skip_verify", f"{place}.") or "false").lower()
        if skip not in ("true", "false"):
            self.refuse(f"needs true or false at {place}.insecure_skip_verify")
        tls = Tls(
            ca_file=self.file(part, "ca_file", f"{place}."),
            cert_file=self.file(part, "cert_file", f"{place}."),
            key_file=self.file(part, "key_file", f"{place}."),
            insecure_skip_verify=skip == "true",
        )
        if (tls.cert_file is None) != (tls.key_file is None):
            self.refuse(f"needs both cert_file and key_file at {place}")
        return tls

    def basic_auth(self, data: object) -> BasicAuth:
        place = "basic_auth"
        keys = ("username", "username_file", "password", "password_file")
        part = self.mapping(data, place, keys)
        return BasicAuth(
            username=self.secret(part, "username", f"{place}."),
            password=self.secret(part, "password", f"{place}."),
        )

    def authorization(self, data: object) -> Authorization:
        place = "authorization"
        part = self.mapping(data, place, ("type", "credentials", "credentials_file"))
        kind = self.text(part, "type", f"{place}.") or "Bearer"
        credentials = self.secret(part, "credentials", f"{place}.")
        if kind.lower() == "basic":
            self.refuse("has authorization.type Basic: use basic_auth")
        if credentials == Secret():
            self.refuse("needs authorization.credentials or authorization.credentials_file")
        return Authorization(type=kind, credentials=credentials)

    def oauth2(self, data: object) -> OAuth2:
        place = "oauth2."
        part = self.mapping(data, "oauth2", (*_OAUTH2, *_CONNECTION))
        client_id = self.text(part, "client_id", place)
        token_url = self.text(part, "token_url", place)
        client_secret = self.secret(part, "client_secret", place)
        if client_id is None or token_url is None or client_secret == Secret():
            self.refuse("needs oauth2.client_id, oauth2.token_url and oauth2.client_secret(_file)")
        if not token_url.startswith(("http://", "https://")):
            self.refuse("needs an http(s) address at oauth2.token_url")
        params = self.mapping(part.get("endpoint_params"), "oauth2.endpoint_params", None)
        if not all(isinstance(value, str) for value in params.values()):
            self.refuse("needs texts at oauth2.endpoint_params")
        return OAuth2(
            client_id=client_id,
            client_secret=client_secret,
            token_url=token_url,
            scopes=self.texts(part, "scopes", place),
            endpoint_params=tuple(params.items()),
            tls=self.tls(part.get("tls_config"), "oauth2.tls_config"),
            proxy_url=self.text(part, "proxy_url", place),
        )

    def headers(self, data: object) -> tuple[Header, ...]:
        headers = []
        for name, content in self.mapping(data, "http_headers", None).items():
            place = f"http_headers.{name}"
            part = self.mapping(content, place, ("values", "secrets", "files"))
            plain = (*self.texts(part, "values", f"{place}."), *self.texts(part, "secrets", f"{place}."))
            files = (self._beside(file) for file in self.texts(part, "files", f"{place}."))
            values = (*(Secret(text=text) for text in plain), *(Secret(file=file) for file in files))
            headers.append(Header(name=name, values=values))
        return tuple(headers)
