"""The grid behind the nodes: intensities and PUE, from the settings, or from a recording that holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sci_batch import intensity, pue
from sci_batch.errors import UsageError
from sci_batch.inputs import Kube
from sci_batch.intensity import Asked, Intensity, Kept, Request
from sci_batch.intensity.matching import changes_ms, matched, slots_at
from sci_batch.intensity.places import node_regions
from sci_batch.pue import Pue
from sci_batch.settings import Settings, Spec

if TYPE_CHECKING:
    from sci_batch.prometheus.client import Client


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """What a kWh at each node and moment emits."""

    chosen: Spec
    sources: Mapping[str, Intensity]
    """By `kind:argument`: the chosen one, and those that stand beside it (`--also-intensity`)."""
    pue: Pue
    asked: Asked
    """What decided the slots, beside the sources' names."""

    @property
    def also(self) -> tuple[str, ...]:
        """The sources beside the chosen one."""
        return tuple(name for name in self.sources if name != str(self.chosen))

    @property
    def changes_ms(self) -> tuple[int, ...]:
        """Moments at which any of the intensities changes."""
        return tuple(sorted({at for source in self.sources.values() for at in changes_ms(source)}))

    @property
    def notes(self) -> tuple[str, ...]:
        """Words of the sources for the user, each once."""
        return tuple(dict.fromkeys(note for source in self.sources.values() for note in source.notes))

    def at(self, name: str, nodes: pd.Series, window: np.ndarray, edges_ms: np.ndarray) -> pd.DataFrame:
        """Intensity of each row: gco2e_per_kwh, source, flags (`intensity.matching.matched`)."""
        return matched(self.sources[name], nodes, window, edges_ms)

    def slots(self, nodes: pd.Series, at_ms: int) -> pd.DataFrame:
        """The figure of the chosen source for each node at one moment [Unix ms], and the time it is for."""
        return slots_at(self.sources[str(self.chosen)], nodes, np.full(len(nodes), at_ms))


def regions(kube: Kube) -> pd.DataFrame:
    """node, provider, region, as far as kube-state-metrics tells."""
    labels = kube.node_labels[["node", "region", "zone"]]
    both = kube.node_info[["node", "provider_id"]].merge(labels, on="node", how="outer", validate="1:1")
    return node_regions(both.fillna(""))


def load(
    settings: Settings, chosen: Spec, kube: Kube, span_ms: tuple[int, int], *,
    client: Client | None, recorded: Mapping[str, Kept],
) -> Grid:  # fmt: skip
    """Ask the sources that the settings name; a recording answers for those that need a network or its files.

    Raises
    ------
    SciBatchError
        What a source says (`intensity.load`), sources that do not go together, or an unknown PUE.
    """
    places = regions(kube)
    request = Request(
        start_ms=span_ms[0], end_ms=span_ms[1], kind=settings.intensity_kind, basis=settings.intensity_basis,
        gap=settings.intensity_gap, fallbacks=settings.intensity_fallback,
        allow_world_average=settings.allow_world_average, node_regions=places, client=client,
        offline=settings.offline, cache_dir=settings.cache_dir,
    )  # fmt: skip
    names = dict.fromkeys((chosen, *settings.also_intensity))
    own = None if settings.intensity else chosen  # the demo's, though a file of its name be here
    sources = {
        str(spec): _recorded(recorded, spec, request, own=spec == own)
        or intensity.load(spec.kind, spec.argument, request)
        for spec in names
    }
    for spec in names:
        intensity.refuse_mixing(
            sources[str(chosen)], str(chosen), sources[str(spec)], f"--also-intensity {spec}"
        )
    return Grid(
        chosen=chosen, sources=sources, pue=pue.load(settings.pue, places), asked=intensity.asked(request)
    )  # fmt: skip


def _recorded(
    recorded: Mapping[str, Kept], spec: Spec, request: Request, *, own: bool
) -> Intensity | None:  # fmt: skip
    """What a recording holds of a source, where it cannot be told afresh without a network."""
    kept = recorded.get(str(spec))
    if kept is None and spec.kind == "prometheus" and request.client is None:
        raise UsageError(
            f"the recording holds no intensity by {spec}; it holds {' and '.join(recorded) or 'none'}",
            "Give --intensity as it was recorded, or one that needs no Prometheus, such as 380 or zone:DE.",
        )
    if kept is None or (intensity.at_hand(spec.kind, spec.argument) and not own):
        return None
    return intensity.replayed(kept, str(spec), request)
