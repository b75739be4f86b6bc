"""What Kepler's counter of each pod does: where it starts from zero, how far it counts, when it shows.

Times are ms after the first sample. A `Life` is one stretch of one pod's counter without a reset:
a pod lives once per process of Kepler on its node, and a counter that drops to zero in the middle
of a life, or is declared terminated and runs on, begins another one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from tests.simulator.clock import Epoch, Scraper
from tests.simulator.pods import FOREVER, Pod
from tests.simulator.power import Floats, Ints, NodePower
from tests.simulator.scenario import Scenario

LEGACY_KEEPS_DEAD = 10
"""The old Kepler forgets dead containers once more than these are there (here: all but the newest)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One stretch of a pod's counter."""

    row: int
    """Row of the pod in the node's `NodePower`."""
    epoch: int
    origin: int
    """Energy counts from here."""
    shown_from: int
    """First refresh that shows it."""
    counted_to: int
    """Last refresh that adds to it."""
    gone: int
    """Refresh that finds the pod dead, or that drops the counter, or Kepler's end."""
    died: bool
    shown_until: int
    """End (exclusive) of the `running` rows; old Kepler: of the row, flat after death."""
    old: bool
    """The counter is older than the data: its first value is of unknown age."""
    terminated: tuple[int, int] | None = None
    """New Kepler: refresh that first and refresh that no longer exports `state="terminated"`."""


def lives_of(
    scenario: Scenario,
    power: NodePower,
    epochs: tuple[Epoch, ...],
    scrapers: tuple[Scraper, ...],
    drops: dict[str, list[int]],
    resumes: dict[str, list[int]],
) -> list[Life]:
    """All lives on one node, in the order of its pods.

    `drops`, `resumes`: pod uid to times [ms] at which its counter begins again.
    """
    lives: list[Life] = []
    for number, epoch in enumerate(epochs):
        born = [
            life
            for row, pod in enumerate(power.pods)
            for life in _resumed(
                _split(_life(row, pod, number, epoch), epoch, drops.get(pod.uid, [])),
                epoch,
                resumes.get(pod.uid, []),
            )
        ]
        if epoch.generation == "legacy":
            lives += _flat_after_death(born, epoch)
        else:
            lives += [_with_terminated(scenario, power, life, epoch, scrapers) for life in born]
    return sorted(lives, key=lambda life: (life.row, life.origin))


def _life(row: int, pod: Pod, number: int, epoch: Epoch) -> Life | None:
    """The pod's life under one process of Kepler, None if that never sees it."""
    if pod.death <= epoch.start or pod.birth >= epoch.stop:
        return None
    origin = max(pod.birth, epoch.start)
    shown_from = epoch.refresh_from(origin)
    gone = epoch.refresh_from(pod.death) if pod.death < FOREVER else epoch.stop
    died = gone < epoch.stop
    gone = min(gone, epoch.stop)
    if shown_from >= gone:
        return None
    # The energy after the last reading before death is in no counter.
    counted_to = epoch.refresh_from(gone) - epoch.refresh_ms
    return Life(row=row, epoch=number, origin=origin, shown_from=shown_from, counted_to=counted_to, gone=gone,
                died=died, shown_until=gone, old=origin < 0)  # fmt: skip


def _split(life: Life | None, epoch: Epoch, drops: list[int]) -> Iterable[Life]:
    """Cut a life where its counter drops to zero."""
    if life is None:
        return
    for at in drops:
        zero = epoch.refresh_from(at)
        if life.shown_from < zero < life.gone:
            yield replace(life, counted_to=zero - epoch.refresh_ms, gone=zero, died=False, shown_until=zero)
            life = replace(life, origin=zero, shown_from=zero, old=False)
    yield life


def _resumed(lives: Iterable[Life], epoch: Epoch, resumes: list[int]) -> Iterable[Life]:
    """New Kepler: cut a life where the pod is declared terminated; the next refresh shows it running."""
    for life in lives:
        rest = life
        for at in resumes if epoch.generation == "rewrite" else ():
            zero = epoch.refresh_from(at)
            shown_from = zero + epoch.refresh_ms
            if rest.shown_from < zero and shown_from < rest.gone:
                counted_to = zero - epoch.refresh_ms
                yield replace(rest, counted_to=counted_to, gone=zero, died=True, shown_until=zero)
                rest = replace(rest, origin=zero, shown_from=shown_from, old=False)
        yield rest


def _flat_after_death(lives: list[Life], epoch: Epoch) -> list[Life]:
    """Old Kepler: dead containers stay, flat, until more than `LEGACY_KEEPS_DEAD` are there."""
    dead: list[Life] = []
    until: dict[int, int] = {}
    for life in sorted((life for life in lives if life.died), key=lambda life: life.gone):
        dead.append(life)
        until[id(life)] = epoch.stop
        if len(dead) > LEGACY_KEEPS_DEAD:
            until.update((id(old), life.gone) for old in dead[:-1])
            dead = dead[-1:]
    return [replace(life, shown_until=until.get(id(life), life.gone)) for life in lives]


def _with_terminated(
    scenario: Scenario, power: NodePower, life: Life, epoch: Epoch, scrapers: tuple[Scraper, ...]
) -> Life:
    """New Kepler: the frozen total is exported until the first refresh after a scrape by anybody."""
    total = float(pod_joules(power, life, np.array([life.counted_to]))[0])
    if not life.died or total < scenario.min_terminated_joules:
        return life
    first = FOREVER
    for scraper in scrapers:
        times = scraper.times[scraper.answered]
        later = times[np.searchsorted(times, life.gone) :]
        first = min(first, int(later[0]) if len(later) else FOREVER)
    if first >= epoch.stop:
        return life
    return replace(life, terminated=(life.gone, min(epoch.refresh_from(first + 1), epoch.stop)))


def pod_joules(power: NodePower, life: Life, counted_to: Ints) -> Floats:
    """Value of a pod's counter of dynamic package energy at refreshes of one life [J]."""
    pod = power.pods[life.row]
    now = power.dynamic_joules(life.row, np.minimum(counted_to, life.counted_to))
    before = power.dynamic_joules(life.row, np.array([max(life.origin, 0)]))
    return now - before + (pod.workload.watts * pod.age_seconds if life.old else 0.0)


def last_shown(life: Life, epoch: Epoch, scrapers: tuple[Scraper, ...]) -> tuple[int, int] | None:
    """First and last refresh whose value some scrape holds, None if no scrape shows this life."""
    shown: list[int] = []
    for scraper in scrapers:
        times = scraper.times[scraper.answered]
        times = times[(times >= life.shown_from) & (times < life.shown_until)]
        if len(times):
            refreshes = np.minimum(epoch.refresh_before(times[[0, -1]]), life.counted_to)
            shown += [int(refresh) for refresh in refreshes]
    if life.terminated is not None:
        shown.append(life.counted_to)
    return (min(shown), max(shown)) if shown else None
