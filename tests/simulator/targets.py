"""Labels that the scrape adds (Kepler's own pod, not the workload's), and samples of one life."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tests.simulator.clock import Epoch, Scraper
from tests.simulator.lives import Life
from tests.simulator.power import Ints
from tests.simulator.scenario import Node


@dataclass(frozen=True, slots=True)
class Scrapes:
    """The scrapes of one scraper that found one process of Kepler."""

    scraper: Scraper
    index: Ints
    """Positions in `scraper.times`."""
    time_ms: Ints
    refresh: Ints
    """The refresh whose values each scrape shows."""

    def between(self, start: int, stop: int) -> Ints:
        """Positions in this object's arrays of the scrapes in [start, stop)."""
        return np.arange(*np.searchsorted(self.time_ms, (start, stop)))


def scrapes_of(scraper: Scraper, epoch: Epoch) -> Scrapes:
    """The answered scrapes within one epoch."""
    times = scraper.times
    index = np.flatnonzero(scraper.answered & (times >= epoch.start) & (times < epoch.stop))
    return Scrapes(scraper, index, times[index], epoch.refresh_before(times[index]))


def running(scrapes: Scrapes, life: Life) -> tuple[Ints, Ints]:
    """Positions of the scrapes that show a life's row, and the refresh that each one shows."""
    at = scrapes.between(life.shown_from, life.shown_until)
    return at, scrapes.refresh[at]


def target_labels(node: Node, epoch: Epoch, scraper: Scraper) -> dict[str, str]:
    """Labels of the scrape's target: Kepler's DaemonSet."""
    legacy = epoch.generation == "legacy"
    name = "kepler-exporter" if legacy else "kepler"
    return {
        "job": scraper.job or name,
        "instance": epoch.instance,
        "namespace": "kepler",
        "pod": epoch.kepler_pod,
        "container": name,
        "endpoint": "http",
        "service": name,
        **scraper.labels,
    }
