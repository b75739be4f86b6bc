"""What is true: energy per window, read from the integral of power, never from exported samples.

`Truth.physical`
    Everything the hardware used. A pod's energy from its birth to its death (new Kepler: its own
    active energy; old Kepler: also its share of the node's idle energy while the old Kepler is in
    charge), nodes and host processes over the whole range. Times without any Kepler count too.
`Truth.metered`
    What a perfect reader of the stored samples could find. Not in it, because no sample shows it:

    - a pod's energy after the last refresh before its death (up to 5 s, old Kepler 3 s);
    - pods that live between two refreshes, or whose terminated row no scrape got or Kepler withheld
      (less than 10 J, Kepler stopped first);
    - the time without Kepler, and the time between the last scrape and a stop of Kepler;
    - the time between the last scrape before a counter drops to zero and the drop;
    - before the first sample of a counter that is older than the data (outside the range anyway).

    Node idle of the new Kepler starts at its first scrape after a restart: it begins at the raw
    register, so its first value says nothing. Scrape gaps lose nothing.

All frames are long: one row per window, subject and power domain with energy above zero.
`window_start_ms` is Unix time; joules are of the row's domain (`core` lies inside `package`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from tests.simulator.clock import Epoch, Scraper
from tests.simulator.lives import Life, last_shown
from tests.simulator.pods import Pod
from tests.simulator.power import Floats, Ints, NodePower
from tests.simulator.scenario import Scenario
from tests.simulator.targets import scrapes_of

WORKLOAD = ["window_start_ms", "namespace", "workload", "workload_kind", "node", "domain"]


@dataclass(frozen=True, slots=True)
class Energy:
    """Energy per window: `pod_hours`, the same by workload and node, and by node.

    pod_hours: WORKLOAD columns, pod, pod_id, active_joules (of them idle_share_joules: old Kepler).
    workload_hours: WORKLOAD columns, active_joules, idle_share_joules.
    node_hours: window_start_ms, node, domain, active_joules (pods and host; without idle),
    idle_joules, host_joules (part of active).
    """

    pod_hours: pd.DataFrame
    workload_hours: pd.DataFrame
    node_hours: pd.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """The truth of one simulated cluster over [start_ms, end_ms)."""

    start_ms: int
    end_ms: int
    window_ms: int
    physical: Energy
    metered: Energy
    requests_hours: pd.DataFrame
    """window_start_ms, namespace, workload, requests [1]: rate times life, not rounded."""
    pods: pd.DataFrame
    """pod_id, pod, namespace, workload, workload_kind, node, birth_ms, death_ms (at most the data's end)."""

    @property
    def workload_hours(self) -> pd.DataFrame:
        """Physical energy by workload, node and window."""
        return self.physical.workload_hours

    @property
    def node_hours(self) -> pd.DataFrame:
        """Physical energy by node and window."""
        return self.physical.node_hours


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedNode:
    """One node: its power, the processes of Kepler on it, their scrapes and the counters' lives."""

    name: str
    power: NodePower
    epochs: tuple[Epoch, ...]
    scrapers: tuple[Scraper, ...]
    lives: list[Life]


Spans = list[tuple[int, int]]


def truth_of(scenario: Scenario, pods: list[Pod], nodes: list[WatchedNode]) -> Truth:
    """The truth per window of the scenario's range."""
    edges = window_edges(scenario)
    start_ms = scenario.start * 1000
    return Truth(
        start_ms=start_ms,
        end_ms=start_ms + scenario.range_seconds * 1000,
        window_ms=scenario.window_seconds * 1000,
        physical=_energy(scenario, nodes, edges, metered=False),
        metered=_energy(scenario, nodes, edges, metered=True),
        requests_hours=_requests(scenario, pods, edges),
        pods=_pods(scenario, pods),
    )


def window_edges(scenario: Scenario) -> Ints:
    """Edges of the windows [ms after the first sample]."""
    step = scenario.window_seconds * 1000
    start = scenario.warmup_seconds * 1000
    return np.arange(start, start + scenario.range_seconds * 1000 + 1, step, dtype=np.int64)


def _energy(scenario: Scenario, nodes: list[WatchedNode], edges: Ints, *, metered: bool) -> Energy:
    pod_parts = [_pod_hours(scenario, node, edges, metered) for node in nodes]
    node_parts = [_node_hours(scenario, node, edges, metered) for node in nodes]
    pod_hours = pd.concat(pod_parts, ignore_index=True)
    measures = ["active_joules", "idle_share_joules"]
    workload_hours = pod_hours.groupby(WORKLOAD, sort=True, dropna=False, as_index=False)[measures].sum()
    return Energy(pod_hours, workload_hours, pd.concat(node_parts, ignore_index=True))


def _pod_hours(scenario: Scenario, node: WatchedNode, edges: Ints, metered: bool) -> pd.DataFrame:
    parts = []
    for row, pod in enumerate(node.power.pods):
        spans = _metered_spans(node, row) if metered else [(int(edges[0]), int(edges[-1]))]
        dynamic, idle = np.zeros(len(edges) - 1), np.zeros(len(edges) - 1)
        for span in spans:
            at = np.clip(edges, *span)
            dynamic += np.diff(node.power.dynamic_joules(row, at))
            idle += np.diff(node.power.idle_share_joules(row, at))
        hours = np.flatnonzero(dynamic + idle)
        for domain, name in enumerate(scenario.domains):
            share = idle[hours] * node.power.idle_factors[domain]
            parts.append(
                pd.DataFrame(
                    {
                        "window_start_ms": edges[hours] + scenario.data_start_ms,
                        "namespace": pod.namespace,
                        "workload": pod.workload_name,
                        "workload_kind": pod.workload.kind,
                        "node": node.name,
                        "domain": name,
                        "pod": pod.name,
                        "pod_id": pod.uid,
                        "active_joules": dynamic[hours] * pod.factors[domain] + share,
                        "idle_share_joules": share,
                    }
                )
            )
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _metered_spans(node: WatchedNode, row: int) -> Spans:
    """The stretches of time whose energy some sample of the pod's counters shows [ms]."""
    spans = []
    for life in node.lives:
        shown = last_shown(life, node.epochs[life.epoch], node.scrapers) if life.row == row else None
        if shown is not None:
            spans.append((shown[0] if life.old else life.origin, shown[1]))
    return spans


def _node_hours(scenario: Scenario, node: WatchedNode, edges: Ints, metered: bool) -> pd.DataFrame:
    whole = [(int(edges[0]), int(edges[-1]))]
    active_spans, idle_spans = _node_spans(node) if metered else (whole, whole)
    power = node.power

    def active(domain: int, at: Ints) -> Floats:
        return power.active_joules(domain, at)

    def host(domain: int, at: Ints) -> Floats:
        return power.host_joules(domain, at)

    def idle(domain: int, at: Ints) -> Floats:
        return power.idle_joules(at) * float(power.idle_factors[domain])

    columns = {
        "active_joules": (active, active_spans),
        "idle_joules": (idle, idle_spans),
        "host_joules": (host, active_spans),
    }
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "window_start_ms": edges[:-1] + scenario.data_start_ms,
                    "node": node.name,
                    "domain": name,
                    **{
                        column: sum(np.diff(joules(domain, np.clip(edges, *span))) for span in spans)
                        for column, (joules, spans) in columns.items()
                    },
                }
            )
            for domain, name in enumerate(scenario.domains)
        ],
        ignore_index=True,
    )


