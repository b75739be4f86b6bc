"""How large a pull would be: arithmetic on how many series there are, come, and are scraped."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sci_batch.asking import edge_queries
from sci_batch.asking.kube import PIECE_MS, PIECES_AT_ONCE
from sci_batch.asking.plan import SEED_MS, Plan, edge_stretches, raw_stretches, step_ms
from sci_batch.kepler import Meter
from sci_batch.units import MS_PER_SECOND

LABELS_BYTES = 420
"""Labels of one series of Kepler in an answer, as JSON."""
VALUE_BYTES = 30
"""A value with its time, as JSON."""
ROW_BYTES = 240
"""A row of kube-state-metrics, as JSON."""
RATE_QUERIES = 4
"""The raw pull asks this often how many samples there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Density:
    """What one meter holds, as a mean over the range."""

    meter: Meter
    alive: float
    """Series at once."""
    born_per_second: float
    """Series that begin."""
    samples_per_second: float
    """Of all series together."""

    def scaled(self, share: float) -> Density:
        """The same with a share of the series."""
        return replace(
            self, alive=self.alive * share, born_per_second=self.born_per_second * share,
            samples_per_second=self.samples_per_second * share,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What goes over the wire. `series`: distinct ones; `samples`: values with their time."""

    series: float
    samples: float
    bytes: float
    requests: int

    def __add__(self, other: Size) -> Size:
        return Size(
            series=max(self.series, other.series), samples=self.samples + other.samples,
            bytes=self.bytes + other.bytes, requests=self.requests + other.requests,
        )  # fmt: skip

    def facts(self) -> dict[str, int]:
        """Whole numbers of about two digits, as it is an estimate."""
        named = {"series": self.series, "samples": self.samples, "bytes": self.bytes}
        return {name: two_digits(value) for name, value in named.items()} | {"requests": self.requests}

    def words(self) -> str:
        """`1,500 series, 37,000 samples, 1.7 MB in 24 requests`."""
        told = self.facts()
        return (
            f"{told['series']:,} series, {in_words(told['samples'])} samples, "
            f"{bytes_in_words(told['bytes'])} in {self.requests:,} request{'s' * (self.requests != 1)}"
        )


def two_digits(value: float) -> int:
    """A whole number of which two digits count.

    >>> two_digits(1_534), two_digits(7.4)
    (1500, 7)
    """
    digits = max(0, len(str(int(value))) - 2)
    return int(round(value / 10**digits) * 10**digits)


def in_words(count: float) -> str:
    """`37,000`, `3.6 million`, `1.7 billion`."""
    for size, word in ((1e9, "billion"), (1e6, "million")):
        if count >= size:
            return f"{count / size:.3g} {word}"
    return f"{count:,.0f}"


def bytes_in_words(count: float) -> str:
    """`640 kB`, `1.7 MB`, `2.1 GB`."""
    for size, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= size:
            return f"{count / size:.2g} {unit}" if count < 10 * size else f"{count / size:,.0f} {unit}"
    return f"{count:.0f} B"


def edges(plan: Plan, held: Sequence[Density], series: int) -> Size:
    """The edges pull, without what it fetches again raw. `series`: at once, as discovered."""
    step = step_ms(plan.energy_edges_ms)
    meters = [one.meter for one in held]
    lived = edge_queries.lived(plan, meters, step)
    of_meter = {one.meter: one for one in held}
    out = _NOTHING
    for stretch in edge_stretches(plan, series):
        seconds = (stretch.end_ms - stretch.start_ms) / MS_PER_SECOND
        steps = (stretch.end_ms - stretch.start_ms) // stretch.step_ms
        per_step = stretch.step_ms / MS_PER_SECOND
        for one in held:
            texts = edge_queries.queries(plan, one.meter, step)
            rows = one.alive + one.born_per_second * seconds
            out += _answer(rows, (one.alive + one.born_per_second * per_step) * steps)
            out += _answer(one.alive, one.alive * steps) if "fresh" in texts else _NOTHING
            out += Size(series=0, samples=0, bytes=0, requests=len(texts) - 1 - ("fresh" in texts))
        for pod, _ in [] if stretch.seed else lived:  # only pods that lived for a part of a step come back
            part = 2 * of_meter[pod].born_per_second * seconds
            out += _answer(part, part)
    return replace(out, series=_distinct(plan, held))


def raw(plan: Plan, held: Sequence[Density], series: int) -> Size:
    """The raw pull: every sample."""
    fastest = max((one.samples_per_second / one.alive for one in held if one.alive), default=0.0)
    out = Size(series=0, samples=0, bytes=0, requests=RATE_QUERIES)
    for stretch in raw_stretches(plan, series, fastest):
        seconds = (stretch.end_ms - stretch.start_ms) / MS_PER_SECOND
        for one in held:
            rows = one.alive + one.born_per_second * seconds
            out += _answer(rows, one.samples_per_second * seconds)
    return replace(out, series=_distinct(plan, held))


_NOTHING = Size(series=0, samples=0, bytes=0, requests=0)


def _answer(series: float, samples: float) -> Size:
    size = series * LABELS_BYTES + samples * VALUE_BYTES
    return Size(series=series, samples=samples, bytes=size, requests=1)


def _distinct(plan: Plan, held: Sequence[Density]) -> float:
    seconds = (plan.end_ms - plan.start_ms + SEED_MS) / MS_PER_SECOND
    return sum(one.alive + one.born_per_second * seconds for one in held)


def kube(plan: Plan, rows: int, tables: int) -> Size:
    """What kube-state-metrics says, table by table, for each six hours, and a week in one answer."""
    pieces = math.ceil((plan.end_ms - plan.start_ms) / PIECE_MS)
    requests = tables * math.ceil(pieces / PIECES_AT_ONCE)
    return Size(series=0, samples=0, bytes=rows * pieces * ROW_BYTES, requests=requests)
