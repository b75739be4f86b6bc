"""The nodes of a cluster in shares, by matchers: each counter is asked for in one share, and in one only.

A node with its pods is never cut, as its pods are held against it.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from sci_batch import kepler
from sci_batch.fetch.plan import Discovery, Plan

WORDS = {kepler.REWRITE: "node", kepler.LEGACY: "instance"}
"""Which label tells nodes apart in every level of a generation."""


def shards(plan: Plan, found: Discovery, count: int) -> list[Discovery]:
    """The same discovery in at most `count` shares of about as many series.

    The last share takes also what nobody saw: its matchers exclude the nodes of the others.
    """
    sizes = _sizes(found)
    count = max(1, min(count, len(sizes)))
    if count == 1:
        return [found]
    return [
        replace(found, meters=tuple(_matched(meter, plan, names, others) for meter in found.meters))
        for names, others in _shares(sizes, found, count)
    ]


def _sizes(found: Discovery) -> pd.Series:
    """Series of each node, by its name."""
    seen = found.presence
    legacy = seen["generation"] == kepler.LEGACY
    name = seen["node"].where(~legacy, seen["node"].map(lambda place: found.node_names.get(place, place)))
    return seen.assign(node=name).groupby("node")["series"].sum().sort_index()


def _shares(
    sizes: pd.Series, found: Discovery, count: int
) -> list[tuple[dict[str, list[str]], dict[str, list[str]]]]:
    """Per share: label values by generation, or, for the last one, those that it does not take."""
    upto = sizes.cumsum() - sizes / 2
    number = (upto / sizes.sum() * count).astype(int).clip(upper=count - 1)
    names = [sorted(sizes.index[number == share]) for share in range(count)]
    names = [share for share in names if share]
    values = [_values(share, found) for share in names]
    others = _values(sorted(name for share in names[:-1] for name in share), found)
    return [*((mine, {}) for mine in values[:-1]), ({}, others)]


def _values(names: list[str], found: Discovery) -> dict[str, list[str]]:
    """Values of the label that tells these nodes apart, by generation."""
    mine = set(names)
    targets = sorted(place for place, name in found.node_names.items() if name in mine)
    unnamed = sorted(mine - set(found.node_names.values()))
    return {kepler.REWRITE: names, kepler.LEGACY: sorted({*targets, *unnamed})}


def _matched(
    meter: kepler.Meter, plan: Plan, names: dict[str, list[str]], others: dict[str, list[str]]
) -> kepler.Meter:
    label = plan.labels.of(meter.generation, WORDS[meter.generation])
    if names:
        matcher = kepler.matcher(label, names[meter.generation])
    elif others[meter.generation]:
        matcher = kepler.matcher(label, others[meter.generation], negative=True)
    else:
        return meter
    return replace(meter, matchers=(*meter.matchers, matcher))
