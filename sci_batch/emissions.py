"""What it emitted: hardware and grid behind each row, then O, M and C."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sci_batch import embodied, schema
from sci_batch.carbon import operational_gco2e
from sci_batch.counters import window_of_step
from sci_batch.fetch import Kube
from sci_batch.grid import Grid
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
    pods: pd.DataFrame, edges_ms: np.ndarray, windows_ms: np.ndarray, grid: Grid, nodes: pd.DataFrame,
    settings: Settings,
) -> pd.DataFrame:  # fmt: skip
    """E, O, M and C of every pod: + energy_kwh, operational_, embodied_, carbon_gco2e, intensity.

    `edges_ms` are the finer of the windows and the steps of the intensity: `E x I` is summed over them.
    M of a node that was seen in a part of a window is that of the whole window.
    """
    seconds = np.diff(edges_ms) / MS_PER_SECOND
    energy_kwh = pods[["active_kwh", "shared_kwh"]].sum(axis=1, min_count=1)
    factor = grid.pue.of(pods["node"])
    window = pods["window"].to_numpy()
    chosen = grid.at(str(grid.chosen), pods["node"], window, edges_ms)
    beside = {
        schema.also_column(name).name: operational_gco2e(
            energy_kwh, factor, grid.at(name, pods["node"], window, edges_ms)["gco2e_per_kwh"]
        )
        for name in grid.also
    }
    operational = operational_gco2e(energy_kwh, factor, chosen["gco2e_per_kwh"])
    m = embodied.of_rows(pods, seconds, nodes, settings.share)
    grams = ["embodied_gco2e", "embodied_gco2e_low", "embodied_gco2e_high"]
    m[grams] = m[grams].mul(_whole_windows(pods, edges_ms, windows_ms), axis=0)
    return pods.rename(columns={"source": "energy_source"}).assign(
        energy_kwh=energy_kwh, operational_gco2e=operational, **beside,
        carbon_gco2e=operational + m["embodied_gco2e"],
        intensity_gco2e_per_kwh=chosen["gco2e_per_kwh"], intensity_source=chosen["source"],
        flags=pods["flags"] | m["flags"] | chosen["flags"],
    ).join(m.drop(columns="flags"), validate="1:1")  # fmt: skip


def _whole_windows(pods: pd.DataFrame, edges_ms: np.ndarray, windows_ms: np.ndarray) -> np.ndarray:
    """For each row, by how much its window is longer than the steps in which its node was seen."""
    step = np.diff(edges_ms)
    window = window_of_step(edges_ms, windows_ms)
    at = pods["window"].to_numpy()
    places = pd.DataFrame({"step": at, "node": pods["node"].to_numpy(), "window": window[at]})
    seen = places.drop_duplicates().assign(seen_ms=lambda each: step[each["step"]])
    seen_ms = seen.groupby(["window", "node"], as_index=False).agg(seen_ms=("seen_ms", "sum"))
    whole = places.merge(seen_ms, on=["window", "node"], how="left", validate="m:1")
    return np.asarray(np.diff(windows_ms)[window[at]] / whole["seen_ms"].to_numpy())
