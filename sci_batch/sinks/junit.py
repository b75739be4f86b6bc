"""Limits as test cases, in the JUnit form that GitLab and Jenkins read: kept ones pass, passed ones fail."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from sci_batch.sinks import SinkOptions
from sci_batch.sinks.target import opened
from sci_batch.verdict import Verdict

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(
    verdicts: Sequence[Verdict], path: Path | None, options: SinkOptions, *, suite: str, warn_only: bool
) -> None:
    """One test case per limit, in the order given.

    `suite` names what was judged. With `warn_only` a passed limit is skipped, with its words: JUnit knows no
    warnings, and a failure would stop a pipeline that reads the file.
    """
    with opened(path, no_clobber=options.no_clobber) as stream:
        stream.write(document(verdicts, suite, warn_only=warn_only))


def document(verdicts: Sequence[Verdict], suite: str, *, warn_only: bool) -> bytes:
    """The whole file, UTF-8."""
    passed = sum(bool(verdict.breach) for verdict in verdicts)
    counts = {
        "tests": str(len(verdicts)), "failures": str(0 if warn_only else passed), "errors": "0",
        "skipped": str(passed if warn_only else 0), "time": "0",
    }  # fmt: skip
    root = ET.Element("testsuites", {"name": "sci-batch", **_without(counts, "skipped")})
    cases = ET.SubElement(root, "testsuite", {"name": suite, **counts})
    for verdict in verdicts:
        case = ET.SubElement(cases, "testcase", classname=suite, name=_text(verdict.limit), time="0")
        if verdict.breach and warn_only:
            ET.SubElement(case, "skipped", message=_text(f"warning: {verdict.breach}"))
        elif verdict.breach:
            words = _text(f"limit passed: {verdict.breach}")
            ET.SubElement(case, "failure", type="limit", message=words).text = words
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _without(counts: dict[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in counts.items() if key != name}


def _text(text: str) -> str:
    """Without characters that no XML document may hold."""
    return _NOT_XML.sub("?", text)
