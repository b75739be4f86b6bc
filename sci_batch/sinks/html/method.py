"""How the numbers were made: every coefficient with its meaning, value, unit and source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from sci_batch.report import Report
from sci_batch.sinks.numbers import significant
from sci_batch.units import BYTES_PER_GB, DAYS_PER_YEAR, JOULES_PER_KWH, SECONDS_PER_DAY

SECONDS_PER_YEAR = DAYS_PER_YEAR * SECONDS_PER_DAY
_MEANINGS = {
    "power_domains": ("Power domains", "parts of each node whose energy counters are added up", ""),
    "pull": ("Pull", "how the counters were read: every sample, or increases by the server", ""),
    "max_gap_seconds": ("Longest gap", "a longer time without a scrape is marked by the flag gap", "s"),
    "max_node_watts": ("Plausible power", "a counter that rises faster is cut to it", "W"),
    "unattributed": ("Idle and host energy", "how the energy of no pod is shared", ""),
    "node_energy": ("Node energy", "which meter stands for the node", ""),
    "overhead_ratio": ("Overhead", "energy that the meters do not see, as a share of what they see", ""),
    "intensity": ("Grid intensity I", "gCO2e per kWh of electricity, location-based", ""),
    "intensity_source": ("Source of I", "the records that were used", ""),
    "intensity_asked": ("Asked of the sources", "what else was asked of I, and how its holes are closed", ""),
    "intensity_kind": ("Kind of I", "average or marginal", ""),
    "intensity_basis": ("Basis of I", "lifecycle or direct emissions", ""),
    "pue": ("PUE", "energy of the data centre per energy of its computers", ""),
    "embodied": ("Embodied carbon TE", "carbon of making and disposing of the hardware", ""),
    "share": ("Share of the hardware", "RR / ToR: what was reserved of what there is", ""),
    "lifespan_seconds": ("Lifespan EL", "time over which TE is spread", "s"),
    "functional_units": ("Units of work R", "what is counted, and how", ""),
}


@dataclass(frozen=True, slots=True)
class Coefficient:
    """One choice or factor."""

    name: str
    key: str
    """Its name in the result's provenance, empty for what follows from the rows."""
    meaning: str
    value: str
    unit: str


@dataclass(frozen=True, slots=True)
class Factor:
    """A factor as it was in effect in the rows of one source; weighted by energy."""

    source: str
    rows: int
    low: str
    mean: str
    high: str


def coefficients(report: Report) -> list[Coefficient]:
    """Everything in the method, known to this page or not, and what follows from the rows."""
    method = report.provenance.method
    made = [_coefficient(key, value) for key, value in method.items()]
    joules = Coefficient("Joules per kWh", "", "by definition", significant(JOULES_PER_KWH), "J/kWh")
    return [*made, *_pue_in_effect(report), joules] if method else [joules]


def _coefficient(key: str, value: Any) -> Coefficient:
    name, meaning, unit = _MEANINGS.get(key, (key, "", ""))
    text = _text(value)
    if key == "lifespan_seconds" and isinstance(value, int | float):
        text, unit = f"{significant(value)} ({value / SECONDS_PER_YEAR:g} years)", "s"
    return Coefficient(name, key, meaning, text, unit)


def _text(value: Any) -> str:
    if value is None or value == "":
        return "not told"
    if isinstance(value, bool | str):
        return str(value)
    if isinstance(value, int | float):
        return f"{value:g}" if abs(value) < 1e6 else significant(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key} = {_text(item)}" for key, item in value.items()) or "none"
    if isinstance(value, Sequence):
        return ", ".join(map(_text, value)) or "none"
    return str(value)


def _pue_in_effect(report: Report) -> list[Coefficient]:
    rows = report.result.dropna(subset=["operational_gco2e", "energy_kwh", "intensity_gco2e_per_kwh"])
    at_one = float((rows["energy_kwh"] * rows["intensity_gco2e_per_kwh"]).sum())
    if not at_one:
        return []
    text = significant(round(float(rows["operational_gco2e"].sum()) / at_one, 9))
    return [Coefficient("PUE in effect", "", "ΣO / Σ(E × I) of all rows", text, "")]


def intensities(report: Report) -> list[Factor]:
    """The grid intensity in effect of each source: lowest, mean weighted by energy, highest."""
    rows = report.result.dropna(subset=["intensity_gco2e_per_kwh"])
    return [_factor(str(source), part) for source, part in rows.groupby("intensity_source")]


def _factor(source: str, rows: pd.DataFrame) -> Factor:
    values, weight = rows["intensity_gco2e_per_kwh"], rows["energy_kwh"].fillna(0.0).clip(lower=0.0)
    mean = float((values * weight).sum() / weight.sum()) if weight.sum() > 0 else float(values.mean())
    low, high = float(values.min()), float(values.max())
    return Factor(
        source, len(rows), significant(low), significant(min(max(mean, low), high)), significant(high)
    )


@dataclass(frozen=True, slots=True)
class Hardware:
    """One kind of node."""

    what: str
    nodes: int
    cores: str
    memory: str
    te: str
    el: str
    source: str


def hardware(report: Report) -> list[Hardware]:
    """TE and EL of every kind of node; none where the result does not tell them."""
    return [_hardware(kind) for kind in report.provenance.hardware]


def _hardware(kind: Mapping[str, Any]) -> Hardware:
    low, high = kind["low_kgco2e"], kind["high_kgco2e"]
    bounds = "" if low is None or high is None else f" ({significant(low)} to {significant(high)})"
    memory, cores = kind["memory_bytes"], kind["cores"]
    return Hardware(
        what=kind["instance_type"],
        nodes=len(kind["nodes"]),
        cores="-" if cores is None else significant(cores),
        memory="-" if memory is None else significant(memory / BYTES_PER_GB),
        te=significant(kind["embodied_kgco2e"]) + bounds,
        el=significant(kind["lifespan_seconds"] / SECONDS_PER_YEAR),
        source=kind["embodied_source"],
    )


def embodied_sources(report: Report) -> list[tuple[str, int]]:
    """Where the embodied carbon of how many rows comes from."""
    counts = report.result.groupby("embodied_source").size()
    return [(str(source) or "unknown", int(count)) for source, count in counts.items()]
