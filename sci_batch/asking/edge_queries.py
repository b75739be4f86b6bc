"""The PromQL of the edges pull."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sci_batch import kepler
from sci_batch.asking.plan import Plan

OVERLAP_MS = 5 * 60 * 1000
"""How far `resets()` looks back over the edge, to see a fall between two steps."""
LOOK_MS = 30_000
"""Spacing of the moments at which a node is looked for a young sample."""


def queries(plan: Plan, meter: kepler.Meter, step_ms: int) -> dict[str, str]:
    """The PromQL of one meter, by purpose.

    The selector is a millisecond short of the step: Prometheus 2 includes a sample on its left edge,
    Prometheus 3 does not.
    """
    step = kepler.duration(step_ms - 1)
    texts = {
        "value": f"last_over_time({meter.selector()}[{step}])",
        "resets": f"resets({meter.selector()}[{kepler.duration(step_ms + OVERLAP_MS)}]) > 0",
    }
    if meter.level == kepler.NODE and meter.kind != kepler.IDLE:
        look = (
            meter.selector(f'{plan.labels.of(kepler.LEGACY, "mode")}="dynamic"')
            if _old(meter)
            else meter.selector()
        )
        young = kepler.duration(max(LOOK_MS, plan.max_gap_ms - 2 * LOOK_MS))
        looks = f"{kepler.duration(step_ms)}:{kepler.duration(LOOK_MS)}"
        texts["fresh"] = f"count_over_time(count_over_time({look}[{young}])[{looks}])"
    return texts


def lived(
    plan: Plan, meters: Iterable[kepler.Meter], step_ms: int, *, rest: bool = False
) -> list[tuple[kepler.Meter, str]]:
    """PromQL of how long pods lived in a step, with their meter.

    Of the first power domain only, as a scrape of the rewrite shows a pod with all its domains. `rest`: of
    all the others, for pods that lack the first.
    """
    asked = [(pod, _telling(plan, pod, rest=rest), node) for pod, node in _pairs(meters)]
    return [(pod, _lived(plan, part, node, step_ms)) for pod, part, node in asked if part is not None]


def _telling(plan: Plan, pod: kepler.Meter, *, rest: bool) -> kepler.Meter | None:
    if _old(pod) or pod.power_domain or len(plan.power_domains) == 1:
        return None if rest else pod
    label = plan.labels.of(pod.generation, "power_domain")
    first = kepler.matcher(label, plan.power_domains[:1], negative=rest)
    return replace(pod, matchers=(*pod.matchers, first))


def _lived(plan: Plan, pod: kepler.Meter, node: kepler.Meter, step_ms: int) -> str:
    """Share of the node's scrapes in a step that saw the pod live, where it is below 1.

    The legacy goes on showing containers that ended, flat: only scrapes with a change count there.
    """
    label = plan.labels.of(pod.generation, "instance" if _old(pod) else "node")
    step = kepler.duration(step_ms - 1)
    seen = (
        f"(changes({pod.selector()}[{step}]) + 1)"
        if _old(pod)
        else f"count_over_time({pod.selector()}[{step}])"
    )
    of_node = f"max by ({label}) (count_over_time({node.selector()}[{step}]))"
    return f"({seen} / on ({label}) group_left () {of_node}) < 1"


def _pairs(meters: Iterable[kepler.Meter]) -> list[tuple[kepler.Meter, kepler.Meter]]:
    """Pod meters with the meter that tells how often their node was scraped.

    The node's own; without a node level, the pods themselves: the longest-lived one saw most scrapes.
    """
    meters = list(meters)
    scraped = [meter for meter in meters if meter.level == kepler.NODE and meter.kind != kepler.IDLE]
    told = {meter.generation for meter in scraped}
    pods = [meter for meter in meters if meter.level != kepler.NODE]
    return [
        (pod, node)
        for pod in pods
        for node in (scraped if pod.generation in told else [pod])
        if pod.generation == node.generation and pod.power_domain == node.power_domain
    ]


def _old(meter: kepler.Meter) -> bool:
    return meter.generation == kepler.LEGACY
