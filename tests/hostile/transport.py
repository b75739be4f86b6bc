"""Connections that fail, answers that break off, and addresses where no Prometheus is."""

from __future__ import annotations

from tests.hostile import faults as f
from tests.hostile.proxy import Exchange, Fault
from tests.hostile.scenario import (
    LOGIN,
    ONE_BY_ONE,
    SOURCE,
    STORED,
    Scenario,
    in_group,
)


def connections() -> list[Scenario]:
    one = in_group("Connections")

    return [
        one("reset-sometimes", "resets the first connections, and one in the middle of the run",
            lambda ask: (f.resets if ask.number in (0, 1, 20) else f.true)(ask)),
        one("reset-for-ever", "resets every connection", f.resets, SOURCE, "Cannot reach Prometheus"),
        one("reset-in-body", "resets the connection in the middle of a body", f.at(15, f.reset_in_body)),
        one("reset-in-every-body", "resets each connection in the middle of the body", f.reset_in_body,
            SOURCE,
            "the answer broke off"),
        one("hangs-up-once", "closes the connection without an answer, twice", f.first(f.hangs_up, 2)),
        one("hangs-up-for-ever", "closes every connection without an answer", f.hangs_up, SOURCE,
            "Cannot reach Prometheus"),
        one("dies-with-stored-samples", "fails on stored samples only, after all else went well",
            f.where(STORED, f.hangs_up), SOURCE, "Cannot reach Prometheus"),
        one("restarted", "is killed in the middle of the run and started again",
            lambda ask: (f.restarts if ask.number == 12 else f.fresh)(ask), flags=ONE_BY_ONE),
    ]  # fmt: skip


_PLACES = (
    ("before the body", f.share(0.0)),
    ("in the envelope", f.share(0.02)),
    ("in a label's name", f.before(b'"metric":{', 13)),
    ("in a label's value", f.before(b'":"k', 4)),
    ("in a time", f.before(b'"values":[[', 14)),
    ("in a number, so that a shorter number is left", f.before(b'"]]', -3)),
    ("between two samples", f.before(b'"],[', 3)),
    ("between two series", f.before(b"]},{", 2)),
    ("in the middle", f.share(0.5)),
    ("before the last brace", f.before(b"}", last=True)),
)


_WAYS = {
    "length": "short of the length promised",
    "close": "with no length promised",
    "chunked": "without the last chunk",
}


def broken_off() -> list[Scenario]:
    places = ", ".join(words for words, _ in _PLACES)
    # More tries than places: a connection closed behind an empty body may fail once more when used again.
    made = [
        Scenario(
            group="Bodies that break off", name=f"cut-{how}",
            what=f"breaks off each body {said}, at one place after the other ({places}); then answers",
            fault=_each_in_turn(*(f.cut(place, how) for _, place in _PLACES)), flags=("--retries", "30"),
        )
        for how, said in _WAYS.items()
    ]  # fmt: skip
    made += [
        Scenario(
            group="Bodies that break off", name=f"always-cut-{how}", what=f"breaks off {words}, for ever",
            fault=f.cut(f.share(0.9), how), ends=SOURCE, words=said,
        )
        for how, words, said in (
            ("length", "short of the length promised", "the answer broke off"),
            ("close", "with no length promised", "no JSON, or cut off"),
            ("chunked", "without the last chunk", "the answer broke off"),
        )
    ]  # fmt: skip
    return made


def _each_in_turn(*faults: Fault) -> Fault:
    """Each question meets one fault after the other, and then none."""
    met: dict[bytes, int] = {}

    def fault(ask: Exchange) -> None:
        number = met[ask.body] = met.get(ask.body, -1) + 1
        (faults[number] if number < len(faults) else f.true)(ask)

    return fault


def not_prometheus() -> list[Scenario]:
    one = in_group("Not Prometheus, or not HTTP")

    return [
        one("login-page", "sends a login page with 200", f.says(200, f.LOGIN_PAGE, f.HTML), LOGIN,
            "a login page"),
        one("login-page-in-the-middle", "does so when the session ends in the middle of the run",
            f.at(20, f.says(200, f.LOGIN_PAGE, f.HTML)), LOGIN, "a login page"),
        one("page-as-json", "sends an HTML page as `application/json`", f.says(200, f.GATEWAY_PAGE), SOURCE,
            "an HTML page"),
        one("empty", "sends an empty 200", f.says(200), SOURCE, "no JSON, or cut off"),
        one("other-host", "redirects to another host (302)",
            f.leads_elsewhere(302), LOGIN, "which is not followed"),
        one("other-host-307", "redirects to another host, and wants the form again (307)",
            f.leads_elsewhere(307), LOGIN, "which is not followed"),
        one("other-host-later", "redirects to another host in the middle of the run",
            f.at(20, f.leads_elsewhere(302)), LOGIN, "which is not followed"),
        one("other-path", "redirects to another path (301)", f.says(301, Location="/prometheus/api/v1/query"),
            SOURCE, "Use -p http://127.0.0.1"),
        one("no-address", "redirects to an address that is none", f.says(302, Location="http://["), SOURCE,
            "redirects to nowhere"),
        one("no-location", "redirects without an address", f.says(302), SOURCE, "redirects to nowhere"),
        one("no-http", "speaks another protocol", f.writes(b"SSH-2.0-OpenSSH_9.2\r\n"), SOURCE,
            "Cannot reach Prometheus"),
        one("noise", "sends noise", f.writes(bytes(range(1, 256)) * 9), SOURCE, "Cannot reach Prometheus"),
        one("many-headers", "sends 5,000 headers",
            f.writes(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5000 + b"\r\n{}"), SOURCE,
            "Cannot reach Prometheus"),
        one("broken-headers", "sends headers without a colon",
            f.writes(b"HTTP/1.1 200 OK\r\nno header at all\r\nContent-Length: 2\r\n\r\n{}"), SOURCE,
            "something broken"),
        one("negative-length", "promises a negative length",
            f.writes(b"HTTP/1.1 200 OK\r\nContent-Length: -7\r\n\r\n{}"), SOURCE, "something broken"),
        one("two-lengths", "promises two lengths",
            f.writes(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"), SOURCE, ""),
        one("bad-chunk", "sends a chunk whose length is no number",
            f.writes(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n"), SOURCE, ""),
    ]  # fmt: skip
