"""Everything a run needs to know, asked of Prometheus. The only step that reads from the network."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice

import pandas as pd

from sci_batch import kepler
from sci_batch.asking import edge_queries
from sci_batch.asking.discover import discover
from sci_batch.asking.discover import query as presence
from sci_batch.asking.plan import Discovery, Plan, pull, step_ms
from sci_batch.asking.raw import samples_per_second
from sci_batch.counters import Counters
from sci_batch.fetch import edges, job_runs, kube, platform, raw, units
from sci_batch.fetch.checkpoint import Checkpoint
from sci_batch.fetch.past import Past
from sci_batch.inputs import Inputs, Kube, Progress
from sci_batch.prometheus.client import Client
from sci_batch.prometheus.threads import threads
from sci_batch.schema import label_column
from sci_batch.settings import FunctionalUnit


def beforehand(client: Client, plan: Plan) -> tuple[Discovery, Kube]:
    """What the plan of the counters depends on: where Kepler is, and what the nodes are; both at once.

    Raises
    ------
    NoDataError
        No Kepler in this range.
    """
    with threads(1, "kube") as aside:
        nodes = aside.submit(kube.of_nodes, client, plan)
        return discover(client, plan), nodes.result()


def everything(
    client: Client, plan: Plan, found: Discovery, nodes: Kube, asked: Sequence[FunctionalUnit],
    progress: Progress, checkpoint: Checkpoint | None = None, *, here: bool = True,
) -> Inputs:  # fmt: skip
    """Ask for all that the plan needs, beyond what was found and what is known of the nodes.

    The counters are begun first: their large queries keep the server busy, those of Kubernetes keep us busy.

    The counters are kept in the checkpoint as they are read, and those that it holds are not read again.
    `here` is false where other processes read them.

    Raises
    ------
    SourceError, AuthError, PartialError
        What the client could not get; nothing is guessed in its place.
    """
    use, notes = pull(plan)
    counters = _stretches(client, plan, found, checkpoint) if here else iter(())
    seed = [*islice(counters, 1)]  # little to ask for; the first large stretch is begun with it
    tables = kube.with_pods(client, plan, nodes)
    notes += _not_shown(plan, tables)
    served, words = _units(client, plan, asked)
    return Inputs(
        counters=_watched(chain(seed, counters), plan, progress), kube=tables, units=served,
        platform=platform.platform(client, plan) if plan.platform else None,
        notes=(*found.notes, *notes, *words), pull=use,
        step_ms=step_ms(plan.energy_edges_ms) if use == "edges" else 0,
    )  # fmt: skip


def _not_shown(plan: Plan, tables: Kube) -> tuple[str, ...]:
    """Notes on what kube-state-metrics says nothing of, and the rows would need."""
    notes = []
    if not len(tables.pod_owners):
        notes.append("kube-state-metrics shows no pod owners: workloads are read from the pods' names")
    for key in plan.label_keys:
        column = label_column(key)
        if not any((table[column] != "").any() for table in (tables.pod_labels, tables.namespace_labels)):
            notes.append(
                f"no pod and no namespace has {column}: label:{key} is empty in all rows (kube-state-metrics "
                f"shows labels with --metric-labels-allowlist=pods=[{key}],namespaces=[{key}])"
            )
    return tuple(notes)


def paced(client: Client, plan: Plan, found: Discovery) -> Discovery:
    """The same with the rate of the samples, where the pull depends on it: asked once for all who read."""
    if pull(plan)[0] == "edges":
        return found
    return replace(found, samples_per_second=samples_per_second(client, plan, found))


def read(client: Client, plan: Plan, found: Discovery, past: Past) -> Iterator[Counters]:
    """COUNTERS from where the past ends, one stretch at a time.

    Raises
    ------
    SourceError, AuthError, PartialError
        What the client could not get.
    """
    method = edges.counters if pull(plan)[0] == "edges" else raw.counters
    return method(client, plan, found, past)


def _stretches(
    client: Client, plan: Plan, found: Discovery, checkpoint: Checkpoint | None
) -> Iterator[Counters]:
    if checkpoint is None:
        return read(client, plan, found, Past())
    return checkpoint.kept(plan, pull(plan)[0], lambda past: read(client, plan, found, past), client)


def _watched(stretches: Iterator[Counters], plan: Plan, progress: Progress) -> Iterator[Counters]:
    length, values, begun = plan.end_ms - plan.start_ms, 0, time.monotonic()
    for stretch in stretches:
        yield stretch
        values += len(stretch.key)
        words = f"pulling counters, {_rate(values, time.monotonic() - begun)} values/s"
        progress(words, 0.1 + 0.9 * max(0, stretch.end_ms - plan.start_ms) / length)


def _rate(count: int, seconds: float) -> str:
    """`512`, `1,300k`: few characters, as it stands beside a bar."""
    each = count / max(seconds, 1e-3)
    return f"{each:.0f}" if each < 10_000 else f"{each / 1000:,.0f}k"


def _units(
    client: Client, plan: Plan, asked: Sequence[FunctionalUnit]
) -> tuple[dict[str, pd.DataFrame], tuple[str, ...]]:
    """UNITS of everything that the server counts, by name, and notes."""
    served: dict[str, pd.DataFrame] = {}
    notes: tuple[str, ...] = ()
    for unit in asked:
        if unit.kind == "prometheus":
            served[unit.name] = units.units(client, plan, unit.argument)
        elif unit.kind == "job-run":
            served[unit.name], more = job_runs.job_runs(client, plan)
            notes += more
    return served, notes


def queries(plan: Plan, asked: Sequence[FunctionalUnit]) -> list[str]:
    """The PromQL that would be sent, without asking anything: every meter, both generations.

    What Kepler does not show is not asked for, nor how long pods lived by further power domains where the
    first one tells; raw samples of what restarted are asked for as well.
    """
    use, _ = pull(plan)
    meters = [
        meter
        for group in kepler.meters(plan.power_domains, plan.cluster, plan.labels).values()
        for meter in group
    ]
    texts = [presence(plan, meter) for meter in meters]
    if use == "edges":
        step = step_ms(plan.energy_edges_ms)
        texts += [text for meter in meters for text in edge_queries.queries(plan, meter, step).values()]
        for rest in (False, True):
            texts += [text for _, text in edge_queries.lived(plan, meters, step, rest=rest)]
    else:
        span = kepler.duration(plan.end_ms - plan.start_ms)
        texts += [f"{meter.selector()}[{span}]" for meter in meters]
    texts += kube.queries(plan)
    for unit in asked:
        if unit.kind == "prometheus":
            texts.append(units.filled(unit.argument, plan.edges_ms[1] - plan.edges_ms[0]))
        elif unit.kind == "job-run":
            texts.append(job_runs.completed_query(plan))
    return texts
