"""`file:nodes.csv` or `.toml`: what the operator knows, by node name, node labels or instance type."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from sci_batch.embodied.file_rows import Row, read
from sci_batch.errors import UsageError
from sci_batch.files import path_of
from sci_batch.schema import label_column

WELL_KNOWN = {
    "node.kubernetes.io/instance-type": "instance_type",
    "beta.kubernetes.io/instance-type": "instance_type",
    "topology.kubernetes.io/region": "region",
    "failure-domain.beta.kubernetes.io/region": "region",
    "topology.kubernetes.io/zone": "zone",
    "failure-domain.beta.kubernetes.io/zone": "zone",
    "kubernetes.io/arch": "arch",
    "beta.kubernetes.io/arch": "arch",
    "kubernetes.io/hostname": "node",
}
"""Node labels that are columns of FACTS."""


def label_keys(argument: str) -> tuple[str, ...]:
    """Node labels that the file's selectors need beyond those that are always asked for, sorted."""
    return tuple(sorted({key for row in _rows(argument) for key, _ in row.selector if key not in WELL_KNOWN}))


def nodes(argument: str, facts: pd.DataFrame) -> pd.DataFrame:
    """Nodes that a row is for: its name wins over labels, the first matching labels over the type.

    Raises
    ------
    UsageError
        A fault of the file, or a selector whose label was not asked for.
    """
    rows = _rows(argument)
    which = np.full(len(facts), -1)
    order = sorted(range(len(rows)), key=lambda index: (_rank(rows[index]), -index))
    for index in order:
        which[_meant(rows[index], facts, argument)] = index
    known = which >= 0
    said = pd.DataFrame([asdict(row) for row in rows]).iloc[which[known]].reset_index(drop=True)
    mine = facts.loc[known, ["node", "gpus"]].reset_index(drop=True)
    gpus = said["gpus"].fillna(mine["gpus"]).fillna(0.0)
    of_gpus = gpus * said["gpu_kgco2e"]
    return mine[["node"]].assign(
        embodied_kgco2e=said["embodied_kgco2e"] + of_gpus,
        low_kgco2e=said["low_kgco2e"] + of_gpus,
        high_kgco2e=said["high_kgco2e"] + of_gpus,
        lifespan_seconds=said["lifespan_seconds"],
        embodied_source=f"file:{Path(argument).name}",
    )


def _rows(argument: str) -> tuple[Row, ...]:
    return read(path_of(argument))


def _rank(row: Row) -> int:
    """Who comes later wins."""
    return 2 if row.node else 1 if row.selector else 0


def _meant(row: Row, facts: pd.DataFrame, argument: str) -> np.ndarray:
    if row.node:
        return np.asarray(facts["node"] == row.node)
    if row.instance_type:
        return np.asarray(facts["instance_type"].str.lower() == row.instance_type.lower())
    mask = np.ones(len(facts), bool)
    for key, value in row.selector:
        column = WELL_KNOWN.get(key, label_column(key))
        if column not in facts:
            raise UsageError(
                f"{argument}, line {row.line}: the node label {key} is not among the inputs",
                "A recording holds the labels of the --embodied it was made with: record it again.",
            )
        mask &= (facts[column] == value).to_numpy()
    return mask
