"""Counters that another series shows than before: Kepler was restarted, and perhaps no value fell."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np

from sci_batch.asking.plan import Stretch
from sci_batch.counters import composite
from sci_batch.fetch.cells import Cells
from sci_batch.fetch.marks import speaking
from sci_batch.fetch.past import Past
from sci_batch.fetch.registry import Readings, Registry


def followed(past: Past, values: Readings, stretch: Stretch) -> Cells:
    """(key, edge) cells of counters that other series show than one step before.

    Kepler restarted under another `instance`, and its counter may have overtaken the old one since. Nodes'
    own counters tell it, those of pods only where there are none.
    """
    row, key, edge_ms = _telling(past.registry, values)
    start_ms, step_ms = stretch.start_ms, stretch.step_ms
    same = np.isin(composite(row, edge_ms - step_ms), composite(row, edge_ms))
    first = np.flatnonzero(edge_ms == start_ms + step_ms)
    names = _names(values, row[first])
    same[first] = [
        name in past.shown_by.get(of_key, ()) for name, of_key in zip(names, key[first].tolist(), strict=True)
    ]
    known = np.fromiter(past.shown_by, np.int64, len(past.shown_by))
    before = Cells.of(
        np.append(known, key), np.append(np.full(len(known), start_ms + step_ms), edge_ms + step_ms)
    )
    return (Cells.of(key, edge_ms) & before) - Cells.of(key[same], edge_ms[same])


def shown_by(registry: Registry, values: Readings, stretch: Stretch) -> dict[int, set[str]]:
    """The series of each counter at the end of the stretch, of those that tell of restarts."""
    row, key, edge_ms = _telling(registry, values)
    last = edge_ms == stretch.end_ms
    shown: dict[int, set[str]] = {}
    for name, of_key in zip(_names(values, row[last]), key[last].tolist(), strict=True):
        shown.setdefault(of_key, set()).add(name)
    return shown


def _telling(registry: Registry, values: Readings) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Series, key and edge of the values that tell whether a node's Kepler is another process."""
    tells = speaking(values, registry) & (values.series["state"] != "terminated").to_numpy()
    use = tells[values.row]
    return values.row[use].astype(np.int64), values.key[use], values.time_ms[use]


def _names(values: Readings, row: np.ndarray) -> list[str]:
    """A short name of each series, the same in every run."""
    return [blake2b(repr(values.sets[one]).encode(), digest_size=8).hexdigest() for one in row.tolist()]
