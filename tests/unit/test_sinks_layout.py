"""Pages: how columns share the room of a terminal."""

from __future__ import annotations

import pytest

from sci_batch.sinks import SinkOptions
from sci_batch.sinks.layout import NARROWEST_LINE, Page, Shown, printable

NAMES = Shown(("workload",), ["a-very-long-name-of-a-workload", "b"], total="total", folds=True)
FIGURES = Shown(("energy", "kWh"), ["12345.678", "0.001"], "12345.679", right=True)


def drawn(width: int | None, *shown: Shown) -> str:
    page = Page(SinkOptions(width=width))
    page.table(shown)
    return page.text()


def test_names_fold_and_numbers_never_do() -> None:
    assert drawn(24, NAMES, FIGURES) == (
        "                  energy\n"
        "workload             kWh\n"
        "────────────────────────\n"
        "a-very-long-n  12345.678\n"
        "ame-of-a-work\n"
        "load\n"
        "b                  0.001\n"
        "────────────────────────\n"
        "total          12345.679\n"
    )
    assert "12345.678" in drawn(5, NAMES, FIGURES)
    assert drawn(5, NAMES, FIGURES).splitlines()[3] == "a-very-lo  12345.678"


@pytest.mark.parametrize("width", [None, 41])
def test_nothing_folds_where_there_is_room(width: int | None) -> None:
    assert drawn(width, NAMES, FIGURES).splitlines()[3] == "a-very-long-name-of-a-workload  12345.678"


def test_letters_that_take_two_places() -> None:
    wide = Shown(("name",), ["日本", "x"], folds=True)
    assert drawn(None, wide, Shown(("n",), ["1", "2"], right=True)).splitlines()[2:] == ["日本  1", "x     2"]


def test_who_gives_way_last_is_tried_first() -> None:
    page = Page(SinkOptions(width=13))
    first, second = Shown(("first",), ["x" * 9], spare=2), Shown(("second",), ["y"], spare=1)
    assert page.table([Shown(("key",), ["k"]), first, second]) == [first]
    assert page.text().splitlines()[0] == "key  second"


def test_no_rows_are_a_head() -> None:
    assert drawn(None, Shown(("a",), []), Shown(("bc", "d"), [], right=True)) == "   bc\na   d\n─────\n"


def test_lines_fold_between_words_and_commands_do_not() -> None:
    page = Page(SinkOptions(width=1))  # treated as NARROWEST_LINE: one letter a line helps nobody
    page.lines(["word " * 12])
    page.pairs([("key", "value " * 8), ("longer", "v")])
    page.gap()
    page.verbatim("command " * 12)
    lines = page.text().splitlines()
    assert lines == [
        "word word word word word word word word",
        "word word word word",
        "key     value value value value value",
        "        value value value",
        "longer  v",
        "",
        ("command " * 12).rstrip(),
    ]
    assert max(map(len, lines[:-1])) <= NARROWEST_LINE


@pytest.mark.parametrize(
    ("text", "encoding", "expected"),
    [
        ("plain", "ascii", "plain"),
        ("a\x00\x07\x1b]0;t\x07", "utf-8", r"a\x00\x07\x1b]0;t\x07"),
        ("a\u200bb\u2028c", "utf-8", r"a\u200bb\u2028c"),
        ("\x9b31m", "utf-8", r"\x9b31m"),
        ("µ Σ é", "utf-8", "µ Σ é"),
        ("µ Σ é", "latin-1", "u sum  é"),
        ("µ é", "latin-1", "µ é"),
        ("日", "ascii", r"\u65e5"),
        ("\ud800", "utf-8", r"\ud800"),
    ],
)
def test_what_a_terminal_may_see(text: str, encoding: str, expected: str) -> None:
    assert printable(text, encoding) == expected
