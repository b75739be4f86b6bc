"""Holes are found and closed by the policy: the slots tile the range, and each says how it was filled."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sci_batch.counters import FLAG_BITS
from sci_batch.errors import AuthError, NoDataError, SourceError, UsageError
from sci_batch.intensity import Intensity, Request, load, loading
from sci_batch.intensity.frame import HOUR_MS, RejectedError, slots, stacked
from sci_batch.intensity.tables import zones
from sci_batch.settings.factors import Spec

T0 = 1_768_003_200_000
DAY = Request(start_ms=T0, end_ms=T0 + 24 * HOUR_MS)
FALLBACK, INTERPOLATED = FLAG_BITS["intensity-fallback"], FLAG_BITS["intensity-interpolated"]
ESTIMATED = FLAG_BITS["intensity-estimated"]
HOLE = (5, 6)
"""Hours of the day for which `hourly` has no figure."""


def hourly(missing: tuple[int, ...] = HOLE, zone: str = "X", *, estimated: bool = False) -> Intensity:
    """Hour h has the intensity 100 + 10 h."""
    hours = np.array([hour for hour in range(24) if hour not in missing])
    found = slots(
        grid_zone=zone, start_ms=T0 + hours * HOUR_MS, end_ms=T0 + (hours + 1) * HOUR_MS,
        gco2e_per_kwh=100.0 + 10 * hours, source="hourly", estimated=estimated,
    )  # fmt: skip
    return Intensity(slots=found, kind="average", basis="lifecycle", zones=(zone,))


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Sources `hourly:` and `other:` of the tests: an Intensity, or an error to raise."""
    given: dict[str, object] = {"hourly": hourly(), "other": hourly((), "X")}

    def of(name: str) -> Intensity:
        found = given[name]
        if isinstance(found, Exception):
            raise found
        assert isinstance(found, Intensity)
        return found

    for name in given:
        monkeypatch.setitem(
            loading.SOURCES, name, partial(lambda which, _argument, _request: of(which), name)
        )
    return given


def by_hour(found: Intensity) -> dict[int, tuple[float, int]]:
    """Value and flags by the hour in which a slot starts."""
    table = found.slots
    hours = (table["start_ms"].to_numpy() - T0) // HOUR_MS
    return dict(zip(hours.tolist(), zip(table["gco2e_per_kwh"], table["flags"], strict=True), strict=True))


def assert_tiles(found: Intensity, request: Request) -> None:
    for zone in found.zones:
        own = found.slots[found.slots["grid_zone"] == zone]
        assert own["start_ms"].iloc[0] == request.start_ms
        assert own["end_ms"].iloc[-1] == request.end_ms
        assert (own["start_ms"].to_numpy()[1:] == own["end_ms"].to_numpy()[:-1]).all()
        assert (own["start_ms"] < own["end_ms"]).all()


def test_without_a_policy_a_hole_is_an_error_that_names_it(source: dict[str, object]) -> None:
    with pytest.raises(NoDataError) as caught:
        load("hourly", "", DAY)
    assert "no intensity for 2 h: 2026-01-10T05:00:00Z to 2026-01-10T07:00:00Z" in caught.value.what
    assert "--intensity-fallback" in caught.value.cure
    assert "--intensity-gap" in caught.value.cure


def test_a_line_over_two_hours(source: dict[str, object]) -> None:
    found = load("hourly", "", replace(DAY, gap="interpolate"))
    assert_tiles(found, DAY)
    # from 140 in the middle of hour 4 to 170 in that of hour 7: 10 an hour
    assert by_hour(found)[5] == pytest.approx((150.0, INTERPOLATED))
    assert by_hour(found)[6] == pytest.approx((160.0, INTERPOLATED))
    assert by_hour(found)[4] == (140.0, 0)
    assert found.slots["source"].value_counts().to_dict() == {"hourly": 22, "hourly, interpolated": 2}
    assert found.step_ms == HOUR_MS


