"""Which queries a run sends: a proxy on loopback that writes them down.

It has no remote read, so that a run asks it for raw samples in JSON: those are what curl is timed with, also
beside a run that reads the same samples remotely.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

NO_SUCH_PAGE = 404
AT_ONCE = 2
"""Requests at the same time, as many as the tool sends by default."""


@dataclass(slots=True)
class Recording:
    """POST requests in the order of their arrival."""

    url: str = ""
    """Where to send what shall be recorded."""
    requests: list[tuple[str, bytes]] = field(default_factory=list)
    """Path and body."""
    answer_bytes: int = 0

    def curl_config(self, target: str, folder: Path, at_once: int) -> Path:
        """A file for `curl --config` that sends everything again to `target`, answers thrown away."""
        transfers = []
        for number, (path, body) in enumerate(self.requests):
            form = folder / f"{number}.form"
            form.write_bytes(body)
            transfers.append(
                f'url = "{target}{path}"\ndata = "@{form}"\noutput = "/dev/null"\n'
                "fail\nsilent\nshow-error\nno-progress-meter\n"
            )
        config = folder / f"curl-{at_once}.config"
        several = f"parallel\nparallel-max = {at_once}\n" if at_once > 1 else ""
        config.write_text(several + "next\n".join(transfers))
        return config


@contextmanager
def recording(target: str) -> Iterator[Recording]:
    """Pass every POST on to `target`, and write it down."""
    kept = Recording()
    lock = threading.Lock()

    class Relay(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/api/v1/read":
                self.send_response(NO_SUCH_PAGE)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            with lock:
                kept.requests.append((self.path, body))
            connection = HTTPConnection(urlsplit(target).netloc, timeout=300)
            try:
                connection.request("POST", self.path, body, {"Content-Type": self.headers["Content-Type"]})
                answer = connection.getresponse()
                content = answer.read()
            finally:
                connection.close()
            with lock:
                kept.answer_bytes += len(content)
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.headers["Content-Type"])
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_request(self, *_: object) -> None:
            """Say nothing."""

    relay = ThreadingHTTPServer(("127.0.0.1", 0), Relay)
    thread = threading.Thread(target=relay.serve_forever, daemon=True)
    thread.start()
    kept.url = f"http://127.0.0.1:{relay.server_address[1]}"
    try:
        yield kept
    finally:
        relay.shutdown()
        relay.server_close()
        thread.join()
