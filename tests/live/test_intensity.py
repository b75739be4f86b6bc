"""Grid intensity out of a real Prometheus, stored as the grid-intensity exporter's samples are."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sci_batch.cli.main import main
from sci_batch.counters import FLAG_BITS
from sci_batch.errors import NoDataError, UsageError
from sci_batch.intensity import Request, load
from sci_batch.intensity.frame import HOUR_MS
from sci_batch.prometheus import Client, HttpSettings
from sci_batch.settings.factors import Spec
from tests import servers

pytestmark = pytest.mark.live

T0 = 1_768_003_200_000  # 2026-01-10T00:00:00Z
HOURS = 24
MISSING = 9
"""No sample for this hour of any series of DE."""
METRIC = "grid_intensity_carbon_average"


def of_ireland(hour: int) -> float:
    """gCO2e/kWh: a sine over the day."""
    return 300 + 100 * math.sin(2 * math.pi * hour / HOURS)


def stored() -> str:
    """One sample an hour, with the time that its figure is for."""
    lines = [f"# TYPE {METRIC} gauge"]
    series = {
        'location="IE",units="gCO2e per kWh",is_estimated="false"': {
            h: of_ireland(h) for h in range(HOURS) if h < 20
        },
        'location="IE",units="gCO2e per kWh",is_estimated="true"': {
            h: of_ireland(h) + 50 for h in range(HOURS)
        },
        'location="US",units="lbCO2e per MWh",is_estimated="false"': {h: 800.0 + h for h in range(HOURS)},
        'location="DE",units="gCO2e per kWh",is_estimated="false"': {
            h: 400.0 + h for h in range(HOURS) if h != MISSING
        },
        'location="PC",units="percent",is_estimated="false"': dict.fromkeys(range(HOURS), 50.0),
    }
    for labels, values in series.items():
        lines += [
            f'{METRIC}{{{labels},provider="x"}} {value!r} {(T0 + hour * HOUR_MS) // 1000}'
            for hour, value in values.items()
        ]
    return "\n".join([*lines, "# EOF", ""])


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    text = tmp_path_factory.mktemp("intensity") / "samples"
    text.write_text(stored())
    with servers.prometheus(blocks=lambda data: servers.load_blocks(text, data)) as server:
        yield server.url


@pytest.fixture
def ask(url: str) -> Iterator[Request]:
    with Client(HttpSettings(url=url)) as client:
        yield Request(start_ms=T0, end_ms=T0 + HOURS * HOUR_MS, client=client, offline=True)


def query(place: str) -> str:
    return f'{METRIC}{{location="{place}"}}'


def test_a_day_of_a_sine_measured_first(ask: Request) -> None:
    found = load("prometheus", query("IE"), ask)
    assert found.slots["start_ms"].tolist() == list(range(T0, T0 + HOURS * HOUR_MS, HOUR_MS))
    truth = [of_ireland(hour) + (50 if hour >= 20 else 0) for hour in range(HOURS)]
    assert found.slots["gco2e_per_kwh"].tolist() == pytest.approx(truth, rel=1e-12)
    estimated = (found.slots["flags"] == FLAG_BITS["intensity-estimated"]).tolist()
    assert estimated == [hour >= 20 for hour in range(HOURS)]
    assert (found.kind, found.step_ms) == ("average", HOUR_MS)


def test_a_range_that_begins_inside_of_an_hour(ask: Request) -> None:
    part = replace(ask, start_ms=T0 + 2 * HOUR_MS + 90_000, end_ms=T0 + 3 * HOUR_MS + 30_000)
    found = load("prometheus", query("US"), part)
    assert found.slots["start_ms"].iloc[0] == part.start_ms
    assert found.slots["end_ms"].iloc[-1] == part.end_ms
    length = (found.slots["end_ms"] - found.slots["start_ms"]).to_numpy()
    total = float((found.slots["gco2e_per_kwh"].to_numpy() * length).sum())
    truth = 0.45359237 * (802 * (HOUR_MS - 90_000) + 803 * 30_000)
    assert total == pytest.approx(truth, rel=1e-12)


def test_a_missing_hour_is_a_hole_of_an_hour(ask: Request) -> None:
    with pytest.raises(
        NoDataError, match="no intensity for 1 h: 2026-01-10T09:00:00Z to 2026-01-10T10:00:00Z"
    ):
        load("prometheus", query("DE"), ask)
    found = load("prometheus", query("DE"), replace(ask, fallbacks=(Spec("zone", "DE"),)))
    hole = found.slots[found.slots["flags"] == FLAG_BITS["intensity-fallback"]]
    assert hole["gco2e_per_kwh"].tolist() == [342.06]
    assert hole["source"].tolist() == [
        f"zone:DE (2024, lifecycle, average) instead of prometheus:{query('DE')}"
    ]
    line = load("prometheus", query("DE"), replace(ask, gap="interpolate"))
    drawn = line.slots[line.slots["flags"] == FLAG_BITS["intensity-interpolated"]]
    assert len(drawn) == 12
    assert drawn["gco2e_per_kwh"].mean() == pytest.approx(409.0)
    assert drawn["gco2e_per_kwh"].is_monotonic_increasing


def test_an_expression_looks_back_too(ask: Request) -> None:
    found = load("prometheus", f"max({query('DE')}) + 1", replace(ask, end_ms=T0 + 9 * HOUR_MS))
    values = found.slots["gco2e_per_kwh"].tolist()
    assert values == [401.0 + hour for hour in range(9)]


def test_queries_that_do_not_say_one_thing(ask: Request) -> None:
    with pytest.raises(UsageError, match="several places"):
        load("prometheus", f'{METRIC}{{units!="percent"}}', ask)
    with pytest.raises(UsageError, match="'percent', no intensity"):
        load("prometheus", query("PC"), ask)
    with pytest.raises(NoDataError, match="no intensity for 24 h"):
        load("prometheus", query("XX"), ask)
    with pytest.raises(UsageError, match="gives average intensities"):
        load("prometheus", query("IE"), replace(ask, kind="marginal"))


def test_fetch_into_a_file(url: str, ask: Request, tmp_path: Path) -> None:
    out = tmp_path / "ci.csv"
    fetch = ["factors", "fetch", "-p", url, "--intensity", f"prometheus:{query('IE')}", "--offline"]
    span = ["--start", "2026-01-10T00:00:00Z", "--end", "2026-01-11T00:00:00Z"]
    assert main([*fetch, *span, "--out", str(out)]) == 0
    again = load("file", str(out), ask)
    truth = load("prometheus", query("IE"), ask)
    assert again.slots["gco2e_per_kwh"].tolist() == truth.slots["gco2e_per_kwh"].tolist()
    assert again.slots["flags"].tolist() == truth.slots["flags"].tolist()
