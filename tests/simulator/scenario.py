"""What a simulated cluster holds and what happens to it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

Generation = Literal["rewrite", "legacy", "upgrade"]
Kind = Literal["Deployment", "Rollout", "StatefulSet", "DaemonSet", "CronJob", "Job", "Pod"]

MINUTE = 60.0
HOUR = 3600.0
START = 1_772_409_600
"""2026-03-02T00:00:00Z [Unix s]"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A machine. Watts are of the package domain [W]."""

    name: str
    idle_watts: float = 60.0
    host_watts: float = 6.0
    """Power of host processes: node active energy of no pod [W]."""
    wave: float = 0.03
    """Amplitude of the daily wave of idle and host power [1]."""
    noise: float = 0.02
    """Standard deviation of idle power about its wave, half of that of host power [1]."""
    scrape_seconds: float = 30.0
    cores: int = 16
    memory_gib: int = 64
    sockets: int = 1
    gpus: int = 0
    instance_type: str = "m5.4xlarge"
    labels: tuple[tuple[str, str], ...] = ()
    """Further node labels, as kube-state-metrics names them: ("label_node_pool", "gpu")."""
    grid_zone: str = "eu-west-3a"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """An owner of pods. Times are seconds after the start of the range and may be negative."""

    namespace: str
    name: str
    kind: Kind = "Deployment"
    watts: float = 4.0
    """Mean package power of one pod [W]."""
    replicas: int = 1
    wave: float = 0.3
    """Amplitude of the daily wave, as a share of the mean [1]."""
    noise: float = 0.2
    """Standard deviation of the power about its wave, as a share of the mean [1]."""
    containers: tuple[tuple[str, float], ...] = (("main", 1.0),)
    """Container names and their shares of the pod's power; the shares add up to 1."""
    cpu_request_cores: float = 0.5
    memory_request_mib: int = 512
    requests_per_second: float = 0.0
    """Rate of `http_requests_total` of one pod [1/s]; 0: no such counter."""
    team: str = "none"
    nodes: tuple[str, ...] = ()
    """Nodes for the pods, in turn; empty: all nodes."""
    rollout_at: float | None = None
    """Deployment, Rollout: a new ReplicaSet replaces every pod from here on."""
    recreate_at: float | None = None
    """StatefulSet: pod 0 comes back under its name, with a new uid, on the next node."""
    born_at: float | None = None
    """Birth of the pods (Job, Pod, ...); None: long before the data begin."""
    every_seconds: float = HOUR
    """CronJob: time between two runs [s]."""
    life_seconds: tuple[float, float] | None = None
    """Shortest and longest life of a pod of a CronJob or Job, or of a pod with `born_at` [s]."""
    linger_seconds: float = 0.0
    """How long a finished pod stays in the API, so in kube-state-metrics [s]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart:
    """Kepler of one node (by index) stops at `at` and comes back `down` later [s]."""

    node: int
    at: float
    down: float = 40.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """One node (by index) is not scraped from `at` for `seconds`; Kepler runs on."""

    node: int
    at: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PodEvent:
    """Something that happens at `at` [s] to the counters of the oldest pod of a workload then alive."""

    namespace: str
    workload: str
    at: float


def default_nodes(generation: Generation = "rewrite") -> tuple[Node, ...]:
    """Four nodes that are scraped at different intervals."""
    # The old Kepler has five times the series: scraped less often, the samples stay few enough to load.
    first, third = (15.0, 30.0) if generation == "rewrite" else (30.0, 60.0)
    return (
        Node(name="worker-1", idle_watts=58.0, host_watts=5.0, scrape_seconds=first, grid_zone="eu-west-3a"),
        Node(name="worker-2", idle_watts=64.0, host_watts=6.5, scrape_seconds=30.0, grid_zone="eu-west-3b"),
        Node(name="worker-3", idle_watts=71.0, host_watts=4.0, scrape_seconds=third, grid_zone="eu-west-3c"),
        Node(name="worker-4", idle_watts=49.0, host_watts=8.0, scrape_seconds=60.0, cores=32, memory_gib=128,
             instance_type="m5.8xlarge", grid_zone="eu-west-3a"),
    )  # fmt: skip


def default_workloads() -> tuple[Workload, ...]:
    """74 long-lived pods of every kind, one Job, and short pods of three CronJobs."""
    two = (("app", 0.85), ("envoy", 0.15))
    rollout, canary = 10 * HOUR + 20 * MINUTE + 7.0, 17 * HOUR + 5 * MINUTE
    train = 95 * MINUTE
    deployments = (
        _make("shop", "frontend", watts=5.0, replicas=4, requests_per_second=40.0, team="web",
              containers=two),
        _make("shop", "checkout", watts=4.0, replicas=6, requests_per_second=15.0, team="web",
              rollout_at=rollout, containers=two),
        _make("shop", "cart", watts=3.0, replicas=3, requests_per_second=22.0, team="web"),
        _make("search", "api", watts=7.0, replicas=6, requests_per_second=60.0, team="search"),
        _make("search", "indexer", watts=9.0, replicas=2, wave=0.1, team="search"),
        _make("media", "transcoder", watts=11.0, replicas=4, wave=0.5, noise=0.35, team="media"),
        _make("media", "thumbs", watts=3.5, replicas=4, requests_per_second=9.0, team="media"),
        _make("platform", "auth", watts=2.0, replicas=2, requests_per_second=30.0, team="pay"),
        _make("platform", "metrics-adapter", watts=1.0, wave=0.0),
        _make("ml", "inference", watts=12.0, replicas=4, requests_per_second=3.0, team="ml"),
        _make("platform", "cert-manager", watts=0.8, wave=0.0),
        _make("data", "etl", watts=6.0, replicas=2, wave=0.4, team="data"),
        _make("data", "dashboards", watts=2.0, replicas=2, requests_per_second=6.0, team="data"),
        _make("kube-system", "metrics-server", watts=1.1, wave=0.1),
        _make("kube-system", "coredns", watts=0.9, replicas=2, wave=0.1),
    )  # fmt: skip
    others = (
        _make("shop", "payments", "Rollout", watts=2.5, replicas=3, requests_per_second=4.0, team="pay",
              rollout_at=canary),
        _make("shop", "orders-db", "StatefulSet", watts=6.0, replicas=3, team="data",
              recreate_at=14 * HOUR + 33 * MINUTE),
        _make("search", "elastic", "StatefulSet", watts=8.0, replicas=3, team="search"),
        _make("data", "kafka", "StatefulSet", watts=5.0, replicas=3, wave=0.2, team="data"),
        _make("data", "cache", "StatefulSet", watts=1.5, replicas=2, team="data"),
        _make("platform", "queue", "StatefulSet", watts=3.0, replicas=3, wave=0.2),
        _make("platform", "ingress", "DaemonSet", watts=2.5, requests_per_second=80.0),
        _make("platform", "log-agent", "DaemonSet", watts=1.5, wave=0.1),
        _make("kube-system", "kube-proxy", "DaemonSet", watts=0.7, wave=0.0),
        _make("ml", "notebook", "Pod", watts=4.0, team="ml"),
        _make("ml", "train-once", "Job", watts=18.0, born_at=6 * HOUR + 12 * MINUTE, team="ml",
              life_seconds=(train, train), linger_seconds=HOUR),
    )  # fmt: skip
    cron_jobs = (
        _make("batch", "report", "CronJob", watts=9.0, every_seconds=30 * MINUTE, team="data",
              life_seconds=(7 * MINUTE, 14 * MINUTE), linger_seconds=10 * MINUTE),
        _make("batch", "cleanup", "CronJob", watts=6.0, every_seconds=10 * MINUTE, team="data",
              life_seconds=(4 * MINUTE, 7 * MINUTE), linger_seconds=10 * MINUTE),
        # Shorter than a scrape interval, and gone from the API at once: named by its pod's name alone.
        _make("batch", "ping", "CronJob", watts=5.0, every_seconds=20 * MINUTE, wave=0.0, noise=0.0,
              life_seconds=(8.0, 14.0)),
    )  # fmt: skip
    return (*deployments, *others, *cron_jobs)


def _make(namespace: str, name: str, kind: Kind = "Deployment", **fields: Any) -> Workload:
    return Workload(namespace=namespace, name=name, kind=kind, **fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A cluster, its time range and its mishaps. Event times are seconds after the range's start.

    The samples begin `warmup_seconds` before the range and end `after_seconds` behind it.
    """

    generation: Generation = "rewrite"
    """`upgrade`: the old Kepler until `upgrade_at`, the new one on the same nodes afterwards."""
    seed: int = 1
    start: int = START
    """Start of the range [Unix s]."""
    range_seconds: int = 26 * 3600
    window_seconds: int = 3600
    """Window of the truth [s]."""
    warmup_seconds: int = 45 * 60
    after_seconds: int = 10 * 60
    nodes: tuple[Node, ...] = field(default_factory=default_nodes)
    workloads: tuple[Workload, ...] = field(default_factory=default_workloads)
    domains: tuple[str, ...] = ("package", "core", "dram")

    restarts: tuple[Restart, ...] = (Restart(node=1, at=5 * HOUR + 17 * MINUTE + 3.0),)
    gaps: tuple[Gap, ...] = (Gap(node=2, at=8 * HOUR + 48 * MINUTE, seconds=25 * MINUTE),)
    drops: tuple[PodEvent, ...] = (
        PodEvent(namespace="search", workload="indexer", at=12 * HOUR + 9 * MINUTE),
    )
    """Counters that fall to zero in the middle of a pod's life."""
    resumes: tuple[PodEvent, ...] = ()
    """New Kepler only: pods that it declares terminated once, and that run on from zero."""
    spikes: tuple[PodEvent, ...] = ()
    """Counters that jump by `SPIKE_JOULES`."""
    upgrade_at: float = 13 * HOUR + 11 * MINUTE
    upgrade_down: float = 20.0
    """How long a node has no Kepler during the upgrade [s]; nodes follow each other every 2 minutes."""

    legacy_idle: bool = True
    """False: as in 0.8 and 0.9, idle rows are 0 and `dynamic` holds everything."""
    jitter_ms: int = 20
    late_share: float = 0.002
    """Share of the scrapes that come late by up to 0.4 intervals [1]."""
    node_level: bool = True
    pod_level: bool = True
    """New Kepler only: `kepler_pod_*`."""
    container_level: bool = False
    """New Kepler only: `kepler_container_cpu_*`; the old Kepler always has containers."""
    min_terminated_joules: float = 10.0
    replicas: tuple[str, ...] = ()
    """Names of HA Prometheus replicas: every series once for each, with the label `prometheus_replica`."""
    second_job_node: int | None = None
    """Index of a node whose Kepler a second job (`kepler-debug`) scrapes as well."""
    kube_state: bool = True
    kube_state_seconds: float = 60.0
    app_seconds: float = 60.0
    external_labels: tuple[tuple[str, str], ...] = ()
    """Labels on every series, such as (("cluster", "eu"),)."""

    @property
    def data_start_ms(self) -> int:
        """Time of the first possible sample [Unix ms]."""
        return (self.start - self.warmup_seconds) * 1000

    @property
    def data_ms(self) -> int:
        """Length of the time with samples [ms]."""
        return (self.warmup_seconds + self.range_seconds + self.after_seconds) * 1000

    def offset_ms(self, at: float) -> int:
        """An event time [s after the range's start] on the simulator's axis [ms after the first sample]."""
        return round((at + self.warmup_seconds) * 1000)


SPIKE_JOULES = 1.8e13
REFRESH_MS = {"rewrite": 5000, "legacy": 3000}
REGISTER_WRAP_JOULES = 262_143.0
"""Where the raw RAPL register starts again."""


def scenario(generation: Generation = "rewrite", **changes: Any) -> Scenario:
    """The default cluster of one generation, with `changes` to the fields of `Scenario`."""
    base = Scenario(generation=generation, nodes=default_nodes(generation))
    return replace(base, **changes)
