"""A proxy between the tool and a real Prometheus that lets a fault answer instead.

The first part of the path names the fault: `http://127.0.0.1:PORT/NAME/api/v1/query` is answered by it. What
Prometheus itself answers is asked for once for each question, as the data stand still.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

JSON = "application/json"
Fault = Callable[["Exchange"], None]


class GoneError(Exception):
    """The tool has hung up, or the test is over: nobody listens any more."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request, and the ways to answer it."""

    number: int
    """How many were asked before under this name."""
    path: str
    """Below `/api/v1/`."""
    body: bytes
    headers: Mapping[str, str]
    handler: BaseHTTPRequestHandler
    proxy: Proxy

    @property
    def query(self) -> str:
        """The PromQL."""
        return self.form.get("query", "")

    @property
    def form(self) -> dict[str, str]:
        """What was asked."""
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}

    def truth(self) -> bytes:
        """What Prometheus answers."""
        return self.proxy.truth(self.path, self.body)

    def send(self, status: int = 200, body: bytes = b"", kind: str = JSON, **headers: Any) -> None:
        """A whole answer; `_` in header names stands for `-`."""
        head = {"Content-Type": kind, "Content-Length": str(len(body))}
        head |= {name.replace("_", "-"): value for name, value in headers.items()}
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items() if value)
        self.write(f"HTTP/1.1 {status} Said\r\n{lines}\r\n".encode("latin-1") + body)

    def write(self, data: bytes) -> None:
        """Bytes, as they are."""
        try:
            self.handler.wfile.write(data)
        except OSError:
            raise GoneError from None

    def pause(self, seconds: float) -> None:
        """Say nothing for a while."""
        if self.proxy.over.wait(seconds):
            raise GoneError

    def hang_up(self) -> None:
        """Close the connection."""
        self.handler.close_connection = True

    def reset(self) -> None:
        """Close it as a machine does that has crashed: with RST."""
        self.handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.handler.close_connection = True


@dataclass(slots=True)
class Proxy:
    """The faults by name, and what was asked of each."""

    upstream: str
    restart: Callable[[], None]
    """Ends Prometheus at once and starts it again; returns when it answers."""
    faults: dict[str, Fault]
    url: str = ""
    asked: dict[str, int] = field(default_factory=dict)
    over: threading.Event = field(default_factory=threading.Event)
    _answers: dict[tuple[str, bytes], bytes] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def truth(self, path: str, body: bytes) -> bytes:
        """What Prometheus answers, asked for once."""
        if (path, body) not in self._answers:
            self._answers[path, body] = self.fresh(path, body)
        return self._answers[path, body]

    def fresh(self, path: str, body: bytes) -> bytes:
        """What Prometheus answers now."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = requests.post(f"{self.upstream}/api/v1/{path}", data=body, headers=kind, timeout=60)
        answer.raise_for_status()
        return answer.content

    def answer(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        """Let the fault answer that the path names."""
        name, _, path = urlsplit(handler.path).path.strip("/").partition("/api/v1/")
        with self._lock:
            number = self.asked.get(name, 0)
            self.asked[name] = number + 1
        exchange = Exchange(number, path, body, dict(handler.headers.items()), handler, self)
        try:
            self.faults[name](exchange)
        except GoneError:
            handler.close_connection = True


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The tool hangs up in the middle: it is meant to."""


@contextmanager
def proxy(upstream: str, restart: Callable[[], None], faults: dict[str, Fault]) -> Iterator[Proxy]:
    """Run the proxy on a free port of 127.0.0.1."""
    made = Proxy(upstream, restart, faults)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            made.answer(self, self.rfile.read(int(self.headers.get("Content-Length", "0"))))

        do_GET = do_POST

        def log_message(self, *_: object) -> None:
            """Nothing: what happens is meant to."""

    server = _Server(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield made
    finally:
        made.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
