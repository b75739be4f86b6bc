"""NODES: what each node is made of, by the first source of a chain that knows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
import pandas as pd

from sci_batch.embodied import boavizta, catalogue, file, kg, model
from sci_batch.embodied.file_rows import digest
from sci_batch.embodied.share import node_gco2e, shares
from sci_batch.errors import UsageError
from sci_batch.files import path_of

Chain = Sequence[tuple[str, str]]
"""Kind and argument of each source, in the order in which they are asked; empty: the default."""
SOURCES: Mapping[str, Callable[[str, pd.DataFrame], pd.DataFrame]] = {
    "kg": kg.nodes,
    "catalogue": catalogue.nodes,
    "file": file.nodes,
    "model": model.nodes,
    "boavizta": boavizta.nodes,
}
"""Each takes its argument and FACTS, and answers for the nodes that it knows: node, embodied_kgco2e [TE],
embodied_source, and where it has them low_kgco2e, high_kgco2e, lifespan_seconds, flags."""

COLUMNS = {
    "node": "str", "embodied_kgco2e": "float64", "low_kgco2e": "float64", "high_kgco2e": "float64",
    "lifespan_seconds": "float64", "embodied_source": "str", "flags": "int64",
}  # fmt: skip
"""Columns of NODES."""
TEXTS = ("instance_type", "region", "zone", "arch", "provider_id")
_MOST_NAMED = 5


def facts(
    nodes: Iterable[str], *, labels: pd.DataFrame, info: pd.DataFrame, capacity: pd.DataFrame,
    memory_capacity: pd.DataFrame, gpu_capacity: pd.DataFrame, sockets: pd.DataFrame,
) -> pd.DataFrame:  # fmt: skip
    """FACTS, one row per node: node, `TEXTS`, label_*, cores, memory_bytes, gpus, sockets.

    Texts are empty and numbers null where nobody tells.
    """
    out = pd.DataFrame({"node": pd.Series(sorted(set(nodes)), dtype="str")})
    tables = (
        labels, info, capacity,
        memory_capacity.rename(columns={"bytes": "memory_bytes"}), gpu_capacity, sockets,
    )  # fmt: skip
    for table in tables:
        last = table.drop_duplicates("node", keep="last")
        out = out.merge(last, on="node", how="left", validate="1:1")
    texts = [name for name in out.columns if name in TEXTS or name.startswith("label_")]
    return out.assign(**{name: out[name].fillna("").astype("str") for name in texts})


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """NODES, one row per node: columns `COLUMNS`; FACTS they come from; what a reader should know of them."""

    nodes: pd.DataFrame
    facts: pd.DataFrame
    notes: tuple[str, ...] = ()


def load(chain: Chain, facts: pd.DataFrame, *, lifespan_seconds: float, offline: bool = False) -> Hardware:
    """Ask the sources of a chain, one after the other, for the nodes that are left.

    Raises
    ------
    UsageError
        An unknown kind, a wrong argument or file, a node that no source knows, or a source on the network
        although `offline`.
    AuthError, SourceError
        What a service on the network could not answer.
    """
    if not chain:
        return Hardware(nodes=_nodes(kg.default(facts), lifespan_seconds), facts=facts)
    _check(chain, offline)
    parts, left = [], facts
    for kind, argument in chain:
        if len(left):
            parts.append(_nodes(SOURCES[kind](argument, left), lifespan_seconds))
            left = left[~left["node"].isin(parts[-1]["node"])]
    if len(left):
        raise _unknown(left, chain)
    found = pd.concat(parts, ignore_index=True) if parts else _nodes(facts[["node"]], lifespan_seconds)
    nodes = found.sort_values("node", ignore_index=True)
    return Hardware(nodes=nodes, facts=facts, notes=_notes(nodes, facts))


def _nodes(found: pd.DataFrame, lifespan_seconds: float) -> pd.DataFrame:
    """A source's answer with every column of NODES."""
    full = found.reindex(columns=list(COLUMNS))
    full = full.assign(
        lifespan_seconds=full["lifespan_seconds"].astype("float64").fillna(lifespan_seconds),
        flags=full["flags"].fillna(0),
    )
    return full.astype(COLUMNS).reset_index(drop=True)


