"""Which Kepler is there: generations, levels, power domains, nodes, and how many series."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from sci_batch import kepler
from sci_batch.asking.plan import SEED_MS, Discovery, Plan, Seen
from sci_batch.errors import NoDataError, SourceError
from sci_batch.prometheus.client import Client
from sci_batch.prometheus.samples import Samples
from sci_batch.settings.values import USUAL_POWER_DOMAINS

_LEGACY_PART = re.compile(r"kepler_(?:container|node)_(core|uncore|package|dram)_joules_total")
LOOKS = 96
"""At how many moments of the range the presence of metrics is looked at."""


def discover(client: Client, plan: Plan) -> Discovery:
    """Find the meters of this range.

    Raises
    ------
    NoDataError
        Nothing of Kepler is there, or none of the chosen power domains; the sentence says what is.
    SourceError
        Only metrics of Kepler 0.3 and older, whose unit is not certain.
    """
    by_level = kepler.meters(plan.power_domains, plan.cluster, plan.labels)
    found = dict(
        zip(by_level, client.map(lambda item: _present(client, plan, item), by_level.values()), strict=True)
    )
    if not any(found.values()):
        names, domains = _shown(client, plan)
        if domains:
            raise _other_domains(domains, plan)
        found[kepler.LEGACY, kepler.CONTAINER], by_level[kepler.LEGACY, kepler.CONTAINER] = _legacy_total(
            client, plan
        )
        if not any(found.values()):
            raise _nothing(names, plan)
    meters: list[kepler.Meter] = []
    for place, candidates in by_level.items():
        if place == (kepler.REWRITE, kepler.CONTAINER):
            meters += _where_no_pods(candidates, found, plan)
        else:
            there = {seen.metric for seen in found[place]}
            meters += [meter for meter in candidates if meter.metric in there]
    named = _legacy_nodes(client, plan, found)
    seen = tuple(seen for of_level in found.values() for seen in of_level)
    return Discovery(
        meters=tuple(meters),
        series=int(sum(one.series for one in seen)),
        node_names=dict(named),
        node_pairs=tuple(named),
        seen=seen,
        notes=_notes(found, plan),
    )


def looks(plan: Plan) -> tuple[int, int, int]:
    """First, last and spacing [ms] of the moments at which is looked."""
    step = max(300_000, (plan.end_ms - plan.start_ms) // LOOKS // 60_000 * 60_000)
    return plan.start_ms, plan.end_ms, step


def query(plan: Plan, meter: kepler.Meter) -> str:
    """PromQL that tells where a meter has series, and how many."""
    node = _node_label(plan, meter)
    by = node
    if meter.generation == kepler.REWRITE:
        by = f"{node}, {plan.labels.of(kepler.REWRITE, 'power_domain')}"
    return f"count by ({by}) ({meter.selector()})"


def _node_label(plan: Plan, meter: kepler.Meter) -> str:
    """The label that tells nodes apart: old Kepler's containers only have their target's `instance`."""
    return plan.labels.of(meter.generation, "node" if meter.generation == kepler.REWRITE else "instance")


_Found = dict[tuple[str, str], list[Seen]]
"""By generation and level."""


def _present(client: Client, plan: Plan, meters: list[kepler.Meter]) -> list[Seen]:
    """Where these meters have series."""
    start_ms, end_ms, step_ms = looks(plan)
    count = (end_ms - start_ms) // step_ms + 1
    answers = [(meter, client.range(query(plan, meter), start_ms, end_ms, step_ms)) for meter in meters]
    return [seen for meter, answer in answers for seen in _seen(plan, meter, answer, count)]


def _seen(plan: Plan, meter: kepler.Meter, answer: Samples, looks: int) -> list[Seen]:
    """A row for each series of the answer."""
    if not len(answer):
        return []
    start = np.searchsorted(answer.series, np.arange(len(answer.sets)))
    most, whole = (how.reduceat(answer.value, start) for how in (np.maximum, np.add))
    first, last = (how.reduceat(answer.time_ms, start) for how in (np.minimum, np.maximum))
    nodes = answer.texts(_node_label(plan, meter))
    domains = answer.texts(plan.labels.of(kepler.REWRITE, "power_domain"))
    columns = nodes, domains, most.tolist(), (whole / looks).tolist(), first.tolist(), last.tolist()
    return [
        Seen(
            generation=meter.generation, level=meter.level, metric=meter.metric, node=node,
            power_domain=meter.power_domain or domain, series=series, mean=mean, first_ms=begin, last_ms=end,
        )
        for node, domain, series, mean, begin, end in zip(*columns, strict=True)
    ]  # fmt: skip


def _where_no_pods(candidates: list[kepler.Meter], found: _Found, plan: Plan) -> list[kepler.Meter]:
    """Container counters, but only of nodes without pod counters: they are the same joules."""
    containers, pods = found[kepler.REWRITE, kepler.CONTAINER], found[kepler.REWRITE, kepler.POD]
    nodes = sorted({seen.node for seen in containers} - {seen.node for seen in pods})
    if not nodes:
        return []
    here = matcher_of(plan, nodes)
    there = {seen.metric for seen in containers}
    return [replace(meter, matchers=(*meter.matchers, here)) for meter in candidates if meter.metric in there]


def matcher_of(plan: Plan, nodes: list[str]) -> str:
    """The matcher of some nodes of the rewrite."""
    return kepler.matcher(plan.labels.of(kepler.REWRITE, "node"), nodes)


def _legacy_nodes(client: Client, plan: Plan, found: _Found) -> list[tuple[str, str]]:
    """Target `instance` and node name: the node's own series carry it as `exported_instance`."""
    if not found[kepler.LEGACY, kepler.NODE]:
        return []
    instance, node = (plan.labels.of(kepler.LEGACY, word) for word in ("instance", "node"))
    named: list[tuple[str, str]] = []
    for metric in sorted({seen.metric for seen in found[kepler.LEGACY, kepler.NODE]}):
        selector = f"{metric}{{{','.join(plan.cluster)}}}"
        answer = client.range(f"count by ({instance}, {node}) ({selector})", *looks(plan))
        pairs = zip(answer.texts(instance), answer.texts(node), strict=True)
        named += [(target, name) for target, name in pairs if name]
    return named


