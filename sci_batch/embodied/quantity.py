"""Numbers as people write them, checked for slips of unit."""

from __future__ import annotations

import re

from sci_batch.errors import UsageError
from sci_batch.notation import decimal

HIGHEST_KGCO2E = 200_000.0
"""The largest machine of the catalogue has 52,296 kg; far more is a number in grams."""

_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")
_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2},[0-9]{3}")


def number(text: str) -> float:
    """`1200`, `1200.5`, `1.2e3`, or with a decimal comma: `1200,5`.

    Raises
    ------
    UsageError
        Not a number, or one that reads in two ways: `1,200`.

    >>> number("1200,5")
    1200.5
    """
    if _THOUSANDS.fullmatch(text):
        raise UsageError(
            f"{text} reads as {text.replace(',', '.')} and as {text.replace(',', '')}",
            "Write the decimals with a point, and no thousands separator.",
        )
    found = decimal(text.replace(",", ".") if _DECIMAL_COMMA.fullmatch(text) else text)
    if found is None:
        raise UsageError(f"{text!r} is not a number", "Write it without a unit, for example 1200.5.")
    return found


def kgco2e(value: float) -> float:
    """Embodied carbon of one node [kgCO2e], plausible.

    Raises
    ------
    UsageError
        Not above 0, or so much that it must be grams.
    """
    if not 0 < value <= HIGHEST_KGCO2E:
        raise UsageError(
            f"{value:g} kgCO2e is not the embodied carbon of a node",
            f"Give kilograms, above 0 and up to {HIGHEST_KGCO2E:.0f}; servers have 500 to 3000.",
        )
    return value
