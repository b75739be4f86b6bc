"""The counters of a large made-up cluster, as a Kepler of today and kube-state-metrics would show them.

Not the simulator: there is no truth to find again here, only the amount and the shape of real data.
Every pod's place is taken all the time, so that the number of samples is known: pods x 2 power domains
x scrapes. Deployments roll out, CronJobs begin a new pod every hour, one Kepler restarts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tests.simulator.power import Floats, Ints
from tests.simulator.series import Series

START_SECONDS = 1_780_272_000
"""2026-06-01T00:00:00Z. Fixed, so that the data can be kept and every run asks the same."""
BEFORE_SECONDS = 20 * 60
"""Scrapes before the range, for each counter's value at its start."""
SCRAPE_SECONDS = 30
KUBE_SECONDS = 120
DOMAINS = {"package": 1.0, "dram": 0.15}
"""Power of each domain, relative to the package."""
REPLICAS = 8
CRON_SHARE = 0.02
ROLLOUT_EVERY = 10
"""Every tenth Deployment rolls out once."""
RESTARTED_NODE = 7
RESTART_MISSES = 2
"""Scrapes that a restart of Kepler costs."""

_HASH = np.array(list("456789bcdf"))
_RANDOM = np.array(list("bcdfghjklmnpqrstvwxz2456789"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large the cluster is, and how long it is watched."""

    pods: int = 1000
    nodes: int = 30
    hours: int = 24

    @property
    def scrapes(self) -> int:
        """Scrapes of each node, those before the range included."""
        return (BEFORE_SECONDS + self.hours * 3600) // SCRAPE_SECONDS + 2

    @property
    def pod_samples(self) -> int:
        """Samples of pod counters inside the range, about."""
        return self.pods * len(DOMAINS) * self.hours * 3600 // SCRAPE_SECONDS

    @property
    def end_seconds(self) -> int:
        """End of the range [Unix s]."""
        return START_SECONDS + self.hours * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One pod: who it is, and at which scrapes of its node it is seen, from `born` up to before `dies`."""

    namespace: str
    pod: str
    uid: str
    owner_kind: str
    owner: str
    above: tuple[str, str]
    """Kind and name of the owner's owner, empty where it has none."""
    node: int
    born: int
    dies: int


def cluster(size: Size, seed: int = 1) -> Iterator[Series]:
    """Every series of Kepler and kube-state-metrics."""
    random = np.random.default_rng(seed)
    pods = list(lives(size, random))
    busy = {domain: np.zeros((size.nodes, size.scrapes)) for domain in DOMAINS}
    for life in pods:
        yield from _of_pod(size, life, busy, random)
    for node in range(size.nodes):
        yield from _of_node(size, node, busy, random)
    yield from _kube(size, pods)


def lives(size: Size, random: np.random.Generator) -> Iterator[Life]:
    """The pods of all places, one after the other in each."""
    cron = int(size.pods * CRON_SHARE)
    daemons = min(2, (size.pods - cron) // size.nodes)
    for place in range(size.pods):
        if place < cron:
            yield from _cron_jobs(size, place, random)
        elif place < cron + daemons * size.nodes:
            number, node = divmod(place - cron, size.nodes)
            name = ("log-agent", "node-exporter")[number]
            yield _life(random, "platform", name, ("DaemonSet", name), ("", ""), node, 0, size.scrapes)
        else:
            yield from _deployment(size, place - cron - daemons * size.nodes, random)


def _cron_jobs(size: Size, place: int, random: np.random.Generator) -> Iterator[Life]:
    name = f"report-{place:02d}"
    hour = 3600 // SCRAPE_SECONDS
    edges = [0, *range((place * 7) % hour + 1, size.scrapes, hour), size.scrapes]
    for number, (born, dies) in enumerate(pairwise(edges)):
        job = f"{name}-{START_SECONDS // 60 + number * 60}"
        node = (place + number) % size.nodes
        yield _life(random, "batch", job, ("Job", job), ("CronJob", name), node, born, dies)


def _deployment(size: Size, place: int, random: np.random.Generator) -> Iterator[Life]:
    number, replica = divmod(place, REPLICAS)
    name, namespace = f"service-{number:03d}", f"team-{number % 10}"
    node = (number * 3 + replica) % size.nodes
    first, second = (_letters(np.random.default_rng(number * 2 + turn), _HASH, 9) for turn in (0, 1))
    sets = [f"{name}-{first}", f"{name}-{second}"]
    rolls_at = size.scrapes  # never
    if number % ROLLOUT_EVERY == 0:
        rolls_at = int(size.scrapes * (0.2 + 0.6 * (number % 37) / 37)) + replica * 3
    edges = [0, rolls_at, size.scrapes]
    for turn, (born, dies) in enumerate(pairwise(edges)):
        if born < dies:
            owner, place_now = ("ReplicaSet", sets[turn]), (node + turn * 11) % size.nodes
            yield _life(
                random, namespace, sets[turn], owner, ("Deployment", name), place_now, born, dies
            )  # fmt: skip


def _life(
    random: np.random.Generator, namespace: str, stem: str, owner: tuple[str, str], above: tuple[str, str],
    node: int, born: int, dies: int,
) -> Life:  # fmt: skip
    digits = random.bytes(16).hex()
    uid = f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
    return Life(
        namespace=namespace, pod=f"{stem}-{_letters(random, _RANDOM, 5)}", uid=uid, owner_kind=owner[0],
        owner=owner[1], above=above, node=node, born=born, dies=dies,
    )  # fmt: skip


def _letters(random: np.random.Generator, alphabet: np.ndarray, length: int) -> str:
    return "".join(random.choice(alphabet, length).tolist())


def _scrape_ms(size: Size, node: int) -> Ints:
    """When a node is scraped: every 30 s, each node at its own moment."""
    first = (START_SECONDS - BEFORE_SECONDS) * 1000 + (node * 7919) % (SCRAPE_SECONDS * 1000)
    return first + np.arange(size.scrapes, dtype=np.int64) * (SCRAPE_SECONDS * 1000)


def _restart(size: Size, node: int) -> int:
    """The first scrape after the restart of a node's Kepler; beyond the end where it never restarts."""
    return size.scrapes * 13 // 24 if node == RESTARTED_NODE % size.nodes else size.scrapes


def _of_pod(size: Size, life: Life, busy: dict[str, Floats], random: np.random.Generator) -> Iterator[Series]:
    """A pod's counters, and its final total as `terminated`; what it used is added to its node."""
    length = life.dies - life.born + 1  # the last rise is that of the terminated sample
    ends = life.dies < size.scrapes
    restart = _restart(size, life.node)
    counted = restart - life.born if life.born < restart <= life.dies else 0
    watts = random.lognormal(1.5, 0.7)
    shape = 1 + 0.4 * np.sin(np.arange(life.born, life.born + length) / 400) + 0.2 * random.random(length)
    shape[[0, -1]] *= 0.5
    identity = {"pod_id": life.uid, "pod_name": life.pod, "pod_namespace": life.namespace}
    for domain, part in DOMAINS.items():
        rise = watts * part * SCRAPE_SECONDS * shape
        busy[domain][life.node, life.born : life.dies] += rise[:-1]
        labels = {"__name__": "kepler_pod_cpu_joules_total", **identity, "zone": domain}
        yield from _counter(size, life.node, {**labels, "state": "running"}, life.born, rise[:-1])
        if ends:
            busy[domain][life.node, life.dies] += rise[-1]
            total = rise[counted:].sum(keepdims=True)
            yield from _counter(size, life.node, {**labels, "state": "terminated"}, life.dies, total)


def _of_node(size: Size, node: int, busy: dict[str, Floats], random: np.random.Generator) -> Iterator[Series]:
    """Active (pods and host processes) and idle of each domain; idle begins at the register's value."""
    for domain, part in DOMAINS.items():
        labels = {"zone": domain, "path": f"/host/sys/class/powercap/intel-rapl:0:{domain}"}
        host = 6.0 * part * SCRAPE_SECONDS * (1 + random.random(size.scrapes))
        active = {"__name__": "kepler_node_cpu_active_joules_total", **labels}
        yield from _counter(size, node, active, 0, busy[domain][node] + host)
        idle = {"__name__": "kepler_node_cpu_idle_joules_total", **labels}
        rise = np.full(size.scrapes, 55.0 * part * SCRAPE_SECONDS) + random.random(size.scrapes)
        yield from _counter(size, node, idle, 0, rise, register=random.uniform(5e4, 2e5))


def _counter(
    size: Size, node: int, labels: dict[str, str], begin: int, rise: Floats, register: float = 0.0
) -> Iterator[Series]:
    """One counter from scrape `begin` on, [J]; a restart of Kepler makes it two series, both from zero."""
    times = _scrape_ms(size, node)
    restart = _restart(size, node)
    split = min(max(restart - begin, 0), len(rise))
    for turn, part in enumerate((rise[:split], rise[split:])):
        first = begin + (split if turn else 0)
        seen = len(part) - (RESTART_MISSES if not turn and split < len(rise) else 0)
        if seen > 0:
            value = register * (1 + turn) + np.cumsum(part)[:seen]
            yield _series({**labels, **_target(node, turn)}, times, first, value)


def _target(node: int, turn: int) -> dict[str, str]:
    """Target labels; a restarted Kepler has another pod and address."""
    return {
        "node_name": _node(node), "instance": f"10.0.{turn}.{node}:28282", "job": "kepler",
        "namespace": "kepler", "pod": f"kepler-{turn}{node:02d}xq", "container": "kepler", "endpoint": "http",
    }  # fmt: skip


def _series(labels: dict[str, str], times: Ints, first: int, value: Floats) -> Series:
    after = first + len(value)
    return Series(labels, times[first:after], np.round(value, 6), times[after : after + 1])


def _kube(size: Size, pods: list[Life]) -> Iterator[Series]:
    """What kube-state-metrics says of the pods while they live, of their owners, and of the nodes."""
    step = KUBE_SECONDS // SCRAPE_SECONDS
    times = _scrape_ms(size, 0)[::step]
    target = {"job": "kube-state-metrics", "instance": "10.0.9.9:8080", "endpoint": "http"}

    def fact(name: str, labels: dict[str, str], born: int, dies: int, value: float = 1.0) -> Series:
        first, after = -(-born // step), -(-dies // step)
        return _series({"__name__": name, **labels, **target}, times, first, np.full(after - first, value))

    above: dict[tuple[str, str, str], tuple[int, int, tuple[str, str]]] = {}
    for life in pods:
        span = (life.born, life.dies)
        pod = {"namespace": life.namespace, "pod": life.pod, "uid": life.uid}
        node = {"node": _node(life.node)}
        owner = {"owner_kind": life.owner_kind, "owner_name": life.owner, "owner_is_controller": "true"}
        yield fact("kube_pod_owner", {**pod, **owner}, *span)
        yield fact("kube_pod_info", {**pod, **node}, *span)
        created = times[0] // 1000 + life.born * SCRAPE_SECONDS - 5
        yield fact("kube_pod_created", pod, *span, value=float(created))
        for resource, unit, amount in (("cpu", "core", 0.25), ("memory", "byte", 2**28)):
            asked = {"container": "main", "resource": resource, "unit": unit}
            yield fact("kube_pod_container_resource_requests", {**pod, **node, **asked}, *span, value=amount)
        if life.above[0]:
            key = (life.namespace, life.owner_kind, life.owner)
            born, dies, _ = above.get(key, (*span, life.above))
            above[key] = (min(born, life.born), max(dies, life.dies), life.above)
    for (namespace, kind, name), (born, dies, (owner_kind, owner_name)) in above.items():
        metric, label = _ABOVE[kind]
        labels = {"namespace": namespace, label: name, "owner_kind": owner_kind, "owner_name": owner_name}
        yield fact(metric, labels, born, dies)
    for number in range(size.nodes):
        node = {"node": _node(number)}
        yield fact("kube_node_info", {**node, "provider_id": f"metal://{number}"}, 0, size.scrapes)
        yield fact("kube_node_labels", {**node, "label_kubernetes_io_arch": "amd64"}, 0, size.scrapes)
        for resource, unit, amount in (("cpu", "core", 64), ("memory", "byte", 2**38)):
            labels = {**node, "resource": resource, "unit": unit}
            yield fact("kube_node_status_capacity", labels, 0, size.scrapes, value=amount)


_ABOVE = {"ReplicaSet": ("kube_replicaset_owner", "replicaset"), "Job": ("kube_job_owner", "job_name")}


def _node(number: int) -> str:
    return f"worker-{number:02d}"
