"""How long and how large one answer may be: a server that drips or never ends does not hold a run up."""

from __future__ import annotations

import http.client
import io
import socket
import time
from typing import Any

import requests

from sci_batch.errors import SourceError
from sci_batch.prometheus.problems import LESS_CURE, Asked, Problem, Reaction, TooMuchError

WHOLE_ANSWER = 5
"""A whole answer may take this many times the longest wait for a part of it."""
LARGEST_BYTES = 512 << 20
"""Of a body, unpacked. Real answers stay below 200 MB."""
LARGEST_REFUSAL_BYTES = 1 << 20
"""What is read of a body that is no data; the rest is of no use."""
_CHUNK_BYTES = 1 << 16
"""Read at a time: what one chunk unpacks to is in memory before it is counted."""
_PACKED = ("", "identity", "gzip", "x-gzip", "deflate")


class _Watched(io.RawIOBase):
    """Bytes of a socket, each as long to wait for as the socket says, all of them not beyond a moment."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._each = sock.gettimeout()
        self._end = None if self._each is None else time.monotonic() + WHOLE_ANSWER * self._each
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._end is not None and self._each is not None:
            left = self._end - time.monotonic()
            if left <= 0:
                raise TimeoutError("timed out")
            self._sock.settimeout(min(self._each, left))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class Response(http.client.HTTPResponse):
    """An answer that comes in time, headers included, or not at all; `response_class` of a connection."""

    def __init__(self, sock: socket.socket, *more: Any, **options: Any) -> None:
        super().__init__(sock, *more, **options)
        self.fp.close()
        self.fp = io.BufferedReader(_Watched(sock))


def read(response: requests.Response, asked: Asked) -> bytes | Problem:
    """The unpacked body; of a refusal its beginning, which holds the words.

    Raises
    ------
    requests.RequestException
        The body broke off, cannot be unpacked, or did not come in time.
    """
    packed = response.headers.get("content-encoding", "").strip().lower()
    if packed not in _PACKED:  # nobody asked for it, and each layer may grow a thousandfold
        return Problem(
            SourceError(
                f"{asked.url} answers with a content-encoding that was not asked for{asked.suffix}",
                "Have what stands between here and Prometheus answer unpacked, or with gzip.",
            ),
            Reaction.STOP,
        )
    refused = response.status_code != requests.codes.ok
    largest = LARGEST_REFUSAL_BYTES if refused else LARGEST_BYTES
    size, parts = 0, []
    for part in response.iter_content(_CHUNK_BYTES):
        parts.append(part)
        size += len(part)
        if size > largest:
            if refused:
                break
            return _too_large(asked)
    return b"".join(parts)


def _too_large(asked: Asked) -> Problem:
    error = TooMuchError(
        f"{asked.url} answers with more than {LARGEST_BYTES / (1 << 20):g} MiB{asked.suffix}", LESS_CURE
    )
    return Problem(error, Reaction.SHRINK)
