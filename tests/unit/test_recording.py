"""A recording answers what is asked now, not what was asked when it was made."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from sci_batch.cli.main import main
from sci_batch.errors import UsageError
from sci_batch.intensity import Intensity
from sci_batch.intensity.frame import Basis, Kind, slots
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


# --- the grid ---

HOUR_TIMES = ("2026-03-02T00:00:00Z", "2026-03-02T01:00:00Z", "2026-03-02T02:00:00Z")
USED_AGAIN = "the recording answers for {}, as it was when it was recorded"


def grid_file(path: Path, *values: float | None) -> Path:
    """Of the two hours; None is a hole."""
    rows = [
        f"{start},{end},{value}"
        for start, end, value in zip(HOUR_TIMES, HOUR_TIMES[1:], values, strict=False)
        if value is not None
    ]
    path.write_text("\n".join(["start_utc,end_utc,gco2e_per_kwh", *rows, ""]), encoding="utf-8")
    return path


def grams(found: dict[str, Any]) -> float:
    """O [gCO2e]."""
    return float(found["totals"]["operational_gco2e"])


HOUR_KWH = RAPL_KWH / 2


def test_a_file_that_is_here_is_read_and_one_that_is_not_is_in_the_recording(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = grid_file(tmp_path / "ci.csv", 100, 200)
    spec = f"file:{path}"
    recording = recordings.record(tmp_path / "r", intensity=spec)
    note = USED_AGAIN.format(spec)
    path.unlink()
    found = computed(recording, capsys, "--intensity", spec)
    assert grams(found) == pytest.approx(HOUR_KWH * 300, rel=1e-9)
    assert note in found["provenance"]["notes"]
    grid_file(path, 300, 400)
    found = computed(recording, capsys, "--intensity", spec)
    assert grams(found) == pytest.approx(HOUR_KWH * 700, rel=1e-9)
    assert note not in found["provenance"]["notes"]


def test_what_needs_no_network_is_asked_again_with_the_flags_of_now(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = recordings.record(tmp_path / "r", intensity="zone:DE")
    found = computed(recording, capsys, "--intensity", "zone:DE")
    assert not [note for note in found["provenance"]["notes"] if "the recording answers" in note]
    assert "average intensities, not marginal" in refused(
        recording, capsys, "--intensity", "zone:DE", "--intensity-kind", "marginal"
    )
    assert "with lifecycle factors, not direct" in refused(
        recording, capsys, "--intensity", "zone:DE", "--intensity-basis", "direct"
    )
    made = recordings.record(tmp_path / "w", intensity="zone:WORLD", allow_world_average=True)
    assert "--allow-world-average" in refused(made, capsys, "--intensity", "zone:WORLD")
    number = computed(recordings.record(tmp_path / "n"), capsys, "--intensity-kind", "marginal")
    assert number["provenance"]["method"]["intensity_kind"] == "marginal"


def measured(kind: Kind = "average", basis: Basis = "unknown") -> Intensity:
    """What a source on the network said: 100, then 200 gCO2e/kWh."""
    start = recordings.START_S * 1000
    return Intensity(
        slots=slots(
            grid_zone="", start_ms=[start, start + 3_600_000], end_ms=[start + 3_600_000, start + 7_200_000],
            gco2e_per_kwh=[100.0, 200.0], source="there",
        ),
        kind=kind, basis=basis, zones=("",),
    )  # fmt: skip


@pytest.mark.parametrize("spec", ["prometheus:avg(ci)", "electricitymaps:DE", "watttime:CAISO_NORTH"])
def test_what_only_the_recording_holds_needs_no_network(
    spec: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = recordings.record(tmp_path / "r", intensities={spec: measured()})

    def refuse(*_: object) -> None:
        raise AssertionError("the network is asked")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    found = computed(recording, capsys, "--intensity", spec)
    assert grams(found) == pytest.approx(HOUR_KWH * 300, rel=1e-9)
    assert USED_AGAIN.format(spec) in found["provenance"]["notes"]
    both = computed(recording, capsys, "--intensity", "500", "--also-intensity", spec)
    assert both["totals"]["also"][0]["operational_gco2e"] == pytest.approx(HOUR_KWH * 300, rel=1e-9)
    assert USED_AGAIN.format(spec) in both["provenance"]["notes"]


SPEC = "electricitymaps:DE"


@pytest.mark.parametrize(
    ("made", "given", "flags", "words"),
    [
        (
            measured("marginal"), {"intensity_kind": "marginal"}, (),
            ("gives marginal intensities", "average ones are wanted", "--intensity-kind marginal"),
        ),
        (
            measured(), {}, ("--intensity-kind", "marginal"),
            ("gives average intensities", "marginal ones are wanted", "--intensity-kind average"),
        ),
        (
            measured(basis="lifecycle"), {}, ("--intensity-basis", "direct"),
            ("has lifecycle factors", "direct ones are wanted", "--intensity-basis lifecycle"),
        ),
        (
            measured(basis="direct"), {"intensity_basis": "direct"}, (),
            ("was asked for with --intensity-basis direct", "now without it", "--intensity-basis direct,"),
        ),
    ],
)  # fmt: skip
def test_what_was_recorded_must_be_of_the_kind_and_basis_wanted_now(
    made: Intensity, given: dict[str, Any], flags: tuple[str, ...], words: tuple[str, ...],
    tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    recording = recordings.record(tmp_path / "r", intensities={SPEC: made}, **given)
    said = refused(recording, capsys, "--intensity", SPEC, *flags)
    for word in (SPEC, *words):
        assert word in said
    kind, basis = made.kind, made.basis
    same = ("--intensity-kind", kind, *(("--intensity-basis", basis) if basis != "unknown" else ()))
    assert grams(computed(recording, capsys, "--intensity", SPEC, *same)) == pytest.approx(HOUR_KWH * 300)


def test_a_basis_that_nobody_said_is_the_one_wanted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = recordings.record(tmp_path / "r", intensities={SPEC: measured()})
    found = computed(recording, capsys, "--intensity", SPEC, "--intensity-basis", "direct")
    assert found["provenance"]["method"]["intensity_basis"] == "direct"
    assert any("direct by --intensity-basis" in note for note in found["provenance"]["notes"])


def test_holes_that_were_closed_must_be_closed_alike_now(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = grid_file(tmp_path / "ci.csv", 100, None)
    spec = f"file:{path}"
    recording = recordings.record(tmp_path / "r", intensity=spec, intensity_fallback=["400"])
    path.unlink()
    asked = ("--intensity", spec)
    found = computed(recording, capsys, *asked, "--intensity-fallback", "400")
    assert grams(found) == pytest.approx(HOUR_KWH * 500, rel=1e-9)
    for flags, now in (
        ((), "--intensity-gap error"),
        (("--intensity-gap", "error"), "--intensity-gap error"),
        (("--intensity-fallback", "300"), "--intensity-gap fallback --intensity-fallback constant:300"),
        (
            ("--intensity-fallback", "400", "--intensity-gap", "interpolate"),
            "--intensity-gap interpolate --intensity-fallback constant:400",
        ),
    ):
        said = refused(recording, capsys, *asked, *flags)
        was = "--intensity-gap fallback --intensity-fallback constant:400"
        assert f"holes in {spec} were closed by {was} when it was recorded, and now {now} is asked" in said
    first = ("--start", str(recordings.START_S), "--end", str(recordings.START_S + 3600))
    whole = computed(recording, capsys, *asked, *first)  # no hole in this hour
    assert grams(whole) == pytest.approx(HOUR_KWH * 100, rel=1e-9)


def test_a_query_that_was_not_recorded_is_named_with_those_that_were(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = recordings.record(tmp_path / "r", intensities={SPEC: measured()})
    words = refused(recording, capsys, "--intensity", "prometheus:ci")
    assert f"the recording holds no intensity by prometheus:ci; it holds {SPEC}" in words


def test_contradicting_gap_flags_are_refused_as_live(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = recordings.record(tmp_path / "r", intensities={SPEC: measured()})
    words = refused(recording, capsys, "--intensity", SPEC, "--intensity-gap", "fallback")
    assert "--intensity-gap fallback is given without a fallback" in words


def test_the_demo_takes_its_own_grid_and_not_a_file_that_has_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def demo(*flags: str) -> dict[str, Any]:
        assert main(["compute", "--demo", "--since", "1h", "-o", "json", "-q", *flags]) == 0
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    monkeypatch.setenv("SCI_BATCH_NOW", str(recordings.END_S))
    own = demo()
    monkeypatch.chdir(tmp_path)
    grid_file(tmp_path / "made-up-grid.csv", None, 1000)
    assert grams(demo()) == grams(own)
    given = demo("--intensity", "file:made-up-grid.csv")
    assert grams(given) == pytest.approx(own["totals"]["energy_kwh"] * 1000, rel=1e-9)
