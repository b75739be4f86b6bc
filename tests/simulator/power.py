"""The physics: piecewise constant power of everything on one node, and its integral.

Nothing in here knows of Kepler's counters or of scrapes: the truth is read from these integrals.
Times are milliseconds after the first sample, energies are joules since then.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tests.simulator.pods import Pod, domain_factors
from tests.simulator.scenario import Node, Scenario

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

CELL_MS = 60_000
"""Power is constant within a cell and a pod's life."""
NOISE_MEMORY = 0.8
"""Correlation of the noise of one cell and the next: load comes and goes over minutes."""
DAY_SECONDS = 86_400
SYSTEM_ROWS = (("system_processes", "system", 0.65), ("kernel_processes", "kernel", 0.35))
"""Old Kepler's rows for host processes: id, namespace, share of the host's power."""
HOST_CORE, HOST_DRAM = 0.7, 0.1
IDLE_CORE, IDLE_DRAM = 0.4, 0.12


def interpolate(time_ms: Ints, knots: Ints, joules: Floats) -> Floats:
    """Energy at times between the knots; power is constant there, so this is exact [J]."""
    at: Floats = np.interp(time_ms, knots, joules)
    return at


@dataclass(frozen=True, slots=True)
class NodePower:
    """Power of one node and its integrals, in package joules; multiply by the domain factors.

    `idle_share` is the part of the node's idle power that the old Kepler gives to a container. It
    is 0 while the new Kepler runs. Rows of `dynamic` and `idle_share`: the pods, then `SYSTEM_ROWS`.
    """

    pods: tuple[Pod, ...]
    knots: Ints
    """Cell edges [ms], K + 1 of them."""
    dynamic: Floats
    """[W], rows x K."""
    idle_share: Floats
    """[W], rows x K."""
    idle: Floats
    """[W], K."""
    factors: Floats
    """Domain joules per package joule, rows x domains."""
    idle_factors: Floats
    """Domain joules per package joule of idle energy, domains."""
    _integrals: dict[str, Floats] = field(default_factory=dict)

    def _integral(self, name: str) -> Floats:
        if name not in self._integrals:
            watts = np.atleast_2d(getattr(self, name))
            steps = watts * (np.diff(self.knots) / 1000)
            self._integrals[name] = np.hstack([np.zeros((len(watts), 1)), np.cumsum(steps, axis=1)])
        return self._integrals[name]

    def _at(self, name: str, row: int, time_ms: Ints) -> Floats:
        return interpolate(time_ms, self.knots, self._integral(name)[row])

    def dynamic_joules(self, row: int, time_ms: Ints) -> Floats:
        """Package energy of one row from the first sample to `time_ms` [J]."""
        return self._at("dynamic", row, time_ms)

    def idle_share_joules(self, row: int, time_ms: Ints) -> Floats:
        """Idle package energy given to one row from the first sample to `time_ms` [J]."""
        return self._at("idle_share", row, time_ms)

    def idle_joules(self, time_ms: Ints) -> Floats:
        """Idle package energy of the node from the first sample to `time_ms` [J]."""
        return self._at("idle", 0, time_ms)

    def active_joules(self, domain: int, time_ms: Ints) -> Floats:
        """Energy of all pods and host processes in one domain from the first sample to `time_ms` [J]."""
        key = f"active{domain}"
        if key not in self._integrals:
            self._integrals[key] = self.factors[:, domain] @ self._integral("dynamic")
        return interpolate(time_ms, self.knots, self._integrals[key])

    def host_joules(self, domain: int, time_ms: Ints) -> Floats:
        """Energy of host processes in one domain, without idle shares [J]."""
        rows = range(len(self.pods), len(self.pods) + len(SYSTEM_ROWS))
        parts = [self.dynamic_joules(row, time_ms) * self.factors[row, domain] for row in rows]
        total: Floats = np.sum(parts, axis=0)
        return total


def power_of_node(
    scenario: Scenario, node: Node, index: int, pods: list[tuple[int, Pod]], legacy_until: int
) -> NodePower:
    """The power of one node; `pods` come with their numbers in the cluster, which seed their noise.

    Until `legacy_until` [ms] the old Kepler runs: it splits the idle power over the containers.
    """
    knots = _knots(scenario, [pod for _, pod in pods], legacy_until)
    middle = (knots[:-1] + knots[1:]) / 2
    rows = [_pod_watts(scenario, number, pod, middle) for number, pod in pods]
    rng = np.random.default_rng([scenario.seed, 3, index])
    host = node.host_watts * _shape(scenario, middle, rng, wave=node.wave, noise=2 * node.noise)
    idle = node.idle_watts * _shape(scenario, middle, rng, wave=node.wave, noise=node.noise)
    rows += [host * share for _, _, share in SYSTEM_ROWS]
    dynamic = np.vstack(rows)
    containers = [_alive(pod, middle) * len(pod.containers) for _, pod in pods]
    containers += [np.ones_like(middle) for _ in SYSTEM_ROWS]
    weight = np.vstack(containers) if scenario.legacy_idle else dynamic
    share = idle * weight / weight.sum(0) * (middle < legacy_until)
    host_factors = domain_factors(scenario.domains, HOST_CORE, HOST_DRAM)
    return NodePower(
        pods=tuple(pod for _, pod in pods),
        knots=knots,
        dynamic=dynamic,
        idle_share=share,
        idle=idle,
        factors=np.array([pod.factors for _, pod in pods] + [host_factors] * len(SYSTEM_ROWS)),
        idle_factors=np.array(domain_factors(scenario.domains, IDLE_CORE, IDLE_DRAM)),
    )


def _knots(scenario: Scenario, pods: list[Pod], legacy_until: int) -> Ints:
    """Cell edges: the regular ones and every birth, death and change of Kepler, so that no cell is mixed."""
    events = [time for pod in pods for time in (pod.birth, pod.death)] + [legacy_until]
    inside = [time for time in events if 0 < time < scenario.data_ms]
    regular = np.arange(0, scenario.data_ms + CELL_MS, CELL_MS, dtype=np.int64)
    return np.unique(np.concatenate([regular, np.array(inside, dtype=np.int64)]))


def _alive(pod: Pod, time_ms: Floats) -> Floats:
    return ((time_ms > pod.birth) & (time_ms < pod.death)).astype(float)


def _pod_watts(scenario: Scenario, number: int, pod: Pod, middle: Floats) -> Floats:
    rng = np.random.default_rng([scenario.seed, 2, number])
    workload = pod.workload
    shape = _shape(scenario, middle, rng, wave=workload.wave, noise=workload.noise)
    return workload.watts * shape * _alive(pod, middle)


def _shape(
    scenario: Scenario, middle: Floats, rng: np.random.Generator, *, wave: float, noise: float
) -> Floats:
    """Power relative to its mean: a daily wave that peaks in the afternoon, times noise with a memory."""
    seconds = scenario.data_start_ms / 1000 + middle / 1000
    phase = float(rng.uniform(0.55, 0.65))
    daily = 1 + wave * np.cos(2 * np.pi * (seconds / DAY_SECONDS - phase))
    kernel = NOISE_MEMORY ** np.arange(40)
    white = rng.normal(size=scenario.data_ms // CELL_MS + 2 + len(kernel))
    cells = 1 + noise * np.convolve(white, kernel / np.sqrt((kernel**2).sum()), mode="valid")
    relative: Floats = daily * np.clip(cells, 0.1, 3.0)[(middle // CELL_MS).astype(np.int64)]
    return relative
