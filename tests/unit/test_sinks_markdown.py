"""Markdown, read as a page by an independent renderer."""

from __future__ import annotations

import dataclasses
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from sci_batch.sinks import SINKS, SinkOptions
from sci_batch.sinks.access import Push
from sci_batch.sinks.markdown import MAX_ROWS, page
from tests.cli import handmade

OPTIONS = SinkOptions()


class Cells(HTMLParser):
    """Texts of the cells of a table, row by row, and every tag of the page."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()
        self._inside = False
        self.feed(MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown))

    def handle_starttag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self._inside = True

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.rows[-1][-1] += data


OUR_TAGS = {"h3", "ul", "li", "strong", "table", "thead", "tbody", "tr", "th", "td", "code", "p", "sub",
            "details", "summary"}  # fmt: skip


def test_the_page_by_hand() -> None:
    text = page(handmade.report(), OPTIONS)
    lines = text.splitlines()
    assert lines[:6] == [
        "<!-- sci-batch: namespace_workload -->",
        "",
        "### Carbon of software: 2026-03-01T00:00:00Z to 2026-03-01T02:00:00Z",
        "",
        "- **2 kgCO2e** from 5 kWh, Kepler seen 65.0 % of the time",
        "- SCI **1 gCO2e per request**, 2,000 request",
    ]
    read = Cells(text)
    assert read.rows == [
        ["namespace", "workload", "kind", "energy, kWh", "O, kgCO2e", "M, kgCO2e", "C = O + M, kgCO2e",
         "R, request", "SCI, mgCO2e/request", "coverage, %"],
        # web: 1 + 3 kWh, O 380 + 1140, M 20 + 60, C 1600 g over 2000 requests = 0.8 g;
        # seen for (1 * 1 + 3 * 0.5) / 4 of the time, weighted by energy.
        ["shop", "web", "Deployment", "4", "1.520", "0.080", "1.600", "2,000", "800", "62.5"],
        ["shop", "db", "StatefulSet", "1", "0.380", "0.020", "0.400", "-", "-", "75.0"],
    ]  # fmt: skip
    assert read.tags == OUR_TAGS
    assert "gap" in text
    assert "one note" not in text.splitlines()[0]


def test_the_mark_is_that_of_the_group() -> None:
    assert page(handmade.report(), SinkOptions(push=Push(group="nightly"))).startswith(
        "<!-- sci-batch: nightly -->\n"
    )


@pytest.mark.parametrize(
    "name",
    ["a|b", "`x`", "**x**", "_x_", "<script>alert(1)</script>", "[x](http://x)", "![x](y)", "&amp;", "\\|",
     "@someone", "#12", ":x:", "http://evil.example", "www.evil.example", "a\nb", "-->", "$x^2$", "~~x~~"],
)  # fmt: skip
def test_names_are_shown_and_do_nothing(name: str) -> None:
    frame = handmade.result().assign(workload=pd.Series([name, "db", name, "db"], dtype="str"))
    report = handmade.report(frame=frame)
    text = page(dataclasses.replace(report), OPTIONS)
    read = Cells(text)
    assert read.rows[1][1] == name.replace("\n", " ")
    assert len(read.rows) == 3
    assert read.tags == OUR_TAGS
    if name not in ("a|b", "a\nb"):
        assert name not in "\n".join(line for line in text.splitlines() if not line.startswith("<!--"))


@settings(max_examples=60, deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp", "Cf"]), min_size=1, max_size=12)
)
def test_any_name_comes_back_from_the_page(name: str) -> None:
    frame = handmade.result().assign(workload=pd.Series([name, "other", name, "other"], dtype="str"))
    read = Cells(page(handmade.report(frame=frame), OPTIONS))
    shown = "".join(char if char.isprintable() else " " for char in name)
    assert read.rows[1][1] == shown
    assert read.tags == OUR_TAGS


def many(rows: int) -> pd.DataFrame:
    made = [(0, "shop", f"w{number:03}", "Deployment", 1.0, 0.0, 1000.0 - number, 0.0, 1.0, 1.0, "")
            for number in range(rows)]  # fmt: skip
    return handmade.result(tuple(made))


def test_most_rows_first_and_the_rest_in_one_line() -> None:
    report = handmade.report(frame=many(MAX_ROWS + 2))
    text = page(report, OPTIONS)
    assert len(Cells(text).rows) == 1 + MAX_ROWS
    # Row n emits 1000 - n grams: 900 + 899.
    assert "\n2 further rows hold 2 kWh and 1.799 kgCO2e.\n" in text
    assert len(text) < 65_536
    top = page(report, SinkOptions(top=1))
    assert [row[1] for row in Cells(top).rows[1:]] == ["w000"]


def test_without_a_unit_of_work_there_is_no_score(tmp_path: Path) -> None:
    text = page(handmade.report(unit=None), OPTIONS)
    assert "SCI" not in text
    assert Cells(text).rows[0][-1] == "coverage, %"


def test_the_summary_of_a_job_is_added_to_and_other_files_are_replaced(tmp_path: Path) -> None:
    summary, other = tmp_path / "summary.md", tmp_path / "other.md"
    options = SinkOptions(appended=summary, no_clobber=True)
    alone = page(handmade.report(), OPTIONS)
    SINKS["markdown"](handmade.report(), summary, options)
    assert summary.read_text(encoding="utf-8") == alone
    SINKS["markdown"](handmade.report(), summary, options)
    assert summary.read_text(encoding="utf-8") == f"{alone}\n{alone}"
    other.write_text("before")
    SINKS["markdown"](handmade.report(), other, SinkOptions(appended=summary))
    assert other.read_text(encoding="utf-8") == alone
