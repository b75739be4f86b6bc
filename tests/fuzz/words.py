"""Texts that a flag, a variable or a line of a file may hold."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import PurePath

from sci_batch import gate, pue, windows
from sci_batch.embodied.quantity import number as embodied_number
from sci_batch.intensity import constant
from sci_batch.intensity.frame import HIGHEST_GCO2E_PER_KWH, Request
from sci_batch.prometheus.http import parse_headers
from sci_batch.schedule.naming import for_range
from sci_batch.settings import factors, values, work
from sci_batch.sinks.location import located, names_folder
from sci_batch.units import HIGHEST_PUE
from tests.fuzz.judged import NUMBER, answered, finite, text_of

_PARTS = re.compile(r"([0-9]+)([smhdwy])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_536_000}
_NOW_MS = 1_772_323_200_000
_HOUR_MS = 3_600_000


def durations(data: bytes) -> None:
    """A length is the sum of its parts, as a second reader of the same form adds them up."""
    text = text_of(data)
    for read in (windows.parse_duration, windows.parse_lifespan):
        found = answered(lambda read=read: read(text))  # type: ignore[misc]
        if found is not None:
            assert re.fullmatch(f"(?:{_PARTS.pattern})+", text), text
            assert found == sum(int(count) * _SECONDS[unit] for count, unit in _PARTS.findall(text))
            assert 0 < found <= windows.MAX_SECONDS
    for word in (values.since, values.pause, values.shift, values.every, windows.check_window):
        answered(lambda word=word: word(text))  # type: ignore[misc]


def times(data: bytes) -> None:
    """A time is one that Python's own reader knows, and any range of it has windows or a sentence."""
    text = text_of(data)
    found = answered(lambda: windows.parse_time(text, _NOW_MS, "Europe/Berlin"))
    if found is not None:
        assert text.isascii(), text
        if text[:4].isdigit() and "-" in text[4:5]:
            zulu = re.sub("[zZ]$", "+00:00", text).replace("t", "T")
            seconds, _, rest = zulu.partition(".")
            whole = seconds + re.sub("^[0-9]+", "", rest)
            expected = datetime.fromisoformat(whole).astimezone(UTC).timestamp() if found > 1 else None
            assert expected is None or found // 1000 == expected, text
    for window, start, end in (("all", text, None), ("1d", text, text), ("52w", "0", text)):
        answered(
            lambda window=window, start=start, end=end: windows.of_range(  # type: ignore[misc]
                since_seconds=None, start=start, end=end, window=window, tz="Europe/Berlin", now_ms=_NOW_MS
            )
        )


def zones(data: bytes) -> None:
    """`--tz`: the name of a zone, never a path."""
    text = text_of(data)
    found = answered(lambda: windows.time_zone(text))
    if found is not None:
        assert found.key == text
        assert ".." not in text


def numbers(data: bytes) -> None:
    """Only what looks like a number, in ASCII, is one; and it is finite and inside its range."""
    text = text_of(data)
    readers = (values.whole(0), values.whole(1, 64), values.number(0), values.number(0, 1))
    for read in readers:
        found = answered(lambda read=read: read(text))  # type: ignore[misc]
        if found is not None:
            assert NUMBER.fullmatch(text), text
            finite([found], 0)
    embodied = answered(lambda: embodied_number(text))
    if embodied is not None:
        assert NUMBER.fullmatch(text.replace(",", ".", 1)), text
        finite([embodied])
    power = answered(lambda: pue.load(factors.pue(text)))
    if power is not None and power.everywhere is not None and not text[:1].isalpha():
        assert NUMBER.fullmatch(text), text
        finite([power.everywhere], 1, HIGHEST_PUE)


def intensities(data: bytes) -> None:
    """`--intensity`, `--embodied`; a constant is what stands there."""
    text = text_of(data)
    spec = answered(lambda: factors.intensity(text))
    answered(lambda: factors.embodied(text))
    if spec is not None and spec.kind == "constant":
        assert NUMBER.fullmatch(spec.argument), text
        found = answered(lambda: constant.load(spec.argument, Request(start_ms=0, end_ms=_HOUR_MS)))
        if found is not None:
            finite(found.slots["gco2e_per_kwh"], 0, HIGHEST_GCO2E_PER_KWH)


def units_of_work(data: bytes) -> None:
    """`--functional-unit`, PromQL among them: the template is filled, and nothing else of it changes."""
    from sci_batch.fetch.units import filled

    text = text_of(data)
    unit = answered(lambda: work.functional_unit(text))
    if unit is None:
        return
    resolved = unit.resolved(('cluster="x"',))
    if unit.kind == "constant":
        assert NUMBER.fullmatch(unit.argument), text
        finite([float(unit.argument)], 1e-12, 1e24)
    if resolved.kind == "prometheus":
        made = filled(resolved.argument, _HOUR_MS)
        assert made == "3600s".join(resolved.argument.split("{window}"))


def limits(data: bytes) -> None:
    """`--fail-on`: the limit is the number that stands there."""
    text = text_of(data)
    found = answered(lambda: gate.parse(text))
    if found is not None:
        finite([found.limit])
        wanted = re.search(rf"[<>]=?\s*({NUMBER.pattern})\s*%?\s*$", text)
        assert wanted is not None, text
        assert float(wanted[1]) == found.limit, text


def outputs(data: bytes) -> None:
    """`-o`: a name is filled with the range, and leads nowhere else than it did."""
    text = text_of(data)
    output = answered(lambda: values.output(text))
    answered(lambda: values.stored(text))
    answered(lambda: located(text))
    names_folder(text)
    if output is None:
        return
    assert str(output)
    made = answered(lambda: for_range([output], _NOW_MS, _NOW_MS + _HOUR_MS, "Europe/Berlin"))
    if made is not None and output.path is not None and made[0].path is not None:
        assert made[0].path.parts[:1] == output.path.parts[:1] or "{" in output.path.parts[0]
        assert PurePath(made[0].path).parts.count("..") == output.path.parts.count("..")


def words(data: bytes) -> None:
    """All other flags, each with the same text."""
    from sci_batch.settings import OPTIONS

    text = text_of(data)
    for item in OPTIONS.values():
        if not item.switch:
            answered(lambda item=item: item.parse(text))  # type: ignore[misc]
    answered(lambda: values.yes_no(text))


def headers(data: bytes) -> None:
    """`--header-file`: whatever is taken can be sent."""
    found = answered(lambda: parse_headers(data.decode("latin-1")))
    for name, value in found or ():
        assert not re.search("[\r\n\0]", name + value)
        (name + value).encode("latin-1")
