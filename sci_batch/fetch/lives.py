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
        # Numbers of pods; whatever lives by itself has a number of its own, above them.
        pod = keys[self._shared].groupby(_POD, sort=False, dropna=False).ngroup().to_numpy()
        self._pod = len(pod) + np.arange(len(keys))
        self._pod[self._shared] = pod

    def other_domains_tell(self, first_domain: str, known: np.ndarray) -> bool:
        """Whether a pod was seen in a step, or before the stretch, without its first power domain.

        Parameters
        ----------
        first_domain
            The one that is asked how long pods lived.
        known
            Of each key of the registry, whether it had a value before the stretch.
        """
        of_first = self._domain == first_domain
        if of_first[self._shared].all():
            return False
        known = known[self._distinct] & self._shared
        if not np.isin(self._pod[known & ~of_first], self._pod[known & of_first]).all():
            return True
        place = self._place(self._values.key)
        cell, of_first, shared = (
            composite(self._pod[place], self._values.time_ms), of_first[place], self._shared[place],
        )  # fmt: skip
        return not np.isin(cell[shared & ~of_first], cell[of_first]).all()

    def shares(
        self, lived: Readings, key: np.ndarray, edge_ms: np.ndarray, *, all_domains: bool
    ) -> np.ndarray:
        """Share of the step before each edge in which the pod of each key lived [0..1]; `key` was seen.

        Parameters
        ----------
        lived
            Shares below 1, by key and edge.
        all_domains
            They were asked of all power domains, not of the first alone: the longest life counts, and a
            domain without an answer lived all the time.
        """
        seen = np.isin(lived.key, self._distinct)
        of_key, at_ms, share = lived.key[seen], lived.time_ms[seen], np.clip(lived.joules[seen], 0.0, 1.0)
        if all_domains:
            values = self._values
            whole = ~np.isin(composite(values.key, values.time_ms), composite(of_key, at_ms))
            of_key = np.concatenate([of_key, values.key[whole]])
            at_ms = np.concatenate([at_ms, values.time_ms[whole]])
            share = np.concatenate([share, np.ones(np.count_nonzero(whole))])
        pod, at_ms, share = merged(self._pod[self._place(of_key)], at_ms, share)

        out, told = np.ones(len(key)), composite(pod, at_ms)
        if len(told):
            cell = composite(self._pod[self._place(key)], edge_ms)
            at = np.minimum(np.searchsorted(told, cell), len(told) - 1)
            out[told[at] == cell] = share[at[told[at] == cell]]
        return out

    def _place(self, key: np.ndarray) -> np.ndarray:
        return np.searchsorted(self._distinct, key)
