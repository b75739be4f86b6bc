"""The diagnosis for people: one line per finding, its effect and cure below where there are any."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from sci_batch.doctor.finding import OK, PROBLEM, WARNING, Diagnosis, Finding
from sci_batch.sinks import SinkOptions
from sci_batch.sinks.layout import Page

STATUS = len(PROBLEM)
WIDEST = 110
"""Lines of words are not read well beyond."""


def page(diagnosis: Diagnosis, options: SinkOptions, *, strict: bool) -> Page:
    """All findings, subject by subject, and what they come to."""
    made = Page(options)
    made.pairs([*_head(diagnosis)])
    width = max((len(_name(one)) for one in diagnosis.findings), default=0)
    for _, group in groupby(diagnosis.findings, key=lambda one: one.subject):
        made.gap()
        for one in group:
            made.pairs([(f"{one.status:<{STATUS}}  {_name(one):<{width}}", one.what)])
            made.pairs([(" " * STATUS, line) for line in _lines(one)])
    made.gap()
    made.lines([verdict(diagnosis, strict=strict)])
    return made


def _head(diagnosis: Diagnosis) -> Iterator[tuple[str, str]]:
    yield "source", diagnosis.source
    if diagnosis.start:
        yield "range", f"{diagnosis.start} to {diagnosis.end}"
    if diagnosis.cluster:
        yield "cluster", diagnosis.cluster


def _name(one: Finding) -> str:
    return f"{one.subject} {one.check}"


def _lines(one: Finding) -> Iterator[str]:
    yield from one.more
    if one.numbers:
        yield f"numbers: {one.numbers}"
    if one.cure:
        yield f"cure: {one.cure}"


def verdict(diagnosis: Diagnosis, *, strict: bool) -> str:
    """One sentence, with the exit code where it is not 0."""
    counts = [(diagnosis.count(status), status) for status in (PROBLEM, WARNING)]
    told = [f"{count} {status}{'s' * (count != 1)}" for count, status in counts if count]
    told.append(f"{diagnosis.count(OK)} ok")
    sentence = {
        OK: "nothing stands in the way of compute", WARNING: "no problem; mind the warnings",
        PROBLEM: "see to the first problem first",
    }[diagnosis.worst]  # fmt: skip
    code = diagnosis.exit_code(strict=strict)
    return f"{', '.join(told)}: {sentence}" + (f" (exit code {code})" if code else "")
