"""Pages for people, drawn by rich: which columns fit, which letters the reader's terminal knows."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from sci_batch.notation import visible
from sci_batch.sinks import SinkOptions

GAP = 2
"""Characters between columns."""
COMFORTABLE, NARROWEST = 14, 9
"""Characters to which names fold before columns give way, and after."""
NARROWEST_LINE, UNLIMITED = 40, 1_000_000
RULES = box.SIMPLE
ASCII_RULES = box.Box("    \n    \n -- \n    \n    \n -- \n    \n    \n", ascii=True)
_ASCII = str.maketrans({"µ": "u", "Σ": "sum "})


@dataclass(frozen=True, slots=True)
class Shown:
    """One column as texts."""

    head: tuple[str, ...]
    """Lines of the head, from the top."""
    cells: list[str]
    total: str = ""
    right: bool = False
    folds: bool = False
    """A name that may go on in the next line; numbers never do."""
    spare: int = 0
    """0: always shown; else the order in which columns give way to a narrow terminal, 1 first."""

    @property
    def width(self) -> int:
        """Characters of the widest text."""
        return max(cell_len(text) for text in (*self.head, *self.cells, self.total))


def _least(shown: Sequence[Shown], folded: int) -> int:
    """Characters of a table whose names fold at `folded` characters."""
    widths = [min(column.width, folded) if column.folds else column.width for column in shown]
    return sum(widths) + GAP * (len(widths) - 1)


def printable(text: str, encoding: str) -> str:
    r"""The text on one line, without what would steer a terminal or what `encoding` does not know.

    >>> printable("a\x1b[1m\nµ", "ascii")
    'a\\x1b[1m\\nu'
    """
    text = visible(text)
    if _knows(encoding, text):
        return text
    return text.translate(_ASCII).encode(encoding, errors="backslashreplace").decode(encoding)


def _knows(encoding: str, text: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


class Page:
    """Tables and lines, one below the other, as the place where they will be read can show them."""

    def __init__(self, options: SinkOptions) -> None:
        self._options = options
        self._line = UNLIMITED if options.width is None else max(options.width, NARROWEST_LINE)
        self._file = io.StringIO()
        # All is said here, so that neither the environment nor the terminal of this process matters.
        self._console = Console(
            file=self._file,
            width=UNLIMITED,
            height=100,
            color_system="standard" if options.color else None,
            force_terminal=options.color,
            no_color=False,
            markup=False,
            emoji=False,
            highlight=False,
            force_jupyter=False,
            legacy_windows=False,
        )

    def table(self, shown: Sequence[Shown]) -> list[Shown]:
        """Add a table of the columns for which there is room; the others are returned.

        When even folded names leave it too wide, it is wider than the terminal.
        """
        clean = [self._clean(column) for column in shown]
        limit = self._options.width or UNLIMITED
        steps = _steps_that_fit(clean, limit)
        kept = [column for column in clean if column.spare in steps]
        table = Table(
            *map(_column, kept),
            box=RULES if _knows(self._options.encoding, "─") else ASCII_RULES,
            show_edge=False,
            pad_edge=False,
            padding=(0, 1),
            collapse_padding=True,
            safe_box=False,
            show_footer=any(column.total for column in kept),
            header_style="bold",
            footer_style="bold",
        )
        rows = zip(*(column.cells for column in kept), strict=True)
        if _least(kept, UNLIMITED) <= limit and kept[0].cells:
            # Nothing folds, so a column can be one cell of many lines: rich needs a third of the time.
            rows = zip(*(["\n".join(column.cells)] for column in kept), strict=True)
        for row in rows:
            table.add_row(*map(Text, row))
        self._console.print(table, width=max(limit, _least(kept, NARROWEST)), crop=False)
        return [column for column in shown if column.spare not in steps]

    def lines(self, lines: Sequence[str]) -> None:
        """Lines that go on below where they are too long."""
        for line in lines:
            self._console.print(self._text(line), width=self._line, overflow="fold")

    def pairs(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Lines of `word  value`."""
        grid = Table.grid(Column(style="bold", no_wrap=True), Column(overflow="fold"), padding=(0, GAP))
        for pair in pairs:
            grid.add_row(*map(self._text, pair))
        self._console.print(grid, width=self._line, crop=False)

    def verbatim(self, line: str) -> None:
        """A line to copy, which only the terminal itself may break."""
        self._console.print(self._text(line), soft_wrap=True)

    def gap(self) -> None:
        """An empty line."""
        self._console.print()

    def text(self) -> str:
        """All so far; it ends with a line feed."""
        return re.sub(" +$", "", self._file.getvalue(), flags=re.MULTILINE)

    def encoded(self) -> bytes:
        """The same as bytes."""
        return self.text().encode(self._options.encoding, errors="backslashreplace")

    def _clean(self, shown: Shown) -> Shown:
        def clean(text: str) -> str:
            return printable(text, self._options.encoding)

        return replace(
            shown,
            head=tuple(map(clean, shown.head)),
            cells=[*map(clean, shown.cells)],
            total=clean(shown.total),
        )

    def _text(self, line: str) -> Text:
        return Text(printable(line, self._options.encoding))


def _steps_that_fit(shown: Sequence[Shown], width: int) -> set[int]:
    """Values of `spare` whose columns fit in `width` characters; the last to give way are tried first."""
    steps = {0}
    for step in sorted({column.spare for column in shown} - steps, reverse=True):
        if _least([column for column in shown if column.spare in steps | {step}], COMFORTABLE) <= width:
            steps.add(step)
    return steps


def _column(shown: Shown) -> Column:
    # Text, because a string would be searched for markup.
    return Column(
        header=Text("\n".join(shown.head)),
        footer=Text(shown.total),
        justify="right" if shown.right else "left",
        overflow="fold",
        no_wrap=not shown.folds,
        min_width=min(shown.width, NARROWEST) if shown.folds else shown.width,
    )
