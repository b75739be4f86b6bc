"""A proxy that counts: how many requests are under way at once, and what the server answers."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


@dataclass(slots=True)
class Seen:
    """What went by."""

    url: str = ""
    under_way: int = 0
    most_under_way: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    answer_bytes: int = 0
    largest_bytes: int = 0
    """The largest answer."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The tool hangs up when an answer takes too long, and asks again."""


@contextmanager
def counting(target: str) -> Iterator[Seen]:
    """Pass all requests on to a server."""
    seen, lock = Seen(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            with lock:
                seen.under_way += 1
                seen.most_under_way = max(seen.most_under_way, seen.under_way)
            try:
                status, kind, content = self._asked(body)
            finally:
                with lock:
                    seen.under_way -= 1
            with lock:
                seen.statuses[status] += 1
                seen.answer_bytes += len(content)
                seen.largest_bytes = max(seen.largest_bytes, len(content))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST

        def _asked(self, body: bytes) -> tuple[int, str, bytes]:
            connection = HTTPConnection(urlsplit(target).netloc, timeout=600)
            try:
                kind = {"Content-Type": self.headers.get("Content-Type", "")}
                connection.request(self.command, self.path, body, kind)
                answer = connection.getresponse()
                return answer.status, answer.headers["Content-Type"], answer.read()
            finally:
                connection.close()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = _Server(("127.0.0.1", 0), Handler)
    seen.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
