"""What Kepler shows, without its energy: versions, what it measures with, how often it is scraped."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from sci_batch import kepler
from sci_batch.asking.plan import Discovery, Plan
from sci_batch.fetch.series import normalise, table
from sci_batch.prometheus.client import Client

LOOKS = 12
"""At how many moments of the range is looked."""
SHORTEST_STEP_MS = 600_000
SPAN_MS, SPAN_OF_PODS_MS = 1_800_000, 600_000
"""In which scrapes are counted, at the nodes' own few counters, else at those of pods."""
BUILD_INFO = {kepler.REWRITE: "kepler_build_info", kepler.LEGACY: "kepler_exporter_build_info"}
COUNTERS = ["node", "generation", "level", "power_domain", "first_ms", "last_ms"]
TARGETS = ["node", "generation", "instance", "source", "power_domain", "time_ms"]
_MOMENT = ["instance", "time_ms"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Which counters Kepler shows: `COUNTERS`, one row per node, level and power domain."""

    counters: pd.DataFrame

    @property
    def nodes(self) -> list[str]:
        """All nodes."""
        return sorted(set(self.counters["node"]))

    def with_level(self, *levels: str) -> set[str]:
        """Nodes that show counters of one of these levels."""
        return set(self.counters.loc[self.counters["level"].isin(levels), "node"])

    def with_generation(self, generation: str) -> set[str]:
        """Nodes on which this Kepler was seen."""
        return set(self.counters.loc[self.counters["generation"] == generation, "node"])

    @property
    def first_ms(self) -> int:
        """When Kepler was seen first in the range."""
        return int(self.counters["first_ms"].min())


def seen(found: Discovery) -> Seen:
    """A discovery, its targets of the old Kepler as nodes."""
    there = found.presence
    old = there["generation"] == kepler.LEGACY
    named = there["node"].map(lambda target: found.node_names.get(target, target))
    named = there["node"].where(~old, named).astype("str")
    return Seen(counters=there.assign(node=named)[COUNTERS])


def looks(plan: Plan) -> tuple[int, int, int]:
    """First, last and spacing [ms] of the moments at which is looked; the end of the range is one."""
    length = plan.end_ms - plan.start_ms
    step = max(SHORTEST_STEP_MS, length // LOOKS // 60_000 * 60_000)
    return plan.end_ms - length // step * step, plan.end_ms, step


def telling(found: Discovery) -> dict[str, kepler.Meter]:
    """Per generation a meter that tells of its nodes: their own counters, else those of pods."""
    usual = [meter for meter in found.meters if meter.power_domain != kepler.GPU]
    own_last = sorted(usual or found.meters, key=lambda meter: meter.level == kepler.NODE)
    return {meter.generation: meter for meter in own_last}


def targets(client: Client, plan: Plan, found: Discovery) -> pd.DataFrame:
    """`TARGETS`: which node a scrape target is, and what it measures with.

    An address may pass from one node to another, so the moment belongs to it. All power domains, also
    those that are not asked for.
    """
    return pd.concat(
        [_targets(client, plan, found, meter) for meter in telling(found).values()], ignore_index=True
    )


def _targets(client: Client, plan: Plan, found: Discovery, meter: kepler.Meter) -> pd.DataFrame:
    ours = ("instance", "node", "power_domain")
    by = [name for name in (plan.labels.of(meter.generation, word) for word in ours) if name]
    selector = f"{meter.metric}{{{','.join(plan.cluster)}}}"
    text = f"count by ({', '.join([*by, 'path', 'source'])}) ({selector})"
    answer = client.range(text, *looks(plan))
    of_node = kepler.Meter(generation=meter.generation, level=kepler.NODE, metric=meter.metric)
    series = table(normalise(answer.sets, of_node, plan.labels, found.node_names))
    rows = series.iloc[answer.series].assign(time_ms=answer.time_ms)
    return rows[TARGETS].reset_index(drop=True)


def versions(client: Client, plan: Plan, at: pd.DataFrame) -> pd.DataFrame:
    """node, generation, version, series: the build info of each target, which does not name its node.

    `series` is how many times the target is scraped at once, mostly: when Kepler restarts, its old series
    may be seen beside the new one for a moment.
    """
    key = ["node", "generation", "version"]
    texts = {name: pd.Series(dtype="str") for name in key}
    parts = [pd.DataFrame({**texts, "series": pd.Series(dtype="float64")})]
    for generation, own in at.groupby("generation"):
        instance = plan.labels.of(str(generation), "instance")
        selector = f"{BUILD_INFO[str(generation)]}{{{','.join(plan.cluster)}}}"
        answer = client.range(f"count by ({instance}, version) ({selector})", *looks(plan))
        told = pd.DataFrame({
            "time_ms": answer.time_ms, "series": answer.value,
            "instance": answer.label(instance).to_numpy()[answer.series],
            "version": answer.label("version").to_numpy()[answer.series],
        })  # fmt: skip
        parts.append(told.merge(own.drop_duplicates(_MOMENT), on=_MOMENT, how="inner"))
    return pd.concat(parts, ignore_index=True).groupby(key, as_index=False)[["series"]].median()


def scrape_seconds(client: Client, plan: Plan, found: Discovery) -> pd.Series:
    """About how many seconds lie between two scrapes, by node: the least at a few moments.

    Of a node that was scraped once in the time that is looked at, it is that time.
    """
    parts = []
    for generation, meter in telling(found).items():
        span_ms = SPAN_MS if meter.level == kepler.NODE else SPAN_OF_PODS_MS
        node = plan.labels.of(generation, "node" if generation == kepler.REWRITE else "instance")
        counted = f"count_over_time({meter.selector()}[{kepler.duration(span_ms)}])"
        answer = client.range(f"max by ({node}) ({counted})", *looks(plan))
        most = pd.Series(answer.value).groupby(answer.series).max()
        names = answer.label(node).map(lambda name: found.node_names.get(name, name))
        parts.append(pd.Series((span_ms / 1000 / most).to_numpy(), index=names.to_numpy()))
    return pd.concat(parts).groupby(level=0).min()


def without_idle(client: Client, plan: Plan, found: Discovery) -> set[str]:
    """Nodes whose old Kepler shows no idle energy (0.8 and 0.9 do not by default)."""
    meter = telling(found).get(kepler.LEGACY)
    if meter is None or meter.level != kepler.NODE:
        return set()
    instance, mode = (plan.labels.of(kepler.LEGACY, word) for word in ("instance", "mode"))
    seen_at = found.presence.loc[found.presence["metric"] == meter.metric, "last_ms"].max()
    text = f"max by ({instance}) (" + meter.selector(f'{mode}="idle"') + ")"
    answer = client.instant(text, int(seen_at))
    names = answer.label(instance).map(lambda name: found.node_names.get(name, name))
    return set(names[answer.value == 0.0])
