"""The examination of a server, step by step: a few small queries, whatever the size of the cluster."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial

from sci_batch import grid, kepler
from sci_batch.asking.discover import discover
from sci_batch.asking.discover import looks as presence_looks
from sci_batch.asking.plan import Discovery, Plan
from sci_batch.asking.planned import plan_of
from sci_batch.doctor import carbon, kubernetes, pull, scraping, server
from sci_batch.doctor import kepler as meters
from sci_batch.doctor.examination import About, Examination
from sci_batch.doctor.finding import CARBON, KEPLER, KUBERNETES, PULL, SERVER, WORK, Finding, unknown
from sci_batch.doctor.kepler_look import (
    Seen,
    scrape_seconds,
    seen,
    targets,
    versions,
    without_idle,
)
from sci_batch.doctor.work import functional_unit
from sci_batch.fetch import kube_look
from sci_batch.fetch.kube import of_nodes
from sci_batch.inputs import Kube, Progress
from sci_batch.prometheus.client import Client
from sci_batch.settings import Settings, http_settings, windows_of
from sci_batch.source import units_of
from sci_batch.windows import Windows, rfc3339

RETRIES = 1
"""A doctor who waits long for an answer has one."""
RECENT_MS = 3_600_000
"""Kubernetes is looked at in the last hour of the range: every earlier one costs as much again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """Everything that the steps share."""

    exam: Examination
    client: Client
    settings: Settings
    windows: Windows
    plan: Plan
    now_ms: int


def examine(exam: Examination, settings: Settings, *, now_ms: int, progress: Progress) -> About:
    """Server, Kepler, Kubernetes, carbon, pull; without a server nothing else is asked."""
    windows = windows_of(settings, now_ms)
    http = replace(http_settings(settings), retries=min(RETRIES, settings.retries))
    with Client(http) as client:
        case = _Case(
            exam=exam, client=client, settings=settings, windows=windows, plan=plan_of(settings, windows),
            now_ms=now_ms,
        )  # fmt: skip
        _everything(case, http.redacted_url, progress)
    start, end = rfc3339(windows.start_ms), rfc3339(windows.end_ms)
    return About(source=http.redacted_url, start=start, end=end)


def _everything(case: _Case, url: str, progress: Progress) -> None:
    exam, client, plan = case.exam, case.client, case.plan
    progress("reaching the server", 0.0)
    reached = exam.get(SERVER, "reachable", lambda: server.reach(client, url, plan.end_ms), needed=True)
    findings, heard = reached or ([], None)
    exam.findings += findings
    if heard is None:
        exam.findings.append(
            unknown(KEPLER, "everything", "the server gave no answer: Kepler, Kubernetes and the pull "
                    "were not looked at")
        )  # fmt: skip
        return
    exam.look(SERVER, "version", lambda: server.identity(client, case.settings, heard, plan.end_ms))
    exam.look(SERVER, "clock", lambda: server.clock(heard, plan))
    progress("looking for Kepler", 0.2)
    found = exam.get(KEPLER, "metrics", lambda: discover(client, plan), needed=True)
    shown = None if found is None else exam.get(KEPLER, "metrics", lambda: seen(found))
    exam.look(
        SERVER, "retention",
        lambda: server.retention(client, plan, case.now_ms, shown.first_ms if shown else None),
    )  # fmt: skip
    slow_share = 0.0 if found is None or shown is None else _kepler(case, found, shown)
    progress("looking at Kubernetes", 0.5)
    rows = _kubernetes(case, shown)
    progress("measuring the pull", 0.8)
    for unit in units_of(case.settings, plan):
        exam.look(WORK, unit.name, partial(functional_unit, client, plan, unit), needed=True)
    if found is not None:
        exam.look(PULL, "size", lambda: _size(case, found, rows, slow_share))


