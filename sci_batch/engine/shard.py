"""What a worker does: read some time of some nodes, and book it. Plain values go in and come out."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from sci_batch import attribution, fetch
from sci_batch.asking.plan import Discovery, Plan
from sci_batch.energy import Booked, Carry
from sci_batch.errors import SciBatchError
from sci_batch.fetch.past import Past
from sci_batch.prometheus.client import Client
from sci_batch.settings import Settings, http_settings
from sci_batch.workloads import Created


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One share of the nodes, over the whole range."""

    settings: Settings = field(repr=False)
    """In no log of a worker: an address may hold a login."""
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


@dataclass(frozen=True, slots=True)
class Failed:
    """An expected failure as a value: told once, by who waits for it, and in no log of a worker."""

    kind: type[SciBatchError]
    what: str
    cure: str

    @classmethod
    def of(cls, error: SciBatchError) -> Failed:
        """Without what a subclass holds beside its words."""
        kind = next(kind for kind in type(error).__mro__ if kind.__module__ == SciBatchError.__module__)
        return cls(kind, error.what, error.cure)

    def error(self) -> SciBatchError:
        """The failure, to be raised."""
        return self.kind(self.what, self.cure)


Done = tuple[State, Read] | Failed


def read(job: Job, state: State | Failed | None, upto_ms: int) -> Done:
    """Go on with a share until `upto_ms` [Unix ms] at least; a failure goes through the whole chain.

    The state that comes in is left as it is: a task may have to be done again elsewhere.
    """
    if isinstance(state, Failed):
        return state
    try:
        return _read(job, state, upto_ms)
    except SciBatchError as error:
        return Failed.of(error)


def _read(job: Job, state: State | None, upto_ms: int) -> tuple[State, Read]:
    past, carry = _of(state)
    booked, created = [], Created(job.created)
    with Client(http_settings(job.settings)) as client:
        for stretch in fetch.read(client, job.plan, job.found, past):
            rises, carry = attribution.rises(stretch, carry, created, job.steps_ms, job.settings)
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


def state_of(done: Done) -> State | Failed:
    """What the next task of the share needs; it stays where it was made."""
    return done if isinstance(done, Failed) else done[0]


def read_of(done: Done) -> Read | Failed:
    """What goes to the ledger."""
    return done if isinstance(done, Failed) else done[1]
