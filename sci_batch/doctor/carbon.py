"""Intensity and hardware, as `compute` would find them for the nodes that are there."""

from __future__ import annotations

import pandas as pd

from sci_batch import embodied, grid
from sci_batch.asking.plan import Plan
from sci_batch.doctor.finding import CARBON, OK, WARNING, Finding, of_nodes
from sci_batch.inputs import Kube
from sci_batch.intensity.loading import AT_HAND
from sci_batch.settings import Settings
from sci_batch.settings.factors import Chain


def intensity(settings: Settings, kube: Kube, plan: Plan) -> Finding:
    """Sources that need no network are read; for others the doctor calls nobody.

    Raises
    ------
    SciBatchError
        That of `compute`.
    """
    if settings.intensity is None:
        regions = grid.regions(kube)["region"]
        placed = len(regions) > 0 and bool((regions != "").all())
        return Finding(
            subject=CARBON, check="intensity", status=WARNING, what="no --intensity is given",
            numbers="compute does not start without it",
            cure="Give --intensity region:auto (the nodes' regions are known here), or a number such as 380."
            if placed
            else "Give --intensity zone:DE, or a number such as 380 (gCO2e/kWh).",
        )  # fmt: skip
    asked = [settings.intensity, *settings.also_intensity]
    names = ", ".join(map(str, asked))
    if any(spec.kind not in AT_HAND for spec in (*asked, *settings.intensity_fallback)):
        what = f"{names}: not asked here, only when computing"
        return Finding(subject=CARBON, check="intensity", status=OK, what=what)
    loaded = grid.load(
        settings, settings.intensity, kube, (plan.start_ms, plan.end_ms), client=None, recorded={}
    )
    return known(loaded)


def known(loaded: grid.Grid) -> Finding:
    """The grid as `compute` would take it."""
    mean = loaded.sources[str(loaded.chosen)].gco2e_per_kwh
    what = f"{', '.join(loaded.sources)}: known for the whole range, mean {mean:.4g} gCO2e/kWh"
    return Finding(
        subject=CARBON, check="intensity", status=OK, what=what, facts={"gco2e_per_kwh": mean}
    )  # fmt: skip


def hardware(settings: Settings, kube: Kube, nodes: list[str]) -> Finding:
    """Which source knows the hardware of which node.

    Raises
    ------
    SciBatchError
        That of `compute`.
    """
    chain = settings.embodied or Chain()
    if any(kind == "boavizta" for kind, _ in chain.pairs):
        what = f"{chain}: Boavizta is not asked here, only when computing"
        return Finding(subject=CARBON, check="embodied", status=OK, what=what)
    facts = embodied.facts(
        nodes, labels=kube.node_labels, info=kube.node_info, capacity=kube.capacity,
        memory_capacity=kube.memory_capacity, gpu_capacity=kube.gpu_capacity, sockets=kube.sockets,
    )  # fmt: skip
    found = embodied.load(
        chain.pairs, facts, lifespan_seconds=settings.lifespan_seconds, offline=settings.offline
    )
    sources = pd.Series(found.nodes["embodied_source"].to_numpy(), index=found.nodes["node"].to_numpy())
    told = {"nodes": {str(node): str(source) for node, source in sources.items()}}
    if settings.embodied is None:
        return Finding(
            subject=CARBON, check="embodied", status=WARNING, facts=told,
            what=f"no --embodied is given: {embodied.DEFAULT_KGCO2E:g} kgCO2e for every node",
            numbers="M is that of an average server, flagged embodied-default",
            cure="Give --embodied catalogue,model (cloud), file:nodes.csv or kg:1200.",
        )  # fmt: skip
    by = [
        f"{source} for {of_nodes(list(rows), len(nodes))}"
        for source, rows in sources.groupby(sources).groups.items()
    ]
    return Finding(
        subject=CARBON, check="embodied", status=OK, what=f"{chain}: every node is known", more=tuple(by),
        facts=told,
    )  # fmt: skip
