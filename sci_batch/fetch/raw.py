"""The raw pull: every stored sample, stretch by stretch. The reference for any cheaper pull."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sci_batch.asking.plan import Discovery, Plan, Stretch, raw_stretches
from sci_batch.asking.raw import ask, samples_per_second
from sci_batch.counters import Counters
from sci_batch.fetch.ahead import ahead
from sci_batch.fetch.marks import marks, observed_between
from sci_batch.fetch.past import Past
from sci_batch.fetch.registry import Readings, duplicate_flags, merged, one_scraper, readings
from sci_batch.prometheus.client import Client


def counters(client: Client, plan: Plan, found: Discovery, past: Past) -> Iterator[Counters]:
    """COUNTERS of the range from where the past ends, one stretch at a time, each with every sample once."""
    rate = found.samples_per_second
    rate = samples_per_second(client, plan, found) if rate is None else rate
    stretches = raw_stretches(plan, found.series, rate, past.end_ms)
    for stretch, answers in ahead((stretch, ask(client, found, stretch)) for stretch in stretches):
        yield _stretch(readings(past.registry, answers, plan.labels, found.node_names), plan, past, stretch)
        past.end_ms = stretch.end_ms


def _stretch(found: Readings, plan: Plan, past: Past, stretch: Stretch) -> Counters:
    read, twice = one_scraper(found, touching=False)
    key, time_ms, joules = merged(read.key, read.time_ms, read.joules)
    node, mark_ms = marks(read, past.registry)
    observed = observed_between(node, mark_ms, past.last_mark, plan.max_gap_ms, end_ms=_end(plan, stretch))
    return Counters(
        start_ms=stretch.start_ms, end_ms=stretch.end_ms, keys=past.registry.keys, nodes=past.registry.nodes,
        key=key, time_ms=time_ms, joules=joules, alive=np.broadcast_to(np.float64(1), len(key)),
        flags=duplicate_flags(key, twice),
        mark_node=node, mark_ms=mark_ms,
        observed_node=observed[0], observed_from_ms=observed[1], observed_to_ms=observed[2],
    )  # fmt: skip


def _end(plan: Plan, stretch: Stretch) -> int | None:
    return plan.end_ms if stretch.end_ms == plan.end_ms else None
