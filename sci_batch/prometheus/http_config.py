"""The HTTP config file, in the schema of `promtool --http.config.file`.

https://prometheus.io/docs/prometheus/latest/configuration/promtool/ ; what this tool cannot do is
refused by name, so that nobody believes in a setting that has no effect.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sci_batch.errors import UsageError
from sci_batch.files import contents
from sci_batch.prometheus.http import is_header
from sci_batch.prometheus.http_config_parts import (
    FLAG,
    Authorization,
    BasicAuth,
    Header,
    HttpConfig,
    OAuth2,
    Proxy,
    Secret,
    Tls,
)
from sci_batch.prometheus.http_config_reader import ONE_GRANT, Reader

__all__ = ["FLAG", "load", "parse"]

_MOST_BYTES = 200_000

# fmt: off
_RESERVED = frozenset({
    "authorization", "host", "content-encoding", "content-length", "content-type", "user-agent", "connection",
    "keep-alive", "proxy-authenticate", "proxy-authorization", "www-authenticate", "accept-encoding",
    "x-prometheus-remote-write-version", "x-prometheus-remote-read-version",
    "x-prometheus-scrape-timeout-seconds", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256",
})
# fmt: on
"""Headers that promtool refuses, too."""
_PROXY = ("proxy_url", "no_proxy", "proxy_from_environment", "proxy_connect_header")
_TLS_TEXTS = ("ca", "cert", "key")
_TLS = (
    *_TLS_TEXTS,
    *(f"{name}_file" for name in _TLS_TEXTS),
    "server_name",
    "insecure_skip_verify",
    "min_version",
    "max_version",
)
_TLS_VERSIONS = ("TLS10", "TLS11", "TLS12", "TLS13")
_TLS_LEAST = _TLS_VERSIONS.index("TLS12")
_CONNECTION = ("tls_config", *_PROXY)
_BEARER = ("bearer_token", "bearer_token_file")
_TOP = (
    *("basic_auth", "authorization", "oauth2", *_BEARER),
    *_CONNECTION,
    *("http_headers", "follow_redirects", "enable_http2"),
)
_OAUTH2 = (
    *("client_id", "client_secret", "client_secret_file", "scopes", "token_url", "endpoint_params"),
    "grant_type",
)


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
    reader = _Parts(path)
    top = reader.mapping(data, "", _TOP)
    makers: dict[str, Callable[[object], BasicAuth | Authorization | OAuth2]] = {
        "basic_auth": reader.basic_auth,
        "authorization": reader.authorization,
        "oauth2": reader.oauth2,
        "bearer_token": lambda _: reader.bearer(top),
        "bearer_token_file": lambda _: reader.bearer(top),
    }
    # A key without a value is as good as none, as in promtool.
    logins = [name for name in makers if top.get(name) not in (None, "")]
    if len(logins) > 1:
        reader.refuse(f"holds two logins at once ({' and '.join(logins)}): keep one")
    if reader.boolean(top, "follow_redirects", ""):
        reader.refuse("asks to follow redirects, which never happens here, so that no login goes astray")
    reader.boolean(top, "enable_http2", "")  # it allows HTTP/2, and does not ask for it
    return HttpConfig(
        login=makers[logins[0]](top[logins[0]]) if logins else None,
        tls=reader.tls(top.get("tls_config"), "tls_config"),
        proxy=reader.proxy(top, ""),
        headers=reader.headers(top.get("http_headers")),
    )


class _Parts(Reader):
    """Turns plain YAML into typed parts."""

    def tls(self, data: object, place: str) -> Tls:
        part = self.mapping(data, place, _TLS)
        place = f"{place}."
        found = {name: self.secret(part, name, place) for name in _TLS_TEXTS}
        if (found["cert"] == Secret()) != (found["key"] == Secret()):
            self.refuse(f"needs both cert(_file) and key(_file) at {place[:-1]}")
        least, most = (self._version(part, key, place) for key in ("min_version", "max_version"))
        if most is not None and most < max(least or 0, _TLS_LEAST):
            self.refuse(f"allows no TLS version at {place}max_version: TLS12 or min_version is the least")
        return Tls(
            ca_file=found["ca"].file,
            cert_file=found["cert"].file,
            key_file=found["key"].file,
            ca=found["ca"].text,
            cert=found["cert"].text,
            key=found["key"].text,
            insecure_skip_verify=self.boolean(part, "insecure_skip_verify", place) or False,
            server_name=self.text(part, "server_name", place),
            min_version=_TLS_VERSIONS[max(least, _TLS_LEAST)] if least is not None else None,
            max_version=_TLS_VERSIONS[most] if most is not None else None,
        )

    def _version(self, data: Mapping[str, Any], key: str, place: str) -> int | None:
        name = self.text(data, key, place)
        if name is not None and name not in _TLS_VERSIONS:
            self.refuse(f"needs one of {', '.join(_TLS_VERSIONS)} at {place}{key}")
        return None if name is None else _TLS_VERSIONS.index(name)

    def proxy(self, data: Mapping[str, Any], place: str) -> Proxy:
        url, no_proxy = (self.text(data, key, place) for key in ("proxy_url", "no_proxy"))
        environment = self.boolean(data, "proxy_from_environment", place)
        headers = []
        key = f"{place}proxy_connect_header"
        for name, _ in self.mapping(data.get("proxy_connect_header"), key, None).items():
            values = self.texts(data["proxy_connect_header"], name, f"{key}.")
            if not all(is_header(name, value) for value in values):
                self.refuse(f"has at {key} what no HTTP header can carry")
            headers.append((name, ", ".join(values)))
        if environment and (url or no_proxy):
            self.refuse(f"has both {place}proxy_from_environment and {'proxy_url' if url else 'no_proxy'}")
        if no_proxy and not url:
            self.refuse(f"has {place}no_proxy without proxy_url")
        if headers and not (url or environment):
            self.refuse(f"has {key} without proxy_url or proxy_from_environment")
        if url and not re.match(r"https?://[^/]", url):
            self.refuse(f"needs an http:// or https:// address at {place}proxy_url")
        return Proxy(url=url, no_proxy=no_proxy, from_environment=environment, connect_headers=tuple(headers))

    def bearer(self, top: Mapping[str, Any]) -> Authorization:
        return Authorization(type="Bearer", credentials=self.secret(top, "bearer_token", ""))

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
        kind = (self.text(part, "type", f"{place}.") or "").strip() or "Bearer"
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
        if self.text(part, "grant_type", place) not in (None, "client_credentials"):
            self.refuse(f"has another oauth2.grant_type: {ONE_GRANT}")
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
            proxy=self.proxy(part, place),
        )

    def headers(self, data: object) -> tuple[Header, ...]:
        headers = []
        for name, content in self.mapping(data, "http_headers", None).items():
            place = f"http_headers.{name}"
            if name.lower() in _RESERVED:
                login = ": use basic_auth, authorization or oauth2" if name.lower() == "authorization" else ""
                self.refuse(f"sets the header {name} at http_headers, which is not allowed{login}")
            part = self.mapping(content, place, ("values", "secrets", "files"))
            plain = (*self.texts(part, "values", f"{place}."), *self.texts(part, "secrets", f"{place}."))
            files = (self._beside(file) for file in self.texts(part, "files", f"{place}."))
            values = (*(Secret(text=text) for text in plain), *(Secret(file=file) for file in files))
            if values:
                headers.append(Header(name=name, values=values))
        return tuple(headers)
