"""The HTML report in a real Chromium: it renders, complains of nothing, and asks for nothing.

Its numbers are those of the Parquet file of the same run.
"""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from sci_batch.sinks import SINKS, SinkOptions
from tests.browser import Page, Visit, printed, visit
from tests.cli.process import sci_batch
from tests.unit.test_sinks_html import HOSTILE, named

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled recording as page and as Parquet, of one run."""
    folder = tmp_path_factory.mktemp("html")
    done = sci_batch(
        "compute", "--demo", "--since", "24h", "--functional-unit", "request=100", "-q",
        "-o", f"html={folder / 'r.html'}", "-o", f"parquet={folder / 'r.parquet'}", scenario="real",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def visited(run: Path) -> Visit:
    return visit(run / "r.html", run)


def test_the_instruments_see_what_they_are_to_see(tmp_path: Path) -> None:
    """Without this, the silence of our page would prove nothing."""
    page = tmp_path / "loud.html"
    page.write_text(
        "<script>console.error('boo')</script><img src='http://127.0.0.1:9/a.png'><p>here", encoding="utf-8"
    )
    seen = visit(page, tmp_path)
    assert any('"boo"' in line for line in seen.console)
    assert seen.requests == ["http://127.0.0.1:9/a.png"]
    assert "<p>here" in seen.dom


def test_it_renders_and_is_silent(visited: Visit) -> None:
    page = Page(visited.dom)
    assert page.amounts["total-carbon"].text.endswith("CO2e")
    assert len(page.having("svg")) == 4
    assert list(visited.console) == []
    assert list(visited.requests) == []


def test_the_style_sheet_is_let_in_by_its_own_policy(run: Path, tmp_path: Path) -> None:
    """Chromium complains in the console of a style whose hash is not the one of the policy."""
    text = (run / "r.html").read_text(encoding="utf-8")
    other = tmp_path / "other.html"
    other.write_text(text.replace("<style>", "<style>p { color: red }", 1), encoding="utf-8")
    assert any("Content Security Policy" in line for line in visit(other, tmp_path).console)


def test_numbers_on_the_page_are_those_of_the_parquet(run: Path, visited: Visit) -> None:
    rows, page = pd.read_parquet(run / "r.parquet"), Page(visited.dom)
    assert page.amounts["total-energy"].value == pytest.approx(sum(rows["energy_kwh"].tolist()), rel=1e-12)
    assert page.amounts["total-carbon"].value == pytest.approx(sum(rows["carbon_gco2e"].tolist()), rel=1e-12)
    groups = dict(iter(rows.groupby(["namespace", "workload"])))
    for row in page.tables["ranking"][1:-1]:
        part = groups.pop((row[0].text, row[1].text))
        shown = [cell.value for cell in row[3:7]]
        sums = [
            sum(part[name].tolist())
            for name in ("energy_kwh", "operational_gco2e", "embodied_gco2e", "carbon_gco2e")
        ]
        assert shown == pytest.approx(sums, rel=1e-12)
    assert not groups
    for table, column in (("steps", 4), ("heatmap", None)):
        by_window = [sum(part.tolist()) for _, part in rows.groupby("window_start")["carbon_gco2e"]]
        body = page.tables[table][1:-1] if column else page.tables[table][1:]
        cells = [cell for row in body for cell in (row[column : column + 1] if column else row[1:])]
        assert [cell.value for cell in cells if cell.value is not None] == pytest.approx(by_window, rel=1e-12)


def test_the_score_over_time_is_that_of_the_rows(run: Path, visited: Visit) -> None:
    """100 requests in each window, which all workloads share."""
    rows = pd.read_parquet(run / "r.parquet")
    by_window = [sum(part.tolist()) / 100 for _, part in rows.groupby("window_start")["carbon_gco2e"]]
    table = Page(visited.dom).tables["steps"][1:-1]
    assert [row[7].value for row in table] == pytest.approx(by_window, rel=1e-12)
    assert {row[6].value for row in table} == {100.0}


def test_texts_are_the_numbers_rounded(visited: Visit) -> None:
    for row in Page(visited.dom).tables["steps"][1:]:
        for cell in row[1:4]:
            assert cell.value is not None
            assert float(cell.text.replace(",", "")) in (
                pytest.approx(cell.value, rel=1e-3), pytest.approx(cell.value * 1000, rel=1e-3),
            )  # fmt: skip


def test_hostile_names_run_nothing(tmp_path: Path) -> None:
    SINKS["html"](named(HOSTILE), tmp_path / "r.html", SinkOptions())
    seen = visit(tmp_path / "r.html", tmp_path)
    assert list(seen.console) == []
    assert list(seen.requests) == []
    page = Page(seen.dom)
    assert not page.having("script")
    assert not page.having("img")
    assert {row[1].text for row in page.tables["ranking"][1:-1]} >= set(HOSTILE[:3])


def test_it_prints(run: Path) -> None:
    pdf = printed(run / "r.html", run)
    assert pdf.startswith(b"%PDF")
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 12
