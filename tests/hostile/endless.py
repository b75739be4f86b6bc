"""Answers that take too long or grow too large."""

from __future__ import annotations

from tests.hostile import faults as f
from tests.hostile.scenario import (
    SOURCE,
    Scenario,
    in_group,
)

PATIENT, IMPATIENT = 1.0, 0.05
"""Longest wait for a part of an answer [s]: one that a busy machine keeps, and one for what never comes."""


def slow() -> list[Scenario]:
    never = {"timeout_seconds": IMPATIENT, "flags": ("--retries", "0")}
    once = {"timeout_seconds": PATIENT}
    late = "did not answer within"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    open_end = head + b"Connection: close\r\n\r\n"
    chunked = head + b"Transfer-Encoding: chunked\r\n\r\n"

    one = in_group("Slow and endless")

    return [
        one("silent-once", "says nothing for longer than `--timeout`, once", f.first(f.silent(1.5)), **once),
        one("silent-for-ever", "never says anything", f.silent(20), SOURCE, late, **never),
        one("stalls-once", "stops in the middle of a body, once", f.at(14, f.stalls(1.5)), **once),
        one("stalls-for-ever", "stops in the middle of each body", f.stalls(20), SOURCE, late, **never),
        one("drips-body", "sends the true body byte by byte (slow loris)", f.drips_itself, SOURCE, late,
            **never),
        one("drips-spaces", "sends a space now and then, and never the body",
            f.drips(open_end, b" "), SOURCE, late, **never),
        one("drips-chunks", "sends ever more tiny chunks", f.drips(chunked, b"1\r\n \r\n"), SOURCE, late,
            **never),
        one("drips-headers", "sends ever more headers, one now and then",
            f.drips(head, b"X: y\r\n"), SOURCE, late, **never),
        one("drips-status", "sends the status line letter by letter",
            f.drips(b"HTTP/1.1 200 ", b"O"), SOURCE, late, **never),
        one("goes-on-for-ever", "sends `100 Continue` again and again",
            f.drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), SOURCE, late, **never),
        one("endless-body", "never ends a body", f.pours(open_end, b" " * 65536), SOURCE,
            "answers with more than"),
        one("endless-chunks", "never ends a body in chunks",
            f.pours(chunked, b"10000\r\n" + b"[" * 65536 + b"\r\n"), SOURCE, "answers with more than"),
        one("endless-body-once",
            "never ends a body once, and sends gzip that unpacks to too much once: less is "
            "asked for then",
            f.in_turn(f.pours(open_end, b" " * 65536), f.says(200, f.bomb(6 << 20),
            Content_Encoding="gzip"))),
        one("endless-refusal", "never ends the body of a 500",
            f.pours(b"HTTP/1.1 500 No\r\n\r\n", b"x" * 65536), SOURCE, "HTTP 500"),
        one("endless-redirect", "never ends the body of a redirect",
            f.pours(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n\r\n", b"x" * 65536), SOURCE, "HTTP 302"),
        one("endless-headers", "never ends the headers", f.pours(head, b"X: y\r\n" * 4096), SOURCE,
            "Cannot reach Prometheus"),
        one("endless-header", "never ends a header", f.pours(head + b"X: ", b"y" * 65536), SOURCE,
            "Cannot reach Prometheus"),
        one("gzip-bomb", "sends gzip that unpacks to a thousand times its size",
            f.says(200, f.bomb(6 << 20), Content_Encoding="gzip"), SOURCE, "answers with more than"),
        one("gzip-bomb-refusal", "does so with a 503",
            f.says(503, f.bomb(6 << 20), Content_Encoding="gzip"), SOURCE, "HTTP 503"),
        one("gzip-in-gzip", "packs several times",
            f.says(200, f.bomb(1 << 20), Content_Encoding="gzip, gzip, gzip"), SOURCE, "content-encoding"),
        one("gzip", "sends gzip that nobody asked for", f.packed),
        one("gzip-cut", "sends half of the gzip, for ever", f.packed_and_cut, SOURCE, "no JSON, or cut off"),
        one("gzip-that-is-none", "says gzip and sends plain text", f.with_headers(Content_Encoding="gzip"),
            SOURCE,
            "the answer broke off"),
    ]  # fmt: skip
