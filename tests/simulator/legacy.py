"""Series of Kepler 0.7.11 to 0.9.0: container and node level, both modes, parts and total."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tests.simulator.clock import Epoch
from tests.simulator.lives import Life, pod_joules
from tests.simulator.power import SYSTEM_ROWS, Floats, Ints, NodePower
from tests.simulator.scenario import SPIKE_JOULES, Node, Scenario
from tests.simulator.series import Recorder
from tests.simulator.targets import Scrapes, running, target_labels

SOURCE = "rapl-sysfs"
TOTAL_PARTS = ("package", "dram")
"""Parts of `kepler_container_joules_total` (`other` is 0: no platform meter)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyKepler:
    """One process of the old Kepler on one node, as one scraper sees it."""

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
        version = "v0.7.12" if self.scenario.legacy_idle else "v0.9.0"
        build = {"arch": "amd64", "branch": "", "os": "linux", "revision": version, "version": version}
        info = {"cpu_architecture": "Sapphire Rapids", "components_power_source": SOURCE,
                "platform_power_source": "none", "source": "os"}  # fmt: skip
        everywhere = np.arange(len(self.scrapes.index))
        ones = np.ones(len(everywhere))
        self._add(recorder, "kepler_exporter_build_info", {**build, **target}, everywhere, ones)
        self._add(recorder, "kepler_node_info", {**info, **target}, everywhere, ones)
        if self.scenario.node_level:
            self._record_node(recorder, target, everywhere)
        for index, (name, namespace, _) in enumerate(SYSTEM_ROWS):
            labels = {"container_id": name, "pod_name": name, "container_name": name,
                      "container_namespace": namespace, **target}  # fmt: skip
            row = len(self.power.pods) + index
            self._record_container(recorder, labels, row, everywhere, *self._system_joules(row), 1.0, 1.0)
        for row in sorted({life.row for life in self.lives}):
            self._record_pod(recorder, target, row)

    def _add(self, recorder: Recorder, name: str, labels: dict[str, str], at: Ints, value: Floats) -> None:
        recorder.add({"__name__": name, **labels}, self.scrapes.scraper.times, self.scrapes.index[at], value)

    def _record_node(self, recorder: Recorder, target: dict[str, str], everywhere: Ints) -> None:
        refresh = self.scrapes.refresh
        since = np.array([max(self.epoch.start, 0)])
        idle = self.power.idle_joules(refresh) - self.power.idle_joules(since)
        idle = idle + self._before(self.node.idle_watts)
        for domain, part in enumerate(self.scenario.domains):
            active = self.power.active_joules(domain, refresh) - self.power.active_joules(domain, since)
            dynamic = active + self._before(30.0)
            resting = idle * self.power.idle_factors[domain]
            if not self.scenario.legacy_idle:
                dynamic, resting = dynamic + resting, np.zeros_like(resting)
            for mode, value in (("dynamic", dynamic), ("idle", resting)):
                # Kepler's own `instance` collides with the target's: stored as `exported_instance`.
                labels = {"exported_instance": self.node.name, "package": "0", "mode": mode, "source": SOURCE}
                name = f"kepler_node_{part}_joules_total"
                self._add(recorder, name, {**labels, **target}, everywhere, value)

    def _before(self, watts: float) -> float:
        """Energy of a constant power from the first Kepler's start to the data [J]."""
        return watts * -self.epoch.start / 1000 if self.epoch.old else 0.0

    def _system_joules(self, row: int) -> tuple[Floats, Floats]:
        refresh, since = self.scrapes.refresh, np.array([max(self.epoch.start, 0)])
        dynamic = self.power.dynamic_joules(row, refresh) - self.power.dynamic_joules(row, since)
        idle = self.power.idle_share_joules(row, refresh) - self.power.idle_share_joules(row, since)
        return dynamic + self._before(3.0), idle + self._before(2.0)

    def _record_pod(self, recorder: Recorder, target: dict[str, str], row: int) -> None:
        lives = [life for life in self.lives if life.row == row]
        pod = self.power.pods[row]
        shown = [(life, *running(self.scrapes, life)) for life in lives]
        at = np.concatenate([positions for _, positions, _ in shown])
        dynamic = np.concatenate([self._dynamic(life, refresh) for life, _, refresh in shown])
        idle = np.concatenate([self._idle(life, refresh) for life, _, refresh in shown])
        for name, container_id, share in pod.containers:
            labels = {"container_id": container_id, "pod_name": pod.name, "container_name": name,
                      "container_namespace": pod.namespace, **target}  # fmt: skip
            self._record_container(recorder, labels, row, at, dynamic, idle, share, 1 / len(pod.containers))

    def _dynamic(self, life: Life, refresh: Ints) -> Floats:
        joules = pod_joules(self.power, life, refresh)
        for spike in self.spikes.get(self.power.pods[life.row].uid, []):
            if spike > life.origin:
                joules = joules + SPIKE_JOULES * (refresh >= spike)
        return joules

    def _idle(self, life: Life, refresh: Ints) -> Floats:
        since = self.power.idle_share_joules(life.row, np.array([max(life.origin, 0)]))
        now = self.power.idle_share_joules(life.row, np.minimum(refresh, life.counted_to))
        return now - since + (2.0 * self.power.pods[life.row].age_seconds if life.old else 0.0)

    def _record_container(
        self,
        recorder: Recorder,
        labels: dict[str, str],
        row: int,
        at: Ints,
        dynamic: Floats,
        idle: Floats,
        dynamic_share: float,
        idle_share: float,
    ) -> None:
        """The rows of one container: its share of the pod's energy, for every part and mode."""
        total = {"dynamic": np.zeros_like(dynamic), "idle": np.zeros_like(dynamic)}
        for part, mode, joules in self._parts(row, dynamic, idle, dynamic_share, idle_share):
            name = f"kepler_container_{part}_joules_total"
            self._add(recorder, name, {**labels, "mode": mode, "source": SOURCE}, at, joules)
            if part in TOTAL_PARTS:
                total[mode] = total[mode] + joules
        for mode, joules in total.items():
            modes = {"mode": mode, "source": ""}
            self._add(recorder, "kepler_container_joules_total", {**labels, **modes}, at, joules)

    def _parts(
        self, row: int, dynamic: Floats, idle: Floats, dynamic_share: float, idle_share: float
    ) -> Iterator[tuple[str, str, Floats]]:
        for domain, part in enumerate(self.scenario.domains):
            active = dynamic * self.power.factors[row, domain] * dynamic_share
            # With idle off the share follows the use, so it is split like the dynamic energy.
            split = idle_share if self.scenario.legacy_idle else dynamic_share
            resting = idle * self.power.idle_factors[domain] * split
            if not self.scenario.legacy_idle:
                active, resting = active + resting, np.zeros_like(resting)
            yield part, "dynamic", active
            yield part, "idle", resting
        for mode in ("dynamic", "idle"):
            yield "other", mode, np.zeros_like(dynamic)
