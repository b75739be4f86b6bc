"""What a worker does: read some time of some nodes, and book it. Plain values go in and come out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sci_batch import attribution, fetch
from sci_batch.energy import Booked, Carry
from sci_batch.fetch import Discovery, Plan
from sci_batch.fetch.past import Past
from sci_batch.prometheus.client import Client
from sci_batch.settings import Settings, http_settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One share of the nodes, over the whole range."""

    settings: Settings
    plan: Plan
    found: Discovery
    """With matchers for the nodes of this share."""
    created: pd.DataFrame
    """When pods were created (`Kube.created`)."""
    steps_ms: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Where a share stands: what was read, and what its counters hand on."""

    past: Past
    carry: Carry


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What a task booked, and all counters and nodes of its share met so far."""

    booked: tuple[Booked, ...]
    keys: pd.DataFrame
    nodes: pd.DataFrame
    queries: tuple[str, ...]
    warnings: tuple[str, ...]


def read(job: Job, state: State | None, upto_ms: int) -> tuple[State, Read]:
    """Go on with a share until `upto_ms` [Unix ms] at least.

    The state that comes in is left as it is: a task may have to be done again elsewhere.

    Raises
    ------
    SourceError, AuthError, PartialError
        What the server did not answer.
    """
    past, carry = _of(state)
    booked = []
    with Client(http_settings(job.settings)) as client:
        for stretch in fetch.read(client, job.plan, job.found, past):
            rises, carry = attribution.rises(stretch, carry, job.created, job.steps_ms, job.settings)
            booked.append(rises)
            past.end_ms = stretch.end_ms
            if stretch.end_ms >= upto_ms:
                break
        asked = Read(
            booked=tuple(booked), keys=past.registry.keys, nodes=past.registry.nodes,
            queries=tuple(client.queries), warnings=tuple(client.warnings),
        )  # fmt: skip
    return State(past=past, carry=carry), asked


def _of(state: State | None) -> tuple[Past, Carry]:
    return (Past(), Carry()) if state is None else (state.past.copy(), state.carry)


def state_of(done: tuple[State, Read]) -> State:
    """What the next task of the share needs; it stays where it was made."""
    return done[0]


def read_of(done: tuple[State, Read]) -> Read:
    """What goes to the ledger."""
    return done[1]
