"""What is mixed up is told: runs of several methods in one data set, several outputs in one place or text."""

from __future__ import annotations

from pathlib import Path

import pytest

from sci_batch.cli.main import main

NOTE = "rows of 2 methods stand in one result"


@pytest.fixture
def mixed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """A day, of which the last six hours are computed again with another lifespan."""
    monkeypatch.setenv("SCI_BATCH_NOW", "1795507200")
    place = f"{tmp_path}/set/"
    assert main(["compute", "--demo", "--since", "24h", "-o", f"parquet={place}"]) == 0
    assert NOTE not in capsys.readouterr().err
    assert main(["compute", "--demo", "--since", "6h", "--lifespan", "2y", "-o", f"parquet={place}"]) == 0
    assert NOTE in capsys.readouterr().err
    return place


def test_a_report_says_that_its_factors_are_not_those_of_all_rows(
    mixed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", mixed, "-o", "table"]) == 0
    printed = capsys.readouterr()
    assert NOTE in printed.err
    assert "made by 2, not comparable: the factors are those of the newest run" in " ".join(
        printed.out.split()
    )


def test_a_disclosure_and_another_lifespan_are_refused(
    mixed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", mixed, "-o", "sci-yaml"]) == 8
    assert "made by 2 methods" in capsys.readouterr().err
    assert main(["what-if", mixed, "--lifespan", "4y"]) == 2
    assert "do not agree on the hardware" in capsys.readouterr().err


def test_two_outputs_to_one_place_are_refused_however_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d").mkdir()
    (tmp_path / "l").symlink_to("d")
    for first, second in (("a.csv", f"{tmp_path}/a.csv"), ("d/a", "l/a"), ("d/a", "d/../d/a")):
        assert main(["compute", "--demo", "-q", "-o", f"csv={first}", "-o", f"json={second}"]) == 2
        assert f"two outputs go to {first}" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "d").iterdir()] == []


def test_flags_of_rows_that_are_shown_are_not_those_of_every_row(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCI_BATCH_NOW", "1795507200")
    flags = ["--demo", "--since", "24h", "--unattributed", "separate", "--window", "all", "-q", "-o", "table"]
    assert main(["compute", *flags, "--top", "3"]) == 0
    assert "flags of every row shown: units-missing" in capsys.readouterr().out


@pytest.mark.parametrize("between", [",", " ", ", "])
def test_outputs_in_one_text_are_no_file_name(
    between: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SCI_BATCH_OUTPUT", f"csv=x.csv{between}json=y.json")
    assert main(["compute", "--demo"]) == 2
    assert "put ; between: csv=x.csv;..." in capsys.readouterr().err
    assert [*tmp_path.iterdir()] == []
