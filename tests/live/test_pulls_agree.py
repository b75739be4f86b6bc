"""The edges pull beside the raw pull on the same server: what one value per step cannot tell."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import pytest

from tests import servers
from tests.live.cluster import HOUR, JOULES_PER_KWH, rows, small
from tests.simulator import Node, Workload, remote_write_bodies, simulate
from tests.simulator.scenario import MINUTE, Gap, PodEvent, Restart, Scenario

pytestmark = pytest.mark.live

POD_WATTS = 20.0
"""No pod here uses more, all domains together (legacy: with its share of idle)."""
ODD_SECONDS = 125.0
"""The edges pull may place what was used around a gap by so much otherwise: the longest gap, and a scrape."""


@dataclass(frozen=True)
class World:
    """A cluster with its mishaps, and the windows to compare by."""

    scenario: Scenario
    window: str = "1h"


def _nodes(first: float = 30.0, second: float = 15.0) -> tuple[Node, ...]:
    return (
        Node(name="n1", cores=8, scrape_seconds=first), Node(name="n2", cores=8, scrape_seconds=second),
    )  # fmt: skip


KNOWN = {
    "legacy, dead containers shown up to a restart in the first window": World(
        small("legacy", nodes=_nodes(15.0, 60.0), restarts=(Restart(node=1, at=188.0, down=5.0),)), "5m"
    ),
    "legacy, the same in a later window": World(
        small("legacy", nodes=_nodes(30.0, 60.0), restarts=(Restart(node=0, at=7122.0, down=40.0),)), "30m"
    ),
    "upgrade, the new Kepler is first seen just after an edge": World(
        small("upgrade", nodes=_nodes(15.0, 15.0), upgrade_at=3585.0), "30m"
    ),
    "restart in the first step under another instance, and its counter overtakes": World(
        small(restarts=(Restart(node=1, at=-532.0, down=20.0), Restart(node=1, at=2.6, down=5.0))), "30m"
    ),
    "restart between the last scrape before the range and the first inside, overtakes": World(
        small(restarts=(Restart(node=1, at=-532.0, down=20.0), Restart(node=1, at=-8.0, down=5.0))), "30m"
    ),
    "the same without a node level": World(
        small(
            node_level=False,
            restarts=(Restart(node=1, at=-532.0, down=20.0), Restart(node=1, at=-8.0, down=5.0)),
        ),
        "30m",
    ),
}  # fmt: skip


def _any_world(seed: int) -> World:
    """Mishaps at any time, often at an edge or just before the range."""
    chosen = random.Random(seed)

    def when() -> float:
        return chosen.choice([
            chosen.uniform(-25 * MINUTE, 3 * HOUR - 5 * MINUTE), chosen.uniform(-20 * MINUTE, 15 * MINUTE),
            chosen.choice([0, 1, 2]) * HOUR + chosen.uniform(-90, 90),
        ])  # fmt: skip

    def events(most: int) -> tuple[PodEvent, ...]:
        hit = [chosen.choice(["shop/web", "shop/db", "ops/agent"]) for _ in range(chosen.randint(0, most))]
        return tuple(
            PodEvent(namespace=one.split("/")[0], workload=one.split("/")[1], at=when()) for one in hit
        )

    generation = chosen.choice(["rewrite", "rewrite", "rewrite", "legacy", "upgrade"])
    changes: dict[str, Any] = {
        "seed": seed,
        "nodes": _nodes(chosen.choice([15.0, 30.0, 60.0]), chosen.choice([15.0, 30.0, 60.0])),
        "workloads": (
            Workload(namespace="shop", name="web", replicas=2, watts=6.0, rollout_at=when()),
            Workload(namespace="shop", name="db", kind="StatefulSet", replicas=2, watts=5.0,
                     recreate_at=when()),
            Workload(namespace="ops", name="agent", kind="DaemonSet", watts=1.5),
            Workload(namespace="ops", name="tidy", kind="CronJob", watts=4.0,
                     every_seconds=chosen.choice([600.0, 1200.0]), life_seconds=(20.0, 900.0),
                     linger_seconds=chosen.choice([0.0, 900.0])),
        ),
        "drops": events(2),
        "resumes": events(2) if generation != "legacy" else (),
        "restarts": tuple(
            Restart(node=chosen.randint(0, 1), at=when(), down=chosen.choice([5.0, 40.0, 200.0]))
            for _ in range(chosen.randint(0, 2))
        ),
        "gaps": tuple(
            Gap(node=chosen.randint(0, 1), at=when(), seconds=chosen.choice([60.0, 200.0, 1500.0]))
            for _ in range(chosen.randint(0, 1))
        ),
        "upgrade_at": when(),
    }  # fmt: skip
    return World(small(generation, **changes), chosen.choice(["5m", "15m", "30m", "1h"]))


WORLDS = KNOWN | {f"any {seed}": _any_world(seed) for seed in range(1, 13)}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """One for all worlds, each of them a cluster."""
    with servers.prometheus() as made:
        yield made.url


def joules(server: str, world: World, cluster: str) -> pd.DataFrame:
    """Active energy of each pod and window by both pulls [J]."""
    scenario = replace(world.scenario, external_labels=(("cluster", cluster),))
    servers.load_remote_write(server, remote_write_bodies(simulate(scenario).series))
    flags = ("--cluster-label", f"cluster={cluster}", "--window", world.window)
    by_pull = {
        pull: rows(server, *flags, "--group-by", "node,namespace,pod", "--pull", pull)
        .groupby(["node", "namespace", "pod", "window_start"])["active_kwh"]
        .sum()
        * JOULES_PER_KWH
        for pull in ("edges", "raw")
    }
    return pd.concat(by_pull, axis=1).fillna(0.0)


@pytest.mark.parametrize("name", WORLDS)
def test_each_pod_has_the_energy_of_its_samples(server: str, name: str) -> None:
    both = joules(server, WORLDS[name], str(list(WORLDS).index(name)))
    assert both["edges"].sum() == pytest.approx(both["raw"].sum(), rel=0.002)
    apart = both[(both["edges"] - both["raw"]).abs() > POD_WATTS * ODD_SECONDS]
    assert apart.empty, apart.to_string()


def test_what_was_used_in_a_long_gap_is_spread_evenly(server: str) -> None:
    """It begins 100 s before an edge and ends in the step after the next."""
    gap = Gap(node=0, at=3500.0, seconds=1500.0)
    both = joules(server, World(small(nodes=_nodes(15.0, 15.0), gaps=(gap,)), "15m"), "gap")
    apart = both[(both["edges"] - both["raw"]).abs() > 10.0 * 15.0]  # 10 W, an interval of scrapes
    assert apart.empty, apart.to_string()
