"""What a server can do wrong, as functions that answer one request; and which requests they meet."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

from tests.hostile.proxy import JSON, Exchange, Fault

ENDLESS_BYTES = 32 << 20
"""Where an endless answer ends nevertheless: a tool that reads on fails the test, and does not hang it."""
DRIP_SECONDS = 0.02
DRIPS = 300
ELSEWHERE = "elsewhere"
HTML = "text/html; charset=utf-8"
LOGIN_PAGE = (
    b"<!doctype html><html><head><title>Sign in to Acme</title></head><body><form>Password</form></body>"
)
GATEWAY_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


# Which requests


def true(ask: Exchange) -> None:
    """As Prometheus answers."""
    ask.send(body=ask.truth())


def first(fault: Fault, times: int = 1) -> Fault:
    """The first requests meet the fault, all later ones do not."""
    return lambda ask: (fault if ask.number < times else true)(ask)


def at(number: int, fault: Fault) -> Fault:
    """One request in the middle meets the fault."""
    return lambda ask: (fault if ask.number == number else true)(ask)


def where(words: str, fault: Fault) -> Fault:
    """Those meet it that have these words in their path or query."""
    return lambda ask: (fault if words in f"{ask.path}?{ask.query}" else true)(ask)


def in_turn(*faults: Fault) -> Fault:
    """One request after the other; the later ones meet none."""
    return lambda ask: (faults[ask.number] if ask.number < len(faults) else true)(ask)


# Answers as a whole


def says(status: int, body: bytes = b"", kind: str = JSON, **headers: str) -> Fault:
    """A fixed answer."""
    return lambda ask: ask.send(status, body, kind, **headers)


def refuses(status: int, error_type: str, error: str, **headers: str) -> Fault:
    """An error in the words of Prometheus."""
    envelope = {"status": "error", "errorType": error_type, "error": error}
    return says(status, json.dumps(envelope).encode(), **headers)


def with_headers(**headers: Any) -> Fault:
    """The true answer under other headers."""
    return lambda ask: ask.send(body=ask.truth(), **headers)


def leads_elsewhere(status: int) -> Fault:
    """A redirect to a host of another name, where somebody counts who comes."""

    def fault(ask: Exchange) -> None:
        there = ask.proxy.url.replace("127.0.0.1", "localhost")
        ask.send(status, Location=f"{there}/{ELSEWHERE}/api/v1/{ask.path}")

    return fault


def writes(data: bytes) -> Fault:
    """Bytes instead of HTTP, and the end."""

    def fault(ask: Exchange) -> None:
        ask.write(data)
        ask.hang_up()

    return fault


def resets(ask: Exchange) -> None:
    """No answer, but RST."""
    ask.reset()


def hangs_up(ask: Exchange) -> None:
    """No answer, but the end."""
    ask.hang_up()


def restarts(ask: Exchange) -> None:
    """Prometheus is killed in the middle of the request, and started again."""
    ask.proxy.restart()
    ask.reset()


def fresh(ask: Exchange) -> None:
    """As Prometheus answers at this moment."""
    ask.send(body=ask.proxy.fresh(ask.path, ask.body))


# Bodies that break off

Place = Callable[[bytes], int]
"""Where: a number of bytes."""


def share(of: float) -> Place:
    """After this share of the body."""
    return lambda body: int(len(body) * of)


def before(mark: bytes, more: int = 0, *, last: bool = False) -> Place:
    """At the first or last place of a mark, and some bytes on; in the middle where there is none."""

    def place(body: bytes) -> int:
        found = body.rfind(mark) if last else body.find(mark)
        return found + more if found >= 0 else len(body) // 2

    return place


def cut(place: Place, how: str) -> Fault:
    """The body breaks off: its length was promised, it came in chunks, or nothing said where it ends."""

    def fault(ask: Exchange) -> None:
        body = ask.truth()
        part = body[: place(body)]
        if how == "length":
            ask.send(body=part, Content_Length=str(len(body)))
        elif how == "chunked":
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
            ask.write(head + f"{len(part):x}\r\n".encode() + part + b"\r\n")
        else:
            ask.send(body=part, Content_Length="", Connection="close")
        ask.hang_up()

    return fault


def reset_in_body(ask: Exchange) -> None:
    """Half of the body, then RST."""
    body = ask.truth()
    ask.send(body=body[: len(body) // 2], Content_Length=str(len(body)))
    ask.reset()


# Too slow, too much


def silent(seconds: float) -> Fault:
    """Nothing for a while, and then the answer."""

    def fault(ask: Exchange) -> None:
        ask.pause(seconds)
        true(ask)

    return fault


def stalls(seconds: float) -> Fault:
    """Half of the body, nothing for a while, and then the rest."""

    def fault(ask: Exchange) -> None:
        body = ask.truth()
        ask.send(body=body[: len(body) // 2], Content_Length=str(len(body)))
        ask.pause(seconds)
        ask.write(body[len(body) // 2 :])

    return fault


def drips(start: bytes, drop: bytes) -> Fault:
    """A drop now and then, each well within the time for a part."""

    def fault(ask: Exchange) -> None:
        ask.write(start)
        for _ in range(DRIPS):
            ask.write(drop)
            ask.pause(DRIP_SECONDS)
        ask.hang_up()

    return fault


def drips_itself(ask: Exchange) -> None:
    """The true answer, byte by byte."""
    body = ask.truth()
    ask.send(body=b"", Content_Length=str(len(body)))
    for byte in body[:DRIPS]:
        ask.write(bytes([byte]))
        ask.pause(DRIP_SECONDS)
    ask.hang_up()


def pours(start: bytes, more: bytes) -> Fault:
    """Ever more, as fast as it is read."""

    def fault(ask: Exchange) -> None:
        ask.write(start)
        for _ in range(ENDLESS_BYTES // len(more)):
            ask.write(more)
        ask.hang_up()

    return fault


def bomb(size: int) -> bytes:
    """Zeros, packed to a thousandth."""
    return gzip.compress(b"0" * size, 9)


def packed(ask: Exchange) -> None:
    """The true answer in gzip, which nobody asked for."""
    ask.send(body=gzip.compress(ask.truth()), Content_Encoding="gzip")


def packed_and_cut(ask: Exchange) -> None:
    """The true answer in gzip, without its end."""
    body = gzip.compress(ask.truth())
    ask.send(body=body[: len(body) // 2], Content_Encoding="gzip")


# Other content

Change = Callable[[dict[str, Any]], Any]
"""Changes the envelope, and returns it or another."""


def changed(change: Change, *, compact: bool = True) -> Fault:
    """The true answer with a change in its JSON."""

    def fault(ask: Exchange) -> None:
        envelope = change(json.loads(ask.truth()))
        separators = (",", ":") if compact else (" , ", " : ")
        ask.send(body=json.dumps(envelope, separators=separators, ensure_ascii=False).encode())

    return fault


def series(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Fault:
    """The true answer with a change in each of its series."""

    def envelope(whole: dict[str, Any]) -> dict[str, Any]:
        whole["data"]["result"] = [change(one) for one in whole["data"]["result"]]
        return whole

    return changed(envelope)


def labels(change: Callable[[dict[str, str]], dict[str, Any]]) -> Fault:
    """The true answer with other labels."""
    return series(lambda one: {**one, "metric": change(one["metric"])})


def samples(change: Callable[[list[Any]], list[Any]]) -> Fault:
    """The true answer with other samples."""
    return series(lambda one: {**one, **{key: change(one[key]) for key in ("values",) if key in one}})


def bytes_changed(change: Callable[[bytes], bytes]) -> Fault:
    """The true answer with a change in its bytes."""
    return lambda ask: ask.send(body=change(ask.truth()))


def replaced(old: bytes, new: bytes) -> Fault:
    """The true answer with other bytes in it, once."""
    return bytes_changed(lambda body: body.replace(old, new, 1))
