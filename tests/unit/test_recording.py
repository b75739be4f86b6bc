"""A recording answers what is asked now, not what was asked when it was made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sci_batch.cli.main import main
from sci_batch.errors import UsageError
from tests import recordings


def computed(recording: Path, capsys: pytest.CaptureFixture[str], *flags: str) -> dict[str, Any]:
    """The JSON of `compute --snapshot`."""
    assert run(recording, *flags) == 0, capsys.readouterr().err
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def run(recording: Path, *flags: str) -> int:
    given = ("--snapshot", str(recording), "--power-domains", "package", "-o", "json", "-q")
    own = () if any(flag == "--intensity" for flag in flags) else ("--intensity", "380")
    return main(["compute", *given, *own, *flags])


def refused(recording: Path, capsys: pytest.CaptureFixture[str], *flags: str) -> str:
    """The words of a usage error."""
    assert run(recording, *flags) == UsageError.exit_code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert "Traceback" not in captured.err
    return " ".join(captured.err.split())


RAPL_KWH = 2 * (recordings.ACTIVE_W + recordings.IDLE_W) / 1000
PLATFORM_KWH = 2 * recordings.PLATFORM_W / 1000


@pytest.mark.parametrize(
    ("asked", "kwh", "source"), [("rapl", RAPL_KWH, "rapl"), ("platform", PLATFORM_KWH, "redfish")]
)
def test_the_flag_says_what_a_node_used(
    asked: str, kwh: float, source: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = recordings.record(tmp_path / "r", platform=True)
    found = computed(recording, capsys, "--node-energy", asked)
    assert found["totals"]["node_energy_kwh"] == pytest.approx(kwh, rel=1e-9)
    assert found["provenance"]["method"]["node_energy"] == asked
    assert {row["energy_source"] for row in found["rows"]} == {source}


def test_a_recording_without_power_supplies_cannot_tell_of_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = recordings.record(tmp_path / "r")
    words = refused(recording, capsys, "--node-energy", "platform")
    assert "the recording does not hold what the power supplies showed" in words
    assert "--node-energy rapl" in words
    assert computed(recording, capsys)["totals"]["node_energy_kwh"] == pytest.approx(RAPL_KWH, rel=1e-9)


def test_a_recording_without_sockets_says_so_where_they_count(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    note = "the recording holds no number of processor sockets: --embodied model takes its own"
    with_, without = (recordings.record(tmp_path / str(n), sockets=n) for n in (2.0, None))
    assert note in computed(without, capsys, "--embodied", "model")["provenance"]["notes"]
    assert note not in computed(without, capsys, "--embodied", "kg:1200")["provenance"]["notes"]
    assert note not in computed(with_, capsys, "--embodied", "model")["provenance"]["notes"]
