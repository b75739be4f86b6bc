"""The HTML report without a browser: numbers, words, hostile names, size, and the same bytes each time."""

from __future__ import annotations

import dataclasses
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sci_batch import schema
from sci_batch.cli.writing import refuse_early
from sci_batch.errors import UsageError
from sci_batch.report import AlsoTotal, Report, UnitTotal
from sci_batch.settings import Output, Settings
from sci_batch.sinks import SINKS, SinkOptions
from tests.browser import Page
from tests.cli import handmade
from tests.cli.process import COMPUTE, sci_batch

NOW_MS = int(datetime(2026, 3, 2, 5, tzinfo=UTC).timestamp() * 1000)
HOSTILE = (
    "<script>alert(1)</script>", "\"' onload=alert(1) x='", "</style><img src=x onerror=alert(1)>",
    "safe\u202egnp.exe\u2066 \x1b[31m {{ 7*7 }} &amp; ]]>",
)  # fmt: skip


def text_of(report: Report, folder: Path, **options: Any) -> str:
    path = folder / "report.html"
    SINKS["html"](report, path, SinkOptions(now_ms=NOW_MS, **options))
    return path.read_text(encoding="utf-8")


def page_of(report: Report, folder: Path, **options: Any) -> Page:
    return Page(text_of(report, folder, **options))


def changed(report: Report, **provenance: Any) -> Report:
    return dataclasses.replace(report, provenance=dataclasses.replace(report.provenance, **provenance))


def long_report(workloads: int, days: int, tz: str = "UTC") -> Report:
    """Hourly windows with random numbers."""
    random = np.random.default_rng(5)
    hours = days * 24
    size = hours * workloads
    start = pd.Timestamp("2026-03-01T00:00:00Z") + pd.to_timedelta(
        np.repeat(np.arange(hours), workloads), "h"
    )
    energy, embodied = random.uniform(0.01, 2, size), random.uniform(0.1, 9, size)
    intensity = np.repeat(random.uniform(100, 500, hours), workloads)
    names = np.tile([f"workload-with-a-long-name-{number:03d}" for number in range(workloads)], hours)
    units = random.integers(1, 10_000, size).astype(float)
    carbon = energy * intensity + embodied
    frame = pd.DataFrame({
        "window_start": start, "window_end": start + pd.Timedelta("1h"), "namespace": "shop",
        "workload": names, "workload_kind": "Deployment", "active_kwh": energy * 0.75,
        "shared_kwh": energy * 0.25, "energy_kwh": energy, "operational_gco2e": energy * intensity,
        "embodied_gco2e": embodied, "carbon_gco2e": carbon, "functional_units": units,
        "sci_gco2e_per_unit": carbon / units, "intensity_gco2e_per_kwh": intensity, "coverage": 1.0,
        "energy_source": "rapl", "intensity_source": "constant", "embodied_source": "kg:1216",
        "flags": np.where(random.random(size) < 0.1, "gap", ""),
    })  # fmt: skip
    columns = schema.result_columns(handmade.GROUP_BY)
    frame = frame.astype({column.name: column.dtype for column in columns})
    made = handmade.report(
        frame=frame, energy_kwh=float(energy.sum()), operational_gco2e=float((energy * intensity).sum()),
        embodied_gco2e=float(embodied.sum()), carbon_gco2e=float(carbon.sum()), coverage=1.0,
        functional_units=float(units.sum()), sci_gco2e_per_unit=float(carbon.sum() / units.sum()),
    )  # fmt: skip
    end = start[-1] + pd.Timedelta("1h")
    return changed(made, tz=tz, end=f"{end:%Y-%m-%dT%H:%M:%SZ}")


def named(names: tuple[str, ...]) -> Report:
    rows = [
        (*row[:2], name, *row[3:]) for row, name in zip(handmade.ROWS, names, strict=True)
    ]  # four workloads
    return handmade.report(frame=handmade.result(tuple(rows)))


