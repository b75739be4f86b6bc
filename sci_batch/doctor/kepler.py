"""Kepler: which, with which levels and power domains, measured or modelled."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import pandas as pd

from sci_batch import kepler
from sci_batch.asking.plan import Plan
from sci_batch.doctor.finding import KEPLER, OK, WARNING, Finding, named, none_of, of_nodes
from sci_batch.doctor.kepler_look import Seen

WORDS = {kepler.REWRITE: "Kepler 0.10 or later", kepler.LEGACY: "Kepler 0.9 or earlier"}


def generation(seen: Seen, versions: pd.DataFrame | None) -> Finding:
    """Which Kepler, per node; old and new together are two methods in one table."""
    new, old = seen.with_generation(kepler.REWRITE), seen.with_generation(kepler.LEGACY)
    lines = tuple(_version_lines(seen, versions))
    facts = {"nodes": _version_facts(seen, versions)}
    if not (new and old):
        what = f"{WORDS[kepler.REWRITE if new else kepler.LEGACY]} on {_nodes(seen.nodes)}"
        if len(lines) == 1:
            what, lines = lines[0], ()
        return Finding(
            subject=KEPLER, check="version", status=OK, what=what, more=lines, facts=facts
        )  # fmt: skip
    both = new & old
    where = f"changed on {of_nodes(both, len(seen.nodes))}" if both else "on different nodes"
    return Finding(
        subject=KEPLER, check="version", status=WARNING, more=lines, facts=facts,
        what=f"old and new Kepler {'in one range' if both else 'side by side'}, {where}",
        numbers="the old one gives idle energy to pods (in active_kwh), the new one leaves it to "
        "--unattributed: compare energy_kwh, not active_kwh"
        + ("; moments with both count once, flagged two-generations" if both else ""),
        cure="Take a range with one Kepler, or update the old ones.",
    )  # fmt: skip


def _nodes(names: Collection[str]) -> str:
    return f"{len(names)} node{'s' if len(names) != 1 else ''} ({named(names)})"


def _version_lines(seen: Seen, versions: pd.DataFrame | None) -> Iterator[str]:
    for one in (kepler.LEGACY, kepler.REWRITE):
        left = seen.with_generation(one)
        if versions is not None:
            known = versions[versions["generation"] == one]
            for version, rows in known.groupby("version"):
                left = left - set(rows["node"])
                yield f"Kepler {version} on {_nodes(set(rows['node']))}"
        if left:
            yield f"{WORDS[one]}, version not told, on {_nodes(left)}"


def _version_facts(seen: Seen, versions: pd.DataFrame | None) -> list[dict[str, str | None]]:
    pairs = seen.counters[["node", "generation"]].drop_duplicates()
    told = pairs.assign(version=None)
    if versions is not None:
        told = pairs.merge(versions[["node", "generation", "version"]], on=["node", "generation"], how="left")
    return [
        {"node": node, "generation": one, "version": version if isinstance(version, str) else None}
        for node, one, version in sorted(told.to_numpy().tolist(), key=lambda row: list(map(str, row)))
    ]


def power_domains(seen: Seen, plan: Plan, others: Collection[str]) -> Finding:
    """Are the chosen domains there, on every node? `others` are all domains that Kepler shows."""
    rows = seen.counters[seen.counters["power_domain"] != kepler.GPU]
    has = rows.groupby("power_domain")["node"].agg(set).to_dict()
    total = has.pop(kepler.TOTAL_DOMAIN, set())
    facts = {
        "wanted": list(plan.power_domains), "nodes": {name: sorted(nodes) for name, nodes in has.items()},
        "shown": sorted(others),
    }  # fmt: skip
    besides = sorted(set(others) - set(plan.power_domains) - {""})
    also = f"; shown too: {', '.join(besides)}" if besides else ""
    lacking = {
        name: missing
        for name in plan.power_domains
        if (missing := set(seen.nodes) - has.get(name, set()) - total)
    }
    if total:
        return Finding(
            subject=KEPLER, check="power-domains", status=WARNING, facts=facts,
            what=f"only a total, without its parts, on {of_nodes(total, len(seen.nodes))}",
            numbers="the total holds other devices and GPU too; flagged legacy-total",
            cure="Scrape kepler_container_package_joules_total and kepler_container_dram_joules_total too.",
        )  # fmt: skip
    if not lacking:
        what = f"{', '.join(plan.power_domains)} on every node{also}"
        return Finding(subject=KEPLER, check="power-domains", status=OK, what=what, facts=facts)
    places = "; ".join(f"no {name} on {none_of(nodes, len(seen.nodes))}" for name, nodes in lacking.items())
    uneven = any(len(nodes) < len(seen.nodes) for nodes in lacking.values())
    return Finding(
        subject=KEPLER, check="power-domains", status=WARNING, what=places + also, facts=facts,
        numbers="the energy of that domain is missing"
        + (": nodes with and without it do not compare" if uneven else " everywhere"),
        cure=f"Choose with --power-domains; {kepler_domain_hint(besides)}",
    )  # fmt: skip


def kepler_domain_hint(besides: Collection[str]) -> str:
    """What else there is to measure with."""
    if "psys" in besides:
        return "psys alone holds the whole platform."
    return "many processors (AMD) have no meter for DRAM: see Limits in the README."


def node_level(seen: Seen) -> Finding:
    """Whether every node shows its own counters."""
    missing = set(seen.nodes) - seen.with_level(kepler.NODE)
    facts = {"nodes_without": sorted(missing)}
    if not missing:
        what = f"on, {of_nodes(seen.nodes, len(seen.nodes))}"
        return Finding(subject=KEPLER, check="node-level", status=OK, what=what, facts=facts)
    return Finding(
        subject=KEPLER, check="node-level", status=WARNING, facts=facts,
        what=f"off on {of_nodes(missing, len(seen.nodes))}",
        numbers="idle and host energy are unknown and not shared (mostly more than half of a node), the "
        "books cannot be checked, too high pods are not capped; flagged no-node-energy",
        cure="Turn on Kepler's metric level node (--metrics, or metricLevel of the operator).",
    )  # fmt: skip


def pod_level(seen: Seen) -> Finding:
    """Whether every node shows its pods, or at least containers."""
    pods, containers = seen.with_level(kepler.POD), seen.with_level(kepler.CONTAINER)
    old = seen.with_generation(kepler.LEGACY)
    none = set(seen.nodes) - pods - containers
    instead = containers - pods - old
    facts = {"nodes_without": sorted(none), "nodes_with_containers_only": sorted(instead)}
    cure = "Turn on Kepler's metric level pod (--metrics, or metricLevel of the operator)."
    if none:
        return Finding(
            subject=KEPLER, check="pod-level", status=WARNING, facts=facts,
            what=f"off on {of_nodes(none, len(seen.nodes))}",
            numbers="all energy there is of no workload; flagged no-pod-level",
            cure=f"{cure} Pods also need kube.enabled in its configuration.",
        )  # fmt: skip
    if instead:
        return Finding(
            subject=KEPLER, check="pod-level", status=WARNING, facts=facts,
            what=f"off on {of_nodes(instead, len(seen.nodes))}; containers stand in",
            numbers="the same joules; pods without kube-state-metrics have no name; flagged container-level",
            cure=cure,
        )  # fmt: skip
    what = "on (containers, as the old Kepler has it)" if old and not pods else "on"
    what = f"{what}, {of_nodes(seen.nodes, len(seen.nodes))}"
    return Finding(subject=KEPLER, check="pod-level", status=OK, what=what, facts=facts)


def measured(sources: pd.DataFrame) -> Finding:
    """Meter or model? `sources`: node, source."""
    by = {str(source): set(rows["node"]) for source, rows in sources.groupby("source")}
    nodes = set(sources["node"])
    facts = {"nodes": {source: sorted(names) for source, names in by.items()}}
    modelled = by.get("model", set())
    if modelled:
        return Finding(
            subject=KEPLER, check="measured", status=WARNING, facts=facts,
            what=f"estimated by a model, not measured, on {of_nodes(modelled, len(nodes))}",
            numbers="joules are as good as the model, which nobody checked on this machine: fit for shares "
            "and trends, not for a footprint; energy_source says model",
            cure="Run on machines that show RAPL (bare metal, or virtual machines with it passed through).",
        )  # fmt: skip
    strange = {source: names for source, names in by.items() if source not in ("rapl", "redfish", "gpu")}
    if strange:
        words = "; ".join(f"{source} on {of_nodes(names, len(nodes))}" for source, names in strange.items())
        return Finding(
            subject=KEPLER, check="measured", status=WARNING, facts=facts, what=f"not by RAPL: {words}",
            numbers="sensors differ in what they hold; energy_source names it",
            cure="Look up in Kepler's log which sensor it reads.",
        )  # fmt: skip
    return Finding(
        subject=KEPLER, check="measured", status=OK, facts=facts,
        what=f"by RAPL on {of_nodes(nodes, len(nodes))}",
    )  # fmt: skip


def idle_apart(lacking: Collection[str], every: int) -> Finding:
    """Old Kepler with idle energy inside `dynamic`."""
    facts = {"nodes_without": sorted(lacking)}
    if not lacking:
        what = "idle energy is told apart from use"
        return Finding(subject=KEPLER, check="idle", status=OK, what=what, facts=facts)
    return Finding(
        subject=KEPLER, check="idle", status=WARNING, facts=facts,
        what=f"not told apart from use on {of_nodes(lacking, every)} (Kepler 0.8 and 0.9 do not by default)",
        numbers="active_kwh holds the idle energy, split by use, and --unattributed has little to share; "
        "energy_kwh is whole",
        cure="Update to Kepler 0.10 or later, or set EXPOSE_ESTIMATED_IDLE_POWER_METRICS=true.",
    )  # fmt: skip
