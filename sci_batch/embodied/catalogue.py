"""`catalogue`: the shipped table of instance types (Cloud Carbon Footprint, `data/hardware/README.md`).

A row holds the instance's share of its host already, so the host's ratio is never applied again: the
reserved share of a pod is of the node's own capacity.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from sci_batch.counters import FLAG_BITS
from sci_batch.embodied.instance import constrained, families, providers
from sci_batch.errors import UsageError

TABLE = Path(__file__).parent.parent / "data" / "hardware" / "instance-embodied.csv"
VERSION = "Cloud Carbon Footprint 2023-05"


@cache
def table() -> pd.DataFrame:
    """The rows that can be nodes: provider, instance_type [lower case], vcpus, embodied_kgco2e."""
    rows = pd.read_csv(TABLE, keep_default_na=False).rename(columns={"node_label": "label"})
    rows = rows.assign(instance_type=rows["label"].str.lower())
    # cache.* and *.elasticsearch are managed services
    node = (rows["provider"] != "aws") | (rows["instance_type"].str.count(r"\.") == 1)
    return rows.loc[node, ["provider", "instance_type", "vcpus", "embodied_kgco2e"]].reset_index(drop=True)


@cache
def per_vcpu() -> dict[tuple[str, str], tuple[float, float, float]]:
    """Median, least and most of each family [kgCO2e per vCPU]; keys: provider, family."""
    rows = table()
    rows = rows.assign(kg=rows["embodied_kgco2e"] / rows["vcpus"])
    of_type = {
        (provider, name): families(provider, name)
        for provider, name in zip(rows["provider"], rows["instance_type"], strict=True)
    }
    named = pd.DataFrame(
        [(*key, family) for key, names in of_type.items() for family in names],
        columns=["provider", "instance_type", "family"],
    ).merge(rows, on=["provider", "instance_type"], how="left", validate="m:1")
    grouped = named.groupby(["provider", "family"])["kg"].agg(["median", "min", "max"])
    return {
        (str(provider), str(family)): (row[0], row[1], row[2])
        for (provider, family), row in zip(grouped.index, grouped.to_numpy(), strict=True)
    }


def nodes(argument: str, facts: pd.DataFrame) -> pd.DataFrame:
    """Nodes whose type is in the table, or whose family is: those are estimates, and say so.

    An unknown type costs what its family costs per vCPU (median; the least and the most are its bounds),
    times the node's cores. A family of another generation stands in for one that the table does not have.
    """
    if argument:
        raise UsageError(f"--embodied catalogue:{argument}: catalogue takes no argument", "Leave it out.")
    asked = facts[["node", "instance_type", "cores"]].assign(provider=providers(facts))
    asked = asked[asked["instance_type"] != ""].reset_index(drop=True)
    types = asked[["provider", "instance_type"]].drop_duplicates(ignore_index=True)
    answers = pd.DataFrame(
        [
            _answer(provider, name)
            for provider, name in zip(types["provider"], types["instance_type"], strict=True)
        ],
        columns=["kg", "median", "least", "most", "vcpus"],
        dtype="float64",
    )
    found = asked.merge(types.join(answers), on=["provider", "instance_type"], how="left", validate="m:1")
    exact = found["kg"].notna()
    cores = found["vcpus"].where(found["vcpus"].notna(), found["cores"])
    known = found.assign(
        embodied_kgco2e=found["kg"].where(exact, found["median"] * cores),
        low_kgco2e=(found["least"] * cores).mask(exact),
        high_kgco2e=(found["most"] * cores).mask(exact),
        embodied_source=np.where(exact, "catalogue", "catalogue:family"),
        flags=np.where(exact, 0, FLAG_BITS["embodied-estimated"]),
    )
    return known[known["embodied_kgco2e"].notna()].drop(
        columns=["instance_type", "cores", "provider", "kg", "median", "least", "most", "vcpus"]
    )


@cache
def _by_type() -> dict[tuple[str, str], float]:
    rows = table()
    keys = zip(rows["provider"], rows["instance_type"], strict=True)
    return dict(zip(keys, rows["embodied_kgco2e"].astype("float64").tolist(), strict=True))


def _answer(provider: str, instance_type: str) -> tuple[float, float, float, float, float]:
    """TE of a type, else median, least and most of its family per vCPU, and the vCPUs of its parent."""
    nan = float("nan")
    parent = constrained(instance_type) if provider == "azure" else None
    name = parent.parent if parent else instance_type.lower()
    exact = _by_type().get((provider, name))
    if exact is not None:
        return exact, nan, nan, nan, nan
    vcpus = float(parent.vcpus) if parent else nan
    for family in families(provider, name):
        if found := per_vcpu().get((provider, family)):
            return nan, *found, vcpus
    return nan, nan, nan, nan, vcpus
