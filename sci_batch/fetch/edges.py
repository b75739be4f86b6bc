"""The edges pull: one value per counter and step, and the raw samples only where one is not enough.

Exact, because energy counters only need looking at where they do something other than rise:

1. `last_over_time(m[step])` gives each counter at every edge;
2. steps in which a node's Kepler was not watched all the time, restarted, was seen twice, or is
   another series than before, are fetched raw for that node, its pods included;
3. pods whose counter fell, was reset, or changed series inside a step are fetched raw for that step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sci_batch import kepler
from sci_batch.asking.edge_queries import LOOK_MS
from sci_batch.asking.edges import Asked, ask, rest_of_lives
from sci_batch.asking.plan import Discovery, Plan, Stretch, edge_stretches
from sci_batch.counters import Counters, composite, run_ends
from sci_batch.fetch.ahead import ahead
from sci_batch.fetch.cells import Cells
from sci_batch.fetch.followed import followed, shown_by
from sci_batch.fetch.lives import Lives
from sci_batch.fetch.marks import distinct, marks, observed_between
from sci_batch.fetch.past import Past
from sci_batch.fetch.refetch import refetch
from sci_batch.fetch.registry import Readings, Registry, duplicate_flags, merged, one_scraper, readings
from sci_batch.prometheus.client import Client
from sci_batch.prometheus.samples import Samples


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """The same in one vocabulary."""

    stretch: Stretch
    values: Readings
    twice: np.ndarray
    """Keys scraped more than once."""
    resets: Readings
    fresh: Readings
    lives: Lives
    lived: Readings
    """Shares of steps in which pods lived, where below 1."""
    of_all_domains: bool
    """Whether these are of all power domains, not of the first alone."""


def counters(client: Client, plan: Plan, found: Discovery, past: Past) -> Iterator[Counters]:
    """COUNTERS of the range from where the past ends, one stretch at a time."""
    stretches = edge_stretches(plan, found.series, past.end_ms)
    for asked in ahead(ask(client, plan, found, stretch) for stretch in stretches):
        yield _stretch(client, plan, found, past, asked)
        past.end_ms = asked.stretch.end_ms


def _stretch(client: Client, plan: Plan, found: Discovery, past: Past, asked: Asked) -> Counters:
    stretch, look = asked.stretch, _look(client, plan, found, past, asked)
    present, whole = _watched(past, look, plan.max_gap_ms)
    falls = _falls(past, look)
    nodes_at_fault = _nodes_at_fault(past.registry, falls, present - whole, present)
    keys_at_fault = _keys_at_fault(past.registry, falls, nodes_at_fault)
    raw, raw_twice = refetch(
        client, plan, found, past.registry, look.values, stretch.step_ms, nodes_at_fault, keys_at_fault
    )

    plain, raw_marks = present - nodes_at_fault, _raw_marks(past.registry, raw)
    twice = np.union1d(look.twice, raw_twice)
    steps = _RawSteps(
        registry=past.registry, marks=raw_marks, twice=twice, plain=plain, stretch=stretch,
        max_gap_ms=plan.max_gap_ms,
    )  # fmt: skip
    key, time_ms, joules, alive = _put_together(look, raw, steps)
    node, mark_ms = _marks(raw_marks, plain)
    observed = _observed(past, look, raw_marks, whole - nodes_at_fault, plan)
    past.remember(key, joules)
    past.shown_by = shown_by(past.registry, look.values, stretch)
    return Counters(
        start_ms=stretch.start_ms, end_ms=stretch.end_ms,
        keys=past.registry.keys, nodes=past.registry.nodes,
        key=key, time_ms=time_ms, joules=joules, alive=alive,
        flags=duplicate_flags(key, twice),
        mark_node=node, mark_ms=mark_ms,
        observed_node=observed[0], observed_from_ms=observed[1], observed_to_ms=observed[2],
    )  # fmt: skip


def _look(client: Client, plan: Plan, found: Discovery, past: Past, asked: Asked) -> _Look:
    def read(answers: list[tuple[kepler.Meter, Samples]]) -> Readings:
        return readings(past.registry, answers, plan.labels, found.node_names)

    values, twice = one_scraper(read(asked.answers("value")), touching=True)  # most work, so it goes first
    lives, lived = Lives(past.registry, values), asked.answers("lived")
    known = ~np.isnan(past.known_joules())
    more = bool(lived) and lives.other_domains_tell(plan.power_domains[0], known)
    if more:
        lived = lived + rest_of_lives(client, plan, found, asked.stretch)
    return _Look(
        stretch=asked.stretch, values=values, twice=twice, resets=read(asked.answers("resets")),
        fresh=read(asked.answers("fresh")), lives=lives, lived=read(lived), of_all_domains=more,
    )  # fmt: skip


def _watched(past: Past, look: _Look, max_gap_ms: int) -> tuple[Cells, Cells]:
    """(node, edge) cells with any sample, and those in which the node was watched all the time.

    A node without counters of its own is believed: there is nothing to hold it against. Not so where any
    node begins, begins again, or ends: the looks for young samples miss a part of the gap behind the edge.
    """
    node, edge_ms = marks(look.values, past.registry)
    present = Cells.of(node, edge_ms)
    node_of_key = past.registry.keys["node_id"].to_numpy()
    enough = look.fresh.joules >= look.stretch.step_ms // LOOK_MS
    fresh = Cells.of(node_of_key[look.fresh.key[enough]], look.fresh.time_ms[enough])
    own = np.unique(node_of_key[look.fresh.key])
    silent = ~np.isin(node, own)
    whole = (present & fresh) | Cells.of(node[silent], edge_ms[silent])
    whole &= _seen_before(past, look, present, max_gap_ms)
    return present, whole & _watched_behind(look, whole)


def _watched_behind(look: _Look, whole: Cells) -> Cells:
    """(node, edge) cells behind which the node was watched as well, or the stretch ends."""
    node, edge_ms = whole.pairs()
    ends = edge_ms == look.stretch.end_ms
    return Cells.of(node, edge_ms - look.stretch.step_ms) | Cells.of(node[ends], edge_ms[ends])


def _seen_before(past: Past, look: _Look, present: Cells, max_gap_ms: int) -> Cells:
    """(node, edge) cells before which the node was seen as well; before the range that does not matter."""
    if look.stretch.seed:
        return present
    node, edge_ms = present.pairs()
    start_ms, step_ms = look.stretch.start_ms, look.stretch.step_ms
    seen = [one for one, mark_ms in past.last_mark.items() if mark_ms >= start_ms - max_gap_ms]
    first = np.full(len(seen), start_ms + step_ms)
    return Cells.of(np.append(np.array(seen, np.int64), node), np.append(first, edge_ms + step_ms))


def _falls(past: Past, look: _Look) -> Cells:
    """(key, edge) cells whose value is below the last known one, that were reset, or whose series changed."""
    key, edge_ms, joules = merged(look.values.key, look.values.time_ms, look.values.joules)
    before = np.full(len(key), np.nan)
    before[1:] = np.where(key[1:] == key[:-1], joules[:-1], np.nan)
    first = np.isnan(before)
    before[first] = past.known_joules()[key[first]]
    fell = joules < before
    state_code = pd.factorize(look.values.series["state"])[0][look.values.row]
    shown = pd.DataFrame({"key": look.values.key, "state": state_code, "t": look.values.time_ms})
    again = shown.duplicated(keep="first").to_numpy()
    return (
        Cells.of(key[fell], edge_ms[fell])
        | Cells.of(look.resets.key, look.resets.time_ms)
        | Cells.of(look.values.key[again], look.values.time_ms[again])
        | followed(past, look.values, look.stretch)
    )


def _nodes_at_fault(registry: Registry, falls: Cells, unwatched: Cells, present: Cells) -> Cells:
    """(node, edge) cells to fetch raw: not watched all the time, or Kepler restarted."""
    keys = registry.keys
    key, edge_ms = falls.pairs()
    own = (keys["level"] == kepler.NODE).to_numpy()[key]
    fault = unwatched | Cells.of(keys["node_id"].to_numpy()[key[own]], edge_ms[own])
    return fault | (_twins(registry, fault) & present)


def _twins(registry: Registry, cells: Cells) -> Cells:
    """The same cells of the node's other Kepler generation."""
    if registry.nodes["node"].is_unique:
        return Cells.of(np.empty(0, np.int64), np.empty(0, np.int64))
    other = registry.nodes.reset_index(names="id").merge(
        registry.nodes.reset_index(names="twin"), on="node", suffixes=("", "_twin"), validate="m:m"
    )
    other = other[other["id"] != other["twin"]]
    node, edge_ms = cells.pairs()
    pairs = pd.DataFrame({"id": node, "edge_ms": edge_ms}).merge(
        other[["id", "twin"]], on="id", validate="m:1"
    )
    return Cells.of(pairs["twin"].to_numpy(), pairs["edge_ms"].to_numpy())


