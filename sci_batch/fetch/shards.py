"""The nodes of a cluster in shares, by matchers: each counter is asked for in one share, and in one only.

A node with its pods is never cut, as its pods are held against it; nor are both Keplers of one node, nor
two nodes whose old Keplers had one address after the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from sci_batch import kepler
from sci_batch.asking.plan import Discovery, Plan

WORDS = {kepler.REWRITE: "node", kepler.LEGACY: "instance"}
"""Which label tells nodes apart in every level of a generation."""

Places = set[tuple[str, str]]
"""Generation, and value of the label that tells nodes apart in it."""


def shards(plan: Plan, found: Discovery, count: int) -> list[Discovery]:
    """The same discovery in at most `count` shares of about as many series.

    The last share takes also what nobody saw: its matchers exclude the nodes of the others.
    """
    shares = _shares(_nodes(found), found, count)
    if len(shares) == 1:
        return [found]
    others = {place for places in shares[:-1] for place in places}
    first = [
        replace(found, meters=tuple(_only(meter, plan, places) for meter in _of(found.meters, places)))
        for places in shares[:-1]
    ]
    return [*first, replace(found, meters=tuple(_without(meter, plan, others) for meter in found.meters))]


def _nodes(found: Discovery) -> list[Places]:
    """Places that belong together, as one name or one address leads from one to the other."""
    named = [*found.node_names.items(), *found.node_pairs]
    links: dict[tuple[str, str], set[str]] = {(kepler.LEGACY, target): set() for target, _ in named}
    for target, name in named:
        links[kepler.LEGACY, target].add(name)
    seen = sorted({(one.generation, one.node) for one in found.seen})
    nameless = (kepler.REWRITE, "") in seen
    for generation, value in seen:
        names = links.setdefault((generation, value), set())
        if generation == kepler.REWRITE:
            names.add(value)
        elif not names:  # it goes by its address, as the new Kepler does where it names no node
            names |= {value, ""} if nameless else {value}
    return _together(links)


def _together(links: dict[tuple[str, str], set[str]]) -> list[Places]:
    """Places by the names that they share, also through other places."""
    leader: dict[str, str] = {}

    def led(name: str) -> str:
        while leader.setdefault(name, name) != name:
            name = leader[name]
        return name

    for names in links.values():
        first, *more = sorted(names)
        for name in more:
            leader[led(name)] = led(first)
    groups: dict[str, Places] = {}
    for place, names in links.items():
        groups.setdefault(led(min(names)), set()).add(place)
    return [groups[name] for name in sorted(groups)]


def _shares(nodes: list[Places], found: Discovery, count: int) -> list[Places]:
    """Neighbouring nodes in at most `count` shares."""
    seen = found.presence.groupby(["generation", "node"])["series"].sum()
    sizes = pd.Series([1 + sum(seen.get(place, 0) for place in places) for places in nodes], dtype=float)
    upto = sizes.cumsum() - sizes / 2
    share = (upto / sizes.sum() * count).astype(int).clip(upper=count - 1)
    return [
        {place for at in share.index[share == number] for place in nodes[at]} for number in share.unique()
    ]


def _values(generation: str, places: Places) -> list[str]:
    return sorted(value for other, value in places if other == generation)


def _of(meters: Iterable[kepler.Meter], places: Places) -> list[kepler.Meter]:
    return [meter for meter in meters if _values(meter.generation, places)]


def _only(meter: kepler.Meter, plan: Plan, places: Places) -> kepler.Meter:
    label = plan.labels.of(meter.generation, WORDS[meter.generation])
    matcher = kepler.matcher(label, _values(meter.generation, places))
    return replace(meter, matchers=(*meter.matchers, matcher))


def _without(meter: kepler.Meter, plan: Plan, places: Places) -> kepler.Meter:
    values = _values(meter.generation, places)
    if not values:
        return meter
    label = plan.labels.of(meter.generation, WORDS[meter.generation])
    return replace(meter, matchers=(*meter.matchers, kepler.matcher(label, values, negative=True)))
