"""Raw samples of single steps: for nodes and pods of which one value per step does not tell enough."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from sci_batch import kepler
from sci_batch.asking.plan import Discovery, Plan
from sci_batch.fetch.cells import Cells
from sci_batch.fetch.registry import Readings, Registry, one_scraper, readings
from sci_batch.prometheus.client import Client
from sci_batch.prometheus.samples import Samples, concat

NAMES_PER_QUERY = 50


def refetch(
    client: Client,
    plan: Plan,
    found: Discovery,
    registry: Registry,
    values: Readings,
    step_ms: int,
    nodes: Cells,
    keys: Cells,
) -> tuple[Readings, np.ndarray]:
    """Raw samples of the cells at fault, one scraper each."""
    asks = _node_asks(found, registry, values, nodes) if len(nodes.code) else []
    asks += _key_asks(plan, found, registry, keys) if len(keys.code) else []
    answers = client.map(lambda ask: (ask[0], client.raw(ask[1], ask[2] - step_ms, ask[2])), asks)
    by_meter: dict[kepler.Meter, list[Samples]] = {}
    for meter, samples in answers:
        by_meter.setdefault(meter, []).append(samples)
    joined = [(meter, concat(parts)) for meter, parts in by_meter.items()]
    return one_scraper(readings(registry, joined, plan.labels, found.node_names), touching=False)


def _node_asks(
    found: Discovery, registry: Registry, values: Readings, nodes: Cells
) -> list[tuple[kepler.Meter, str, int]]:
    """(meter, selector, edge) for whole nodes: all meters of the generation, many nodes at once."""
    node, edge_ms = nodes.pairs()
    shown = values.series.assign(node_id=registry.keys["node_id"].to_numpy()[values.key_of_series])
    shown = shown[["node_id", "generation", "match_label", "match_value"]].drop_duplicates()
    wanted = pd.DataFrame({"node_id": node, "edge_ms": edge_ms}).merge(shown, on="node_id", validate="m:m")
    asks = []
    by = wanted.groupby(["edge_ms", "generation", "match_label"])["match_value"]
    places = by.agg(_distinct).reset_index()
    for edge, generation, label, names in places.to_numpy().tolist():
        for batch in _batches(names):
            for meter in found.meters:
                if meter.generation == generation:
                    asks.append((meter, meter.selector(kepler.matcher(label, batch)), int(edge)))
    return asks


def _key_asks(
    plan: Plan, found: Discovery, registry: Registry, cells: Cells
) -> list[tuple[kepler.Meter, str, int]]:
    """(meter, selector, edge) for single pods, by their id."""
    key, edge_ms = cells.pairs()
    wanted = registry.keys.iloc[key][["generation", "level", "pod", "pod_uid", "container_id"]].assign(
        edge_ms=edge_ms
    )
    wanted["id"] = wanted["pod_uid"].where(wanted["generation"] == kepler.REWRITE, wanted["pod"])
    asks = []
    places = wanted.groupby(["edge_ms", "generation", "level"])["id"].agg(_distinct).reset_index()
    for edge, generation, level, ids in places.to_numpy().tolist():
        label = plan.labels.of(generation, "pod_id" if generation == kepler.REWRITE else "pod")
        for batch in _batches(ids):
            for meter in found.meters:
                if (meter.generation, meter.level) == (generation, level):
                    asks.append((meter, meter.selector(kepler.matcher(label, batch)), int(edge)))
    return asks


def _distinct(names: pd.Series) -> list[str]:
    return sorted(set(names.tolist()))


def _batches(names: list[str]) -> Iterator[list[str]]:
    for at in range(0, len(names), NAMES_PER_QUERY):
        yield names[at : at + NAMES_PER_QUERY]