def _keys_at_fault(registry: Registry, falls: Cells, nodes_at_fault: Cells) -> Cells:
    """(key, edge) cells of pods to fetch raw, where their node is not fetched anyway."""
    key, edge_ms = falls.pairs()
    keys = registry.keys
    covered = nodes_at_fault.has(keys["node_id"].to_numpy()[key], edge_ms)
    pod = (keys["level"] != kepler.NODE).to_numpy()[key]
    return Cells.of(key[pod & ~covered], edge_ms[pod & ~covered])


@dataclass(frozen=True, slots=True, kw_only=True)
class _RawSteps:
    """Steps that were fetched raw: which counters are not cut at their edge."""

    registry: Registry
    marks: tuple[np.ndarray, np.ndarray]
    """Scrapes of their nodes."""
    twice: np.ndarray
    plain: Cells
    """(node, edge) cells of which only the value at the edge is known."""
    stretch: Stretch
    max_gap_ms: int

    def uncut(self, edge_ms: np.ndarray, key: np.ndarray, last_ms: np.ndarray) -> np.ndarray:
        """Of these counters and their last samples: which had ended by the edge, or go on in raw samples.

        One had ended where its node was scraped again without it; or, where the node's scrapes are not known
        or may be those of another scraper, where the last sample is too old.
        """
        node = self.registry.keys["node_id"].to_numpy()[key]
        marks = composite(*self.marks)
        later = np.searchsorted(marks, composite(node, edge_ms), side="right")
        later -= np.searchsorted(marks, composite(node, last_ms), side="right")
        without = (later > 0) & ~np.isin(key, self.twice)
        ended = without | (edge_ms - last_ms > self.max_gap_ms)
        next_ms = edge_ms + self.stretch.step_ms
        return np.asarray(ended | ~(self.plain.has(node, next_ms) | (next_ms > self.stretch.end_ms)))