def _kepler(case: _Case, found: Discovery, shown: Seen) -> float:
    """Checks of Kepler; the share of nodes that are scraped so seldom that all of them is fetched."""
    exam, client, plan = case.exam, case.client, case.plan
    at = exam.get(KEPLER, "targets", lambda: targets(client, plan, found))
    told = None if at is None else exam.get(KEPLER, "version", lambda: versions(client, plan, at))
    exam.look(KEPLER, "version", lambda: meters.generation(shown, told))
    others: Collection[str] = () if at is None else set(at["power_domain"])
    exam.look(KEPLER, "power-domains", lambda: meters.power_domains(shown, plan, others))
    exam.look(KEPLER, "node-level", lambda: meters.node_level(shown))
    exam.look(KEPLER, "pod-level", lambda: meters.pod_level(shown))
    if at is not None:
        exam.look(KEPLER, "measured", lambda: meters.measured(at[["node", "source"]].drop_duplicates()))
    if told is not None and len(told):
        exam.look(KEPLER, "once", lambda: scraping.once(told))
    old = shown.with_generation(kepler.LEGACY) & shown.with_level(kepler.NODE)
    if old:
        exam.look(
            KEPLER, "idle", lambda: meters.idle_apart(without_idle(client, plan, found), len(shown.nodes))
        )
    exam.look(KEPLER, "range", lambda: scraping.in_range(shown, plan, presence_looks(plan)[2]))
    seconds = exam.get(KEPLER, "scrape", lambda: scrape_seconds(client, plan, found))
    if seconds is None:
        return 0.0
    window_ms = case.windows.edges_ms[1] - case.windows.edges_ms[0]
    exam.look(KEPLER, "scrape", lambda: scraping.scraped(seconds, plan, window_ms))
    return float((seconds * 1000 >= scraping.seldom_ms(plan)).mean())


def _kubernetes(case: _Case, shown: Seen | None) -> Mapping[str, int] | None:
    """Checks of what kube-state-metrics says; rows of its tables."""
    exam, client = case.exam, case.client
    plan = _recent(case.plan, shown)
    rows = exam.get(KUBERNETES, "kube-state-metrics", lambda: kube_look.counted(client, plan), needed=True)
    if rows is not None:
        exam.look(KUBERNETES, "kube-state-metrics", lambda: kubernetes.owners(rows, plan.cluster))
    if rows is not None and any(rows.values()):
        settings = case.settings
        exam.look(
            KUBERNETES, "requests", lambda: kubernetes.reserved(rows, settings.unattributed, settings.share)
        )
        exam.look(KUBERNETES, "labels", lambda: _labels(client, plan, rows))
    tables = exam.get(KUBERNETES, "nodes", lambda: of_nodes(client, plan), needed=True)
    if tables is None:
        return rows
    if shown is not None and rows is not None and any(rows.values()):
        of_kube = set(tables.node_info["node"])
        exam.look(KUBERNETES, "nodes", lambda: kubernetes.nodes_with_kepler(shown.nodes, of_kube))
        exam.look(KUBERNETES, "node-labels", lambda: _node_facts(client, plan, tables, shown.nodes))
    exam.look(CARBON, "intensity", lambda: carbon.intensity(case.settings, tables, case.plan), needed=True)
    if shown is not None:
        exam.look(
            CARBON, "embodied", lambda: carbon.hardware(case.settings, tables, shown.nodes), needed=True
        )
    return rows


def _recent(plan: Plan, shown: Seen | None) -> Plan:
    """The last hour of the range in which Kepler was seen."""
    end_ms = plan.end_ms
    if shown is not None:
        end_ms = min(end_ms, max(int(shown.counters["last_ms"].max()), plan.start_ms + 60_000))
    return replace(plan, edges_ms=(max(plan.start_ms, end_ms - RECENT_MS), end_ms))


def _labels(client: Client, plan: Plan, rows: Mapping[str, int]) -> list[Finding]:
    shown = {name for kind in ("pod", "namespace") for name in kube_look.label_names(client, plan, kind)}
    return kubernetes.group_labels(rows, plan.label_keys, shown)


def _node_facts(client: Client, plan: Plan, tables: Kube, nodes: list[str]) -> Finding:
    types = tables.node_labels.set_index("node")["instance_type"]
    regions = grid.regions(tables).set_index("node")["region"]
    return kubernetes.node_facts(nodes, types, regions, kube_look.label_names(client, plan, "node"))


def _size(case: _Case, found: Discovery, rows: Mapping[str, int] | None, slow_share: float) -> Finding:
    held = pull.densities(case.client, case.plan, found)
    return pull.finding(case.plan, found, held, rows, slow_share)
