"""The table: what is shown in which room, sums over windows, figures, and the footer."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sci_batch import schema
from sci_batch.report import Report
from sci_batch.result import Result
from sci_batch.sinks import SINKS, SinkOptions, numbers
from sci_batch.sinks.footer import totals
from sci_batch.sinks.layout import Shown
from sci_batch.sinks.table import MAX_ROWS, columns, page, per_group
from tests.cli import handmade

# The rows as they stand in handmade.py. By hand: 0.4 of 2 kg is 20 %; coverage of all is
# (1.0 + 0.5 + 3.0 x 0.5 + 0.5 x 0.5) / 5 = 65 %; 200 + 200 g are of the rows of `db`, which has no R.
AT_120 = """\
2026-                                                                                     SCI=C/R
03-01                                    energy       O       M   C=O+M  share        R     gCO2e  coverage
UTC    namespace  workload  kind            kWh  kgCO2e  kgCO2e  kgCO2e      %  request  /request         %  flags
──────────────────────────────────────────────────────────────────────────────────────────────────────────────────
00:00  shop       web       Deployment    1.000   0.380   0.020   0.400   20.0    1,000     0.400     100.0
00:00  shop       db        StatefulSet   0.500   0.190   0.010   0.200   10.0        -         -     100.0  3
01:00  shop       web       Deployment    3.000   1.140   0.060   1.200   60.0    1,000     1.200      50.0  1,2
01:00  shop       db        StatefulSet   0.500   0.190   0.010   0.200   10.0        -         -      50.0  1,3
──────────────────────────────────────────────────────────────────────────────────────────────────────────────────
total                                     5.000   1.900   0.100   2.000  100.0    2,000     1.000      65.0

flags: 1 gap, 2 inferred-owner, 3 units-missing

TOTAL     2026-03-01T00:00:00Z to 2026-03-01T02:00:00Z, windows of 1h
energy    5 kWh
carbon    ΣC = 2 kgCO2e = operational O 1.9 + embodied M 0.1
factors   intensity constant:380, PUE 1, overhead 0, embodied kg:1216, lifespan 4 years
units     ΣR = 2,000 request
score     SCI = ΣC / ΣR = 1 gCO2e per request; ΣC holds 400 gCO2e of rows without R
coverage  65.0 % of the time Kepler was scraped
nodes     5 kWh = pods 3.6 + of no pod 1.4
books     closed in 2 of 2 node-windows, residual 0 kWh
"""  # noqa: E501 -- as on a terminal of 120 columns
AT_80 = """\
2026-                                                        SCI=C/R
03-01                       energy   C=O+M  share        R     gCO2e
UTC    namespace  workload     kWh  kgCO2e      %  request  /request  flags
───────────────────────────────────────────────────────────────────────────
00:00  shop       web        1.000   0.400   20.0    1,000     0.400
00:00  shop       db         0.500   0.200   10.0        -         -  3
01:00  shop       web        3.000   1.200   60.0    1,000     1.200  1,2
01:00  shop       db         0.500   0.200   10.0        -         -  1,3
───────────────────────────────────────────────────────────────────────────
total                        5.000   2.000  100.0    2,000     1.000

no room for kind, O, M, coverage: -o wide shows every column
flags: 1 gap, 2 inferred-owner, 3 units-missing

TOTAL     2026-03-01T00:00:00Z to 2026-03-01T02:00:00Z, windows of 1h
energy    5 kWh
carbon    ΣC = 2 kgCO2e = operational O 1.9 + embodied M 0.1
factors   intensity constant:380, PUE 1, overhead 0, embodied kg:1216, lifespan
          4 years
units     ΣR = 2,000 request
score     SCI = ΣC / ΣR = 1 gCO2e per request; ΣC holds 400 gCO2e of rows
          without R
