"""The counters of a cluster with heavy churn and long labels, and what they add up to.

All rises are whole joules, and every scrape falls on the same moments, the edges of the windows among them.
So the sums are exact, and found without the tool.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from tests.simulator.power import Ints
from tests.simulator.series import Series

START_SECONDS = 1_780_272_000
"""2026-06-01T00:00:00Z."""
SCRAPE_SECONDS = 120
BEFORE = 5
"""Scrapes before the range."""
DOMAINS = {"package": 90, "dram": 15}
"""Most joules that a pod takes between two scrapes."""
VALUE_LETTERS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large the cluster is, and how long it is watched."""

    pods: int = 10_000
    """At any moment."""
    lives: int = 5
    """Pods that follow each other in each place."""
    nodes: int = 500
    namespaces: int = 5_000
    labels: int = 60
    """Of each series."""
    hours: int = 24

    @property
    def scrapes(self) -> int:
        """Of each target; the last one is at the end of the range."""
        return BEFORE + self.hours * 3600 // SCRAPE_SECONDS + 1

    @property
    def pod_series(self) -> int:
        """Counters of pods."""
        return self.pods * self.lives * len(DOMAINS)

    @property
    def end_seconds(self) -> int:
        """End of the range [Unix s]."""
        return START_SECONDS + self.hours * 3600


@dataclass(slots=True)
class Sums:
    """What rose inside the range [J]."""

    pods: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """By namespace."""
    nodes: int = 0


def cluster(size: Size, sums: Sums, seed: int = 1) -> Iterator[Series]:
    """Every series; `sums` is filled on the way."""
    dice = np.random.default_rng(seed)
    times = (START_SECONDS + (np.arange(size.scrapes) - BEFORE) * SCRAPE_SECONDS) * 1000
    busy = {domain: np.zeros((size.nodes, size.scrapes), np.int64) for domain in DOMAINS}
    for place in range(size.pods):
        cuts = np.sort(dice.choice(np.arange(BEFORE + 2, size.scrapes - 2), size.lives - 1, replace=False))
        for life, (born, dies) in enumerate(pairwise([0, *cuts.tolist(), size.scrapes])):
            node = (place + life) % size.nodes
            name = _long(f"app-{place:05d}-{life}")
            space = _long(f"team-{place % size.namespaces:04d}")
            yield _owner(size, times, space, name, _long(f"app-{place:05d}"), born, dies)
            for domain, most in DOMAINS.items():
                rise = dice.integers(1, most, dies - born)
                rise[0] = 0  # a counter begins at 0 when its pod is first seen
                busy[domain][node, born:dies] += rise
                sums.pods[space] += _inside(rise, born)
                labels = {
                    "__name__": "kepler_pod_cpu_joules_total", "pod_id": f"{place:08d}-{life}",
                    "pod_name": name, "pod_namespace": space, "zone": domain, "state": "running",
                    **_target(node),
                }  # fmt: skip
                yield _series(_padded(size, labels), times, born, rise)
    for node in range(size.nodes):
        for domain in DOMAINS:
            parts = {"active": busy[domain][node] + 20, "idle": np.full(size.scrapes, 3000)}
            for mode, rise in parts.items():
                sums.nodes += _inside(rise, 0)
                labels = {
                    "__name__": f"kepler_node_cpu_{mode}_joules_total", "zone": domain,
                    "path": f"/host/sys/class/powercap/intel-rapl:0:{domain}", **_target(node),
                }  # fmt: skip
                yield _series(_padded(size, labels), times, 0, rise)


def _owner(size: Size, times: Ints, space: str, pod: str, owner: str, born: int, dies: int) -> Series:
    labels = {
        "__name__": "kube_pod_owner", "namespace": space, "pod": pod, "uid": pod, "owner_kind": "StatefulSet",
        "owner_name": owner, "owner_is_controller": "true", "job": "kube-state-metrics",
        "instance": "10.0.9.9:8080",
    }  # fmt: skip
    return Series(_padded(size, labels), times[born:dies], np.ones(dies - born), times[dies : dies + 1])


def _series(labels: dict[str, str], times: Ints, born: int, rise: Ints) -> Series:
    after = born + len(rise)
    return Series(labels, times[born:after], np.cumsum(rise).astype(float), times[after : after + 1])


def _inside(rise: Ints, born: int) -> int:
    """Of what a counter rose by at each scrape from `born` on, that after the start of the range [J]."""
    return int(rise[max(BEFORE + 1 - born, 0) :].sum())


def _target(node: int) -> dict[str, str]:
    return {"node_name": _long(f"node-{node:03d}"), "instance": f"10.0.{node // 250}.{node % 250}:28282",
            "job": "kepler"}  # fmt: skip


def _padded(size: Size, labels: dict[str, str]) -> dict[str, str]:
    """As many labels as asked for, as relabeling adds them."""
    more = size.labels - len(labels)
    return labels | {f"relabelled_{number:02d}": _long(f"value-{number:02d}") for number in range(more)}


def _long(stem: str) -> str:
    return stem.ljust(VALUE_LETTERS, "x")
