"""Functional units that come with the tool: `NAME=preset:PRESET`, listed by `sci-batch functional-units`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

RISE = "{rise}"
"""In a preset's query: the counter's increase over one window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """One common source of units of work."""

    unit: str
    """The word for one unit, used where the user names none."""
    meaning: str
    needs: str
    """What must be in Prometheus, and how R comes to the rows."""
    labels: tuple[str, ...]
    """What R is joined on."""
    counter: str = ""
    """Metric that counts; empty: finished Jobs (`job-run`)."""
    matchers: tuple[str, ...] = ()
    query: str = ""
    """PromQL around `RISE`."""

    def promql(self, cluster: tuple[str, ...] = ()) -> str:
        """The query, with `{window}` still in it; `cluster`: matchers of `--cluster-label`."""
        matchers = ",".join((*cluster, *self.matchers))
        selector = f"{self.counter}{{{matchers}}}" if matchers else self.counter
        return self.query.replace(RISE, f"increase({selector}[{{window}}])")


def _renamed(inner: str, **names: str) -> str:
    """PromQL that copies labels: `namespace="destination_workload_namespace"`; absent ones change nothing."""
    for ours, theirs in names.items():
        inner = f'label_replace({inner}, "{ours}", "$1", "{theirs}", "(.+)")'
    return inner


PRESETS: Mapping[str, Preset] = {
    "http": Preset(
        unit="request", meaning="requests that the application itself counts",
        needs="counter http_requests_total with the labels namespace and pod of its target",
        labels=("namespace", "pod"), counter="http_requests_total",
        query=f"sum by (namespace, pod) ({RISE})",
    ),
    "nginx-ingress": Preset(
        unit="request", meaning="requests that came through ingress-nginx, by namespace of the Ingress",
        needs="ingress-nginx with controller.metrics.enabled; every workload of a namespace gets all of its "
        "requests, the total has them once",
        labels=("namespace",), counter="nginx_ingress_controller_requests",
        query=f"sum by (namespace, exported_namespace) ({RISE})",
    ),
    "istio": Preset(
        unit="request", meaning="requests that reached a workload through its Istio proxy",
        needs="Istio's standard metrics; ambient mode counts HTTP only where there is a waypoint",
        labels=("namespace", "workload"), counter="istio_requests_total",
        matchers=('reporter=~"destination|waypoint"',),
        query="sum by (namespace, workload) ("
        + _renamed(RISE, namespace="destination_workload_namespace", workload="destination_workload") + ")",
    ),
    "knative": Preset(
        unit="request", meaning="requests that Knative's queue-proxy passed on to a pod",
        needs="Knative Serving up to 1.18 (later names are OpenTelemetry's), queue-proxy scraped",
        labels=("namespace", "pod"), counter="revision_request_count",
        query=f"sum by (namespace, pod) ({_renamed(RISE, namespace='namespace_name', pod='pod_name')})",
    ),
    "kafka": Preset(
        unit="message", meaning="messages that Kafka brokers took in, by namespace of the brokers",
        needs="JMX exporter of the brokers, lower-case names as Strimzi makes them; a topic's counter only, "
        "so that the broker's sum does not count twice",
        labels=("namespace",), counter="kafka_server_brokertopicmetrics_messagesin_total",
        matchers=('topic!=""',), query=f"sum by (namespace) ({RISE})",
    ),
    "kafka-consumer": Preset(
        unit="message", meaning="messages that a consumer group has read",
        needs="kafka-exporter; consumer groups that are called like their workloads",
        labels=("workload",), counter="kafka_consumergroup_current_offset",
        query=f"sum by (workload) ({_renamed(RISE, workload='consumergroup')})",
    ),
    "jobs": Preset(
        unit="job", meaning="Jobs that finished with success in the window, each once; the same as job-run",
        needs="kube-state-metrics: kube_job_status_completion_time (else kube_job_status_succeeded), "
        "kube_job_owner",
        labels=("namespace", "workload"),
    ),
}  # fmt: skip
