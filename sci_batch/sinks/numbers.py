"""Numbers for people: one unit per column, about four significant digits, thousands apart by commas."""

from __future__ import annotations

import math
from collections.abc import Sequence

PREFIXES = {
    "kWh": (("GWh", 1e6), ("MWh", 1e3), ("kWh", 1.0), ("Wh", 1e-3), ("mWh", 1e-6)),
    "gCO2e": (("tCO2e", 1e6), ("kgCO2e", 1e3), ("gCO2e", 1.0), ("mgCO2e", 1e-3), ("µgCO2e", 1e-6)),
}
SIGNIFICANT = 4


def unit_for(values: Sequence[float | None], unit: str) -> tuple[str, float]:
    """The unit in which the largest value is at least 1, and its size in `unit`."""
    largest = max((abs(value) for value in _finite(values)), default=0.0)
    choices = PREFIXES.get(unit, ((unit, 1.0),))
    if largest == 0:
        return unit, 1.0
    return next((choice for choice in choices if largest >= choice[1]), choices[-1])


def column(values: Sequence[float | None], size: float = 1.0) -> list[str]:
    """Texts with the decimal points below each other; unknown is `-`.

    The largest value has four significant digits. A value too small for those decimals keeps two
    digits of its own, so that little never looks like nothing.
    """
    return with_total(values, None, size)[0]


def with_total(
    values: Sequence[float | None], total: float | None, size: float = 1.0
) -> tuple[list[str], str]:
    """The same, and the text of their total with the same decimals."""
    scaled = [None if value is None or math.isnan(value) else value / size for value in (*values, total)]
    known = _finite(scaled[:-1]) or _finite(scaled)
    largest = max(map(abs, known), default=0.0)
    decimals = min(SIGNIFICANT - 1, max(0, SIGNIFICANT - 1 - _magnitude(largest)))
    if all(value == round(value) for value in _finite(scaled)):
        decimals = 0
    *cells, last = ["-" if value is None else _fixed(value, decimals) for value in scaled]
    return cells, last


def _fixed(value: float, decimals: int) -> str:
    if value and value != round(value) and abs(value) < 10 ** (1 - decimals):
        return f"{value:.2g}"
    return f"{value + 0.0:,.{decimals}f}"  # -0.0 is 0


def _magnitude(value: float) -> int:
    return math.floor(math.log10(value)) if value > 0 else 0


def _finite(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None and math.isfinite(value)]


def quantity(value: float | None, unit: str) -> str:
    """`12.34 kWh` in the unit that suits it; `unknown` for None and NaN."""
    if value is None or math.isnan(value):
        return "unknown"
    name, size = unit_for([value], unit)
    return f"{significant(value / size)} {name}".rstrip()


def together(values: Sequence[float | None], unit: str) -> tuple[str, list[str]]:
    """The unit that suits the largest of quantities that are added up, and their figures in it."""
    name, size = unit_for(values, unit)
    return name, [
        "unknown" if value is None or math.isnan(value) else significant(value / size) for value in values
    ]


def significant(value: float) -> str:
    """Four significant digits, whole numbers in full."""
    if value == round(value) and abs(value) < 1e15:
        return f"{value + 0.0:,.0f}"  # -0.0 is 0
    digits = max(SIGNIFICANT, _magnitude(abs(value)) + 1)
    return f"{value:,.{digits}g}"


def percent(share: float | None) -> str:
    """`99.9` of 0.99999: rounded down, so that only what is complete shows as 100."""
    if share is None or math.isnan(share):
        return "-"
    # The tiny addition undoes the binary error of shares such as 0.29.
    return f"{math.floor(share * 1000 + 1e-9) / 10:.1f}"


def share(value: float | None, total: float) -> str:
    """Per cent of a total, one decimal; little never looks like nothing."""
    if value is None or math.isnan(value):
        return "-"
    percents = 100 * value / total
    return "<0.1" if 0 < percents < 0.05 else f"{percents:.1f}"
