"""What an HTTP config file can say, typed; nothing here is read or checked."""

from __future__ import annotations

from dataclasses import dataclass, field

FLAG = "--http-config-file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A secret written in the file, or the name of the file that holds it."""

    text: str | None = field(default=None, repr=False)
    file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Trust and client certificate, each in a file or as PEM text."""

    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    ca: str | None = field(default=None, repr=False)
    cert: str | None = field(default=None, repr=False)
    key: str | None = field(default=None, repr=False)
    insecure_skip_verify: bool = False
    server_name: str | None = None
    """Name to ask for and to find in the certificate, in place of the host of the address."""
    min_version: str | None = None
    """`TLS12` or `TLS13`, as `max_version`; None: 1.2 at least."""
    max_version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """The way out. Without a URL the environment decides, unless `from_environment` is False."""

    url: str | None = field(default=None, repr=False)
    no_proxy: str | None = None
    """Hosts, domains and networks, with commas, that `url` is not used for."""
    from_environment: bool | None = None
    connect_headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Sent to the proxy alone, when it is asked for a tunnel to an https server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BasicAuth:
    """`basic_auth`."""

    username: Secret
    password: Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """`authorization`, and the older `bearer_token` and `bearer_token_file`."""

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
    proxy: Proxy = Proxy()


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
    proxy: Proxy = Proxy()
    headers: tuple[Header, ...] = ()
