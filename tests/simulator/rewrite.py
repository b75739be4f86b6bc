"""Series of Kepler 0.10 and later: node, pod and container level, terminated rows, raw register."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tests.simulator.clock import Epoch
from tests.simulator.lives import Life, pod_joules
from tests.simulator.pods import Pod
from tests.simulator.power import Floats, Ints, NodePower
from tests.simulator.scenario import REGISTER_WRAP_JOULES, SPIKE_JOULES, Node, Scenario
from tests.simulator.series import Recorder
from tests.simulator.targets import Scrapes, running, target_labels

PATHS = {
    "package": "intel-rapl:0",
    "core": "intel-rapl:0:0",
    "dram": "intel-rapl:0:1",
    "uncore": "intel-rapl:0:2",
    "psys": "intel-rapl:1",
}
BUILD = {
    "arch": "amd64",
    "branch": "main",
    "revision": "abc1234",
    "version": "v0.11.4",
    "goversion": "go1.24.9",
}
REGISTER_AT_START = 100_000.0
"""Value of every raw register long before the data, at the first Kepler's start [J]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RewriteKepler:
    """One process of the new Kepler on one node, as one scraper sees it."""

    scenario: Scenario
    node: Node
    power: NodePower
    epoch: Epoch
    scrapes: Scrapes
    lives: tuple[Life, ...]
    spikes: dict[str, list[int]]

    def record(self, recorder: Recorder) -> None:
        """Add all series of this process."""
        target = target_labels(self.node, self.epoch, self.scrapes.scraper)
        everywhere = np.arange(len(self.scrapes.index))
        self._add(recorder, "kepler_build_info", {**BUILD, **target}, everywhere, np.ones(len(everywhere)))
        for processor in range(2 * self.node.sockets):  # two of each socket stand for all
            chip = {"processor": str(processor), "physical_id": str(processor // 2), "core_id": "0"}
            cpu = {**chip, "vendor_id": "GenuineIntel", "model_name": "Simulated", **target}
            self._add(recorder, "kepler_node_cpu_info", cpu, everywhere, np.ones(len(everywhere)))
        target["node_name"] = self.node.name
        if self.scenario.node_level:
            self._record_node(recorder, target, everywhere)
        for row in sorted({life.row for life in self.lives}):
            self._record_pod(recorder, target, row)

    def _add(self, recorder: Recorder, name: str, labels: dict[str, str], at: Ints, value: Floats) -> None:
        recorder.add({"__name__": name, **labels}, self.scrapes.scraper.times, self.scrapes.index[at], value)

    def _record_node(self, recorder: Recorder, target: dict[str, str], everywhere: Ints) -> None:
        for domain, zone in enumerate(self.scenario.domains):
            labels = {"zone": zone, "path": f"/host/sys/class/powercap/{PATHS[zone]}", **target}
            values = {
                "kepler_node_cpu_active_joules_total": self.active(domain),
                "kepler_node_cpu_idle_joules_total": self.idle(domain),
                "kepler_node_cpu_joules_total": self.register(domain, self.scrapes.refresh),
            }
            for name, value in values.items():
                self._add(recorder, name, labels, everywhere, value)

    def _before_data(self, watts: float) -> float:
        """Energy of a constant power from the first Kepler's start to the data [J]."""
        return watts * -self.epoch.start / 1000 if self.epoch.old else 0.0

    def active(self, domain: int) -> Floats:
        """Active energy since Kepler's start [J]."""
        since = np.array([max(self.epoch.start, 0)])
        now = self.power.active_joules(domain, self.scrapes.refresh)
        return now - self.power.active_joules(domain, since) + self._before_data(30.0)

    def idle(self, domain: int) -> Floats:
        """Idle energy: it begins at the absolute value of the raw register [J]."""
        since = np.array([max(self.epoch.start, 0)])
        grown = self.power.idle_joules(self.scrapes.refresh) - self.power.idle_joules(since)
        first = REGISTER_AT_START if self.epoch.old else float(self.register(domain, since)[0])
        return (
            first + grown * float(self.power.idle_factors[domain]) + self._before_data(self.node.idle_watts)
        )

    def register(self, domain: int, time_ms: Ints) -> Floats:
        """The raw RAPL register [J]: it knows no Kepler and wraps."""
        idle = self.power.idle_joules(time_ms) * self.power.idle_factors[domain]
        total = REGISTER_AT_START + self.power.active_joules(domain, time_ms) + idle
        wrapped: Floats = np.mod(total, REGISTER_WRAP_JOULES)
        return wrapped

    def _record_pod(self, recorder: Recorder, target: dict[str, str], row: int) -> None:
        lives = [life for life in self.lives if life.row == row]
        pod = self.power.pods[row]
        parts = [running(self.scrapes, life) for life in lives]
        at = np.concatenate([positions for positions, _ in parts])
        joules = np.concatenate(
            [self._joules(pod, life, refresh) for life, (_, refresh) in zip(lives, parts, strict=True)]
        )
        self._record_state(recorder, target, pod, "running", at, joules)
        for life in lives:
            if life.terminated is not None:
                at = self.scrapes.between(*life.terminated)
                joules = self._joules(pod, life, np.full(len(at), life.counted_to))
                self._record_state(recorder, target, pod, "terminated", at, joules)

    def _joules(self, pod: Pod, life: Life, refresh: Ints) -> Floats:
        """Package energy of one life at refreshes, with the absurd jumps of `Scenario.spikes` [J]."""
        joules = pod_joules(self.power, life, refresh)
        for spike in self.spikes.get(pod.uid, []):
            if spike > life.origin:
                joules = joules + SPIKE_JOULES * (refresh >= spike)
        return joules

    def _record_state(
        self, recorder: Recorder, target: dict[str, str], pod: Pod, state: str, at: Ints, joules: Floats
    ) -> None:
        for factor, zone in zip(pod.factors, self.scenario.domains, strict=True):
            labels = {"zone": zone, "state": state, "pod_id": pod.uid, **target}
            if self.scenario.pod_level:
                names = {"pod_name": pod.name, "pod_namespace": pod.namespace}
                self._add(recorder, "kepler_pod_cpu_joules_total", {**names, **labels}, at, joules * factor)
            if self.scenario.container_level:
                for name, container_id, share in pod.containers:
                    names = {"container_name": name, "container_id": container_id, "runtime": "containerd"}
                    value = joules * factor * share
                    self._add(recorder, "kepler_container_cpu_joules_total", {**names, **labels}, at, value)