def test_no_line_over_more_than_two_hours_nor_at_the_rim(source: dict[str, object]) -> None:
    for missing in ((5, 6, 7), (0,), (23,)):
        source["hourly"] = hourly(missing)
        with pytest.raises(NoDataError):
            load("hourly", "", replace(DAY, gap="interpolate"))


def test_slots_beyond_the_range_are_neighbours_of_a_hole_at_its_rim(source: dict[str, object]) -> None:
    late = replace(DAY, start_ms=T0 + 6 * HOUR_MS + HOUR_MS // 2, gap="interpolate")
    found = load("hourly", "", late)
    assert_tiles(found, late)
    first = found.slots.iloc[0]
    assert first["end_ms"] - first["start_ms"] == HOUR_MS // 2
    assert first["gco2e_per_kwh"] == pytest.approx(160.0)


def test_a_fallback_fills_and_is_named(source: dict[str, object]) -> None:
    found = load("hourly", "a", replace(DAY, fallbacks=(Spec("zone", "DE"),)))
    assert_tiles(found, DAY)
    hole = found.slots[found.slots["flags"] != 0]
    assert hole[["start_ms", "end_ms"]].to_numpy().tolist() == [[T0 + 5 * HOUR_MS, T0 + 7 * HOUR_MS]]
    assert hole["gco2e_per_kwh"].tolist() == [342.06]
    assert hole["source"].tolist() == ["zone:DE (2024, lifecycle, average) instead of hourly:a"]
    assert hole["flags"].tolist() == [FALLBACK]
    assert set(found.slots["grid_zone"]) == {"X"}


def test_fallbacks_are_asked_in_order_until_nothing_is_missing(source: dict[str, object]) -> None:
    source["other"] = hourly((5,), "Y", estimated=True)
    chain = (Spec("other", ""), Spec("zone", "DE"), Spec("file", "not there.csv"))
    with pytest.raises(UsageError, match=r"not there\.csv"):
        load("hourly", "", replace(DAY, fallbacks=chain))
    found = by_hour(load("hourly", "", replace(DAY, fallbacks=chain[:2])))
    assert found[5] == (342.06, FALLBACK)
    assert found[6] == (160.0, FALLBACK | ESTIMATED)


def test_interpolation_comes_before_the_fallback(source: dict[str, object]) -> None:
    source["hourly"] = hourly((5, 6, 10, 11, 12))
    request = replace(DAY, gap="interpolate", fallbacks=(Spec("zone", "DE"),))
    found = by_hour(load("hourly", "", request))
    assert found[6] == pytest.approx((160.0, INTERPOLATED))
    assert found[10] == (342.06, FALLBACK)


@pytest.mark.parametrize("failed", [SourceError("down", ""), NoDataError("nothing", "")])
def test_a_source_that_is_down_is_replaced_throughout_and_told(
    source: dict[str, object], failed: Exception
) -> None:
    source["hourly"] = failed
    with pytest.raises(type(failed)):
        load("hourly", "", DAY)
    found = load("hourly", "", replace(DAY, fallbacks=(Spec("zone", "DE"),)))
    assert_tiles(found, DAY)
    assert (found.slots["flags"] == FALLBACK).all()
    assert any(str(failed) in note and "fallback is used throughout" in note for note in found.notes)


@pytest.mark.parametrize("failed", [AuthError("no", ""), UsageError("no", ""), RejectedError("no", "")])
def test_a_mistake_is_not_hidden_by_a_fallback(source: dict[str, object], failed: Exception) -> None:
    source["hourly"] = failed
    with pytest.raises(type(failed)):
        load("hourly", "", replace(DAY, fallbacks=(Spec("zone", "DE"),)))


def test_a_fallback_of_another_basis_or_kind_is_refused_before_it_is_needed(
    source: dict[str, object],
) -> None:
    source["hourly"] = hourly(())
    with pytest.raises(UsageError, match="not mixed in one result") as caught:
        load("hourly", "", replace(DAY, fallbacks=(Spec("zone", "US-EGRID-SRVC"),)))
    assert "lifecycle" in caught.value.what
    assert "direct" in caught.value.what
    marginal = replace(hourly((), "X"), kind="marginal")
    source["hourly"], source["other"] = marginal, hourly()
    with pytest.raises(UsageError, match="average"):
        load("hourly", "", replace(DAY, kind="marginal", fallbacks=(Spec("zone", "DE"),)))


def test_a_number_goes_with_every_basis(source: dict[str, object]) -> None:
    found = load("hourly", "", replace(DAY, fallbacks=(Spec("constant", "1"),)))
    assert (found.basis, by_hour(found)[5]) == ("lifecycle", (1.0, FALLBACK))


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (replace(DAY, gap="fallback"), "without a fallback"),
        (replace(DAY, gap="error", fallbacks=(Spec("zone", "DE"),)), "forbids its use"),
    ],
)
def test_policies_that_contradict(source: dict[str, object], request_: Request, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        load("hourly", "", request_)


def test_each_grid_zone_is_filled_from_the_fallback_of_its_nodes(source: dict[str, object]) -> None:
    nodes = pd.DataFrame(
        [("a", "aws", "eu-west-1"), ("b", "gcp", "europe-west1")], columns=["node", "provider", "region"]
    )
    both = stacked([hourly((3,), "P").slots, hourly((4,), "Q").slots])
    source["hourly"] = replace(hourly(), slots=both, zones=("P", "Q", "R"), zone_of_node={"a": "P", "b": "Q"})
    request = replace(DAY, node_regions=nodes, fallbacks=(Spec("region", "auto"),))
    with pytest.raises(NoDataError, match="R 2026"):  # no node in it, so nothing stands for it
        load("hourly", "", request)
    source["hourly"] = replace(hourly(), slots=both, zones=("P", "Q"), zone_of_node={"a": "P", "b": "Q"})
    found = load("hourly", "", request)
    assert_tiles(found, DAY)
    filled = found.slots[found.slots["flags"] == FALLBACK]
    assert filled[["grid_zone", "gco2e_per_kwh"]].to_numpy().tolist() == [
        ["P", zones()["IE"].gco2e_per_kwh],
        ["Q", zones()["BE"].gco2e_per_kwh],
    ]


def test_several_fallback_zones_for_one_are_refused(source: dict[str, object]) -> None:
    nodes = pd.DataFrame(
        [("a", "aws", "eu-west-1"), ("b", "gcp", "europe-west1")], columns=["node", "provider", "region"]
    )
    with pytest.raises(UsageError, match="several grid zones"):
        load("hourly", "", replace(DAY, node_regions=nodes, fallbacks=(Spec("region", "auto"),)))


def test_overlaps_and_impossible_figures_of_a_source_are_refused(source: dict[str, object]) -> None:
    source["hourly"] = replace(hourly(), slots=stacked([hourly().slots, hourly().slots.head(1)]))
    with pytest.raises(SourceError, match="two things of the same time, at 2026-01-10T00"):
        load("hourly", "", DAY)
    for figure in (0.0, -1.0, 2000.5, float("nan")):
        wrong = hourly(())
        source["hourly"] = replace(wrong, slots=wrong.slots.assign(gco2e_per_kwh=figure))
        with pytest.raises(SourceError, match="no grid has that"):
            load("hourly", "", DAY)


def test_a_source_of_an_unstated_basis_takes_the_users_word(source: dict[str, object]) -> None:
    source["hourly"] = replace(hourly(()), basis="unknown")
    found = load("hourly", "", replace(DAY, basis="direct"))
    assert found.basis == "direct"
    assert "by --intensity-basis" in found.notes[0]
    source["hourly"] = hourly(())
    with pytest.raises(UsageError, match="has lifecycle factors, and direct ones are wanted"):
        load("hourly", "", replace(DAY, basis="direct"))
    with pytest.raises(UsageError, match="gives average intensities, and marginal ones are wanted"):
        load("hourly", "", replace(DAY, kind="marginal"))


@st.composite
def holey(draw: st.DrawFn) -> tuple[Intensity, Request]:
    """Slots of 1 to 4 units of 15 min with holes between, and a range of whole units over them."""
    lengths = draw(st.lists(st.integers(1, 4), min_size=1, max_size=25))
    pauses = draw(st.lists(st.integers(0, 10), min_size=len(lengths), max_size=len(lengths)))
    unit = 15 * 60_000
    start = np.cumsum([pause + (lengths[index - 1] if index else 0) for index, pause in enumerate(pauses)])
    values = draw(st.lists(st.floats(1, 1999), min_size=len(lengths), max_size=len(lengths)))
    found = slots(
        grid_zone="X", start_ms=T0 + start * unit, end_ms=T0 + (start + np.array(lengths)) * unit,
        gco2e_per_kwh=values, source="s",
    )  # fmt: skip
    first = draw(st.integers(-8, int(start[-1])))
    last = draw(st.integers(first + 1, int(start[-1]) + 12))
    request = Request(
        start_ms=T0 + first * unit, end_ms=T0 + last * unit,
        gap=draw(st.sampled_from(["fallback", "interpolate"])),
        fallbacks=(Spec("constant", "2000"),),
    )  # fmt: skip
    return Intensity(slots=found, kind="average", basis="lifecycle", zones=("X",)), request


@given(holey())
@settings(max_examples=40, deadline=None)
def test_filled_slots_tile_the_range_and_each_minute_is_as_a_slow_look_up_says(
    case: tuple[Intensity, Request],
) -> None:
    raw, request = case
    before = dict(loading.SOURCES)
    loading.SOURCES["raw"] = lambda argument, request: raw
    try:
        found = load("raw", "", request)
    finally:
        loading.SOURCES.clear()
        loading.SOURCES.update(before)
    assert_tiles(found, request)
    own = joined(rows_of(raw))
    for start, end, value, flags in rows_of(found):
        inside = [row for row in own if row[0] <= start < row[1]]
        if inside:
            assert (value, flags) == (inside[0][2], 0)
            assert end <= inside[0][1]
            continue
        left, right = [row for row in own if row[1] <= start], [row for row in own if row[0] >= end]
        near = bool(left and right) and right[0][0] - left[-1][1] <= 2 * HOUR_MS
        if request.gap == "interpolate" and near:
            assert flags == INTERPOLATED
            low, high = sorted((left[-1][2], right[0][2]))
            assert low - 1e-9 <= value <= high + 1e-9
        else:
            assert (value, flags) == (2000.0, FALLBACK)


def joined(rows: list[tuple[int, int, float, int]]) -> list[tuple[int, int, float, int]]:
    """Neighbours in time that say the same as one, as `load` gives them."""
    out: list[tuple[int, int, float, int]] = []
    for start, end, *said in rows:
        if out and [out[-1][1], *out[-1][2:]] == [start, *said]:
            out[-1] = (out[-1][0], end, out[-1][2], out[-1][3])
        else:
            out.append((start, end, float(said[0]), int(said[1])))
    return out


def rows_of(found: Intensity) -> list[tuple[int, int, float, int]]:
    """start_ms, end_ms, gco2e_per_kwh, flags of each slot."""
    columns = ("start_ms", "end_ms", "gco2e_per_kwh", "flags")
    return list(zip(*(found.slots[name].tolist() for name in columns), strict=True))


def test_neighbours_that_say_the_same_are_one_slot(source: dict[str, object]) -> None:
    raw = hourly((), "X").slots.assign(gco2e_per_kwh=[1.0] * 6 + [2.0] * 6 + [1.0] * 12)
    raw.loc[3, ["estimated", "flags"]] = [True, ESTIMATED]
    source["hourly"] = replace(hourly(), slots=raw)
    found = load("hourly", "", DAY)
    assert_tiles(found, DAY)
    assert ((found.slots["start_ms"] - T0) // HOUR_MS).tolist() == [0, 3, 4, 6, 12]
    assert found.slots["gco2e_per_kwh"].tolist() == [1, 1, 1, 2, 1]
    source["hourly"] = replace(hourly(), slots=raw.assign(gco2e_per_kwh=1.0, estimated=False, flags=0))
    assert load("hourly", "", DAY).step_ms is None