def test_totals_in_plain_words(tmp_path: Path) -> None:
    page = page_of(handmade.report(), tmp_path)
    assert {name: (cell.text, cell.value) for name, cell in page.amounts.items()} == {
        "total-carbon": ("2 kgCO2e", 2000.0),
        "total-sci": ("1 gCO2e", 1.0),
        "total-energy": ("5 kWh", 5.0),
        "total-coverage": ("65.0 %", 0.65),
    }
    words = " ".join(page.text.split())
    assert "The 2 workloads in this report used 5 kWh of electricity." in words
    assert "comes to 2 kgCO2e: 1.9 kgCO2e from the electricity and 100 gCO2e from the hardware" in words
    assert "One unit of request costs 1 gCO2e." in words
    assert "all the carbon (2 kgCO2e) over all the work done (2,000 request)" in words


def test_tables_by_hand(tmp_path: Path) -> None:
    tables = page_of(handmade.report(), tmp_path).tables
    ranking = [[cell.text for cell in row] for row in tables["ranking"]]
    assert ranking[0][3:11] == [
        "EnergykWh", "OkgCO2e", "MkgCO2e", "C = O + MkgCO2e", "Share of C%", "Rrequest",
        "SCI = C / RmgCO2e per request", "Coverage%",
    ]  # fmt: skip
    assert ranking[1:] == [
        ["shop", "web", "Deployment", "4", "1.520", "0.080", "1.600", "80.0", "2,000", "800", "62.5",
         "gap, inferred-owner"],
        ["shop", "db", "StatefulSet", "1", "0.380", "0.020", "0.400", "20.0", "-", "-", "75.0",
         "gap, units-missing"],
        ["Total of all 2", "5", "1.900", "0.100", "2.000", "100.0", "2,000", "1,000", "65.0", ""],
    ]  # fmt: skip
    steps = [[(cell.text, cell.value) for cell in row] for row in tables["steps"][1:]]
    assert steps[0][0] == ("2026-03-01 00:00", None)
    # E, O, M, C, I, R, SCI, coverage; the carbon of rows without R is in the score of the hour.
    assert [value for _, value in steps[0][1:]] == [1.5, 570.0, 30.0, 600.0, 380.0, 1000.0, 0.6, 1.0]
    assert [value for _, value in steps[1][1:]] == [3.5, 1330.0, 70.0, 1400.0, 380.0, 1000.0, 1.4, 0.5]
    total = [cell.value for cell in tables["steps"][-1][1:]]
    assert total == [5.0, 1900.0, 100.0, 2000.0, 380.0, 2000.0, 1.0, 0.65]
    heat = [[cell.text for cell in row] for row in tables["heatmap"]]
    assert heat == [["Day", "00", "01"], ["Sun 2026-03-01", "0.600", "1.400"]]
    flags = [[cell.text for cell in row] for row in tables["flags"][1:]]
    assert flags[0] == ["gap", "2", "50.0", schema.FLAGS["gap"]]
    assert [row[0].text for row in tables["intensities"][1:]] == ["constant"]


def test_the_numbers_are_those_of_the_rows(tmp_path: Path) -> None:
    report = long_report(30, 10)
    rows, tables = report.result, page_of(report, tmp_path).tables
    by_workload = {str(name): part for name, part in rows.groupby("workload")}
    for row in tables["ranking"][1:-1]:
        part = by_workload.pop(row[1].text)
        carbon = sum(part["carbon_gco2e"].tolist())
        r = sum(part["functional_units"].tolist())
        shown = [cell.value for cell in row[3:]]
        assert shown[0] == pytest.approx(sum(part["energy_kwh"].tolist()), rel=1e-12)
        assert shown[3] == pytest.approx(carbon, rel=1e-12)
        assert shown[5] == r
        assert shown[6] == pytest.approx(carbon / r, rel=1e-12)
    assert not by_workload
    days = rows.groupby(rows["window_start"].dt.strftime("%Y-%m-%d"))["carbon_gco2e"]
    assert {row[0].text: row[4].value for row in tables["steps"][1:-1]} == pytest.approx(
        {str(day): sum(part.tolist()) for day, part in days}, rel=1e-12
    )
    hours = rows.groupby("window_start")["carbon_gco2e"]
    shown = [cell.value for row in tables["heatmap"][1:] for cell in row[1:]]
    assert shown == pytest.approx([sum(part.tolist()) for _, part in hours], rel=1e-12)


