"""What Kubernetes says of pods and nodes: owners, requests, capacity, labels (kube-state-metrics)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from sci_batch.asking import kube as asking
from sci_batch.asking.kube import PIECE_MS, Fact, their_names
from sci_batch.asking.plan import Plan
from sci_batch.fetch import sockets
from sci_batch.inputs import Kube
from sci_batch.prometheus.client import Client
from sci_batch.prometheus.samples import Samples, columns


def of_nodes(client: Client, plan: Plan) -> Kube:
    """The facts of nodes alone; those of pods and namespaces, which are many, stay empty."""
    facts = asking.wanted(plan) | asking.labels_wanted(plan)
    empty = {name: _frame(fact) for name, fact in facts.items()}
    shown = _tables(client, plan, asking.of_nodes(plan))
    return Kube(**(empty | shown), sockets=sockets.sockets(client, plan))


def with_pods(client: Client, plan: Plan, nodes: Kube) -> Kube:
    """All facts, those of nodes as they are; labels only where they are grouped by."""
    return replace(nodes, **_tables(client, plan, asking.of_pods(plan)))


def queries(plan: Plan) -> list[str]:
    """All texts, for `sci-batch queries`."""
    span = min(PIECE_MS, plan.end_ms - plan.start_ms)
    facts = asking.wanted(plan).values()
    return [asking.query(plan, fact, span) for fact in facts] + sockets.queries(plan)


def _tables(client: Client, plan: Plan, names: Sequence[str]) -> dict[str, pd.DataFrame]:
    facts = asking.wanted(plan)
    answers = asking.ask(client, plan, names)
    return {name: _last(plan, facts[name], of) for name, of in zip(names, answers, strict=True)}


def _frame(fact: Fact) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype="str") for name in fact.labels} | (
        {fact.value: pd.Series(dtype="float64")} if fact.value else {}
    ))  # fmt: skip


def _last(plan: Plan, fact: Fact, newest: Samples) -> pd.DataFrame:
    """The last value of each key in the range, of the newest sample of each series."""
    texts = _texts(plan, fact, newest)
    keys = list(zip(*(texts[name] for name in fact.key), strict=True))
    last: dict[tuple[str, ...], int] = {}
    for number in np.argsort(newest.time_ms, kind="stable")[::-1].tolist():
        last.setdefault(keys[number], number)
    kept = list(last.values())[::-1] if fact.sum_over else sorted(last.values(), key=keys.__getitem__)
    table = pd.DataFrame(
        {name: pd.Series([of[row] for row in kept], dtype="str") for name, of in texts.items()}
    )
    if fact.value:
        table[fact.value] = newest.value[kept]
    if fact.sum_over:
        by = table.groupby(list(fact.sum_over), as_index=False, dropna=False)
        table = by.agg(**{fact.value: (fact.value, "sum")})
    return table


def _texts(plan: Plan, fact: Fact, answer: Samples) -> dict[str, list[str]]:
    """The labels of each series, in our words."""
    theirs = {ours: their_names(plan, fact, ours) for ours in fact.labels}
    shown = columns(answer.sets, {name for names in theirs.values() for name in names})
    texts = {}
    for ours, (first, *exported) in theirs.items():
        texts[ours] = shown[first]
        for name in filter(lambda one: any(shown[one]), exported):
            texts[ours] = [true or known for true, known in zip(shown[name], texts[ours], strict=True)]
    return texts