def _node_spans(node: WatchedNode) -> tuple[Spans, Spans]:
    """Metered stretches of the node's active (or dynamic) and idle counters [ms]."""
    active: Spans = []
    idle: Spans = []
    for epoch in node.epochs:
        refreshes = [scrapes_of(scraper, epoch).refresh for scraper in node.scrapers]
        seen = np.concatenate(refreshes)
        if len(seen):
            first, last = int(seen.min()), int(seen.max())
            from_zero = first if epoch.old else epoch.start
            active.append((from_zero, last))
            idle.append((from_zero if epoch.generation == "legacy" else first, last))
    return active, idle


def _requests(scenario: Scenario, pods: list[Pod], edges: Ints) -> pd.DataFrame:
    columns = ["window_start_ms", "namespace", "workload"]
    parts = [
        pd.DataFrame(
            {
                "window_start_ms": edges[:-1] + scenario.data_start_ms,
                "namespace": pod.namespace,
                "workload": pod.workload_name,
                "requests": np.diff(np.clip(edges, pod.birth, pod.death)) / 1000 * rate,
            }
        )
        for pod in pods
        if (rate := pod.workload.requests_per_second)
    ]
    if not parts:
        return pd.DataFrame(columns=[*columns, "requests"])
    sums = pd.concat(parts, ignore_index=True).groupby(columns, dropna=False)["requests"].sum()
    return sums.reset_index()


def _pods(scenario: Scenario, pods: list[Pod]) -> pd.DataFrame:
    base = scenario.data_start_ms
    return pd.DataFrame(
        {
            "pod_id": [pod.uid for pod in pods],
            "pod": [pod.name for pod in pods],
            "namespace": [pod.namespace for pod in pods],
            "workload": [pod.workload_name for pod in pods],
            "workload_kind": [str(pod.workload.kind) for pod in pods],
            "node": [pod.node for pod in pods],
            "birth_ms": [base + pod.birth for pod in pods],
            "death_ms": [base + min(pod.death, scenario.data_ms) for pod in pods],
        }
    )
