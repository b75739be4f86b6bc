"""The table: what is shown in which room, sums over windows, figures, and the footer."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest

from sci_batch import schema
from sci_batch.sinks import SinkOptions, numbers
from sci_batch.sinks.footer import footer
from sci_batch.sinks.layout import Shown, draw, fitting
from sci_batch.sinks.table import MAX_ROWS, columns, encoded, per_group, render
from tests.cli import handmade

TABLE_BY_HAND = """\
2026-                                                                              SCI=C/R
03-01                                    energy       O       M   C=O+M        R     gCO2e   seen
UTC    namespace  workload  kind            kWh  kgCO2e  kgCO2e  kgCO2e  request  /request      %  flags
--------------------------------------------------------------------------------------------------------
00:00  shop       web       Deployment    1.000   0.380   0.020   0.400     1000     0.400  100.0
00:00  shop       db        StatefulSet   0.500   0.190   0.010   0.200        -         -  100.0  3
01:00  shop       web       Deployment    3.000   1.140   0.060   1.200     1000     1.200   50.0  1,2
01:00  shop       db        StatefulSet   0.500   0.190   0.010   0.200        -         -   50.0  1,3

energy    5 kWh
carbon    C = 2 kgCO2e = O 1.9 kgCO2e + M 0.1 kgCO2e
units     R = 2000 request
score     SCI = C / R = 1 gCO2e per request
coverage  65.0 %
nodes     5 kWh = pods 3.6 kWh + of no pod 1.4 kWh
books     closed: 2 of 2 node-windows, residual 0 kWh
flags     1 gap, 2 inferred-owner, 3 units-missing
"""


def many(windows: int) -> pd.DataFrame:
    """The four rows again and again, two windows each time."""
    rows = tuple((row[0] + 2 * turn, *row[1:]) for turn in range(windows // 2) for row in handmade.ROWS)
    return handmade.result(rows)


def test_the_whole_table_by_hand() -> None:
    assert render(handmade.report(), SinkOptions(terminal=True, width=104)) == TABLE_BY_HAND
    assert render(handmade.report(), SinkOptions()) == TABLE_BY_HAND


@pytest.mark.parametrize(
    ("width", "gone"),
    [
        (103, ["kind"]),
        (91, ["kind"]),
        (90, ["kind", "O", "M"]),
        (75, ["kind", "O", "M"]),
        (74, ["kind", "O", "M", "R"]),
        (66, ["kind", "O", "M", "R"]),
        (65, ["kind", "O", "M", "R", "seen"]),
        (20, ["kind", "O", "M", "R", "seen"]),
    ],
)
def test_columns_give_way_in_order_and_are_named(width: int, gone: list[str]) -> None:
    text = render(handmade.report(), SinkOptions(terminal=True, width=width))
    assert f"no room for {', '.join(gone)}: -o wide shows every column" in text
    table = text.split("\n\n")[0]
    if width >= 59:
        assert max(len(line) for line in table.splitlines()) <= width


def test_names_fold_and_numbers_never_do() -> None:
    names = Shown(("workload",), ["a-very-long-name-of-a-workload", "b"], folds=True)
    figures = Shown(("energy", "kWh"), ["12345.678", "0.001"], right=True)
    assert draw([names, figures], 24, color=False) == (
        "                  energy\n"
        "workload             kWh\n"
        "------------------------\n"
        "a-very-long-   12345.678\n"
        "name-of-a-\n"
        "workload\n"
        "b                  0.001\n"
    )
    assert fitting([names, figures], 5) == [names, figures]
    assert "12345.678" in draw([names, figures], 5, color=False)


def test_colour_only_on_request() -> None:
    assert "\x1b" not in render(handmade.report(), SinkOptions(terminal=True, width=120))
    coloured = render(handmade.report(), SinkOptions(terminal=True, width=104, color=True))
    assert "\x1b[1m" in coloured
    assert coloured.replace("\x1b[1m", "").replace("\x1b[0m", "") == TABLE_BY_HAND


def test_without_a_unit_of_work_the_table_says_how_to_get_a_score() -> None:
    text = render(handmade.report(unit=None, functional_units=None, sci_gco2e_per_unit=None), SinkOptions())
    assert "SCI=C/R" not in text
    assert "no score" in text
    assert "--functional-unit 'request=prometheus:sum by (namespace, workload) (increase(" in text


def test_many_rows_on_a_terminal_become_sums() -> None:
    frame = many(32)
    assert len(frame) == 64 > MAX_ROWS
    text = render(handmade.report(frame=frame), SinkOptions(terminal=True, width=120))
    assert "sums over 32 windows for each group; all 64 rows: -o wide, or -o csv=FILE" in text
    assert text.count("shop") == 2
    in_a_file = render(handmade.report(frame=frame), SinkOptions())
    assert in_a_file.count("shop") == 64


def test_sums_per_group_by_hand() -> None:
    frame = per_group(handmade.result(), handmade.GROUP_BY)
    assert list(frame.columns) == [column.name for column in schema.result_columns(handmade.GROUP_BY)]
    schema.check(frame, handmade.GROUP_BY)
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
    assert "1.200" in text
    assert "--top 1: 3 further rows hold 2 kWh and 800 gCO2e" in text
    assert "further" not in render(handmade.report(), SinkOptions(top=4))


def test_open_books_and_unknown_books() -> None:
    lines = footer(handmade.report(open_books=1, residual_kwh=-0.25), {})
    assert "books     OPEN: 1 of 2 node-windows, residual -0.25 kWh" in lines
    lines = footer(handmade.report(node_energy_kwh=None, sci_gco2e_per_unit=None, not_shown_kwh=0.5), {})
    assert "books     unknown: the nodes show no energy of their own" in lines
    assert "score     SCI = C / R = unknown per request" in lines
    assert "not shown 500 Wh (--namespace, --unattributed drop)" in lines


def in_zone(starts: list[str], tz: str) -> Shown:
    """The window column of rows that start then."""
    made = handmade.report(frame=many(2 * math.ceil(len(starts) / 4)).iloc[: len(starts)])
    provenance = made.provenance.__class__(
        **{name: getattr(made.provenance, name) for name in made.provenance.__slots__ if name != "tz"}, tz=tz
    )
    rows = made.result.assign(window_start=pd.to_datetime(starts, utc=True))
    report = made.__class__(result=rows, totals=made.totals, provenance=provenance)
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
    frame = handmade.result().assign(sci_gco2e_per_unit=4e-5)
    text = render(handmade.report(frame=frame), SinkOptions())
    assert "µgCO2e" in text
    assert encoded(text, "utf-8").decode("utf-8") == text
    assert "ugCO2e" in encoded(text, "ascii").decode("ascii")
    assert encoded("größe", "ascii") == b"gr??e"


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
        ([1234.5, 2.25], ["1234", "2.2"]),
        ([12.345, 0.5, 0.0], ["12.35", "0.50", "0.00"]),
        ([1.0, 0.00012, None], ["1.000", "0.00012", "-"]),
        ([5.0, 10.0, math.nan], ["5", "10", "-"]),
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
        (123456789.0, "", "123456789"),
        (123456.7, "", "123457"),
        (None, "kWh", "unknown"),
        (math.nan, "kWh", "unknown"),
    ],
)
def test_quantities(value: float | None, unit: str, text: str) -> None:
    assert numbers.quantity(value, unit) == text
