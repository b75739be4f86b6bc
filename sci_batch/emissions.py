"""What it emitted: hardware and grid behind each row, then O, M and C."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sci_batch import embodied, schema
from sci_batch.carbon import operational_gco2e
from sci_batch.counters import FLAG_BITS
from sci_batch.energy import Steps
from sci_batch.grid import Grid
from sci_batch.in_effect import intensity
from sci_batch.inputs import Kube
from sci_batch.settings import Settings
from sci_batch.units import MS_PER_SECOND


def hardware(nodes: pd.Series, kube: Kube, settings: Settings) -> embodied.Hardware:
    """NODES: what the nodes are made of. The one step here that may ask a service (`boavizta:URL`)."""
    facts = embodied.facts(
        nodes.unique(), labels=kube.node_labels, info=kube.node_info, capacity=kube.capacity,
        memory_capacity=kube.memory_capacity, gpu_capacity=kube.gpu_capacity, sockets=kube.sockets,
    )  # fmt: skip
    chain = settings.embodied.pairs if settings.embodied else ()
    return embodied.load(chain, facts, lifespan_seconds=settings.lifespan_seconds, offline=settings.offline)


def emissions(
    pods: pd.DataFrame, steps: Steps | None, windows_ms: np.ndarray, grid: Grid, nodes: pd.DataFrame,
    settings: Settings,
) -> pd.DataFrame:  # fmt: skip
    """E, O, M and C of every pod: + energy_kwh, operational_, embodied_, carbon_gco2e, intensity.

    `E x I` is summed over the finer of the windows and the steps of the intensity (`in_effect`).
    """
    energy_kwh = pods[["active_kwh", "shared_kwh"]].sum(axis=1, min_count=1)
    factor = grid.pue.of(pods["node"])
    by = {name: intensity(pods, steps, windows_ms, grid, name) for name in grid.sources}
    chosen = by[str(grid.chosen)]
    grams = {name: operational_gco2e(energy_kwh, factor, at["gco2e_per_kwh"]) for name, at in by.items()}
    filled = np.zeros(len(pods), bool)
    for name in grid.also:
        filled |= (by[name]["flags"] != 0).to_numpy()
    operational = grams[str(grid.chosen)]
    m = embodied.of_rows(pods, np.diff(windows_ms) / MS_PER_SECOND, nodes, settings.share)
    return pods.rename(columns={"source": "energy_source"}).assign(
        energy_kwh=energy_kwh, operational_gco2e=operational,
        **{schema.also_column(name).name: grams[name] for name in grid.also},
        carbon_gco2e=operational + m["embodied_gco2e"],
        intensity_gco2e_per_kwh=chosen["gco2e_per_kwh"], intensity_source=chosen["source"],
        flags=pods["flags"] | m["flags"] | chosen["flags"] | np.where(filled, FLAG_BITS["also-filled"], 0),
    ).join(m.drop(columns="flags"), validate="1:1")  # fmt: skip
