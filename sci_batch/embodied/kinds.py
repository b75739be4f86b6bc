"""What the provenance keeps of the hardware: kinds of nodes; and FACTS and NODES out of them again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

_TEXTS = ("instance_type", "cloud", "embodied_source")
_NUMBERS = (
    "cores", "memory_bytes", "gpus", "sockets", "embodied_kgco2e", "low_kgco2e", "high_kgco2e",
    "lifespan_seconds",
)  # fmt: skip


def kinds(facts: pd.DataFrame, nodes: pd.DataFrame) -> tuple[dict[str, Any], ...]:
    """One record for all nodes that are alike: `_TEXTS`, `_NUMBERS` (None: unknown), `nodes` (their names).

    `cloud` is whose the nodes are, by their `provider_id` (`aws`, `gce`, ...); "" where they do not say.
    """
    cloud = facts["provider_id"].str.partition(":")[0].str.lower()
    both = facts.assign(cloud=cloud).merge(nodes, on="node", how="inner", validate="1:1")
    names = [*_TEXTS, *_NUMBERS]
    records = []
    for _, alike in both.groupby(names, dropna=False, sort=True):
        first = alike.iloc[0]
        numbers = {name: None if pd.isna(first[name]) else float(first[name]) for name in _NUMBERS}
        texts = {name: str(first[name]) for name in _TEXTS}
        records.append({**texts, **numbers, "nodes": sorted(alike["node"].tolist())})
    return tuple(records)


def of_kinds(stored: Sequence[dict[str, Any]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """FACTS without labels, and NODES without flags: what `kinds` was made of.

    Raises
    ------
    ValueError
        A node is of two kinds.
    """
    rows = pd.DataFrame([{**kind, "node": node} for kind in stored for node in kind["nodes"]])
    if rows["node"].duplicated().any():
        raise ValueError(f"the node {rows.loc[rows['node'].duplicated(), 'node'].iloc[0]} is of two kinds")
    rows = rows.astype({**dict.fromkeys(_NUMBERS, "float64"), **dict.fromkeys(_TEXTS, "str")})
    rows = rows.sort_values("node", ignore_index=True).rename(columns={"cloud": "provider_id"})
    facts = rows[["node", "instance_type", "provider_id", "cores", "memory_bytes", "gpus", "sockets"]]
    nodes = rows[
        ["node", "embodied_kgco2e", "low_kgco2e", "high_kgco2e", "lifespan_seconds", "embodied_source"]
    ]
    return facts, nodes
