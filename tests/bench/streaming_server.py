"""A server of answers that it never holds: counters of as many pods and days as are asked for.

`python -m tests.bench.streaming_server PODS` prints its address and serves until its standard input ends.
It knows the queries of the edges pull, and answers as Prometheus does: compact JSON, in chunks. Pods live all
the time and differ in their names; what they use follows a few curves, rendered once an answer. A node's own
counters are the sum of its pods, and some for the host, so that the books close.
"""

from __future__ import annotations

import json
import re
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import numpy as np

from tests.bench.cluster import DOMAINS, START_SECONDS

CURVES = 50
PODS_PER_NODE = 100
SCRAPE_SECONDS = 30
REPLICAS = 8
PIECE_BYTES = 256 * 1024
DAY_SECONDS = 86_400
_METRIC = re.compile(r"\b(kepler_\w+|kube_\w+)\{")
Floats = np.ndarray


@dataclass(frozen=True, slots=True)
class World:
    """Who is there, and what they have used at a time."""

    pods: int

    @property
    def nodes(self) -> int:
        """As many as hold the pods."""
        return -(-self.pods // PODS_PER_NODE)

    def pod_joules(self, seconds: Floats) -> Floats:
        """Package energy of each curve at each time [J], curves x times; they only rise."""
        watts = 2.0 + np.arange(CURVES) * 0.37
        since = seconds - START_SECONDS + DAY_SECONDS
        day = 1 - np.cos(since / DAY_SECONDS * 2 * np.pi)
        return np.asarray(watts[:, None] * (since + 0.3 * DAY_SECONDS / (2 * np.pi) * day)[None, :])

    def active_joules(self, seconds: Floats) -> Floats:
        """Package energy of pods and host of each node at each time [J], nodes x times."""
        place = np.arange(self.pods)
        held = np.zeros((self.nodes, CURVES))
        np.add.at(held, (place % self.nodes, place // self.nodes % CURVES), 1)
        host = 6.0 * (seconds - START_SECONDS + DAY_SECONDS)
        return np.asarray(held @ self.pod_joules(seconds) + host[None, :])


@dataclass(slots=True)
class Answer:
    """One query: where to look, and when."""

    world: World
    metric: str
    text: str
    seconds: Floats
    matrix: bool
    values: int = 0
    """Sent so far."""

    def pieces(self) -> Iterator[bytes]:
        """The whole body."""
        kind = "matrix" if self.matrix else "vector"
        yield b'{"status":"success","data":{"resultType":"%s","result":[' % kind.encode()
        comma = b""
        for labels, values in self._series():
            self.values += len(self.seconds)
            yield comma + b'{"metric":' + labels + values + b"}"
            comma = b","
        yield b"]}}"

    def _series(self) -> Iterator[tuple[bytes, bytes]]:
        if self.text.startswith(("resets(", "(")):  # nothing fell, and all lived all the time
            return
        if self.metric.startswith("kube_"):
            yield from self._kube()
        elif self.text.startswith("count by"):
            yield from self._presence()
        elif self.metric == "kepler_pod_cpu_joules_total":
            yield from self._pods()
        elif self.metric in ("kepler_node_cpu_active_joules_total", "kepler_node_cpu_idle_joules_total"):
            yield from self._nodes()

    def _values(self, numbers: Floats) -> bytes:
        texts = [f'[{at},"{value:.15g}"]' for at, value in zip(self._times(), numbers.tolist(), strict=True)]
        if self.matrix:
            return (',"values":[' + ",".join(texts) + "]").encode()
        return (',"value":' + texts[-1]).encode()

    def _times(self) -> list[str]:
        return [f"{at:.15g}" for at in self.seconds.tolist()]

    def _pods(self) -> Iterator[tuple[bytes, bytes]]:
        for domain, part in DOMAINS.items():
            joules = np.round(self.world.pod_joules(self.seconds) * part, 6)
            bodies = [self._values(row) for row in joules]
            for place in range(self.world.pods):
                node = place % self.world.nodes
                namespace, pod, uid, _ = _pod(place)
                labels = (
                    f'{{"__name__":"{self.metric}","container":"kepler","endpoint":"http",{_target(node)},'
                    f'"namespace":"kepler","pod":"kepler-{node:05d}","pod_id":"{uid}","pod_name":"{pod}",'
                    f'"pod_namespace":"{namespace}","state":"running","zone":"{domain}"}}'
                )
                yield labels.encode(), bodies[place // self.world.nodes % CURVES]

    def _nodes(self) -> Iterator[tuple[bytes, bytes]]:
        if "idle" in self.metric:
            whole = np.repeat(
                (55.0 * (self.seconds - START_SECONDS + DAY_SECONDS))[None, :], self.world.nodes, 0
            )
        else:
            whole = self.world.active_joules(self.seconds)
        for domain, part in DOMAINS.items():
            path = f"/host/sys/class/powercap/intel-rapl:0:{domain}"
            joules = np.round(whole * part, 6)
            if self.text.startswith("count_over_time"):  # at how many moments it was seen young
                span = self.seconds[1] - self.seconds[0] if len(self.seconds) > 1 else 3600.0
                joules = np.full_like(joules, span / SCRAPE_SECONDS)
            for node in range(self.world.nodes):
                name = "" if self.text.startswith("count_over_time") else f'"__name__":"{self.metric}",'
                labels = f'{{{name}{_target(node)},"path":"{path}","zone":"{domain}"}}'
                yield labels.encode(), self._values(joules[node])

    def _presence(self) -> Iterator[tuple[bytes, bytes]]:
        if self.metric not in _PRESENT:
            return
        for domain in DOMAINS:
            for node in range(self.world.nodes):
                count = len(range(node, self.world.pods, self.world.nodes)) if "pod" in self.metric else 1
                labels = f'{{"node_name":"{_node(node)}","zone":"{domain}"}}'
                yield labels.encode(), self._values(np.full(len(self.seconds), float(count)))

    def _kube(self) -> Iterator[tuple[bytes, bytes]]:
        one = {1.0: self._values(np.ones(len(self.seconds)))}
        for labels, value in _facts(self.metric, self.text, self.world):
            if value not in one:
                one[value] = self._values(np.full(len(self.seconds), value))
            yield json.dumps(labels, separators=(",", ":")).encode(), one[value]


_PRESENT = {
    "kepler_pod_cpu_joules_total", "kepler_node_cpu_active_joules_total", "kepler_node_cpu_idle_joules_total",
}  # fmt: skip


def _facts(metric: str, text: str, world: World) -> Iterator[tuple[dict[str, str], float]]:
    """Labels and value of each series that kube-state-metrics would show."""
    memory = 'resource="memory"' in text
    for place in range(world.pods if metric.startswith("kube_pod") else 0):
        namespace, pod, uid, owner = _pod(place)
        labels = {"namespace": namespace, "pod": pod, "uid": uid}
        if metric == "kube_pod_owner":
            yield {**labels, "owner_kind": "ReplicaSet", "owner_name": owner}, 1.0
        elif metric == "kube_pod_info":
            yield {**labels, "node": _node(place % world.nodes)}, 1.0
        elif metric == "kube_pod_created":
            yield labels, float(START_SECONDS - DAY_SECONDS)
        elif metric == "kube_pod_container_resource_requests":
            yield {**labels, "container": "main"}, 2.0**28 if memory else 0.25
    if metric == "kube_replicaset_owner":
        for number in range(-(-world.pods // REPLICAS)):
            namespace, _, _, owner = _pod(number * REPLICAS)
            yield {
                "namespace": namespace, "replicaset": owner, "owner_kind": "Deployment",
                "owner_name": f"service-{number:04d}",
            }, 1.0  # fmt: skip
    for node in range(world.nodes if metric.startswith("kube_node") else 0):
        labels = {"node": _node(node)}
        if metric == "kube_node_info":
            yield {**labels, "provider_id": f"metal://{node}"}, 1.0
        elif metric == "kube_node_status_capacity" and "nvidia" not in text:
            yield labels, 2.0**38 if memory else 64.0
        elif metric == "kube_node_labels":
            yield {**labels, "label_kubernetes_io_arch": "amd64"}, 1.0


def _pod(place: int) -> tuple[str, str, str, str]:
    """Namespace, name, uid and ReplicaSet."""
    number = place // REPLICAS
    owner = f"service-{number:04d}-6d4b75cb6d"
    uid = f"{place:08x}-5b1f-4c1e-9d3a-{place * 2654435761 % 2**48:012x}"
    return f"team-{number % 40:02d}", f"{owner}-{place:05x}", uid, owner


def _node(number: int) -> str:
    return f"worker-{number:03d}"


def _target(node: int) -> str:
    return f'"instance":"10.0.{node // 250}.{node % 250}:28282","job":"kepler","node_name":"{_node(node)}"'


@dataclass(slots=True)
class Sent:
    """What has been sent since the start."""

    values: int = 0
    body_bytes: int = 0
    queries: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


def asked(world: World, path: str, form: dict[str, list[str]]) -> Answer:
    """What a request means."""
    text = form["query"][0]
    found = _METRIC.search(text)
    if path.endswith("query_range"):
        first, last, step = (float(form[name][0]) for name in ("start", "end", "step"))
        seconds = first + step * np.arange(int((last - first) / step + 1e-6) + 1)
    else:
        seconds = np.array([float(form["time"][0])])
    return Answer(world, found[1] if found else "", text, seconds, path.endswith("query_range"))


def handler(world: World, sent: Sent) -> type[BaseHTTPRequestHandler]:
    """Requests of one world."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            answer = asked(world, self.path.partition("?")[0], form)
            self._begin()
            length = _in_chunks(answer.pieces(), self.wfile.write)
            with sent.lock:
                sent.values += answer.values
                sent.body_bytes += length
                sent.queries += 1

        def do_GET(self) -> None:
            """What has been sent."""
            self._begin()
            with sent.lock:
                told = {"values": sent.values, "body_bytes": sent.body_bytes, "queries": sent.queries}
            _in_chunks(iter([json.dumps(told).encode()]), self.wfile.write)

        def _begin(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()

        def log_request(self, *_: object) -> None:
            """Say nothing."""

    return Handler


def _in_chunks(pieces: Iterator[bytes], write: Callable[[bytes], object]) -> int:
    """HTTP chunks of a size that the kernel likes; the length of the body."""
    waiting: list[bytes] = []
    size = total = 0

    def flush() -> None:
        body = b"".join(waiting)
        write(b"%x\r\n%b\r\n" % (len(body), body))

    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= PIECE_BYTES:
            flush()
            total, size = total + size, 0
            waiting.clear()
    if size:
        flush()
    write(b"0\r\n\r\n")
    return total + size


def main() -> None:
    """Serve until standard input ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(World(int(sys.argv[1])), Sent()))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