def test_work_that_rows_share_counts_once_in_the_score_of_an_hour(tmp_path: Path) -> None:
    """Two workloads share the 500 users of each hour: 1000 in all, not 2000."""
    shared = handmade.result().assign(functional_units=500.0)
    report = handmade.report(frame=shared, functional_units=1000.0, sci_gco2e_per_unit=2.0)
    table = page_of(report, tmp_path).tables["steps"][1:]
    assert [[cell.value for cell in row[6:8]] for row in table] == [[500.0, 1.2], [500.0, 2.8], [1000.0, 2.0]]


def test_a_score_over_time_that_rows_do_not_tell_is_unknown(tmp_path: Path) -> None:
    report = handmade.report(functional_units=1234.0, sci_gco2e_per_unit=2000 / 1234)
    page = page_of(report, tmp_path)
    assert [[cell.value for cell in row[6:8]] for row in page.tables["steps"][1:-1]] == [[None, None]] * 2
    assert len(page.having("svg")) == 3


def test_every_unit_of_work_has_a_score_over_time(tmp_path: Path) -> None:
    frame = handmade.result()
    frame.insert(12, "functional_units:user", 10.0)
    frame.insert(13, "sci_gco2e_per_unit:user", frame["carbon_gco2e"] / 10.0)
    users = UnitTotal(name="user", functional_units=40.0, sci_gco2e_per_unit=50.0)
    first = UnitTotal(name="request", functional_units=2000.0, sci_gco2e_per_unit=1.0)
    report = changed(handmade.report(frame=frame, units=(first, users)), further_units=("user",))
    page = page_of(report, tmp_path)
    assert [[cell.value for cell in row[6:10]] for row in page.tables["steps"][1:-1]] == [
        [1000.0, 0.6, 20.0, 30.0], [1000.0, 1.4, 20.0, 70.0],
    ]  # fmt: skip
    assert len(page.having("svg")) == 5


def test_a_month_of_200_workloads_is_small(tmp_path: Path) -> None:
    report = long_report(200, 30)
    text = text_of(report, tmp_path)
    page = Page(text)
    assert len(text.encode()) < 2_000_000
    assert len(page.tables["ranking"]) == 202
    assert [len(row) for row in page.tables["heatmap"]] == [25] * 31
    assert len(page.tables["steps"]) == 32


def test_more_groups_than_a_page_holds(tmp_path: Path) -> None:
    report = long_report(5, 1)
    page = page_of(report, tmp_path, top=2)
    assert len(page.tables["ranking"]) == 4
    sums = report.result.groupby("workload")["carbon_gco2e"].sum().sort_values()
    rest = float(sums.iloc[:3].sum())
    assert "3 further workloads hold" in page.text
    assert rest in [pytest.approx(float(one["value"]), rel=1e-12) for one in page.having("data")]


def test_a_long_time_is_shown_by_month_and_weekday(tmp_path: Path) -> None:
    tables = page_of(long_report(1, 120), tmp_path).tables
    assert [row[0].text for row in tables["steps"][1:-1]] == ["2026-03", "2026-04", "2026-05", "2026-06"]
    assert [row[0].text for row in tables["heatmap"][1:]] == [
        "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
    ]  # fmt: skip


