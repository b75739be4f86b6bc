"""Known power in, Kepler's counters out, the truth beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.simulator.clock import epochs_of, scrapers_of
from tests.simulator.cluster_state import record_applications, record_kube_state
from tests.simulator.legacy import LegacyKepler
from tests.simulator.lives import lives_of
from tests.simulator.pods import Placement, Pod
from tests.simulator.power import power_of_node
from tests.simulator.rewrite import RewriteKepler
from tests.simulator.scenario import PodEvent, Scenario
from tests.simulator.series import Recorder, Series, write_openmetrics, write_victoria
from tests.simulator.targets import scrapes_of, target_labels
from tests.simulator.truth import Truth, WatchedNode, truth_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """A simulated cluster: what its Prometheus would hold, and what is true."""

    scenario: Scenario
    pods: list[Pod]
    nodes: list[WatchedNode]
    series: list[Series]
    truth: Truth

    def matching(self, name: str, **labels: str) -> list[Series]:
        """All series of one metric whose labels hold these values, as an instant selector would."""
        wanted = {"__name__": name, **labels}.items()
        return [one for one in self.series if all(one.labels.get(key, "") == text for key, text in wanted)]

    @property
    def sample_count(self) -> int:
        """Number of samples, stale markers left out."""
        return sum(len(one.value) for one in self.series)

    def write_openmetrics(self, path: Path) -> None:
        """Write everything as OpenMetrics text, for promtool."""
        write_openmetrics(path, self.series)

    def write_victoria(self, path: Path) -> None:
        """Write everything as JSON lines, for VictoriaMetrics."""
        write_victoria(path, self.series)


def simulate(scenario: Scenario) -> Simulation:
    """Run a scenario: deterministic, the same for the same `Scenario`."""
    placement = Placement(scenario)
    pods = [pod for pod in placement.pods if pod.birth < scenario.data_ms]
    recorder = Recorder(scenario.data_start_ms, scenario.external_labels)
    nodes = [_watch(scenario, index, pods) for index in range(len(scenario.nodes))]
    spikes = events_by_pod(scenario, pods, scenario.spikes)
    for index, node in enumerate(nodes):
        _record_kepler(scenario, index, node, spikes, recorder)
    if scenario.kube_state:
        record_kube_state(scenario, pods, placement.owners, recorder)
    record_applications(scenario, pods, recorder)
    truth = truth_of(scenario, pods, nodes)
    return Simulation(scenario=scenario, pods=pods, nodes=nodes, series=recorder.series, truth=truth)


def _watch(scenario: Scenario, index: int, pods: list[Pod]) -> WatchedNode:
    node = scenario.nodes[index]
    epochs = epochs_of(scenario, index)
    scrapers = scrapers_of(scenario, index, epochs)
    legacy_until = max((epoch.stop for epoch in epochs if epoch.generation == "legacy"), default=0)
    numbered = [(number, pod) for number, pod in enumerate(pods) if pod.node == node.name]
    power = power_of_node(scenario, node, index, numbered, legacy_until)
    drops, resumes = (events_by_pod(scenario, pods, events) for events in (scenario.drops, scenario.resumes))
    lives = lives_of(scenario, power, epochs, scrapers, drops, resumes)
    return WatchedNode(name=node.name, power=power, epochs=epochs, scrapers=scrapers, lives=lives)


def events_by_pod(scenario: Scenario, pods: list[Pod], events: tuple[PodEvent, ...]) -> dict[str, list[int]]:
    """Pod uid to the times of its events [ms]; each event hits the workload's first pod alive then."""
    found: dict[str, list[int]] = {}
    for event in events:
        at = scenario.offset_ms(event.at)
        wanted = (event.namespace, event.workload)
        alive = (pod for pod in pods if pod.birth < at < pod.death)
        target = next(pod for pod in alive if (pod.namespace, pod.workload.name) == wanted)
        found.setdefault(target.uid, []).append(at)
    return found


def _record_kepler(
    scenario: Scenario, index: int, node: WatchedNode, spikes: dict[str, list[int]], recorder: Recorder
) -> None:
    """Add the series of every process of Kepler on one node, and `up` of its target."""
    for scraper in node.scrapers:
        for number, epoch in enumerate(node.epochs):
            process = (LegacyKepler if epoch.generation == "legacy" else RewriteKepler)(
                scenario=scenario,
                node=scenario.nodes[index],
                power=node.power,
                epoch=epoch,
                scrapes=scrapes_of(scraper, epoch),
                lives=tuple(life for life in node.lives if life.epoch == number),
                spikes=spikes,
            )
            process.record(recorder)
            due = np.arange(*np.searchsorted(scraper.times, (epoch.start, epoch.stop)))
            labels = {"__name__": "up", **target_labels(scenario.nodes[index], epoch, scraper)}
            recorder.add(labels, scraper.times, due, scraper.answered[due].astype(float))