def _legacy_total(client: Client, plan: Plan) -> tuple[list[Seen], list[kepler.Meter]]:
    """Old Kepler whose parts are dropped by the scrape configuration: its total, if its version allows."""
    selector = ",".join(plan.cluster)
    versions = client.range(f"count by (version) (kepler_exporter_build_info{{{selector}}})", *looks(plan))
    meters = {
        kepler.legacy_total(version, plan.cluster) for version in sorted(set(versions.texts("version")))
    }
    totals = _present(client, plan, [kepler.Meter(
        generation=kepler.LEGACY, level=kepler.CONTAINER, metric="kepler_container_joules_total",
        power_domain=kepler.TOTAL_DOMAIN, matchers=plan.cluster,
    )])  # fmt: skip
    if not totals:
        return totals, []
    known = [meter for meter in meters if meter is not None]
    if len(meters) != 1 or len(known) != 1:
        names = ", ".join(sorted(set(versions.texts("version")))) or "version unknown"
        raise SourceError(
            f"this Kepler ({names}) shows only "
            "kepler_container_joules_total, and does not say in which unit and of which parts",
            "Scrape kepler_container_package_joules_total and kepler_container_dram_joules_total as well "
            "(0.7.3 writes the total in mJ, up to 0.7.2 it holds uncore twice).",
        )
    return totals, known


def _notes(found: _Found, plan: Plan) -> tuple[str, ...]:
    notes = []
    seen = {one.power_domain for of_level in found.values() for one in of_level}
    missing = [domain for domain in plan.power_domains if domain not in seen]
    if missing and kepler.TOTAL_DOMAIN not in seen:
        notes.append(f"no meter for {', '.join(missing)} here: the energy is {', '.join(sorted(seen))} only")
    if not found[kepler.REWRITE, kepler.NODE] and not found[kepler.LEGACY, kepler.NODE]:
        notes.append(
            "Kepler's node level is off: idle and host energy are unknown, the books cannot be checked"
        )
    return tuple(notes)


def _shown(client: Client, plan: Plan) -> tuple[set[str], list[str]]:
    """The metrics of energy that there are in the range, and their power domains."""
    selector = ",".join(('__name__=~"kepler_.*joules_total|pod_curr_energy_in_.*"', *plan.cluster))
    zone = plan.labels.of(kepler.REWRITE, "power_domain")
    span = kepler.duration(plan.end_ms - plan.start_ms + SEED_MS)
    query = f"count by (__name__, {zone}) (last_over_time({{{selector}}}[{span}]))"
    there = client.instant(query, plan.end_ms)
    names = set(there.texts("__name__"))
    parts = {found[1] for name in names if (found := _LEGACY_PART.fullmatch(name))}
    return names, sorted({*there.texts(zone), *parts} - {""})


def _other_domains(domains: list[str], plan: Plan) -> NoDataError:
    usual = [domain for domain in USUAL_POWER_DOMAINS if domain in domains]
    return NoDataError(
        f"Kepler shows the power domains {', '.join(domains)}, not {', '.join(plan.power_domains)}",
        f"Try --power-domains {','.join(usual) or domains[0]}.",
    )


def _nothing(names: set[str], plan: Plan) -> NoDataError | SourceError:
    """Why nothing was found, from what is there."""
    if any(name.startswith("pod_curr_energy") for name in names):
        return SourceError(
            "this is Kepler 0.3 or older, whose counters are in another unit",
            "Update Kepler; numbers from it would be a guess.",
        )
    if names - {""}:
        return NoDataError(
            f"Kepler is there ({', '.join(sorted(names)[:4])}), but shows no energy of pods or nodes here",
            "Turn on Kepler's metric levels `node` and `pod` (option --metrics), or check --power-domains.",
        )
    return NoDataError(
        "the server holds no metrics of Kepler in this range"
        + (f" with {', '.join(plan.cluster)}" if plan.cluster else ""),
        "Check --since/--start/--end against Kepler's installation and the server's retention"
        + (", and --cluster-label." if plan.cluster else ", and that Prometheus scrapes Kepler."),
    )