def test_the_day_when_the_clocks_go_forward(tmp_path: Path) -> None:
    """2026-03-29 has no 02:00 in Paris; days are those of the zone."""
    report = long_report(1, 31, tz="Europe/Paris")
    heat = page_of(report, tmp_path).tables["heatmap"]
    (day,) = (row for row in heat if row[0].text == "Sun 2026-03-29")
    assert [number for number, cell in enumerate(day[1:]) if cell.value is None] == [2]
    assert sum(cell.value is not None for row in heat[1:] for cell in row[1:]) == 31 * 24


def test_no_heat_map_of_whole_days(tmp_path: Path) -> None:
    frame = handmade.result().assign(window_end=lambda rows: rows["window_start"] + pd.Timedelta("1D"))
    frame = frame.iloc[:2]
    page = page_of(changed(handmade.report(frame=frame), window="1d"), tmp_path)
    assert "heatmap" not in page.tables
    assert "--window 1h" in page.text


def test_hostile_names_are_only_text(tmp_path: Path) -> None:
    clean = page_of(named(("a", "b", "c", "d")), tmp_path)
    report = changed(
        named(HOSTILE), source=HOSTILE[0], cluster=HOSTILE[1], notes=HOSTILE, queries=HOSTILE,
        functional_unit=HOSTILE[2], method={**handmade.report().provenance.method, HOSTILE[0]: HOSTILE[2]},
    )  # fmt: skip
    told = tuple((key, HOSTILE[0]) for key in ("name", "contact-name", "software-boundary"))
    text = text_of(report, tmp_path, disclosed=told)
    page = Page(text)

    # The same kinds of elements and attributes as a page of plain names: nothing was smuggled in.
    def names(page: Page) -> set[tuple[str, str]]:
        return {(tag, key) for tag, attributes in page.elements for key in ("", *attributes)}

    assert names(page) == names(clean)
    assert not page.having("script")
    assert {row[1].text for row in page.tables["ranking"][1:-1]} >= set(HOSTILE[:3])
    assert not [letter for letter in text if letter != "\n" and not letter.isprintable()]
    assert r"safe\u202egnp.exe\u2066 \x1b[31m {{ 7*7 }} &amp; ]]>" in page.text


def test_the_page_asks_for_nothing(tmp_path: Path) -> None:
    text = text_of(handmade.report(), tmp_path)
    page = Page(text)
    (policy,) = (one["content"] for one in page.having("meta") if "http-equiv" in one)
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    addresses = [
        value for _, given in page.elements for name, value in given.items()
        if name in ("src", "href", "srcset", "action", "data", "poster", "style") or name.startswith("on")
    ]  # fmt: skip
    assert all(address.startswith("#") for address in addresses)
    assert "url(" not in text
    assert "@import" not in text


def test_every_link_leads_somewhere_and_ids_are_unique(tmp_path: Path) -> None:
    page = page_of(handmade.report(), tmp_path)
    ids = [given["id"] for _, given in page.elements if "id" in given]
    assert len(ids) == len(set(ids))
    for given in page.having("a"):
        assert given["href"].removeprefix("#") in ids
    for _, given in page.elements:
        assert given.get("aria-labelledby", ids[0]) in ids


def test_tables_and_drawings_can_be_heard(tmp_path: Path) -> None:
    page = page_of(handmade.report(), tmp_path)
    assert len(page.having("caption")) == len(page.having("table")) == len(page.tables)
    assert all(given.get("scope") in ("row", "col") for given in page.having("th"))
    drawings = [given for _, given in page.elements if given.get("role") == "img"]
    assert len(drawings) == len(page.having("svg")) == 4
    assert all(given["aria-label"].endswith("The table below has the numbers.") for given in drawings)
    heads = [int(tag[1]) for tag, _ in page.elements if tag in ("h1", "h2", "h3")]
    assert heads[0] == 1
    assert heads.count(1) == 1


