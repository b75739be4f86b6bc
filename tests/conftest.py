"""Servers that hold simulated clusters, started and filled once per session, on first use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests import servers
from tests.simulator import Generation, Scenario, Simulation, Truth, remote_write_bodies, scenario, simulate


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A running server filled with one simulated cluster."""

    url: str
    simulation: Simulation

    @property
    def scenario(self) -> Scenario:
        return self.simulation.scenario

    @property
    def truth(self) -> Truth:
        return self.simulation.truth


@cache
def simulated(generation: Generation) -> Simulation:
    """The default cluster of one generation, made once."""
    return simulate(scenario(generation))


@contextmanager
def prometheus_world(simulation: Simulation, retention: str = "10y") -> Iterator[World]:
    """A Prometheus that holds a simulation, stale markers included."""
    with servers.prometheus(retention=retention) as server:
        servers.load_remote_write(server.url, remote_write_bodies(simulation.series))
        yield World(url=server.url, simulation=simulation)


@contextmanager
def victoria_world(simulation: Simulation, directory: Path) -> Iterator[World]:
    """A VictoriaMetrics that holds a simulation."""
    lines = directory / "simulation.jsonl"
    simulation.write_victoria(lines)
    with servers.victoria_metrics() as server:
        servers.load_victoria(server.url, lines)
        lines.unlink()
        yield World(url=server.url, simulation=simulation)


@pytest.fixture(scope="session")
def prometheus_rewrite() -> Iterator[World]:
    with prometheus_world(simulated("rewrite")) as world:
        yield world


@pytest.fixture(scope="session")
def prometheus_legacy() -> Iterator[World]:
    with prometheus_world(simulated("legacy")) as world:
        yield world


@pytest.fixture(scope="session")
def prometheus_upgrade() -> Iterator[World]:
    with prometheus_world(simulated("upgrade")) as world:
        yield world


@pytest.fixture(scope="session")
def victoria_rewrite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with victoria_world(simulated("rewrite"), tmp_path_factory.mktemp("victoria")) as world:
        yield world


@pytest.fixture(scope="session")
def victoria_legacy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with victoria_world(simulated("legacy"), tmp_path_factory.mktemp("victoria")) as world:
        yield world


@pytest.fixture
def pushgateway() -> Iterator[servers.Server]:
    """A fresh Pushgateway: groups of other tests would show in it."""
    with servers.pushgateway() as server:
        yield server
