"""Two scrape jobs, or two Prometheus replicas, show every counter twice, at other moments."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sci_batch.energy import Carry, Energy, per_window, total
from sci_batch.fetch.registry import Readings, merged, one_scraper
from sci_batch.prometheus.samples import label_set
from sci_batch.units import JOULES_PER_KWH
from tests.properties import recorded
from tests.properties.recorded import Series
from tests.properties.worlds import SECOND, START, words

END = START + 1200 * SECOND
MOST_WATTS = 100


def energy(series: Sequence[Series]) -> Energy:
    carry, parts, last = Carry(), [], None
    for last in recorded.counters(series, recorded.plan((START, END))):
        part, carry = per_window(last, carry, np.array([START, END]), max_node_watts=10_000)
        parts.append(part)
    assert last is not None
    return total(parts, last.keys, last.nodes, np.array([START, END]))


def counter(watts: Sequence[int], ms: int) -> float:
    """Cumulative joules of a power that changes every 100 s, 500 s before the range and on."""
    seconds = (ms - START) / SECOND + 500
    whole = int(seconds // 100)
    return sum(watts[n % len(watts)] * 100 for n in range(whole)) + watts[whole % len(watts)] * (
        seconds - 100 * whole
    )


def scraped(times: Sequence[int], watts: Sequence[int], job: str) -> list[Series]:
    target = {"job": job, "instance": f"{job}:28282", "node_name": "n1", "zone": "package"}

    def one(name: str, share: float, base: float, **labels: str) -> Series:
        return Series(
            labels={"__name__": name, **target, **labels},
            samples=tuple((t, base + share * counter(watts, t)) for t in times),
        )

    return [
        one("kepler_node_cpu_active_joules_total", 1.0, 100.0),
        one("kepler_node_cpu_idle_joules_total", 0.5, 9000.0),
        one(
            "kepler_pod_cpu_joules_total", 0.75, 50.0,
            pod_id="u1", pod_name="a", pod_namespace="shop", state="running",
        ),
    ]  # fmt: skip


@st.composite
def rounds(draw: st.DrawFn) -> list[int]:
    """Scrape times of one scraper, from before the range to its end, some lost."""
    offset = draw(st.integers(0, 29))
    times = [START + SECOND * at for at in accumulate([offset - 60, *[30] * 41])]
    lost = draw(st.sets(st.integers(2, len(times) - 2), max_size=30))
    return [t for n, t in enumerate(times) if n not in lost and t <= END]


@given(rounds(), rounds(), st.lists(st.integers(0, MOST_WATTS), min_size=1, max_size=8))
@settings(max_examples=12)
def test_two_scrapers_shift_moments_and_no_more(
    first: list[int], second: list[int], watts: list[int]
) -> None:
    """Each counter rises from its last value before the range to its last one inside, whoever read them."""
    found = energy([*scraped(first, watts, "a"), *scraped(second, watts, "b")])
    alone = energy(scraped(first, watts, "a"))
    shift = 2 * 60  # at most a round earlier or later, at both ends [s]
    for column, share in (("active_kwh", 0.75),):
        joules = found.pods[column].sum() * JOULES_PER_KWH
        assert abs(joules - alone.pods[column].sum() * JOULES_PER_KWH) <= share * MOST_WATTS * shift + 1e-6
    joules, expected = (one.nodes["node_kwh"].sum() * JOULES_PER_KWH for one in (found, alone))
    assert abs(joules - expected) <= 1.5 * MOST_WATTS * shift + 1e-6
    assert all("clamped" not in words(bits) for bits in found.pods["flags"])


@given(st.integers(0, 29), st.integers(1, MOST_WATTS), st.sets(st.integers(3, 38), max_size=30))
@settings(max_examples=10)
def test_two_scrapers_of_constant_power_change_nothing(offset: int, watts: int, lost: set[int]) -> None:
    """The first loses scrapes, and the second stands in: the total is that of the first with all of them."""
    times = [START + SECOND * at for at in range(-60, 1201, 30)]
    other = [t + SECOND * offset for t in times if t + SECOND * offset <= END]
    kept = [t for n, t in enumerate(times) if n not in lost]
    both = energy([*scraped(kept, [watts], "a"), *scraped(other[2:-2], [watts], "b")])
    alone = energy(scraped(times, [watts], "a"))
    assert both.pods["active_kwh"].sum() == pytest.approx(alone.pods["active_kwh"].sum(), rel=1e-9)
    assert both.nodes["node_kwh"].sum() == pytest.approx(alone.nodes["node_kwh"].sum(), rel=1e-9)


@given(st.data())
@settings(max_examples=40)
def test_the_order_of_samples_does_not_matter(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 30))
    row = data.draw(st.lists(st.integers(0, 3), min_size=size, max_size=size))
    time_ms = data.draw(st.lists(st.integers(0, 12), min_size=size, max_size=size))
    pairs = sorted(set(zip(row, time_ms, strict=True)))
    joules = {pair: float(data.draw(st.integers(0, 9))) for pair in pairs}
    order = data.draw(st.permutations(pairs))
    assert _kept(order, joules) == _kept(pairs, joules)


def _kept(order: Sequence[tuple[int, int]], joules: dict[tuple[int, int], float]) -> list[tuple[float, ...]]:
    """Four series of two counters, some of them terminated, through `one_scraper` and `merged`."""
    import pandas as pd

    read = Readings(
        series=pd.DataFrame(
            {
                "level": "pod",
                "state": ["running", "running", "running", "terminated"],
            }
        ).astype("str"),
        sets=[label_set({"job": job}) for job in "abcd"],
        key_of_series=np.array([0, 0, 1, 1]),
        row=np.array([pair[0] for pair in order], np.int64),
        time_ms=np.array([pair[1] for pair in order], np.int64),
        joules=np.array([joules[pair] for pair in order]),
    )
    kept, twice = one_scraper(read, touching=False)
    columns = merged(kept.key, kept.time_ms, kept.joules)
    return [*zip(*(column.tolist() for column in columns), strict=True), tuple(twice.tolist())]