def _luminance(color: str) -> float:
    """Relative luminance by WCAG 2.1."""
    parts = [int(color[number : number + 2], 16) / 255 for number in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_texts_stand_out_in_both_schemes(tmp_path: Path) -> None:
    """WCAG 2.1 AA: 4.5 for texts, 3 for what is drawn."""
    light, dark = re.findall(r":root \{(.*?)\}", text_of(handmade.report(), tmp_path), flags=re.DOTALL)
    texts = [(name, "paper") for name in ("ink", "soft", "link", "good", "fair", "bad")]
    texts += [("ink", "card"), ("soft", "card"), *(("low", f"h{n}") for n in range(5))]
    texts += [("high", f"h{n}") for n in range(5, 9)]
    drawn = [("operational", "paper"), ("embodied", "paper"), ("score", "paper")]
    for scheme in (light, dark):
        color = dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", scheme))
        for least, pairs in ((4.5, texts), (3, drawn)):
            for one, other in pairs:
                low, high = sorted((_luminance(color[one]), _luminance(color[other])))
                assert (high + 0.05) / (low + 0.05) >= least, (one, other, color[one])


def test_the_same_bytes_each_time(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    assert text_of(long_report(12, 3), tmp_path) == text_of(long_report(12, 3), tmp_path / "b")


def test_the_disclosure_shows_what_is_missing(tmp_path: Path) -> None:
    def states(**options: Any) -> dict[str, tuple[str, str]]:
        rows = page_of(handmade.report(), tmp_path, **options).tables["checklist"]
        return {row[0].text: (row[1].text, row[2].text) for row in rows[1:]}

    silent = states()
    assert silent["SCI score, ΣC and ΣR"] == (
        "given", "ΣC = 2 kgCO2e; SCI = 1 gCO2e per request, ΣR = 2,000 request",
    )  # fmt: skip
    assert silent["Contact, name"] == ("missing", "give it with --disclose contact-name=...")
    assert silent["Date of the calculation"] == ("given", "2026-03-02")
    told = states(disclosed=(("contact-name", "Ada"), ("r-source", "the access log")), computed=False)
    assert told["Contact, name"] == ("given", "Ada")
    assert told["R: name, and how it is counted"] == ("given", "the access log")
    assert told["Date of the calculation"][0] == "missing"


def test_every_coefficient_and_query_is_told(tmp_path: Path) -> None:
    method = {**handmade.report().provenance.method, "something_new": [1.5, {"a": None}]}
    page = page_of(changed(handmade.report(), method=method, queries=("sum(a)", "b{c='d'}")), tmp_path)
    table = {row[0].text: row[2].text for row in page.tables["coefficients"][1:]}
    assert {key for key in method if not any(name.endswith(key) for name in table)} == set()
    assert table["something_new"] == "1.5, a = not told"
    assert table["Lifespan ELlifespan_seconds"] == "126,144,000 (4 years)"
    assert table["PUE in effect"] == "1"
    assert "sum(a)" in page.text
    assert "b{c='d'}" in page.text


def test_te_and_el_of_every_kind_of_node_are_told(tmp_path: Path) -> None:
    kind = {
        "instance_type": "m5.12xlarge", "cloud": "aws", "embodied_source": "catalogue:family", "cores": 48.0,
        "memory_bytes": 192.0 * 2**30, "gpus": None, "sockets": None, "nodes": ["a", "b"],
        "embodied_kgco2e": 805.3, "low_kgco2e": 700.0, "high_kgco2e": 900.0,
        "lifespan_seconds": 4.0 * 365 * 86_400,
    }  # fmt: skip
    own = {
        **kind,
        "instance_type": "",
        "low_kgco2e": None,
        "cores": None,
        "memory_bytes": None,
        "nodes": ["c"],
    }
    table = page_of(changed(handmade.report(), hardware=(kind, own)), tmp_path).tables["hardware"]
    assert [[cell.text for cell in row] for row in table[1:]] == [
        ["m5.12xlarge", "2", "48", "192", "805.3 (700 to 900)", "4", "catalogue:family"],
        ["(none)", "1", "-", "-", "805.3", "4", "catalogue:family"],
    ]  # fmt: skip


def test_unknown_is_never_nothing(tmp_path: Path) -> None:
    lost = dict.fromkeys(("operational_gco2e", "embodied_gco2e", "carbon_gco2e"), np.nan)
    frame = handmade.result().assign(**lost, functional_units=np.nan, sci_gco2e_per_unit=np.nan)
    report = handmade.report(
        frame=frame, operational_gco2e=None, embodied_gco2e=None, carbon_gco2e=None, functional_units=None,
        sci_gco2e_per_unit=None, node_energy_kwh=None,
    )  # fmt: skip
    page = page_of(report, tmp_path)
    assert page.amounts["total-carbon"].text == "unknown"
    assert page.amounts["total-carbon"].value is None
    assert "What carbon that is, is unknown." in page.text
    assert all(cell.value is None for row in page.tables["heatmap"][1:] for cell in row[1:])


def test_without_a_unit_there_is_no_score(tmp_path: Path) -> None:
    page = page_of(handmade.report(unit=None, functional_units=None, sci_gco2e_per_unit=None), tmp_path)
    assert "total-sci" not in page.amounts
    assert "There is no SCI score, as no unit of work was named" in page.text


def test_other_intensities_stand_beside(tmp_path: Path) -> None:
    also = AlsoTotal(
        source="zone:FR", kind="average", basis="lifecycle", sources="made up", operational_gco2e=250.0
    )
    parts = page_of(handmade.report(also=(also,)), tmp_path).tables["parts"]
    assert parts[-1][2].value == 250.0
    assert [cell.text for cell in parts[-1]] == [
        "O by zone:FR", "average, lifecycle; for comparison, not in C", "0.250", "",
    ]  # fmt: skip
    assert [row[2].text for row in parts[1:4]] == ["1.900", "0.100", "2.000"]


@pytest.mark.parametrize("stored", ["parquet", "json", "csv"])
def test_a_stored_result_gives_the_same_numbers(tmp_path: Path, stored: str) -> None:
    """CSV holds no method: the page says so."""
    SINKS[stored](handmade.report(), tmp_path / f"r.{stored}", SinkOptions())
    unit = ("--unit-name", "request") if stored == "csv" else ()
    target = tmp_path / "out.html"
    done = sci_batch(
        "report", str(tmp_path / f"r.{stored}"), *unit, "-o", f"html={target}", "-q", scenario="real"
    )
    assert (done.returncode, done.stderr) == (0, "")
    again, first = Page(target.read_text(encoding="utf-8")), page_of(handmade.report(), tmp_path)
    assert again.tables["heatmap"] == first.tables["heatmap"]
    # What R is in total, a CSV file does not say: rows may share it.
    known = slice(0, 6) if stored == "csv" else slice(None)
    for found, wanted in zip(again.tables["steps"], first.tables["steps"], strict=True):
        assert found[known] == wanted[known]
    assert again.amounts["total-carbon"] == first.amounts["total-carbon"]
    assert ("a CSV file does not hold them" in again.text) == (stored == "csv")


@pytest.mark.parametrize("missing", ["jinja2", "vl_convert"])
def test_a_missing_package_is_told_before_the_computation(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(UsageError, match="-o html needs the package") as caught:
        refuse_early((Output("html", Path("r.html")),), Settings(), {})
    assert "sci-batch[html]" in caught.value.cure
    refuse_early((Output("markdown", Path("r.md")),), Settings(), {})


def test_from_the_command_line(tmp_path: Path) -> None:
    done = sci_batch(*COMPUTE, "-o", f"html={tmp_path / 'new' / 'r.html'}", "-q", "--disclose", "name=Shop")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert "<h1><bdi>Shop</bdi></h1>" in (tmp_path / "new" / "r.html").read_text(encoding="utf-8")