coverage  65.0 % of the time Kepler was scraped
nodes     5 kWh = pods 3.6 + of no pod 1.4
books     closed in 2 of 2 node-windows, residual 0 kWh
"""


def render(report: Report, options: SinkOptions) -> str:
    return page(report, options).text()


def many(windows: int) -> pd.DataFrame:
    """The four rows again and again, two windows each time."""
    rows = tuple((row[0] + 2 * turn, *row[1:]) for turn in range(windows // 2) for row in handmade.ROWS)
    return handmade.result(rows)


def test_the_whole_table_by_hand() -> None:
    assert render(handmade.report(), SinkOptions(terminal=True, width=120)) == AT_120
    assert render(handmade.report(), SinkOptions(terminal=True, width=80)) == AT_80
    assert render(handmade.report(), SinkOptions()) == AT_120


@pytest.mark.parametrize(
    ("width", "gone"),
    [
        (114, []),
        (113, ["kind"]),
        (101, ["kind"]),
        (100, ["O", "M"]),  # smaller than both together, kind finds room again
        (97, ["kind", "O", "M"]),
        (85, ["kind", "O", "M"]),
        (84, ["kind", "O", "M", "coverage"]),
        (75, ["kind", "O", "M", "coverage"]),
        (74, ["kind", "O", "M", "R", "coverage"]),
        (66, ["kind", "O", "M", "R", "coverage"]),
        (65, ["kind", "O", "M", "share", "R", "coverage"]),
        (20, ["kind", "O", "M", "share", "R", "coverage"]),
    ],
)
def test_columns_give_way_in_order_and_are_named(width: int, gone: list[str]) -> None:
    text = render(handmade.report(), SinkOptions(terminal=True, width=width))
    words = " ".join(text.split())
    assert (f"no room for {', '.join(gone)}: -o wide shows every column" in words) == bool(gone)
    if width >= 60:
        assert max(len(line) for line in text.splitlines()) <= width


def test_every_name_is_whole_at_80_columns() -> None:
    name = "checkout-service-with-a-name-of-exactly-fifty-letters"
    frame = handmade.result().assign(workload=pd.Series([name, "db", name, "db"], dtype="str"))
    text = render(handmade.report(frame=frame), SinkOptions(terminal=True, width=80))
    assert max(len(line) for line in text.splitlines()) <= 80
    start = text.splitlines()[2].index("workload")
    end = text.splitlines()[2].index("kWh") - 5
    pieces = [line[start:end].strip() for line in text.splitlines()[4:]]
    folded = pieces[: pieces.index("db")]
    assert len(folded) > 1
    assert "".join(folded) == name


def test_colour_only_on_request_and_without_meaning() -> None:
    assert "\x1b" not in render(handmade.report(), SinkOptions(terminal=True, width=120))
    coloured = render(handmade.report(), SinkOptions(terminal=True, width=120, color=True))
    assert "\x1b[1mtotal" in coloured
    plain = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in plain.splitlines()] == AT_120.splitlines()


@pytest.mark.parametrize("variable", ["NO_COLOR", "FORCE_COLOR", "COLUMNS", "TTY_COMPATIBLE"])
def test_the_environment_changes_nothing_of_the_page(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "1")
    monkeypatch.setenv("TERM", "dumb")
    assert render(handmade.report(), SinkOptions()) == AT_120
    assert "\x1b[1m" in render(handmade.report(), SinkOptions(color=True))


@pytest.mark.parametrize("width", [None, 120, 60])
def test_cells_are_neither_markup_nor_commands_to_the_terminal(width: int | None) -> None:
    names = ["[red]x[/red]", "a\x1b[2Jb", "two\nlines\tand \u202eback", ":smile:"]
    frame = handmade.result().assign(workload=pd.Series(names, dtype="str"))
    text = render(handmade.report(frame=frame), SinkOptions(width=width))
    assert all(letter.isprintable() for letter in text.replace("\n", ""))
    coloured = render(handmade.report(frame=frame), SinkOptions(width=width, color=True))
    assert set(re.findall("\x1b.{0,3}", coloured)) == {"\x1b[1m", "\x1b[0m"}
    if width is None:
        seen = [line[18:45].split("  ")[0].rstrip() for line in text.splitlines()[4:8]]
        assert seen == ["[red]x[/red]", r"a\x1b[2Jb", r"two\nlines\tand \u202eback", ":smile:"]


def test_without_a_unit_of_work_the_table_says_how_to_get_a_score() -> None:
    text = render(handmade.report(unit=None, functional_units=None, sci_gco2e_per_unit=None), SinkOptions())
    assert "SCI=C/R" not in text
    assert "no score" in text
    command = [line for line in text.splitlines() if "--functional-unit" in line]
    assert command == [
        "  --functional-unit 'request=prometheus:sum by (namespace, pod) "
        "(increase(http_requests_total[{window}]))'"
    ]
    narrow = render(handmade.report(unit=None), SinkOptions(terminal=True, width=50))
    assert command[0] in narrow.splitlines()  # a folded command could not be copied
    assert text.endswith("residual 0 kWh\n")


@pytest.mark.parametrize("options", [SinkOptions(terminal=True, width=120), SinkOptions()])
def test_many_rows_become_sums(options: SinkOptions) -> None:
    frame = many(32)
    assert len(frame) == 64 > MAX_ROWS
    text = render(handmade.report(frame=frame), options)
    assert "sums over 32 windows; window by window (64 rows): -o wide, or -o csv=FILE" in text
    assert text.count("shop") == 2
    assert text.index("web") < text.index("db")  # most carbon first
    assert render(handmade.report(frame=many(30)), options).count("shop") == 60


def test_sums_name_no_window_though_a_group_began_late() -> None:
    frame = many(32).iloc[1:]  # web is missing in the first window
    assert "UTC" not in render(handmade.report(frame=frame.iloc[::-1]), SinkOptions()).split("TOTAL")[0]


def test_sums_per_group_by_hand() -> None:
    frame = per_group(handmade.result(), handmade.GROUP_BY)
    assert list(frame.columns) == [column.name for column in schema.result_columns(handmade.GROUP_BY)]
    schema.check(frame, schema.result_columns(handmade.GROUP_BY))
    web, db = frame.to_dict("records")
    assert (web["workload"], web["workload_kind"], db["workload"]) == ("web", "Deployment", "db")
    assert web["window_start"] == pd.Timestamp("2026-03-01T00:00:00Z")
    assert web["window_end"] == pd.Timestamp("2026-03-01T02:00:00Z")
    assert web["active_kwh"] == 0.75 + 2.25
    assert web["shared_kwh"] == 0.25 + 0.75
    assert web["energy_kwh"] == 4.0
    assert web["carbon_gco2e"] == 400.0 + 1200.0
    assert web["functional_units"] == 2000.0
    assert web["sci_gco2e_per_unit"] == 1600.0 / 2000.0  # not the mean of 0.4 and 1.2 weighted otherwise
    assert web["coverage"] == (1.0 * 1.0 + 3.0 * 0.5) / 4.0
    assert web["intensity_gco2e_per_kwh"] == 380.0
    assert web["flags"] == "gap,inferred-owner"
    assert math.isnan(db["functional_units"])
    assert math.isnan(db["sci_gco2e_per_unit"])
    assert db["flags"] == "gap,units-missing"


def test_sci_of_sums_is_the_ratio_of_sums() -> None:
    rows = (
        (0, "a", "w", "Job", 1.0, 0.0, 10.0, 0.0, 1.0, 1.0, ""),
        (1, "a", "w", "Job", 1.0, 0.0, 10.0, 0.0, 99.0, 1.0, ""),
    )
    assert per_group(handmade.result(rows), handmade.GROUP_BY)["sci_gco2e_per_unit"].tolist() == [0.2]


def test_sums_skip_the_unknown_and_zero_units_give_no_score() -> None:
    rows = (
        (0, "a", "w", "Job", math.nan, math.nan, math.nan, 5.0, 0.0, 0.5, "no-node-energy"),
        (1, "a", "w", "Job", 1.0, 0.0, 100.0, 5.0, 0.0, 1.0, ""),
        (0, "b", "v", "Job", math.nan, math.nan, math.nan, math.nan, math.nan, 0.5, ""),
        (1, "b", "v", "Job", math.nan, math.nan, math.nan, math.nan, math.nan, 1.0, ""),
    )
    first, second = per_group(handmade.result(rows), handmade.GROUP_BY).to_dict("records")
    assert first["energy_kwh"] == 1.0
    assert first["embodied_gco2e"] == 10.0
    assert first["coverage"] == 1.0
    assert first["intensity_gco2e_per_kwh"] == 100.0
    assert math.isnan(first["sci_gco2e_per_unit"])
    assert math.isnan(second["energy_kwh"])
    assert math.isnan(second["carbon_gco2e"])
    assert second["coverage"] == 0.75


def test_top_says_what_it_leaves_out() -> None:
    text = render(handmade.report(), SinkOptions(top=1))
    assert text.count("shop") == 1
    row = "shop web Deployment 3 1.140 0.060 1.200 60.0 1,000 1.200 50.0"
    assert " ".join(text.splitlines()[4].split()) == row
    assert text.splitlines()[6].split()[:5] == ["total", "5", "1.900", "0.100", "2.000"]  # of all rows
    assert "--top 1: 3 further rows hold 2 kWh and 800 gCO2e" in text
    assert "further" not in render(handmade.report(), SinkOptions(top=4))


def test_most_carbon_first_in_each_window() -> None:
    frame = handmade.result().iloc[[1, 0, 3, 2]]
    assert render(handmade.report(frame=frame), SinkOptions()) == AT_120


def test_what_all_rows_share_takes_no_column() -> None:
    frame = handmade.result().assign(coverage=1.0, flags="embodied-default")
    text = render(handmade.report(frame=frame, coverage=1.0), SinkOptions())
    assert "flags" not in text.split("\n\n")[0]
    assert "coverage" not in text.split("\n\n")[0]
    assert "\nflags of every row: embodied-default\n" in text
    assert "\ncoverage  100.0 % of the time Kepler was scraped\n" in text
    mixed = frame.assign(flags=pd.Series(["b,c", "c", "a,c", "c"], dtype="str"))
    text = render(handmade.report(frame=mixed), SinkOptions())
    assert "\nflags: 1 a, 2 b\nflags of every row: c\n" in text
    assert [line.split()[-1] for line in text.splitlines()[4:8:2]] == ["2", "1"]


def test_open_books_and_unknown_books() -> None:
    lines = dict(totals(handmade.report(open_books=1, residual_kwh=-0.25)))
    assert lines["books"] == "OPEN in 1 of 2 node-windows, residual -0.25 kWh"
    lines = dict(totals(handmade.report(node_energy_kwh=None, sci_gco2e_per_unit=None)))
    assert lines["books"] == "unknown: nothing tells the energy of the nodes themselves"
    assert "nodes" not in lines
    assert lines["score"] == "SCI = ΣC / ΣR = unknown"
    assert "not shown" not in lines


@pytest.mark.parametrize(
    "flags", [("--namespace",), ("--unattributed drop",), ("--namespace", "--unattributed drop")]
)
def test_what_hides_energy_is_named(flags: tuple[str, ...]) -> None:
    lines = dict(totals(handmade.report(not_shown_kwh=0.5, not_shown_by=flags)))
    assert lines["not shown"] == f"500 Wh ({', '.join(flags)})"
    older = dict(totals(handmade.report(not_shown_kwh=0.5)))
    assert older["not shown"] == "500 Wh"


def test_the_score_says_nothing_of_rows_without_units_when_there_are_none() -> None:
    frame = handmade.result().assign(functional_units=10.0)
    assert dict(totals(handmade.report(frame=frame)))["score"] == "SCI = ΣC / ΣR = 1 gCO2e per request"


def test_wide_has_every_column_and_row_and_the_totals(tmp_path: Path) -> None:
    path = tmp_path / "wide.txt"
    SINKS["wide"](handmade.report(), path, SinkOptions(terminal=True, width=80, color=True))
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0].split() == [column.name for column in schema.result_columns(handmade.GROUP_BY)]
    rows = [dict(zip(lines[0].split(), line.split(), strict=False)) for line in lines[2:6]]
    assert [row["workload"] for row in rows] == ["web", "db", "web", "db"]
    assert (rows[0]["window_start"], rows[0]["window_end"]) == (
        "2026-03-01T00:00:00Z",
        "2026-03-01T01:00:00Z",
    )
    assert [row["carbon_gco2e"] for row in rows] == ["400", "200", "1200", "200"]
    assert [row["sci_gco2e_per_unit"] for row in rows] == ["0.4", "-", "1.2", "-"]
    assert [row.get("flags") for row in rows] == [
        None, "units-missing", "gap,inferred-owner", "gap,units-missing"
    ]  # fmt: skip
    assert lines[6] == ""
    assert lines[7:] == AT_120.splitlines()[13:]


def in_zone(starts: list[str], tz: str) -> Shown:
    """The window column of rows that start then."""
    made = handmade.report(frame=many(2 * math.ceil(len(starts) / 4)).iloc[: len(starts)])
    provenance = made.provenance.__class__(
        **{name: getattr(made.provenance, name) for name in made.provenance.__slots__ if name != "tz"}, tz=tz
    )
    rows = made.result.assign(window_start=pd.to_datetime(starts, utc=True))
    report = made.__class__(rows=Result.of(rows), totals=made.totals, provenance=provenance)
    return columns(rows, report, [])[0]


@pytest.mark.parametrize(
    ("starts", "tz", "head", "cells"),
    [
        (["2026-03-01T00:00Z", "2026-03-02T00:00Z"], "UTC", ("window", "UTC"), ["2026-03-01", "2026-03-02"]),
        (
            ["2026-03-28T23:00Z", "2026-03-29T22:00Z"],
            "Europe/Paris",
            ("window", "Europe/Paris"),
            ["2026-03-29", "2026-03-30"],
        ),
        (
            ["2026-03-01T22:00Z", "2026-03-02T01:00Z"],
            "UTC",
            ("window 2026", "UTC"),
            ["03-01 22:00", "03-02 01:00"],
        ),
        (
            ["2025-12-31T23:00Z", "2026-01-01T01:00Z"],
            "UTC",
            ("window", "UTC"),
            ["2025-12-31 23:00", "2026-01-01 01:00"],
        ),
        (
            ["2026-10-25T00:00Z", "2026-10-25T01:00Z"],
            "Europe/Paris",
            ("2026-", "10-25", "Europe/Paris"),
            ["02:00+0200", "02:00+0100"],
        ),
        (
            ["2026-03-01T00:00:00Z", "2026-03-01T00:00:30Z"],
            "UTC",
            ("2026-", "03-01", "UTC"),
            ["00:00", "00:00:30"],
        ),
    ],
)
def test_windows_in_the_zone_of_the_user(
    starts: list[str], tz: str, head: tuple[str, ...], cells: list[str]
) -> None:
    shown = in_zone(starts, tz)
    assert shown.head == head
    assert shown.cells == cells


def test_a_terminal_without_utf8_gets_ascii() -> None:
    frame = handmade.result().assign(
        sci_gco2e_per_unit=4e-5, workload=pd.Series(["größe", "b", "c", "d"], dtype="str")
    )
    made = page(handmade.report(frame=frame), SinkOptions(encoding="ascii"))
    text = made.encoded().decode("ascii")
    lines = text.splitlines()
    assert "ugCO2e" in text
    assert "sum C = 2 kgCO2e" in text
    assert "SCI = sum C / sum R = 1 gCO2e" in text
    assert set(lines[3]) == {"-"}
    assert r"gr\xf6\xdfe" in text
    assert lines[4].index("Deployment") == lines[5].index("StatefulSet")  # still below each other
    assert "µgCO2e" in page(handmade.report(frame=frame), SinkOptions()).encoded().decode("utf-8")


def test_the_last_line_ends() -> None:
    for options in (SinkOptions(), SinkOptions(terminal=True, width=80, color=True)):
        data = page(handmade.report(), options).encoded()
        assert data.endswith(b"residual 0 kWh\n")
        assert not data.endswith(b"\n\n")


@pytest.mark.parametrize(
    ("values", "unit", "expected"),
    [
        ([1500.0, 2.0], "kWh", ("MWh", 1e3)),
        ([0.5], "kWh", ("Wh", 1e-3)),
        ([1.0], "kWh", ("kWh", 1.0)),
        ([1e-9], "kWh", ("mWh", 1e-6)),
        ([-2e6], "gCO2e", ("tCO2e", 1e6)),
        ([None, math.nan, 0.0], "gCO2e", ("gCO2e", 1.0)),
        ([5e9], "request", ("request", 1.0)),
    ],
)
def test_the_unit_of_a_column(values: list[float | None], unit: str, expected: tuple[str, float]) -> None:
    assert numbers.unit_for(values, unit) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1234.5, 2.25], ["1,234", "2.2"]),
        ([12.345, 0.5, 0.0], ["12.35", "0.50", "0.00"]),
        ([1.0, 0.00012, None], ["1.000", "0.00012", "-"]),
        ([5.0, 10.0, 1.25e6, math.nan], ["5", "10", "1,250,000", "-"]),
        ([-0.0, -1.5], ["0.000", "-1.500"]),
        ([], []),
    ],
)
def test_figures_of_a_column(values: list[float | None], expected: list[str]) -> None:
    assert numbers.column(values) == expected


@pytest.mark.parametrize(
    ("share", "text"),
    [(1.0, "100.0"), (0.99999, "99.9"), (0.29, "29.0"), (0.0, "0.0"), (None, "-"), (math.nan, "-")],
)
def test_only_complete_coverage_is_100(share: Any, text: str) -> None:
    assert numbers.percent(share) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (12.34567, "kWh", "12.35 kWh"),
        (0.0, "kWh", "0 kWh"),
        (-0.0, "kWh", "0 kWh"),
        (123456789.0, "", "123,456,789"),
        (123456.7, "", "123,457"),
        (None, "kWh", "unknown"),
        (math.nan, "kWh", "unknown"),
    ],
)
def test_quantities(value: float | None, unit: str, text: str) -> None:
    assert numbers.quantity(value, unit) == text


def test_quantities_that_are_added_up_have_one_unit() -> None:
    assert numbers.together((1500.0, 1499.5, 0.5, None), "gCO2e") == (
        "kgCO2e",
        ["1.5", "1.5", "0.0005", "unknown"],
    )


@pytest.mark.parametrize(
    ("values", "total", "size", "expected"),
    [
        ([0.25, 0.5], 0.75, 1e-3, (["250", "500"], "750")),
        ([12.34, 0.5], 1012.34, 1.0, (["12.34", "0.50"], "1,012.34")),
        ([1.0, 2.0], None, 1.0, (["1", "2"], "-")),
        ([None], 2.5, 1.0, (["-"], "2.500")),
    ],
)
def test_a_total_has_the_decimals_of_its_column(
    values: list[float | None], total: float | None, size: float, expected: tuple[list[str], str]
) -> None:
    assert numbers.with_total(values, total, size) == expected


@pytest.mark.parametrize(
    ("value", "text"), [(1.0, "25.0"), (0.001, "<0.1"), (0.0, "0.0"), (4.0, "100.0"), (None, "-")]
)
def test_shares(value: float | None, text: str) -> None:
    assert numbers.share(value, 4.0) == text


def test_a_group_is_one_row_though_its_kinds_change_between_windows() -> None:
    frame = handmade.result().drop(columns="workload").assign(workload_kind=["A", "A+B", "B", "B"])
    frame["namespace"] = ["shop", "ops", "shop", "ops"]
    found = per_group(frame, ("namespace",))
    assert found["namespace"].tolist() == ["shop", "ops"]
    assert found["workload_kind"].tolist() == ["A+B", "A+B"]
    assert found["energy_kwh"].tolist() == [4.0, 1.0]
