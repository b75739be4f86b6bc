"""A selector's matchers, for where the server is not asked in PromQL."""

from __future__ import annotations

import re
from dataclasses import dataclass

_METRIC = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?", re.DOTALL)
_MATCHER = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)(=~|!~|!=|=)"((?:[^"\\\n]|\\[\\"n])*)"')
_ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


@dataclass(frozen=True, slots=True)
class Matcher:
    """What one label must be."""

    label: str
    operator: str
    """`=`, `!=`, `=~` or `!~`."""
    value: str


def matchers(selector: str) -> tuple[Matcher, ...] | None:
    r"""The matchers of an instant vector selector as `kepler.Meter.selector` writes it; None of other text.

    >>> matchers('joules{zone=~"a|b",path!=""}')[1:]
    (Matcher(label='zone', operator='=~', value='a|b'), Matcher(label='path', operator='!=', value=''))
    >>> matchers('sum(joules)'), matchers('joules{zone="a" offset 5m}'), matchers(r'joules{zone="\x41"}')
    (None, None, None)
    """
    found = _METRIC.fullmatch(selector)
    if not found:
        return None
    metric, inside = found.groups()
    out = [Matcher("__name__", "=", metric)]
    at = 0
    while inside and at < len(inside):
        if at:
            if inside[at] != ",":
                return None
            at += 1
        one = _MATCHER.match(inside, at)
        if not one:
            return None
        value = re.sub(r'\\[\\"n]', lambda escape: _ESCAPES[escape[0]], one[3])
        out.append(Matcher(one[1], one[2], value))
        at = one.end()
    return tuple(out)
