"""A stand-in for a Prometheus server that answers the raw pull from a list of series."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

import numpy as np

from sci_batch import kepler
from sci_batch.asking.plan import Discovery, Plan
from sci_batch.counters import Counters
from sci_batch.fetch import raw
from sci_batch.fetch.past import Past
from sci_batch.prometheus.client import Client
from sci_batch.prometheus.samples import Samples, empty, label_set

Item = TypeVar("Item")
Result = TypeVar("Result")

_SELECTOR = re.compile(r"(\w+)\{(.*)\}")
_MATCHER = re.compile(r'(\w+)(=~|=)"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One stored series: labels with `__name__`, and (Unix ms, value)."""

    labels: dict[str, str]
    samples: tuple[tuple[int, float], ...]


class Recorded:
    """Speaks the part of `Client` that `fetch.raw` uses."""

    def __init__(self, series: Sequence[Series]) -> None:
        self._series = series

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        return [function(item) for item in items]

    def instant(self, query: str, at_ms: int) -> Samples:  # noqa: ARG002 - every answer is empty
        """Only asked for the scrape rate: a handful of samples in ten minutes."""
        return empty()

    def stored(self, selector: str, start_ms: int, end_ms: int) -> Samples:
        found = [
            (one, [sample for sample in one.samples if start_ms < sample[0] <= end_ms])
            for one in self._series
            if _matches(one.labels, selector)
        ]
        found = [(one, samples) for one, samples in found if samples]
        if not found:
            return empty()
        flat = [(n, t, value) for n, (_, samples) in enumerate(found) for t, value in samples]
        return Samples(
            sets=[label_set(one.labels) for one, _ in found],
            series=np.array([row[0] for row in flat], np.int32),
            time_ms=np.array([row[1] for row in flat], np.int64),
            value=np.array([row[2] for row in flat], np.float64),
        )  # fmt: skip


def _matches(labels: dict[str, str], selector: str) -> bool:
    found = _SELECTOR.fullmatch(selector)
    assert found is not None, selector
    metric, matchers = found.groups()
    if labels["__name__"] != metric:
        return False
    return all(
        (value == labels.get(name, "")) if how == "=" else bool(re.fullmatch(value, labels.get(name, "")))
        for name, how, value in _MATCHER.findall(matchers)
    )


def plan(
    edges_ms: Sequence[int], *, power_domains: tuple[str, ...] = ("package",), max_gap_ms: int = 180_000
) -> Plan:
    return Plan(
        edges_ms=tuple(edges_ms), pull="raw", power_domains=power_domains, cluster=(), max_gap_ms=max_gap_ms
    )


def counters(
    series: Sequence[Series],
    asked: Plan,
    *,
    node_names: dict[str, str] | None = None,
    containers: bool = False,
) -> Iterator[Counters]:
    """COUNTERS by the raw pull; `containers`: of the rewrite too, where no pod counters are."""
    there = {one.labels["__name__"] for one in series}
    meters = [
        meter
        for (generation, level), group in kepler.meters(
            asked.power_domains, asked.cluster, asked.labels
        ).items()
        for meter in group
        if meter.metric in there and (containers or (generation, level) != (kepler.REWRITE, kepler.CONTAINER))
    ]
    found = Discovery(meters=tuple(meters), series=len(series), node_names=node_names or {})
    return raw.counters(cast(Client, Recorded(series)), asked, found, Past())
