"""What the doctor says of Kepler and its scraping, out of tables."""

from __future__ import annotations

import pandas as pd
import pytest

from sci_batch.asking.plan import Plan
from sci_batch.doctor import kepler, scraping
from sci_batch.doctor.finding import OK, PROBLEM, WARNING
from sci_batch.doctor.kepler_look import Seen

MINUTE, HOUR = 60_000, 3_600_000
START = 1_772_409_600_000
PLAN = Plan(
    edges_ms=(START, START + HOUR, START + 2 * HOUR), pull="edges", power_domains=("package", "dram"),
    cluster=(), max_gap_ms=3 * MINUTE,
)  # fmt: skip


def seen(*rows: str, first: int = START, last: int = START + 2 * HOUR) -> Seen:
    """`node generation level domain`, with commas between several levels and domains."""
    made = []
    for row in rows:
        node, generation, levels, domains = row.split()
        made += [
            (node, generation, level, domain, first, last)
            for level in levels.split(",")
            for domain in domains.split(",")
        ]
    columns = ["node", "generation", "level", "power_domain", "first_ms", "last_ms"]
    return Seen(counters=pd.DataFrame(made, columns=columns))


def versions(*rows: str) -> pd.DataFrame:
    """`node generation version times`."""
    table = pd.DataFrame([row.split() for row in rows], columns=["node", "generation", "version", "series"])
    return table.astype({"series": "float64"})


NEW = seen("a rewrite node,pod package,dram", "b rewrite node,pod package,dram")


def test_one_version_is_one_line() -> None:
    found = kepler.generation(NEW, versions("a rewrite v0.11.4 1", "b rewrite v0.11.4 1"))
    assert (found.status, found.what, found.more) == (OK, "Kepler v0.11.4 on 2 nodes (a, b)", ())
    assert found.facts["nodes"] == [
        {"node": "a", "generation": "rewrite", "version": "v0.11.4"},
        {"node": "b", "generation": "rewrite", "version": "v0.11.4"},
    ]


def test_several_versions_are_several_lines() -> None:
    found = kepler.generation(NEW, versions("a rewrite v0.11.4 1", "b rewrite v0.10.2 1"))
    assert found.status == OK
    assert found.what == "Kepler 0.10 or later on 2 nodes (a, b)"
    assert found.more == ("Kepler v0.10.2 on 1 node (b)", "Kepler v0.11.4 on 1 node (a)")


@pytest.mark.parametrize("told", [None, versions()])
def test_a_version_that_nobody_tells(told: pd.DataFrame | None) -> None:
    found = kepler.generation(NEW, told)
    assert found.what == "Kepler 0.10 or later, version not told, on 2 nodes (a, b)"
    assert [one["version"] for one in found.facts["nodes"]] == [None, None]


def test_old_and_new_on_different_nodes() -> None:
    mixed = seen("a rewrite node,pod package", "b legacy node,container package")
    found = kepler.generation(mixed, versions("a rewrite v0.11.4 1", "b legacy v0.7.12 1"))
    assert found.status == WARNING
    assert found.what == "old and new Kepler side by side, on different nodes"
    assert "compare energy_kwh, not active_kwh" in found.numbers
    assert "two-generations" not in found.numbers
    assert found.more == ("Kepler v0.7.12 on 1 node (b)", "Kepler v0.11.4 on 1 node (a)")


def test_a_node_that_changed_in_the_range() -> None:
    found = kepler.generation(seen("a rewrite pod package", "a legacy container package"), None)
    assert found.what == "old and new Kepler in one range, changed on the node a"
    assert "two-generations" in found.numbers


def test_power_domains_that_are_there() -> None:
    found = kepler.power_domains(NEW, PLAN, {"package", "dram", "core"})
    assert (found.status, found.what) == (OK, "package, dram on every node; shown too: core")


def test_a_power_domain_that_some_nodes_lack() -> None:
    some = seen("a rewrite node package,dram", "b rewrite node package", "c rewrite node package")
    found = kepler.power_domains(some, PLAN, {"package", "dram", "psys"})
    assert found.status == WARNING
    assert found.what == "no dram on 2 of 3 nodes (b, c); shown too: psys"
    assert "do not compare" in found.numbers
    assert "--power-domains" in found.cure
    assert "psys alone" in found.cure


def test_a_power_domain_that_no_node_has() -> None:
    found = kepler.power_domains(seen("a rewrite node package"), PLAN, {"package"})
    assert found.what == "no dram on the node a"
    assert found.numbers == "the energy of that domain is missing everywhere"


def test_a_total_alone() -> None:
    found = kepler.power_domains(seen("a legacy container total"), PLAN, ())
    assert found.status == WARNING
    assert "legacy-total" in found.numbers


