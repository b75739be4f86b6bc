"""How Kepler is scraped: how often, from when to when, and by how many."""

from __future__ import annotations

import pandas as pd

from sci_batch.asking.edge_queries import LOOK_MS
from sci_batch.asking.plan import Plan
from sci_batch.doctor.finding import KEPLER, OK, PROBLEM, WARNING, Finding, length, named, of_nodes
from sci_batch.doctor.kepler_look import Seen
from sci_batch.errors import PartialError
from sci_batch.windows import rfc3339


def seldom_ms(plan: Plan) -> int:
    """From this time between two scrapes on, the edges pull cannot tell that a node was watched."""
    return max(plan.max_gap_ms - 2 * LOOK_MS, LOOK_MS)


def scraped(seconds: pd.Series, plan: Plan, window_ms: int) -> Finding:
    """How often, against `--max-gap` and the window."""
    slowest, quickest = float(seconds.max()) * 1000, float(seconds.min()) * 1000
    facts = {"seconds": {str(node): round(float(value), 1) for node, value in seconds.items()}}
    apart = f"every {length(slowest)}"
    if round(quickest, -3) != round(slowest, -3):
        slow = {str(node) for node in seconds.index[seconds * 1000 >= slowest * 0.9]}
        apart = f"every {length(quickest)} to {length(slowest)} (slowest: {named(slow)})"
    gap = f"--max-gap {length(plan.max_gap_ms)}"
    wanted = f"--max-gap {int(slowest * 2.5 / 60_000) + 1}m"
    late = f"pods that live less than {length(slowest)} may not be seen"
    if slowest > plan.max_gap_ms:
        return Finding(
            subject=KEPLER, check="scrape", status=PROBLEM, facts=facts, exit_code=PartialError.exit_code,
            what=f"{apart}, which is longer than {gap}",
            numbers="those nodes count as not watched: coverage near 0, every row flagged gap, and all of "
            f"their samples are pulled; {late}",
            cure=f"Scrape Kepler every 30 s (interval of its ServiceMonitor), or give {wanted}.",
        )  # fmt: skip
    if slowest >= seldom_ms(plan):
        return Finding(
            subject=KEPLER, check="scrape", status=WARNING, facts=facts,
            what=f"{apart}, which is near {gap}",
            numbers=f"one late scrape is a gap; all samples of those nodes are pulled raw; {late}",
            cure=f"Scrape Kepler more often, or give {wanted}.",
        )  # fmt: skip
    if slowest * 10 > window_ms:
        return Finding(
            subject=KEPLER, check="scrape", status=WARNING, facts=facts,
            what=f"{apart}, {slowest / window_ms:.0%} of a window of {length(window_ms)}",
            numbers=f"up to one interval of energy lies in the neighbouring window (edges pull); {late}",
            cure="Take a longer --window, --pull raw, or scrape Kepler more often.",
        )  # fmt: skip
    return Finding(subject=KEPLER, check="scrape", status=OK, what=apart, facts=facts)


def in_range(seen: Seen, plan: Plan, slack_ms: int) -> Finding:
    """Is Kepler there from the start of the range to its end? `slack_ms`: spacing of the looks."""
    first, last = seen.first_ms, int(seen.counters["last_ms"].max())
    facts = {"first": rfc3339(first), "last": rfc3339(last)}
    late, early = first - plan.start_ms > slack_ms, plan.end_ms - last > slack_ms
    if not (late or early):
        what = "seen from the start of the range to its end"
        return Finding(subject=KEPLER, check="range", status=OK, what=what, facts=facts)
    return Finding(
        subject=KEPLER, check="range", status=WARNING, facts=facts,
        what=f"seen only from {rfc3339(first)} to {rfc3339(last)}",
        numbers=f"{length((first - plan.start_ms) * late + (plan.end_ms - last) * early)} of the range "
        "have no rows: the total is of less time than it says",
        cure=f"Give --start {rfc3339(first)}." if late else "See whether Kepler is still scraped.",
    )  # fmt: skip


def once(series: pd.DataFrame) -> Finding:
    """Is each Kepler scraped once? `series`: node, series [of its build info, at once]."""
    twice = series[series["series"] > 1]
    nodes = set(twice["node"])
    facts = {"nodes": sorted(nodes)}
    if not nodes:
        return Finding(subject=KEPLER, check="once", status=OK, what="each Kepler is scraped once",
                       facts=facts)  # fmt: skip
    times, every = int(twice["series"].max()), len(set(series["node"]))
    return Finding(
        subject=KEPLER, check="once", status=WARNING, facts=facts,
        what=f"Kepler is scraped {times} times at once on {of_nodes(nodes, every)}: by two jobs, or "
        "replicas of Prometheus",
        numbers=f"one is kept, flagged duplicate-series; the pull is {times} times as large",
        cure="Scrape Kepler by one job, or ask through a query layer that deduplicates.",
    )  # fmt: skip
