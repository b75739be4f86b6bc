"""`sci-batch factors`: what it prints, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from sci_batch.cli.main import main
from sci_batch.intensity.tables import ATTRIBUTION, zones


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = main(["factors", *argv])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def test_kinds(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "list")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[1:11]] == [
        "constant", "zone", "region", "file", "prometheus", "electricitymaps", "uk", "energy-charts",
        "carbon-aware-sdk", "watttime",
    ]  # fmt: skip
    assert "zone,start_utc,end_utc,gco2e_per_kwh,kind,basis,estimated,source" in out


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ((), set(zones())),
        (("namib",), {"NA"}),
        (("us-egrid-sr*",), {f"US-EGRID-SR{end}" for end in ("MV", "MW", "SO", "TV", "VC")}),
    ],
)
def test_zones(capsys: pytest.CaptureFixture[str], pattern: tuple[str, ...], wanted: set[str]) -> None:
    code, out, _ = run(capsys, "list", "--zones", *pattern)
    assert code == 0
    table, _, attribution = out.rstrip().rpartition("\n\n")
    assert {line.split()[0] for line in table.splitlines()[1:]} == wanted
    assert attribution == ATTRIBUTION


def test_a_pattern_needs_its_flag_and_a_match(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "list", "DE")[0] == 2
    code, _, err = run(capsys, "list", "--zones", "nowhere")
    assert code == 2
    assert "no grid zone matches 'nowhere'" in err


@pytest.mark.parametrize(("place", "spec"), [("DE", "zone:DE"), ("aws:eu-west-1", "region:aws:eu-west-1")])
def test_show_takes_what_intensity_takes(capsys: pytest.CaptureFixture[str], place: str, spec: str) -> None:
    shown = run(capsys, "show", place)
    assert shown[0] == 0
    assert run(capsys, "show", spec) == shown


def test_show(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "show", "aws:us-east-1")
    assert code == 0
    lines = [line.split(maxsplit=1) for line in out.splitlines() if line]
    assert ["tried", "US-MIDA-PJM (exact zone): not in the table"] in lines
    assert ["tried", "US-EGRID-SRVC (eGRID subregion): 270.489 gCO2e/kWh, direct"] in lines
    assert ["intensity", "270.489 gCO2e/kWh"] in lines
    assert ATTRIBUTION in out
    code, out, _ = run(capsys, "show", "na")
    assert (code, "Namibia" in out) == (0, True)
    code, out, _ = run(capsys, "show", "ovh:hnc")  # no figure, but a note
    assert (code, "site not confirmed" in out, "intensity" in out) == (0, True, False)
    assert run(capsys, "show", "zz")[0] == 2


def test_validate_names_the_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "ci.csv"
    path.write_text("start_utc,end_utc,gco2e_per_kwh\n2026-01-10,2026-01-11,300\n2026-01-12,2026-01-13,100\n")
    code, out, _ = run(capsys, "validate", str(path))
    assert code == 0
    assert out.splitlines()[1].split() == [
        "-", "2", "2026-01-10T00:00:00Z", "2026-01-13T00:00:00Z", "24", "200.0", "100", "300", "average",
        "unknown",
    ]  # fmt: skip
    path.write_text(path.read_text() + "2026-01-13,2026-01-14,-1\n")
    code, _, err = run(capsys, "validate", str(path))
    assert code == 2
    assert "ci.csv line 4" in err


def test_fetch_refuses_before_it_fetches(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = str(tmp_path / "ci.csv")
    span = ("--start", "2026-01-10T00:00:00Z", "--end", "2026-01-11T00:00:00Z")
    assert "no source is given" in run(capsys, "fetch", "--out", out, *span)[2]
    assert "neither .csv nor" in run(capsys, "fetch", "--intensity", "380", "--out", "x.xlsx", *span)[2]
    assert run(capsys, "fetch", "--intensity", "zone:DE", "--out", str(tmp_path), *span)[0] == 2
    (tmp_path / "file").write_text("")
    code, _, err = run(
        capsys, "fetch", "--intensity", "zone:DE", "--out", str(tmp_path / "file" / "x.csv"), *span
    )
    assert code == 8
    assert "--out" in err
    code, _, err = run(
        capsys, "fetch", "--intensity", "zone:DE", "--intensity", "zone:de", "--out", out, *span
    )
    assert (code, "two sources give the grid zone DE" in err) == (2, True)
    assert not Path(out).exists()
    code, _, _ = run(capsys, "fetch", "--intensity", "zone:DE", "--out", out, *span)
    assert code == 0
    assert Path(out).read_text().splitlines()[1] == (
        "DE,2026-01-10T00:00:00Z,2026-01-11T00:00:00Z,342.06,average,lifecycle,false,"
        '"zone:DE (2024, lifecycle, average)"'
    )
