"""Series of a PromQL query: one place, one unit, measured before estimated."""

from __future__ import annotations

import numpy as np
import pytest

from sci_batch.errors import UsageError
from sci_batch.intensity import Request, read
from sci_batch.intensity.prometheus import promql, series
from sci_batch.prometheus.samples import Samples, empty, label_set

STEP = 300_000
NAME = "grid_intensity_carbon_average"


def samples(*rows: tuple[dict[str, str], list[float | None]]) -> Samples:
    """Each series has a value per step from 0; None: no sample there."""
    sets = [label_set(row) for row, _ in rows]
    index, time, value = [], [], []
    for number, (_, values) in enumerate(rows):
        for step, item in enumerate(values):
            if item is not None:
                index.append(number)
                time.append(step * STEP)
                value.append(item)
    return Samples(sets, np.array(index, np.int32), np.array(time, np.int64), np.array(value, np.float64))


def read_(*rows: tuple[dict[str, str], list[float | None]]) -> dict[int, tuple[float, bool]]:
    found, _ = series(samples(*rows), "q", STEP)
    assert (found["end_ms"] - found["start_ms"] == STEP).all()
    values = zip(found["gco2e_per_kwh"], found["estimated"], strict=True)
    return dict(zip((found["start_ms"] // STEP).tolist(), values, strict=True))


def refusal(*rows: tuple[dict[str, str], list[float | None]]) -> str:
    with pytest.raises(UsageError) as caught:
        series(samples(*rows), "q", STEP)
    assert caught.value.cure
    return str(caught.value)


IE = {"__name__": NAME, "location": "IE", "units": "gCO2e per kWh"}


def test_one_series_with_a_hole() -> None:
    assert read_((IE, [300.0, None, 310.0])) == {0: (300.0, False), 2: (310.0, False)}
    assert len(series(empty(), "q", STEP)[0]) == 0


def test_measured_wins_over_estimated_at_each_time() -> None:
    rows: tuple[tuple[dict[str, str], list[float | None]], ...] = (
        ({**IE, "is_estimated": "true"}, [1.0, 2.0, 3.0]),
        ({**IE, "is_estimated": "false"}, [10.0, None, 30.0]),
    )
    assert read_(*rows) == {0: (10.0, False), 1: (2.0, True), 2: (30.0, False)}


def test_pounds_are_converted_and_told() -> None:
    found, notes = series(samples(({**IE, "units": "lbCO2e per MWh"}, [870.0])), "q", STEP)
    assert found["gco2e_per_kwh"].tolist() == [pytest.approx(870 * 0.45359237)]
    assert notes == ("intensity converted from lbCO2e per MWh to gCO2e/kWh",)
    assert read_(({"location": "IE"}, [400.0])) == {0: (400.0, False)}  # no label: gCO2e/kWh


def test_percent_is_no_intensity() -> None:
    assert "figures in 'percent', no intensity" in refusal(({**IE, "units": "percent"}, [50.0]))


def test_two_exporters_of_one_place_agree_or_are_refused() -> None:
    a, b = {**IE, "instance": "a", "node": "n1"}, {**IE, "instance": "b", "node": "n2"}
    assert read_((a, [300.0]), (b, [300.0])) == {0: (300.0, False)}
    assert "several series that differ" in refusal((a, [300.0]), (b, [301.0]))


def test_several_places_are_refused_and_named() -> None:
    words = refusal((IE, [300.0]), ({**IE, "location": "DE"}, [300.0]))
    assert "several places" in words
    assert "location=IE" in words
    assert "location=DE" in words


def test_a_market_based_metric_is_refused() -> None:
    assert "SCI 1.1" in refusal(({"__name__": "residual_mix_carbon"}, [300.0]))


@pytest.mark.parametrize(
    ("query", "text"),
    [
        (NAME, f"last_over_time({NAME}[59m59s999ms])"),
        (
            f"{NAME} {{location=\"I}}E\", zone!='x'}}",
            f"last_over_time({NAME} {{location=\"I}}E\", zone!='x'}}[59m59s999ms])",
        ),
        ("ci{} * 2", "last_over_time((ci{} * 2)[59m59s999ms:5m])"),
        ("ci[5m]", "last_over_time((ci[5m])[59m59s999ms:5m])"),
    ],
)
def test_look_back(query: str, text: str) -> None:
    assert promql(query) == text


def test_no_server_and_no_query() -> None:
    with pytest.raises(UsageError, match="needs a Prometheus"):
        read("prometheus", "ci", Request(start_ms=0, end_ms=STEP))
