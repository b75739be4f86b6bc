"""PUE: what a data centre draws for each kWh of its computers. A number, or the shipped table.

`E = IT kWh x PUE` (SCI specification, section on energy).
"""

from __future__ import annotations

import csv
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sci_batch.errors import UsageError
from sci_batch.units import HIGHEST_PUE

TABLE = Path(__file__).parent / "data" / "pue" / "pue.csv"
AUTO = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pue:
    """The factor of each node [1]; `everywhere` where nodes do not differ."""

    everywhere: float | None
    of_node: dict[str, float]
    source: str

    def of(self, nodes: pd.Series) -> pd.Series:
        """The factor of each row's node.

        Raises
        ------
        UsageError
            A node without a factor.
        """
        if self.everywhere is not None:
            return pd.Series(self.everywhere, index=nodes.index)
        factors = nodes.map(self.of_node)
        unknown = sorted(set(nodes[factors.isna()]))
        if unknown:
            raise UsageError(
                f"no PUE is known for {', '.join(unknown[:3])}" + (" and others" if len(unknown) > 3 else ""),
                "Give --pue a number, or a place such as aws or gcp:europe-west4.",
            )
        return factors.astype("float64")


def load(argument: str, node_regions: pd.DataFrame | None = None) -> Pue:
    """`1.2`, `aws`, `gcp:europe-west4`, or `auto` (by each node's provider and region).

    Parameters
    ----------
    node_regions
        node, provider, region; for `auto`.

    Raises
    ------
    UsageError
        Not a number from 1 to 10, or a provider that the table does not have.
    """
    try:
        value = float(argument)
    except ValueError:
        return _of_table(argument, node_regions)
    if not 1 <= value <= HIGHEST_PUE:
        raise UsageError(f"not a PUE: {argument}", f"--pue is from 1 to {HIGHEST_PUE:g}, such as 1.2.")
    return Pue(everywhere=value, of_node={}, source=f"{value:g}")


def _of_table(argument: str, node_regions: pd.DataFrame | None) -> Pue:
    with TABLE.open(encoding="utf-8", newline="") as file:
        known = {(row["provider"], row["region"]): float(row["pue"]) for row in csv.DictReader(file)}
    if argument == AUTO:
        places = (
            node_regions if node_regions is not None else pd.DataFrame(columns=["node", "provider", "region"])
        )
        found = {
            node: known.get((provider, region), known.get((provider, "")))
            for node, provider, region in places[["node", "provider", "region"]].to_numpy().tolist()
        }
        of_node = {node: value for node, value in found.items() if value is not None}
        return Pue(everywhere=None, of_node=of_node, source=_by_node(places, of_node, known))
    provider, _, region = argument.lower().partition(":")
    value = known.get((provider, region), known.get((provider, "")))
    if value is None:
        providers = sorted({provider for provider, _ in known})
        raise UsageError(
            f"no PUE is known for {argument}",
            f"--pue takes a number, auto, or one of {', '.join(providers)}.",
        )
    level = region if (provider, region) in known and region else "mean of the provider"
    return Pue(everywhere=value, of_node={}, source=f"{provider}, {level}: {value:g}")


def _by_node(places: pd.DataFrame, of_node: dict[str, float], own: Collection[tuple[str, str]]) -> str:
    """`auto: aws (mean) 1.15, gcp:us-east4 1.08`: the factor of each place, however many nodes it has.

    `own` are the places with a figure of their own; others get the mean of their provider.
    """
    known = places[places["node"].isin(of_node)]
    factors = {
        (f"{provider}:{region}" if (provider, region) in own else f"{provider} (mean)"): of_node[node]
        for node, provider, region in known[["node", "provider", "region"]].to_numpy().tolist()
    }
    return "auto: " + (", ".join(f"{place} {factors[place]:g}" for place in sorted(factors)) or "no node")
