"""A Pushgateway: the newest window as gauges, by the official client with a registry of its own.

PUT replaces the whole group `job="sci_batch"` + cluster + group, so the series of a workload that is gone
go too. Nothing in the key tells runs apart: a repeated run changes only the time of its success.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry, Metric, delete_from_gateway, push_to_gateway

from sci_batch.report import Report
from sci_batch.sinks import SinkOptions
from sci_batch.sinks.access import JOB, shown
from sci_batch.sinks.delivery import Delivery
from sci_batch.sinks.families import Family, check_count, common_labels, last_success, newest, of_report

NAME = "a Pushgateway"


def write(report: Report, path: Path | None, options: SinkOptions) -> None:  # noqa: ARG001 -- sinks are alike
    """Replace the group by the newest window."""
    # The server adds the labels of the group, which stand in the address, to every series.
    found = [*of_report(newest(report), {}), last_success({}, options.now_ms)]
    check_count(found, options.push)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(found))
    key = common_labels(report, options.push, job=False)
    with Delivery(options.target, options.push, name=NAME) as delivery:
        push_to_gateway(shown(options.target), JOB, registry, grouping_key=key, handler=_handler(delivery))


def delete(options: SinkOptions, key: Mapping[str, str]) -> None:
    """Delete the group with the labels `key`; one that is not there is no error.

    Raises
    ------
    SinkError
        The server cannot be reached, or refuses.
    """
    with Delivery(options.target, options.push, name=NAME) as delivery:
        delete_from_gateway(shown(options.target), JOB, grouping_key=dict(key), handler=_handler(delivery))


def _handler(delivery: Delivery) -> Callable[..., Callable[[], None]]:
    """Sends what the client would: its own way knows no bearer token, and follows redirects with a login."""

    def handle(
        *, url: str, method: str, headers: list[tuple[str, str]], data: bytes, **_: object
    ) -> Callable[[], None]:
        return lambda: delivery.send(method, url, data, dict(headers))

    return handle


class _Collector:
    """Hands the families to the registry."""

    def __init__(self, families: list[Family]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        for family in self._families:
            metric = Metric(family.metric.name, family.metric.meaning, "gauge")
            for labels, _, value in family.samples():
                metric.add_sample(metric.name, dict(labels), value)
            yield metric