def _check(chain: Chain, offline: bool) -> None:
    for position, (kind, _) in enumerate(chain):
        if kind not in SOURCES:
            near = get_close_matches(kind, list(SOURCES), n=1)
            raise UsageError(
                f"{kind!r} is no kind of embodied carbon",
                f"Did you mean {near[0]}?" if near else f"--embodied knows {', '.join(SOURCES)}.",
            )
        if kind == "kg" and position + 1 < len(chain):
            raise UsageError(
                f"--embodied: kg knows every node, so {chain[position + 1][0]} after it is never asked",
                "Put kg last.",
            )
        if kind == "boavizta" and offline:
            raise UsageError(
                "--offline, and --embodied asks a Boavizta service",
                "Take catalogue, file or model, or leave out --offline.",
            )


def _unknown(left: pd.DataFrame, chain: Chain) -> UsageError:
    """Which nodes nobody knows, and why that may be."""
    named = [
        f"{node} ({kind})" if kind else f"{node} (instance type unknown)"
        for node, kind in zip(left["node"], left["instance_type"], strict=True)
    ]
    more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
    labels = (
        " Instance types come from kube-state-metrics with "
        "--metric-labels-allowlist=nodes=[node.kubernetes.io/instance-type]."
        if (left["instance_type"] == "").all()
        else ""
    )
    return UsageError(
        f"the embodied carbon of {', '.join(named[:_MOST_NAMED])}{more} is not known by "
        + ", ".join(kind for kind, _ in chain),
        f"Put a source behind the others in --embodied, such as ,kg:1200 or ,file:nodes.csv.{labels}",
    )


def label_keys(chain: Chain) -> tuple[str, ...]:
    """Node labels to ask for, beyond type, region, zone and architecture: those of a file's selectors."""
    keys = {key for kind, argument in chain if kind == "file" for key in file.label_keys(argument)}
    return tuple(sorted(keys))


def described(chain: Chain) -> str:
    """The chain for the provenance: versions of tables, contents of files."""
    return (
        ",".join(_words(kind, argument) for kind, argument in chain) or f"kg:{kg.DEFAULT_KGCO2E:g} (default)"
    )


def _words(kind: str, argument: str) -> str:
    if kind == "file":
        path = path_of(argument)
        return f"file:{path.name} (sha256 {digest(path)})"
    if kind == "catalogue":
        return f"catalogue ({catalogue.VERSION})"
    return f"{kind}:{argument}" if argument else kind


def _notes(nodes: pd.DataFrame, facts: pd.DataFrame) -> tuple[str, ...]:
    """Which instance types are estimates by their family."""
    types = facts.set_index("node")["instance_type"].reindex(nodes["node"]).to_numpy()
    family = (nodes["embodied_source"] == "catalogue:family").to_numpy()
    guessed = sorted(set(types[family]))
    if not guessed:
        return ()
    return (
        f"not in the catalogue, estimated by the family's median per vCPU: {', '.join(map(str, guessed))}",
    )


_OF_NODE = [
    "embodied_source", "embodied_kgco2e", "low_kgco2e", "high_kgco2e", "lifespan_seconds", "flags",
]  # fmt: skip


def of_rows(rows: pd.DataFrame, window_seconds: np.ndarray, nodes: pd.DataFrame, by: str) -> pd.DataFrame:
    """M of each row and its bounds, by NODES.

    Parameters
    ----------
    rows
        Columns of `share.embodied`.
    window_seconds
        Length of each window [s].
    nodes
        NODES, with every node of `rows`.
    by
        What is reserved: cpu, memory or mean.

    Returns
    -------
    embodied_gco2e, embodied_gco2e_low, embodied_gco2e_high (null where the source has no bounds),
    embodied_source, flags [bits], with the index of `rows`.
    """
    at = pd.Index(nodes["node"]).get_indexer(rows["node"])
    if (at < 0).any():
        raise ValueError("a node without hardware")
    mine = nodes[_OF_NODE].take(at).set_axis(rows.index)
    part, flags = shares(rows, window_seconds, by)
    seconds = window_seconds[rows["window"].to_numpy()]
    lifespan = mine["lifespan_seconds"].to_numpy()
    grams = {
        name: node_gco2e(mine[column].to_numpy(), seconds, lifespan) * part
        for name, column in (
            ("embodied_gco2e", "embodied_kgco2e"),
            ("embodied_gco2e_low", "low_kgco2e"),
            ("embodied_gco2e_high", "high_kgco2e"),
        )
    }
    return mine[["embodied_source"]].assign(**grams, flags=mine["flags"].to_numpy() | flags)