def _put_together(
    look: _Look, raw: Readings, steps: _RawSteps
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Edge values, with raw samples in place of the cells that were fetched raw.

    A raw cell still ends in a sample at its edge (the newest raw value), so that every counter of a node
    is cut at the same moments. Not where raw samples follow, between which a gap is spread evenly; nor where
    the counter had ended before: after a restart of Kepler its old value would be taken for a new one.
    """
    key, edge_ms, joules = merged(look.values.key, look.values.time_ms, look.values.joules)
    raw_key, raw_ms, raw_joules = merged(raw.key, raw.time_ms, raw.joules)
    start, step = look.stretch.start_ms, look.stretch.step_ms
    cell = composite(raw_key, start + -(-(raw_ms - start) // step) * step)
    last = run_ends(cell)
    cell, last_ms, last_joules = cell[last], raw_ms[last], raw_joules[last]

    code = composite(key, edge_ms)
    at = np.minimum(np.searchsorted(cell, code), max(len(cell) - 1, 0))
    is_raw = (cell[at] == code) if len(cell) else np.zeros(len(code), bool)
    keep = np.ones(len(code), bool)
    joules = joules.copy()
    if len(cell):
        keep[is_raw] = ~steps.uncut(edge_ms[is_raw], key[is_raw], last_ms[at[is_raw]])
        joules[is_raw] = last_joules[at[is_raw]]
    lived = look.lives.shares(look.lived, key, edge_ms, all_domains=look.of_all_domains)
    alive = np.where(is_raw, 1.0, lived)

    key = np.concatenate([key[keep], raw_key])
    time_ms = np.concatenate([edge_ms[keep], raw_ms])
    joules = np.concatenate([joules[keep], raw_joules])
    alive = np.concatenate([alive[keep], np.ones(len(raw_key))])
    key, time_ms, joules, alive = merged(key, time_ms, joules, alive)
    return key, time_ms, joules, alive


def _marks(raw_marks: tuple[np.ndarray, np.ndarray], by_edge: Cells) -> tuple[np.ndarray, np.ndarray]:
    """When each node was seen: at the edges, and at every scrape of the steps fetched raw."""
    node, edge_ms = by_edge.pairs()
    raw_node, raw_ms = raw_marks
    return distinct(np.concatenate([node, raw_node]), np.concatenate([edge_ms, raw_ms]))


def _raw_marks(registry: Registry, raw: Readings) -> tuple[np.ndarray, np.ndarray]:
    """Scrapes of nodes fetched raw (pods fetched alone say nothing of their node)."""
    is_node = (raw.series["level"] == kepler.NODE).to_numpy()[raw.row]
    node_of_key = registry.keys["node_id"].to_numpy()
    return distinct(node_of_key[raw.key[is_node]], raw.time_ms[is_node])


def _observed(
    past: Past, look: _Look, raw_marks: tuple[np.ndarray, np.ndarray], whole: Cells, plan: Plan
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Watched intervals: whole steps, and between the scrapes of those fetched raw."""
    node, edge_ms = whole.pairs()
    begin_ms = edge_ms - look.stretch.step_ms
    raw_node, raw_ms = raw_marks
    end_ms = plan.end_ms if look.stretch.end_ms == plan.end_ms else None
    near = observed_between(
        np.concatenate([node, node, raw_node]), np.concatenate([begin_ms, edge_ms, raw_ms]),
        past.last_mark, plan.max_gap_ms, end_ms=end_ms,
    )  # fmt: skip
    if look.stretch.step_ms <= plan.max_gap_ms:  # then the pairs of marks hold the whole steps already
        return near
    return (
        np.concatenate([near[0], node]), np.concatenate([near[1], begin_ms]),
        np.concatenate([near[2], edge_ms]),
    )  # fmt: skip
