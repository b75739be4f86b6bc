"""INTENSITY: grid carbon intensity in time and place, and what is asked of a source."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import pandas as pd

from sci_batch.counters import FLAG_BITS
from sci_batch.errors import SourceError
from sci_batch.units import MS_PER_SECOND

if TYPE_CHECKING:
    import requests

    from sci_batch.prometheus.client import Client

Kind = Literal["average", "marginal"]
Basis = Literal["lifecycle", "direct", "mixed", "unknown"]
Gap = Literal["error", "fallback", "interpolate"]

HIGHEST_GCO2E_PER_KWH = 2_000
"""No grid comes near; more is a wrong unit (kg, lb/MWh) or a typing error."""
MINUTE_MS = 60 * MS_PER_SECOND
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

FALLBACK = FLAG_BITS["intensity-fallback"]
INTERPOLATED = FLAG_BITS["intensity-interpolated"]
ESTIMATED = FLAG_BITS["intensity-estimated"]

DTYPES = {
    "grid_zone": "str", "start_ms": "int64", "end_ms": "int64", "gco2e_per_kwh": "float64",
    "estimated": "bool", "source": "str", "flags": "int64",
}  # fmt: skip
"""Columns of INTENSITY. A slot is `[start_ms, end_ms)` [Unix ms]; `flags` are bits of `FLAG_BITS`."""


class Named(Protocol):
    """`KIND:ARGUMENT`, such as `settings.Spec`."""

    @property
    def kind(self) -> str:
        """One of `SOURCES`."""

    @property
    def argument(self) -> str:
        """What the source makes of it."""


class RejectedError(SourceError):
    """The server answers, and refuses what was asked for: a fallback would only hide the mistake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intensity:
    """Slots of INTENSITY, ordered by grid zone and time, and what kind of figure they hold.

    Parameters
    ----------
    slots
        INTENSITY. From `load`, each grid zone's slots tile the range asked for.
    kind, basis
        The same for all slots; `unknown` where the source does not say.
    zone_of_node
        Grid zone of each node; empty: one grid zone for all nodes.
    zones
        Grid zones that the source answers for, also where it has no slot.
    notes
        Sentences for the report.
    step_ms
        Shortest slot of the source [ms]; None: constant over the range.
    digest
        Twelve characters that change with the content of the file it was read from; "" for other sources.
    """

    slots: pd.DataFrame
    kind: Kind
    basis: Basis
    zones: tuple[str, ...]
    zone_of_node: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    step_ms: int | None = None
    digest: str = ""

    @property
    def source(self) -> str:
        """The distinct sources of its slots."""
        return ", ".join(dict.fromkeys(self.slots["source"]))

    @property
    def gco2e_per_kwh(self) -> float:
        """Mean over time and grid zones [gCO2e/kWh]: for display; energy is multiplied slot by slot."""
        length = self.slots["end_ms"] - self.slots["start_ms"]
        return float(np.average(self.slots["gco2e_per_kwh"], weights=length))


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is wanted of a source, and what it may use. Only `start_ms` and `end_ms` have no default."""

    start_ms: int
    end_ms: int
    kind: Kind | None = None
    """`--intensity-kind`; None: not stated, so average is wanted."""
    basis: Literal["lifecycle", "direct"] | None = None
    """`--intensity-basis`; None: what the source has."""
    gap: Gap | None = None
    """`--intensity-gap`; None: `fallback` where there is one, else `error`."""
    fallbacks: tuple[Named, ...] = ()
    allow_world_average: bool = False
    node_regions: pd.DataFrame | None = None
    """node, provider, region [str], one row per node, for `auto`; see `places.node_regions`."""
    client: Client | None = None
    """For kind `prometheus`."""
    offline: bool = False
    cache_dir: Path | None = None
    """None: `$XDG_CACHE_HOME/sci-batch/intensity`."""
    now_ms: int = field(default_factory=lambda: time.time_ns() // 1_000_000)
    """Decides which cached days are final; no number depends on it."""
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    """Tokens and base URLs come from here, never from arguments."""
    http_session: Callable[[], requests.Session] | None = None
    sleep: Callable[[float], None] = time.sleep

    @property
    def wanted(self) -> Kind:
        """The kind to give."""
        return self.kind or "average"


def slots(
    *,
    grid_zone: str,
    start_ms: Any,
    end_ms: Any,
    gco2e_per_kwh: Any,
    source: str,
    estimated: Any = False,
) -> pd.DataFrame:
    """INTENSITY of one grid zone; single values stand for all rows."""
    values = np.atleast_1d(np.asarray(gco2e_per_kwh, np.float64))
    return pd.DataFrame(
        {
            "grid_zone": np.full(len(values), grid_zone, dtype=object),
            "start_ms": np.broadcast_to(np.asarray(start_ms, np.int64), len(values)),
            "end_ms": np.broadcast_to(np.asarray(end_ms, np.int64), len(values)),
            "gco2e_per_kwh": values,
            "estimated": np.broadcast_to(np.asarray(estimated, bool), len(values)),
            "source": np.full(len(values), source, dtype=object),
            "flags": np.where(np.broadcast_to(np.asarray(estimated, bool), len(values)), ESTIMATED, 0),
        }
    ).astype(DTYPES)


def no_slots() -> pd.DataFrame:
    """INTENSITY without a row."""
    return pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in DTYPES.items()})


def stacked(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """INTENSITY of several parts, in order."""
    filled = [part for part in parts if len(part)]
    if not filled:
        return no_slots()
    return pd.concat(filled, ignore_index=True).sort_values(["grid_zone", "start_ms"], ignore_index=True)


def constant(request: Request, *, grid_zone: str, gco2e_per_kwh: float, source: str) -> pd.DataFrame:
    """INTENSITY with one slot: the range."""
    return slots(
        grid_zone=grid_zone, start_ms=request.start_ms, end_ms=request.end_ms, gco2e_per_kwh=gco2e_per_kwh,
        source=source,
    )  # fmt: skip
