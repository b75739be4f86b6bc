"""Text in columns: what fits, what folds, what is drawn."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

GAP = "  "
COMFORTABLE, NARROWEST = 14, 8
"""Characters to which names fold before columns give way, and after."""
_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"


@dataclass(frozen=True, slots=True)
class Shown:
    """One column as texts."""

    head: tuple[str, ...]
    """Lines of the head, from the top."""
    cells: list[str]
    right: bool = False
    folds: bool = False
    """A name that may go on in the next line; numbers never do."""
    spare: int = 0
    """0: always shown; else the order in which columns give way to a narrow terminal, 1 first."""

    @property
    def width(self) -> int:
        """Characters of the widest text."""
        return max(len(text) for text in (*self.head, *self.cells))


def fitting(shown: Sequence[Shown], width: int | None) -> list[Shown]:
    """The columns without those that must give way to fit in `width` characters."""
    kept = list(shown)
    for step in range(1, max((column.spare for column in shown), default=0) + 1):
        if width is None or _total(_least(kept, COMFORTABLE)) <= width:
            break
        kept = [column for column in kept if column.spare != step]
    return kept


def draw(shown: Sequence[Shown], width: int | None, color: bool) -> str:
    """Text of a table; when even folded names leave it too wide, it is wider than the terminal."""
    widths = _widths(shown, width)
    heads = max(len(column.head) for column in shown)
    padded = [("",) * (heads - len(column.head)) + column.head for column in shown]
    lines = [_line([head[index] for head in padded], shown, widths) for index in range(heads)]
    if color:
        lines = [f"{_BOLD}{line}{_PLAIN}" for line in lines]
    lines.append("-" * _total(widths))
    for row in zip(*(column.cells for column in shown), strict=True):
        folded = [_folded(cell, limit) for cell, limit in zip(row, widths, strict=True)]
        for index in range(max(len(parts) for parts in folded)):
            lines.append(
                _line([parts[index] if index < len(parts) else "" for parts in folded], shown, widths)
            )
    return "\n".join(lines) + "\n"


def _least(shown: Sequence[Shown], folded: int) -> list[int]:
    return [min(column.width, folded) if column.folds else column.width for column in shown]


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _widths(shown: Sequence[Shown], width: int | None) -> list[int]:
    """Natural widths, the widest names narrowed until all fits."""
    widths = [column.width for column in shown]
    least = _least(shown, NARROWEST)
    while width is not None and _total(widths) > width:
        room = [index for index in range(len(shown)) if widths[index] > least[index]]
        if not room:
            break
        widths[max(room, key=widths.__getitem__)] -= 1
    return widths


def _folded(cell: str, limit: int) -> list[str]:
    return [cell] if len(cell) <= limit else textwrap.wrap(cell, limit)


def _line(cells: Sequence[str], shown: Sequence[Shown], widths: Sequence[int]) -> str:
    texts = [
        cell.rjust(width) if column.right else cell.ljust(width)
        for cell, column, width in zip(cells, shown, widths, strict=True)
    ]
    return GAP.join(texts).rstrip()
