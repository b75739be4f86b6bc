"""A stored result as it would have been under other choices; only what its rows can honestly answer."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sci_batch import intensity, pue, what_if
from sci_batch.errors import UsageError
from sci_batch.intensity import Intensity, Request
from sci_batch.other_hardware import AGAIN, on_hardware, stored_hardware
from sci_batch.provenance import fingerprint
from sci_batch.report import Provenance, Report, Totals
from sci_batch.result import Result
from sci_batch.settings import Settings
from sci_batch.sums import of_rows
from sci_batch.units import MS_PER_SECOND, SECONDS_PER_HOUR

CHOICES = ("intensity", "pue", "embodied", "lifespan_seconds", "shift_seconds", "flexible")
"""Settings that may be asked for."""
_BY_NODE = "table, by node"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """The other result, the choices in words, and what a reader must know."""

    report: Report
    words: tuple[str, ...]
    notes: tuple[str, ...]


def of(report: Report, settings: Settings, chosen: Collection[str]) -> Alternative:
    """The result under the settings that `chosen` names (of `CHOICES`); the others stay as they were.

    Raises
    ------
    UsageError
        No choice, choices that need others, or one that the rows cannot answer.
    SciBatchError
        What the source of the intensity says.
    """
    _complete(chosen, settings)
    result, method = report.result, dict(report.provenance.method)
    words: list[str] = []
    notes: list[str] = []
    if {"intensity", "pue"} & {*chosen}:
        result = _grid(report, settings, chosen, method, words, notes)
    if "embodied" in chosen:
        if "lifespan_seconds" in chosen:
            method["lifespan_seconds"] = settings.lifespan_seconds
        result, told = on_hardware(report, result, settings, method)
        words.append(f"embodied {method['embodied']}")
        notes += told
    elif "lifespan_seconds" in chosen:
        if report.provenance.hardware:
            stored_hardware(report.provenance)  # runs that do not agree have no one factor
        result = what_if.with_lifespan(result, _other_lifespan(settings, method))
    if "lifespan_seconds" in chosen:
        words.append(f"lifespan {settings.lifespan_seconds / (365 * 86_400):g} years")
    other = dataclasses.replace(
        report, rows=Result.of(result), totals=_totals(report.totals, result),
        provenance=dataclasses.replace(report.provenance, method=method, fingerprint=fingerprint(method)),
    )  # fmt: skip
    return Alternative(report=other, words=tuple(words), notes=tuple(notes))


def _complete(chosen: Collection[str], settings: Settings) -> None:
    if not chosen:
        raise UsageError(
            "nothing else is chosen",
            "Give --intensity, --pue, --embodied, --lifespan, --shift or --flexible on the command line.",
        )
    moved = {"shift_seconds", "flexible"} & {*chosen}
    if len(moved) > 1:
        raise UsageError("--shift and --flexible exclude each other", "Give one of them.")
    if moved and "intensity" not in chosen:
        raise UsageError(
            "to move work in time, the intensity of other hours is needed",
            "Give --intensity with an hourly source that reaches as far, such as file:ci.csv.",
        )
    if ("flexible" in chosen) != (settings.within_seconds is not None):
        raise UsageError(
            "--flexible and --within belong together", "Give both: --flexible CronJob --within 6h."
        )


def _grid(
    report: Report, settings: Settings, chosen: Collection[str], method: dict[str, Any],
    words: list[str], notes: list[str],
) -> pd.DataFrame:  # fmt: skip
    """RESULT with another intensity, PUE, or both; the words and the method follow."""
    result = report.result
    factor = _pue(report, settings, "pue" in chosen)
    source, per_kwh = None, result["intensity_gco2e_per_kwh"]
    if "intensity" in chosen and settings.intensity is not None:
        found = _load(report.provenance, settings)
        source = found.source
        per_kwh = _intensity(report, found, settings, words)
        words.insert(0, f"intensity {settings.intensity}")
        notes += _kinds(method, found)
        stored, method["intensity"] = method.get("intensity"), str(settings.intensity)
        method |= {"intensity_source": [source], "intensity_kind": found.kind, "intensity_basis": found.basis}
        if len(words) > 1 and stored != method["intensity"]:
            notes.append(f"the stored result is by {stored}: the other source shows beside the other hours")
        notes += found.notes
    if "pue" in chosen:
        method["pue"] = pue.load(settings.pue).source
        words.append(f"PUE {method['pue']}")
    return what_if.with_grid(result, per_kwh, factor, source)


def _pue(report: Report, settings: Settings, chosen: bool) -> pd.Series:
    """PUE of each row [1]: the one that is asked for, else the one in effect."""
    if chosen:
        if settings.pue == pue.AUTO:
            raise UsageError(
                "a stored result does not know the places of its nodes, which --pue auto needs",
                "Give a number, or a place such as aws.",
            )
        return pd.Series(pue.load(settings.pue).everywhere, report.result.index, dtype="float64")
    if report.provenance.method.get("pue") == _BY_NODE and "node" not in report.provenance.group_by:
        raise UsageError(
            "the PUE differs by node, and a row of the stored result holds several nodes",
            "Give --pue too, or store a result with --group-by node.",
        )
    return what_if.pue_in_effect(report.result)


def _load(made: Provenance, settings: Settings) -> Intensity:
    """The intensity for all hours in which work may be done."""
    chosen = settings.intensity
    if chosen is None or chosen.kind == "prometheus":
        raise UsageError(
            "what-if asks no Prometheus",
            "Store them by `sci-batch factors fetch --out ci.csv`, and give --intensity file:ci.csv.",
        )
    start_ms, end_ms = (
        int(pd.Timestamp(text).timestamp() * MS_PER_SECOND) for text in (made.start, made.end)
    )
    later = max(settings.shift_seconds or 0, settings.within_seconds or 0, 0)
    earlier = min(settings.shift_seconds or 0, 0)
    request = Request(
        start_ms=start_ms + earlier * MS_PER_SECOND, end_ms=end_ms + later * MS_PER_SECOND,
        kind=settings.intensity_kind, basis=settings.intensity_basis, gap=settings.intensity_gap,
        fallbacks=settings.intensity_fallback, allow_world_average=settings.allow_world_average,
        offline=settings.offline, cache_dir=settings.cache_dir,
    )  # fmt: skip
    return intensity.load(chosen.kind, chosen.argument, request)


def _intensity(report: Report, found: Intensity, settings: Settings, words: list[str]) -> pd.Series:
    """Intensity in effect of each row [gCO2e/kWh]."""
    result = report.result
    spans = [_ms(result[name]) for name in ("window_start", "window_end")]
    shift = (settings.shift_seconds or 0) * MS_PER_SECOND
    steady = what_if.intensity_at(found.slots, spans[0] + shift, spans[1] + shift)
    if settings.shift_seconds:
        hours = settings.shift_seconds / SECONDS_PER_HOUR
        words.append(f"all work {abs(hours):g} h {'later' if hours > 0 else 'earlier'}")
    per_kwh = pd.Series(steady, result.index)
    if settings.within_seconds is not None:
        waits = what_if.may_wait(result, settings.flexible)
        if not waits.any():
            kinds = ", ".join(sorted(set(result["workload_kind"])))
            raise UsageError(
                f"no row is {' or '.join(settings.flexible)}", f"--flexible takes kinds ({kinds}) or names."
            )
        start_ms, end_ms = spans
        best = what_if.lowest(found.slots, start_ms, end_ms, settings.within_seconds * MS_PER_SECOND)
        per_kwh = what_if.moved_intensity(result, per_kwh, pd.Series(best, result.index), waits)
        hours = settings.within_seconds / SECONDS_PER_HOUR
        words.append(f"{', '.join(settings.flexible)} waits up to {hours:g} h for the lowest intensity")
    if per_kwh.isna().any():
        raise UsageError(
            f"the intensity {settings.intensity} changes within the windows of the stored result "
            f"({report.provenance.window}), which do not tell when in them the energy was used",
            "Store a result with a --window as short as the steps of the intensity.",
        )
    return per_kwh


def _ms(times: pd.Series) -> np.ndarray:
    return np.asarray(times.dt.as_unit("ms").astype("int64").to_numpy(), np.int64)


def _kinds(method: dict[str, Any], found: Intensity) -> Iterator[str]:
    """Average beside marginal, lifecycle beside direct: a part of the change is a change of words."""
    for name, now in (("kind", found.kind), ("basis", found.basis)):
        stored = method.get(f"intensity_{name}")
        if stored not in (None, "unknown", now) and now != "unknown":
            yield f"the intensities differ in {name}: {stored} in the stored result, {now} here"


def _other_lifespan(settings: Settings, method: dict[str, Any]) -> float:
    """EL by EL, upside down."""
    if "lifespan_seconds" not in method:
        raise UsageError(
            "this result does not tell the lifespan of its nodes", "Give one stored as Parquet or JSON."
        )
    if "file:" in str(method.get("embodied")):
        raise UsageError(
            "a file of --embodied may give nodes lifespans of their own, which a stored result does not tell",
            AGAIN,
        )
    stored, method["lifespan_seconds"] = float(method["lifespan_seconds"]), settings.lifespan_seconds
    return stored / settings.lifespan_seconds


def _totals(sums: Totals, result: pd.DataFrame) -> Totals:
    """The totals of the other result; energy, units of work and books are those of the stored one."""
    told = of_rows(result, {unit.name: unit.functional_units for unit in sums.units})
    kept = ("rows", "energy_kwh", "functional_units")
    return dataclasses.replace(sums, **{name: value for name, value in told.items() if name not in kept})
