"""`model`: from the parts of a server, with the factors of the Cloud Carbon Footprint methodology.

1000 kgCO2e for a server with one processor socket and 16 GB, and for what it has beyond: memory, sockets,
disks, GPUs. It counts a whole server, so for a virtual machine it says too much: `catalogue` comes first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches

import pandas as pd

from sci_batch.counters import FLAG_BITS
from sci_batch.embodied.quantity import HIGHEST_KGCO2E, number
from sci_batch.errors import UsageError
from sci_batch.units import BYTES_PER_GB

BASE_KGCO2E = 1000.0
BASE_GB = 16.0
KGCO2E_PER_GB = 533 / 384
KGCO2E_PER_SOCKET = 100.0
KGCO2E_PER_HDD = 50.0
KGCO2E_PER_SSD = 100.0
EXAMPLE = "model:ssd=2,gpu_kgco2e=318"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """What neither kube-state-metrics nor the methodology can know of these nodes."""

    gpu_kgco2e: float = 150.0
    """Of one GPU; the methodology's rough figure, large accelerators have more."""
    sockets: float = 1.0
    """Where Kepler does not show them."""
    hdd: float = 0.0
    """Hard disks in each node."""
    ssd: float = 0.0
    """Solid state disks in each node."""


def parameters(argument: str) -> Parameters:
    """`ssd=2,hdd=0,sockets=2,gpu_kgco2e=318`, each optional.

    Raises
    ------
    UsageError
        Another word, a word twice, or not a number of at least 0.
    """
    found: dict[str, float] = {}
    for part in argument.split(",") if argument else ():
        name, _, text = (piece.strip() for piece in part.partition("="))
        known = list(Parameters.__dataclass_fields__)
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(known)}."
            raise UsageError(
                f"--embodied model: {name!r} is no parameter", f"{hint} Give for example {EXAMPLE}."
            )
        if name in found:
            raise UsageError(f"--embodied model: {name} stands twice", "Give it once.")
        try:
            found[name] = number(text)
        except UsageError as error:
            raise UsageError(f"--embodied model: {name}: {error.what}", error.cure) from None
        if not (1 if name == "sockets" else 0) <= found[name] <= HIGHEST_KGCO2E:
            raise UsageError(f"--embodied model: {name}={text} cannot be", f"Give for example {EXAMPLE}.")
    return replace(Parameters(), **found)


def server_kgco2e(facts: pd.DataFrame, chosen: Parameters) -> pd.Series:
    """TE of each node [kgCO2e]; null where its memory is unknown."""
    beyond_gb = (facts["memory_bytes"] / BYTES_PER_GB - BASE_GB).clip(lower=0.0)
    sockets = facts["sockets"].fillna(chosen.sockets).clip(lower=1.0)
    return (
        BASE_KGCO2E
        + beyond_gb * KGCO2E_PER_GB
        + (sockets - 1.0) * KGCO2E_PER_SOCKET
        + chosen.ssd * KGCO2E_PER_SSD
        + chosen.hdd * KGCO2E_PER_HDD
        + facts["gpus"].fillna(0.0) * chosen.gpu_kgco2e
    )


def nodes(argument: str, facts: pd.DataFrame) -> pd.DataFrame:
    """Every node whose memory kube-state-metrics shows; all are estimates, and say so."""
    te = server_kgco2e(facts, parameters(argument))
    known = te.notna()
    return facts.loc[known, ["node"]].assign(
        embodied_kgco2e=te[known], embodied_source="model", flags=FLAG_BITS["embodied-estimated"]
    )
