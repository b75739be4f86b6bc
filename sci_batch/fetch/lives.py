"""How long each pod lived in a step: one of its power domains tells it for all of them."""

from __future__ import annotations

import numpy as np

from sci_batch import kepler
from sci_batch.counters import composite
from sci_batch.fetch.registry import Readings, Registry, merged

_POD = ["level", "node_id", "namespace", "pod", "pod_uid", "container_id"]


class Lives:
    """The pods of one stretch, by what was seen of them at its edges.

    A scrape of the rewrite shows all power domains of a pod at once; counters of the legacy and of GPUs live
    by themselves.
    """

    def __init__(self, registry: Registry, values: Readings) -> None:
        self._values = values
        self._distinct = np.unique(values.key)
        keys = registry.keys.take(self._distinct)
        rapl = (keys["level"] != kepler.NODE) & (keys["power_domain"] != kepler.GPU)
        self._shared = np.asarray(rapl & (keys["generation"] == kepler.REWRITE))
        self._domain = keys["power_domain"].to_numpy()
        pod = keys[self._shared].groupby(_POD, sort=False, dropna=False).ngroup().to_numpy()
        self._pod = len(pod) + np.arange(len(keys))
        self._pod[self._shared] = pod

    def untold(self, power_domain: str) -> bool:
        """Whether a pod was seen in a step without the power domain that tells how long it lived."""
        tells = ~self._shared | (self._domain == power_domain)
        if tells.all():
            return False
        place = self._place(self._values.key)
        cell, told = composite(self._pod[place], self._values.time_ms), tells[place]
        return not np.isin(cell[~told], cell[told]).all()

    def shares(self, lived: Readings, key: np.ndarray, edge_ms: np.ndarray) -> np.ndarray:
        """Share of the step before each edge in which the pod of each key lived [0..1]; `key` was seen."""
        seen = np.isin(lived.key, self._distinct)
        pod, edge, share = merged(
            self._pod[self._place(lived.key[seen])],
            lived.time_ms[seen],
            np.clip(lived.joules[seen], 0.0, 1.0),
        )
        out, told = np.ones(len(key)), composite(pod, edge)
        if len(told):
            cell = composite(self._pod[self._place(key)], edge_ms)
            at = np.minimum(np.searchsorted(told, cell), len(told) - 1)
            out[told[at] == cell] = share[at[told[at] == cell]]
        return out

    def _place(self, key: np.ndarray) -> np.ndarray:
        return np.searchsorted(self._distinct, key)
