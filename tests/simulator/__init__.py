"""A cluster watched by Kepler: known power in, Kepler's counters out, the truth beside it.

Start with `simulate(scenario("rewrite"))`; `truth` says what its `truth` holds.
"""

from __future__ import annotations

from tests.simulator.increase import IncreaseError, increase_error
from tests.simulator.scenario import (
    Gap,
    Generation,
    Node,
    PodEvent,
    Restart,
    Scenario,
    Workload,
    default_nodes,
    default_workloads,
    scenario,
)
from tests.simulator.series import Series, remote_write_bodies
from tests.simulator.simulation import Simulation, simulate
from tests.simulator.truth import Energy, Truth

__all__ = [
    "Energy",
    "Gap",
    "Generation",
    "IncreaseError",
    "Node",
    "PodEvent",
    "Restart",
    "Scenario",
    "Series",
    "Simulation",
    "Truth",
    "Workload",
    "default_nodes",
    "default_workloads",
    "increase_error",
    "remote_write_bodies",
    "scenario",
    "simulate",
]
