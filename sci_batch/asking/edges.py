"""The questions of the edges pull, a stretch of time at once."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass

from sci_batch.asking.edge_queries import lived, queries
from sci_batch.asking.plan import Discovery, Plan, Stretch
from sci_batch.kepler import Meter
from sci_batch.prometheus.client import Client
from sci_batch.prometheus.samples import Samples

_PURPOSES = ("value", "resets", "lived", "fresh")
"""Those first with whose answers most is to be done."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for one stretch, by what it is asked for; the answers may still be under way."""

    stretch: Stretch
    by_purpose: dict[str, list[tuple[Meter, Future[Samples]]]]

    def answers(self, purpose: str) -> list[tuple[Meter, Samples]]:
        """Those for this purpose, waited for; raises what kept one from coming."""
        return [(meter, answer.result()) for meter, answer in self.by_purpose[purpose]]


def ask(client: Client, plan: Plan, found: Discovery, stretch: Stretch) -> Asked:
    """Ask for every meter's value, resets and freshness, and for pods' lives, at each edge of the stretch.

    Not for lives before the range. For resets there as well: a pod that was declared terminated and runs on
    has two last values, the higher of which is over.
    """
    asked = [
        (meter, what, text)
        for meter in found.meters
        for what, text in queries(plan, meter, stretch.step_ms).items()
    ]
    if not stretch.seed:
        asked += [(meter, "lived", text) for meter, text in lived(plan, found.meters, stretch.step_ms)]
    asked.sort(key=lambda one: _PURPOSES.index(one[1]))
    answers = client.begun(lambda one: client.range(one[2], *stretch.grid), asked)
    by_purpose: dict[str, list[tuple[Meter, Future[Samples]]]] = {what: [] for what in _PURPOSES}
    for (meter, what, _), answer in zip(asked, answers, strict=True):
        by_purpose[what].append((meter, answer))
    return Asked(stretch, by_purpose)


def rest_of_lives(
    client: Client, plan: Plan, found: Discovery, stretch: Stretch
) -> list[tuple[Meter, Samples]]:
    """How long pods lived, by the power domains that `ask` does not ask."""
    asked = lived(plan, found.meters, stretch.step_ms, rest=True)
    answers = client.map(lambda one: client.range(one[1], *stretch.grid), asked)
    return [(meter, answer) for (meter, _), answer in zip(asked, answers, strict=True)]
