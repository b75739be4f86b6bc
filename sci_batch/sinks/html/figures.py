"""Numbers of the page: the text that people read, and the number itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from sci_batch.sinks import numbers


@dataclass(frozen=True, slots=True)
class Figure:
    """A number as shown, and in full: `exact` is in the plain unit (kWh, gCO2e), None when it is unknown."""

    text: str
    exact: float | None

    @property
    def known(self) -> bool:
        """Whether there is a number."""
        return self.exact is not None


@dataclass(frozen=True, slots=True)
class Column:
    """One column of figures; `unit` is that of the texts."""

    head: str
    unit: str
    cells: Sequence[Figure]
    total: Figure | None = None
    size: float = 1.0
    """Of `unit`, in the plain unit."""


def known(value: float | None) -> float | None:
    """The number; None for NaN."""
    return None if value is None or math.isnan(value) else float(value)


def quantity(value: float | None, unit: str) -> Figure:
    """One number with its unit in the text."""
    return Figure(numbers.quantity(value, unit), known(value))


def percent(share: float | None) -> Figure:
    """A share in per cent, rounded down."""
    return Figure(numbers.percent(share), known(share))


def floats(values: pd.Series) -> list[float | None]:
    """Numbers of a column; None where it has none."""
    return [known(value) for value in values.tolist()]


def columns(parts: Sequence[tuple[str, Sequence[float | None], float | None]], unit: str) -> list[Column]:
    """Columns (head, values, total) in one unit, so that the eye can add them up."""
    scaled, size = numbers.unit_for([value for _, values, _ in parts for value in values], unit)
    made = []
    for head, values, total in parts:
        texts, last = numbers.with_total(values, total, size)
        cells = [Figure(text, value) for text, value in zip(texts, values, strict=True)]
        made.append(Column(head, scaled, cells, Figure(last, known(total)), size))
    return made


def percents(head: str, shares: Sequence[float | None], total: float | None = None) -> Column:
    """A column of shares in per cent."""
    return Column(head, "%", [percent(share) for share in shares], percent(total))
