"""Remote read that goes wrong: JSON is asked for instead, and people know of it where it is a fault."""

from __future__ import annotations

from collections.abc import Callable

import requests

from sci_batch.prometheus import remote_read
from sci_batch.prometheus.remote_messages import message
from tests import chunked
from tests.hostile import faults as f
from tests.hostile.proxy import Exchange, Fault
from tests.hostile.scenario import Scenario, in_group

SAID = "raw samples are read as JSON, not by remote read"


def remote() -> list[Scenario]:
    one = in_group("Remote read")

    return [
        one("remote-read", "answers remote read as it should", _read(lambda body: body)),
        one("remote-read-missing", "has no remote read", _otherwise(f.says(404, b"404 page not found"))),
        one("remote-read-page", "answers remote read with an HTML page",
            _otherwise(f.says(200, f.GATEWAY_PAGE, f.HTML)), words=SAID),
        one("remote-read-cut", "cuts streamed chunks off", _read(lambda body: body[:-9]), words=SAID),
        one("remote-read-bit", "changes a bit in streamed chunks",
            _read(lambda body: body[:-9] + bytes([body[-9] ^ 1]) + body[-8:]), words=SAID),
        one("remote-read-kind", "sends chunks of a kind that nobody knows", _read(_each_chunk(_of_kind_9)),
            words="a chunk is of type 9"),
        one("remote-read-claims", "sends chunks that claim to be of 65,535 samples",
            _read(_each_chunk(_claiming)), words="longer or shorter than its samples"),
    ]  # fmt: skip


def _read(change: Callable[[bytes], bytes]) -> Fault:
    """Streamed chunks that were changed; the answer to the first question, without any, is the true one."""

    def fault(ask: Exchange) -> None:
        there = f"{ask.proxy.upstream}/api/v1/read"
        answer = requests.post(there, data=ask.body, headers=remote_read.HEADERS, timeout=60)
        answer.raise_for_status()
        body = answer.content
        ask.send(body=change(body) if body else body, kind=answer.headers["Content-Type"])

    return _otherwise(fault)


def _otherwise(fault: Fault) -> Fault:
    """Remote read meets the fault; what the server says of itself is true."""

    def answer(ask: Exchange) -> None:
        if ask.path == "read":
            fault(ask)
        elif ask.path.startswith("status/"):
            ask.send(body=requests.get(f"{ask.proxy.upstream}/api/v1/{ask.path}", timeout=60).content)
        else:
            f.true(ask)

    return answer


def _each_chunk(change: Callable[[int, bytes], tuple[int, bytes]]) -> Callable[[bytes], bytes]:
    """Kind and bytes of each chunk, in frames whose checksums are right."""

    def changed(body: bytes) -> bytes:
        out = b""
        for frame in chunked.frames(body):
            whole = message("ChunkedReadResponse").FromString(frame)
            for chunk in [chunk for series in whole.chunked_series for chunk in series.chunks]:
                chunk.type, chunk.data = change(chunk.type, chunk.data)
            out += chunked.framed(whole.SerializeToString())
        return out

    return changed


def _of_kind_9(_: int, data: bytes) -> tuple[int, bytes]:
    return 9, data


def _claiming(kind: int, data: bytes) -> tuple[int, bytes]:
    return kind, b"\xff\xff" + data[2:]
