"""Everything a run needs to know, asked of Prometheus. The only step that reads from the network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pandas as pd

from sci_batch import kepler
from sci_batch.counters import Counters
from sci_batch.fetch import edges, kube, raw, units
from sci_batch.fetch.discover import discover
from sci_batch.fetch.kube import Kube
from sci_batch.fetch.plan import SHORTEST_EDGES_MS, Plan, step_ms
from sci_batch.prometheus.client import Client

__all__ = ["Inputs", "Kube", "Plan", "everything", "queries"]

Progress = Callable[[str, float], None]
"""Called with what is being done and the share done, 0..1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What the meters and Kubernetes showed. `counters` is read once, stretch by stretch."""

    counters: Iterator[Counters]
    kube: Kube
    units: pd.DataFrame | None
    """UNITS (`fetch.units`), None without a PromQL functional unit."""
    notes: tuple[str, ...]
    pull: str
    """The pull that is really used."""
    step_ms: int
    """Spacing of the edges; 0 for raw samples."""


def everything(client: Client, plan: Plan, promql: str | None, progress: Progress) -> Inputs:
    """Ask for all that the plan needs.

    Raises
    ------
    NoDataError
        No Kepler in this range.
    SourceError, AuthError, PartialError
        What the client could not get; nothing is guessed in its place.
    """
    progress("looking for Kepler", 0.0)
    found = discover(client, plan)
    use, notes = pull(plan)
    progress("asking kube-state-metrics", 0.05)
    tables = kube.kube(client, plan)
    if not len(tables.pod_owners):
        notes += ("kube-state-metrics shows no pod owners: workloads are read from the pods' names",)
    served = units.units(client, plan, promql) if promql else None
    method = edges if use == "edges" else raw
    return Inputs(
        counters=_watched(method.counters(client, plan, found), plan, progress), kube=tables, units=served,
        notes=(*found.notes, *notes), pull=use, step_ms=step_ms(plan.edges_ms) if use == "edges" else 0,
    )  # fmt: skip


def pull(plan: Plan) -> tuple[str, tuple[str, ...]]:
    """The pull method to use: edges save nothing where the windows are short."""
    if plan.pull == "edges" and step_ms(plan.edges_ms) < SHORTEST_EDGES_MS:
        return "raw", ("windows below 5 minutes: raw samples are pulled instead of edges",)
    return plan.pull, ()


def _watched(stretches: Iterator[Counters], plan: Plan, progress: Progress) -> Iterator[Counters]:
    length = plan.end_ms - plan.start_ms
    for stretch in stretches:
        yield stretch
        progress("pulling energy counters", 0.1 + 0.9 * max(0, stretch.end_ms - plan.start_ms) / length)


def queries(plan: Plan, promql: str | None) -> list[str]:
    """The PromQL that would be sent, without asking anything: every meter, both generations."""
    use, _ = pull(plan)
    meters = [
        meter
        for group in kepler.meters(plan.power_domains, plan.cluster, plan.labels).values()
        for meter in group
    ]
    texts: list[str] = []
    if use == "edges":
        step = step_ms(plan.edges_ms)
        texts += [text for meter in meters for text in edges.queries(plan, meter, step).values()]
        texts += [edges.lived_query(plan, pod, node, step) for pod, node in edges.pairs(meters)]
    else:
        texts += [f"{meter.selector()}[...]" for meter in meters]
    texts += kube.queries(plan)
    if promql:
        texts.append(units.filled(promql, plan.edges_ms[1] - plan.edges_ms[0]))
    return texts
