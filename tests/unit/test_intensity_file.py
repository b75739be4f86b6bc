"""Files: what is wrong with one is said with its line; what is right is read to the millisecond."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sci_batch.errors import NoDataError, UsageError
from sci_batch.intensity import Intensity, Request, export, load, read
from sci_batch.intensity.frame import HOUR_MS

FIXTURES = Path(__file__).parents[2] / "fixtures" / "intensity"
T0 = 1_768_003_200_000
FIVE = Request(start_ms=T0, end_ms=T0 + 5 * HOUR_MS)
HEAD = "zone,start_utc,end_utc,gco2e_per_kwh,kind,basis,estimated,source"
HOURS = [
    f"DE,2026-01-10T0{hour}:00:00Z,2026-01-10T0{hour + 1}:00:00Z,{300 + hour},average,lifecycle,false,me"
    for hour in range(5)
]


def csv(folder: Path, *lines: str, head: str = HEAD, end: str = "\n", encoding: str = "utf-8") -> str:
    path = folder / "ci.csv"
    path.write_bytes((end.join([head, *lines]) + end).encode(encoding))
    return str(path)


def refusal(argument: str, request: Request = FIVE) -> str:
    with pytest.raises(UsageError) as caught:
        read("file", argument, request)
    assert caught.value.cure
    return str(caught.value)


def values(found: Intensity) -> list[float]:
    return [float(value) for value in found.slots["gco2e_per_kwh"]]


def test_our_form(tmp_path: Path) -> None:
    found = load("file", csv(tmp_path, *HOURS), FIVE)
    assert values(found) == [300, 301, 302, 303, 304]
    assert (found.kind, found.basis, found.zones, found.step_ms) == ("average", "lifecycle", ("DE",), HOUR_MS)
    assert set(found.slots["source"]) == {"file:ci.csv#DE"}
    assert found.notes == ("file:ci.csv says of its origin: me",)


@pytest.mark.parametrize(
    ("end", "encoding", "comma"), [("\r\n", "utf-8-sig", ","), ("\n", "utf-8", ";"), ("\r\n", "utf-8", "\t")]
)
def test_forms_of_csv_that_programs_write(tmp_path: Path, end: str, encoding: str, comma: str) -> None:
    lines = [line.replace(",", comma) for line in [HOURS[2], "", *HOURS[:2], *HOURS[3:], ""]]
    path = csv(tmp_path, *lines, head=HEAD.replace(",", comma), end=end, encoding=encoding)
    assert values(load("file", path, FIVE)) == [300, 301, 302, 303, 304]


def test_three_columns_are_enough(tmp_path: Path) -> None:
    lines = ["2026-01-10 00:00,2026-01-10 05:00,250.5"]
    path = csv(tmp_path, *lines, head="start_utc,end_utc,gco2e_per_kwh")
    found = load("file", path, replace(FIVE, kind="marginal"))
    assert (values(found), found.kind, found.basis, found.zones) == ([250.5], "marginal", "unknown", ("",))
    assert found.step_ms is None
    assert set(found.slots["source"]) == {"file:ci.csv"}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (HOURS[1].replace("301", "x"), "line 3: gco2e_per_kwh is 'x': it is no number"),
        (HOURS[1].replace("301", ""), "line 3: gco2e_per_kwh is '': it is blank"),
        (HOURS[1].replace("301", "nan"), "line 3: gco2e_per_kwh is 'nan': it is no number"),
        (HOURS[1].replace("301", "-1"), "line 3: gco2e_per_kwh is '-1.0': intensities are above 0"),
        (HOURS[1].replace("301", "0"), "line 3: gco2e_per_kwh is '0.0': intensities are above 0"),
        (HOURS[1].replace("301", "2000.1"), "line 3: gco2e_per_kwh is '2000.1': intensities are above 0"),
        (HOURS[1].replace("301", "301,5"), "line 3: 9 cells, and the head has 8: a decimal comma?"),
        (HOURS[1].replace("301", '"301,5"'), "line 3: gco2e_per_kwh is '301,5': it has a decimal comma"),
        (HOURS[1][:20], "line 3: 2 cells, and the head has 8"),
        (
            HOURS[1].replace("01:00:00Z", "25:00:00Z"),
            "line 3: start_utc is '2026-01-10T25:00:00Z': it is no time",
        ),
        (HOURS[1].replace("2026-01-10T02", "2026-01-10T01"), "line 3: the slot does not end after its start"),
        # As local times have it when the clocks go back.
        (HOURS[1].replace("2026-01-10T02", "2026-01-10T01"), "write them with their offset"),
        (HOURS[0], "line 3: the slot overlaps that of line 2"),
        (HOURS[1].replace("T02:00", "T02:30"), "line 4: the slot overlaps that of line 3"),
        (HOURS[1].replace("false", "maybe"), "line 3: estimated is 'maybe': it is neither true nor false"),
        (HOURS[1].replace("average", "mean"), "line 3: kind is 'mean': it is not known"),
        (HOURS[1].replace("lifecycle", "lca"), "line 3: basis is 'lca': it is not known"),
        (HOURS[1].replace("average", "market-based"), "SCI 1.1"),
        (HOURS[1].replace("average", "marginal"), "mixes average and marginal"),
        (HOURS[1].replace("lifecycle", "direct"), "mixes direct and lifecycle"),
        (HOURS[1].replace("DE", "FR"), "holds 2 grid zones (DE, FR)"),
    ],
)
def test_a_bad_row_is_named_with_its_line(tmp_path: Path, line: str, words: str) -> None:
    path = csv(tmp_path, HOURS[0], line, *HOURS[2:])
    text = refusal(path)
    assert words in text
    assert "ci.csv" in text


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no head"),
        (b"\n\n", "no head"),
        (b"a,b\n1,2\n", "line 1: there is no column start_utc, end_utc, gco2e_per_kwh"),
        (b"market_factor_gco2e_per_kwh,b\n1,2\n", "SCI 1.1"),
        (b"zone,zone\n1,2\n", "'zone' stands twice"),
        (HEAD.encode() + b"\n", "a head and no rows"),
        (HEAD.encode() + b"\n\n\n", "a head and no rows"),
        ("zöne".encode("latin-1"), "not UTF-8"),
        ("zone,start_utc".encode("utf-16"), "not UTF-8"),
    ],
)
def test_files_that_are_none(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "ci.csv"
    path.write_bytes(content)
    assert words in refusal(str(path))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert "No such file" in refusal(str(tmp_path / "none.csv"))
    assert "cannot be read" in refusal(str(tmp_path / "none.parquet"))
    (tmp_path / "bad.parquet").write_text("no parquet")
    assert "is no Parquet file" in refusal(str(tmp_path / "bad.parquet"))


def test_holes_follow_the_gap_policy(tmp_path: Path) -> None:
    path = csv(tmp_path, *HOURS[:2], *HOURS[3:])
    with pytest.raises(NoDataError, match="no intensity for 1 h: 2026-01-10T02:00:00Z"):
        load("file", path, FIVE)
    assert values(load("file", path, replace(FIVE, gap="interpolate")))[2] == pytest.approx(302)


def test_a_zone_of_many_is_chosen_behind_a_hash(tmp_path: Path) -> None:
    lines = [*HOURS, *(line.replace("DE,", "FR,").replace(",3", ",4") for line in HOURS)]
    path = csv(tmp_path, *lines)
    assert values(load("file", f"{path}#FR", FIVE)) == [400, 401, 402, 403, 404]
    assert "has no grid zone IT" in refusal(f"{path}#IT")
    odd = tmp_path / "ci#1.csv"
    odd.write_text("\n".join([HEAD, *HOURS]))
    assert values(load("file", str(odd), FIVE))[0] == 300


def test_the_zone_of_each_node(tmp_path: Path) -> None:
    lines = [line.replace("DE,", f"{zone},") for zone in ("IE", "US-MIDA-PJM") for line in HOURS]
    path = csv(tmp_path, *lines)
    nodes = pd.DataFrame(
        [("a", "aws", "eu-west-1"), ("b", "aws", "us-east-1")], columns=["node", "provider", "region"]
    )
    found = load("file", f"{path}#auto", replace(FIVE, node_regions=nodes))
    assert found.zone_of_node == {"a": "IE", "b": "US-MIDA-PJM"}
    assert len(found.slots) == 10
    other = nodes.assign(region=["eu-west-1", "eu-west-3"])
    assert "no grid zone for aws:eu-west-3, where b stands" in refusal(
        f"{path}#auto", replace(FIVE, node_regions=other)
    )


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)], ids=["clocks forward", "clocks back"]
)
def test_days_on_which_the_clocks_change(tmp_path: Path, day: str, hours: int) -> None:
    """Local times with their offset tile the day; without it they overlap, or leave a hole."""
    local = pd.date_range(day, periods=hours + 1, freq="h", tz="Europe/Berlin")
    start, end = local[:-1], local[1:]
    request = Request(start_ms=start[0].value // 10**6, end_ms=end[-1].value // 10**6)
    head = "start_utc,end_utc,gco2e_per_kwh"
    lines = [
        f"{a.isoformat()},{b.isoformat()},{100 + i}" for i, (a, b) in enumerate(zip(start, end, strict=True))
    ]
    found = load("file", csv(tmp_path, *lines, head=head), request)
    assert values(found) == [100 + hour for hour in range(hours)]
    naive = [
        f"{a.tz_localize(None).isoformat()},{(a.tz_localize(None) + pd.Timedelta('1h')).isoformat()},100"
        for a in start
    ]
    path = csv(tmp_path, *naive, head=head)
    if hours == 25:
        assert "local ones repeat an hour" in refusal(path, request)
    else:
        with pytest.raises(NoDataError):
            load("file", path, request)


def test_the_portal_file_has_both_bases() -> None:
    path = str(FIXTURES / "portal-hourly.csv")
    found = read("file", path, FIVE)
    assert (values(found), found.basis, found.zones) == ([312.25, 318.0, 301.5], "lifecycle", ("DE",))
    assert found.slots["estimated"].tolist() == [False, True, False]
    assert ((found.slots["start_ms"] - T0) // HOUR_MS).tolist() == [0, 1, 3]
    assert (found.slots["end_ms"] - found.slots["start_ms"] == HOUR_MS).all()
    direct = read("file", path, replace(FIVE, basis="direct"))
    assert (values(direct), direct.basis) == ([280.5, 285.0, 270.0], "direct")
    assert "gives average intensities" in refusal(path, replace(FIVE, kind="marginal"))


def test_names_of_portal_columns_vary_and_coarse_files_are_refused(tmp_path: Path) -> None:
    head = "Datetime (UTC),Zone Id,Carbon Intensity gCO₂eq/kWh (LCA)"
    path = csv(tmp_path, "2026-01-10 00:00:00,DE,312", "2026-01-11 00:00:00,DE,313", head=head)
    daily = read("file", path, FIVE)
    assert (daily.slots["end_ms"] - daily.slots["start_ms"] == 24 * HOUR_MS).all()
    assert "no column 'Carbon intensity ... direct'" in refusal(path, replace(FIVE, basis="direct"))
    path = csv(tmp_path, "2026-01-01,DE,312", "2026-02-01,DE,313", head=head)
    assert "coarser than a day" in refusal(path)
    path = csv(tmp_path, "2026-01-10 00:00:00,DE,", "2026-01-10 01:00:00,DE,", head=head)
    assert "holds no intensity at all" in refusal(path)
    path = csv(tmp_path, "2026-01-10 00:00:00,DE,n/a", head=head)
    assert "line 2" in refusal(path)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    found = load("file", csv(tmp_path, *HOURS), FIVE)
    other = load("zone", "FR", FIVE)
    frame = export.rows([found, other])
    for name in ("again.csv", "again.parquet"):
        path = tmp_path / name
        with path.open("wb") as stream:
            export.write(frame, path, stream)
        again = load("file", f"{path}#DE", FIVE)
        for column in ("start_ms", "end_ms", "gco2e_per_kwh", "estimated", "flags"):
            np.testing.assert_array_equal(again.slots[column], found.slots[column])
        assert (again.kind, again.basis) == (found.kind, found.basis)
        assert values(load("file", f"{path}#FR", FIVE)) == values(other)
    with pytest.raises(UsageError, match="two sources give the grid zone DE"):
        export.rows([found, found])


def test_parquet_of_other_types_and_with_faults(tmp_path: Path) -> None:
    path = tmp_path / "ci.parquet"
    good = pd.DataFrame({"start_utc": ["2026-01-10T00:00:00Z"], "end_utc": ["2026-01-10T05:00:00Z"]})
    good.assign(gco2e_per_kwh=[7]).to_parquet(path)
    assert values(load("file", str(path), FIVE)) == [7.0]
    good.assign(gco2e_per_kwh=[float("nan")]).to_parquet(path)
    assert "gco2e_per_kwh" in refusal(str(path))
    good.assign(gco2e_per_kwh=[1.0], start_utc=[""]).to_parquet(path)
    assert "line 1: start_utc" in refusal(str(path))
    good.head(0).to_parquet(path)
    assert "has no rows" in refusal(str(path))
