"""How numbers and times are written, wherever a text is read: in letters of ASCII, as other programs do.

Python's own `float` and `int` take more: `1_000`, `nan`, digits of every script. And how a text of others is
shown.
"""

from __future__ import annotations

import math
import re

NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
CLOCK = r"[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?"
OFFSET = r"Z|[+-][0-9]{2}:?[0-9]{2}"
_NUMBER = re.compile(NUMBER)


def decimal(text: str) -> float | None:
    """A finite number; None where the text is none.

    >>> decimal("1.5e3"), decimal("1_000"), decimal("nan"), decimal("1e400")
    (1500.0, None, None, None)
    """
    if not _NUMBER.fullmatch(text):
        return None
    found = float(text)
    return found if math.isfinite(found) else None


def visible(text: str) -> str:
    r"""The text on one line, without what would steer a terminal or turn the direction of writing.

    >>> visible("a\x1b[1m\nb")
    'a\\x1b[1m\\nb'
    """
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii") for letter in text
    )