def test_levels() -> None:
    assert kepler.node_level(NEW).what == "on, all 2 nodes"
    assert kepler.pod_level(NEW).what == "on, all 2 nodes"
    half = seen("a rewrite node,pod package", "b rewrite pod package", "c rewrite node package")
    node, pod = kepler.node_level(half), kepler.pod_level(half)
    assert (node.status, node.what) == (WARNING, "off on 1 of 3 nodes (b)")
    assert "no-node-energy" in node.numbers
    assert (pod.status, pod.what) == (WARNING, "off on 1 of 3 nodes (c)")
    assert "no-pod-level" in pod.numbers
    instead = kepler.pod_level(seen("a rewrite node,container package"))
    assert (instead.status, instead.what) == (WARNING, "off on the node a; containers stand in")
    old = kepler.pod_level(seen("a legacy node,container package"))
    assert old.status == OK


@pytest.mark.parametrize(
    ("sources", "status", "words"),
    [
        (["rapl", "rapl"], OK, "by RAPL on all 2 nodes"),
        (["rapl", "model"], WARNING, "estimated by a model, not measured, on 1 of 2 nodes (b)"),
        (["model", "model"], WARNING, "estimated by a model, not measured, on all 2 nodes"),
        (["hwmon", "rapl"], WARNING, "not by RAPL: hwmon on 1 of 2 nodes (a)"),
    ],
)
def test_measured_or_modelled(sources: list[str], status: str, words: str) -> None:
    found = kepler.measured(pd.DataFrame({"node": ["a", "b"], "source": sources}))
    assert (found.status, found.what) == (status, words)
    assert bool(found.numbers) == (status != OK)


def test_idle_inside_dynamic() -> None:
    assert kepler.idle_apart(set(), 2).status == OK
    found = kepler.idle_apart({"a"}, 2)
    assert found.status == WARNING
    assert found.what.startswith("not told apart from use on 1 of 2 nodes (a)")
    assert "--unattributed" in found.numbers


@pytest.mark.parametrize(
    ("seconds", "window", "status", "words"),
    [
        ([30.0, 30.0], HOUR, OK, "every 30 s"),
        ([15.0, 60.0], HOUR, OK, "every 15 s to 1 min (slowest: b)"),
        ([30.0, 119.0], HOUR, OK, "every 30 s to 1 min 59 s (slowest: b)"),
        ([30.0, 120.0], HOUR, WARNING, "which is near --max-gap 3 min"),
        ([30.0, 180.0], HOUR, WARNING, "which is near --max-gap 3 min"),
        ([30.0, 181.0], HOUR, PROBLEM, "which is longer than --max-gap 3 min"),
        ([30.0, 60.0], 5 * MINUTE, WARNING, "20% of a window of 5 min"),
        ([30.0, 30.0], 5 * MINUTE, OK, "every 30 s"),
    ],
)
def test_how_often(seconds: list[float], window: int, status: str, words: str) -> None:
    found = scraping.scraped(pd.Series(seconds, index=["a", "b"]), PLAN, window)
    assert found.status == status
    assert words in found.what
    assert found.exit_code == (5 if status == PROBLEM else 0)
    assert found.facts["seconds"] == {"a": seconds[0], "b": seconds[1]}
    if "--max-gap" in found.cure:
        minutes = int(found.cure.rpartition("--max-gap ")[2].removesuffix("m."))
        assert minutes * 60 > 2 * max(seconds), "the cure must be one"


def test_from_when_to_when() -> None:
    assert scraping.in_range(NEW, PLAN, 5 * MINUTE).status == OK
    late = scraping.in_range(seen("a rewrite pod package", first=START + HOUR), PLAN, 5 * MINUTE)
    assert late.status == WARNING
    assert late.what == "seen only from 2026-03-02T01:00:00Z to 2026-03-02T02:00:00Z"
    assert late.numbers.startswith("1 h of the range have no rows")
    assert late.cure == "Give --start 2026-03-02T01:00:00Z."
    gone = scraping.in_range(seen("a rewrite pod package", last=START + HOUR), PLAN, 5 * MINUTE)
    assert gone.cure == "See whether Kepler is still scraped."


def test_scraped_twice() -> None:
    assert scraping.once(versions("a rewrite v1 1", "b rewrite v1 1")).status == OK
    found = scraping.once(versions("a rewrite v1 2", "b rewrite v1 1"))
    assert found.status == WARNING
    assert found.what.startswith("Kepler is scraped 2 times at once on 1 of 2 nodes (a)")
    assert "duplicate-series" in found.numbers
