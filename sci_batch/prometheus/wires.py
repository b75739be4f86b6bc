"""Connection pools: one for the TLS files and the proxy of now, made anew when these change."""

from __future__ import annotations

import logging
import ssl
import threading
from contextlib import suppress
from functools import cached_property
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from sci_batch.prometheus import bounds
from sci_batch.prometheus.http_config_parts import Proxy
from sci_batch.prometheus.tls import Trust, context

_DIRECT = {"http": "", "https": ""}
"""An empty proxy stands for none, also where the environment names one."""


class Wires:
    """Hands out the session to send with; safe for threads."""

    def __init__(self, size: int = 1, headers: dict[str, str] | None = None) -> None:
        self._size = size
        self._headers = headers or {}
        self._lock = threading.Lock()
        self._known: object = None
        self._session: requests.Session | None = None
        # The CLI warns of --insecure-skip-verify once; urllib3 would at each request.
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        # Its debug lines show the query string of the URL, where some put a key; so do its warnings of
        # headers that are none, with a traceback.
        logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)
        logging.getLogger("urllib3.connection").setLevel(logging.ERROR)

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            if self._session is not None:
                self._session.close()
            self._known = self._session = None

    def session(self, trust: Trust, proxy: Proxy) -> requests.Session:
        """Connections with this TLS, and these headers for the proxy.

        Raises
        ------
        UsageError
            A TLS file is missing.
        """
        now = (trust, trust.stamp(), proxy.connect_headers)
        with self._lock:
            if self._session is None or self._known != now:
                # Not closed: another thread may still wait for an answer on one of its connections.
                self._session, self._known = self._made(trust, proxy), now
            return self._session

    def _made(self, trust: Trust, proxy: Proxy) -> requests.Session:
        made = _Unled()
        # Over http a proxy would hand its headers on to the server: they belong to tunnels only.
        made.mount("http://", _Adapter(trust, {}, self._size))
        made.mount("https://", _Adapter(trust, dict(proxy.connect_headers), self._size))
        made.headers.update(self._headers)
        return made


class _Unled(requests.Session):
    """Looks at no redirect: the base class would read its body whole, and fail on an address that is none."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Nowhere."""


class _Connection(HTTPConnection):
    response_class = bounds.Response


class _SecureConnection(HTTPSConnection):
    """A server that refuses a certificate says so and hangs up, while the request is still being sent."""

    response_class = bounds.Response

    def send(self, data: Any) -> None:
        """Send; where the other side has hung up, raise what it said before."""
        try:
            super().send(data)
        except OSError:
            # Timeouts and resets while listening are no better news than the first.
            with suppress(TimeoutError, ConnectionError, ssl.SSLEOFError):
                if isinstance(self.sock, ssl.SSLSocket):
                    self.sock.recv(1)
            raise


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


_POOLS = {"http": _Pool, "https": _SecurePool}


class _Adapter(HTTPAdapter):
    """TLS by a context of our own, in place of `verify` and `cert`."""

    def __init__(self, trust: Trust, connect_headers: dict[str, str], size: int) -> None:
        self._trust = trust
        self._connect_headers = connect_headers
        super().__init__(pool_connections=2, pool_maxsize=size, pool_block=True)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return context(self._trust)

    def build_connection_pool_key_attributes(
        self,
        request: requests.PreparedRequest,
        verify: Any,  # noqa: ARG002 -- the context knows
        cert: Any = None,  # noqa: ARG002
    ) -> Any:
        """Host, and how to connect to it."""
        parts = urlsplit(str(request.url))
        host = {"scheme": parts.scheme, "host": parts.hostname, "port": parts.port}
        if parts.scheme != "https":
            return host, {}
        name = self._trust.tls.server_name
        return host, {"ssl_context": self._context, **({"server_hostname": name} if name else {})}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Nothing to add: the context verifies."""

    def proxy_headers(self, proxy: str) -> dict[str, str]:
        """The proxy's login, and what the HTTP config file adds."""
        return {**super().proxy_headers(proxy), **self._connect_headers}

    def proxy_manager_for(self, proxy: str, **given: Any) -> Any:
        """Pools behind one proxy, which may itself speak TLS."""
        if proxy.lower().startswith("https:"):
            given["proxy_ssl_context"] = self._context
        manager = super().proxy_manager_for(proxy, **given)
        manager.pool_classes_by_scheme = _POOLS
        return manager


def proxies(proxy: Proxy, url: str) -> dict[str, str]:
    """`proxies` of a request to `url`; empty: the environment decides."""
    if proxy.url is not None:
        if proxy.no_proxy and _bypassed(url, proxy.no_proxy):
            return _DIRECT
        return {"http": proxy.url, "https": proxy.url}
    return _DIRECT if proxy.from_environment is False else {}


def _bypassed(url: str, no_proxy: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if proxy_bypass_environment(f"{host}:{port}", {"no": no_proxy}):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return any(_holds(entry.strip(), address) for entry in no_proxy.split(","))


def _holds(entry: str, address: Any) -> bool:
    try:
        return address in ip_network(entry, strict=False)
    except ValueError:
        return False
