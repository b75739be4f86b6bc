"""How much kube-state-metrics shows, without fetching it: rows of each table, and which labels."""

from __future__ import annotations

from dataclasses import replace

from sci_batch.asking.kube import SHORTEST_PIECE_MS, labels_wanted, query, wanted
from sci_batch.asking.plan import Plan
from sci_batch.kepler import duration, quoted
from sci_batch.prometheus.client import Client
from sci_batch.schema import LABEL_KEY_PREFIX, label_column

OBJECTS = 50
"""At how many objects is looked for their labels."""


def counted(client: Client, plan: Plan) -> dict[str, int]:
    """How many rows each table would have, counted by the server at the end of the range, in one query.

    Beside the tables: `label:KEY` and `namespace label:KEY`, the pods and namespaces with that label.
    """
    span = min(SHORTEST_PIECE_MS, plan.end_ms - plan.start_ms)
    texts = {name: query(plan, fact, span) for name, fact in wanted(plan).items()}
    for key in plan.label_keys:
        has = (f'{label_column(key)}!=""',)
        for kind, fact in zip(
            (LABEL_KEY_PREFIX, f"namespace {LABEL_KEY_PREFIX}"), labels_wanted(plan).values(), strict=True
        ):
            texts[f"{kind}{key}"] = query(plan, replace(fact, matchers=has), span)
    named = [f'label_replace(count({text}), "table", {quoted(name)}, "", "")' for name, text in texts.items()]
    answer = client.instant(" or ".join(named), plan.end_ms)
    found = dict(zip(answer.label("table").tolist(), answer.value.astype(int).tolist(), strict=True))
    return {name: found.get(name, 0) for name in texts}


def label_names(client: Client, plan: Plan, kind: str) -> list[str]:
    """Labels that kube-state-metrics shows of a few objects of a kind: pod, namespace or node."""
    span = duration(min(SHORTEST_PIECE_MS, plan.end_ms - plan.start_ms))
    selector = f"kube_{kind}_labels{{{','.join(plan.cluster)}}}"
    answer = client.instant(f"topk({OBJECTS}, last_over_time({selector}[{span}]))", plan.end_ms)
    return sorted(str(name) for name in answer.labels.columns if str(name).startswith("label_"))
