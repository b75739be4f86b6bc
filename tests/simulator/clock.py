"""When Kepler runs and refreshes, and when Prometheus scrapes. All times in ms after the first sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tests.simulator.names import Names
from tests.simulator.power import Ints
from tests.simulator.scenario import REFRESH_MS, Scenario

KEPLER_AGE_SECONDS = 50 * 3600
"""How long the first Kepler of a node ran before the data begin, so that no counter is young [s]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """One life of Kepler's process on a node: `start` is its first read, `stop` is exclusive."""

    generation: Literal["rewrite", "legacy"]
    start: int
    stop: int
    instance: str
    kepler_pod: str
    old: bool
    """It began before the data."""

    @property
    def refresh_ms(self) -> int:
        return REFRESH_MS[self.generation]

    def refresh_before(self, time_ms: Ints) -> Ints:
        """The last refresh at or before each time."""
        return self.start + (time_ms - self.start) // self.refresh_ms * self.refresh_ms

    def refresh_from(self, time_ms: int) -> int:
        """The first refresh at or after a time."""
        return self.start - (self.start - time_ms) // self.refresh_ms * self.refresh_ms


def epochs_of(scenario: Scenario, index: int) -> tuple[Epoch, ...]:
    """The lives of Kepler on one node: from long ago, through restarts and the upgrade."""
    rng = np.random.default_rng([scenario.seed, 4, index])
    names = Names(rng)
    breaks = [
        (scenario.offset_ms(r.at), round(r.down * 1000), False) for r in scenario.restarts if r.node == index
    ]
    if scenario.generation == "upgrade":
        at = scenario.offset_ms(scenario.upgrade_at + 120 * index)
        breaks.append((at, round(scenario.upgrade_down * 1000), True))
    starts = [-KEPLER_AGE_SECONDS * 1000 - int(rng.integers(5000))]
    legacy = [scenario.generation != "rewrite"]
    stops = []
    for at, down, upgrade in sorted(breaks):
        stops.append(at)
        starts.append(at + down)
        legacy.append(legacy[-1] and not upgrade)
    stops.append(scenario.data_ms)
    return tuple(
        _epoch(scenario, index, names, int(rng.integers(2, 250)), start, stop, old_kepler)
        for start, stop, old_kepler in zip(starts, stops, legacy, strict=True)
    )


def _epoch(
    scenario: Scenario, index: int, names: Names, host: int, start: int, stop: int, legacy: bool
) -> Epoch:
    address = f"10.42.{index}.{host}:28282"
    return Epoch(
        generation="legacy" if legacy else "rewrite",
        start=start,
        stop=stop,
        # The old ServiceMonitor sets `instance` to the node's name, the new manifests leave the address.
        instance=scenario.nodes[index].name if legacy else address,
        kepler_pod=f"{'kepler-exporter' if legacy else 'kepler'}-{names.suffix()}",
        old=start < 0,
    )


Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scraper:
    """One Prometheus that scrapes one target: its labels, all its due scrapes, and which ones came back."""

    labels: dict[str, str]
    job: str | None
    """Instead of the usual job's name."""
    times: Ints
    answered: Bools
    """Same length as `times`."""


def schedule(scenario: Scenario, seconds: float, rng: np.random.Generator) -> Ints:
    """Scrape times: a fixed step and offset, small jitter, a few that come late by up to 0.4 steps."""
    step = round(seconds * 1000)
    due = np.arange(int(rng.integers(step)), scenario.data_ms, step, dtype=np.int64)
    jitter = rng.integers(0, scenario.jitter_ms + 1, size=len(due))
    late = (rng.random(len(due)) < scenario.late_share) * rng.integers(0, int(0.4 * step) + 1, size=len(due))
    times = due + jitter + late
    return times[times < scenario.data_ms]


def scrapers_of(scenario: Scenario, index: int, epochs: tuple[Epoch, ...]) -> tuple[Scraper, ...]:
    """Everybody who scrapes one node's Kepler."""
    rng = np.random.default_rng([scenario.seed, 5, index])
    targets: list[tuple[dict[str, str], str | None]] = [
        ({"prometheus_replica": replica} if replica else {}, job)
        for job in ([None, "kepler-debug"] if scenario.second_job_node == index else [None])
        for replica in scenario.replicas or ("",)
    ]
    scrapers = []
    for labels, job in targets:
        times = schedule(scenario, scenario.nodes[index].scrape_seconds, rng)
        answered = np.zeros(len(times), bool)
        for epoch in epochs:
            answered |= (times >= epoch.start) & (times < epoch.stop)
        for gap in scenario.gaps:
            if gap.node == index:
                begin = scenario.offset_ms(gap.at)
                answered &= ~((times >= begin) & (times < begin + round(gap.seconds * 1000)))
        scrapers.append(Scraper(labels=labels, job=job, times=times, answered=answered))
    return tuple(scrapers)
