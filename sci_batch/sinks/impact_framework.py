"""A manifest that the Impact Framework recomputes, row by row: O, C and SCI of each window, and the total.

The rows of a result are sums over pods and time steps, so `energy x PUE x intensity` of a row may differ from
its O in the last digits. That difference stands in the manifest (`carbon-rounding`), and IF comes to the same
bits. IF adds up components by their place in the list: every component has every window, with zeros where the
result has no row. IF would print the carbon itself as the score of rows without R: they are components of
their own, which get none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sci_batch.errors import SinkError
from sci_batch.impact.manifest import MAX_ROWS, OURS, Component, Head, Row, component, head
from sci_batch.report import Report
from sci_batch.schema import UNATTRIBUTED
from sci_batch.sinks import SinkOptions
from sci_batch.sinks.rows import RFC3339
from sci_batch.sinks.target import opened

_SAME = 1e-9
"""Relative: what differs by less is rounding."""
_WITHOUT_UNITS = " (windows without R)"


def write(report: Report, path: Path | None, options: SinkOptions) -> None:
    """All windows of all groups."""
    rows = recomputable(report.result, _pue(report))
    components = _components(report, rows)
    count = sum(len(made.rows) for made in components)
    if count > MAX_ROWS:
        raise SinkError(
            f"{count:,} rows are more than the Impact Framework can take ({MAX_ROWS:,})",
            "Give longer windows (--window 1d or all), or fewer groups (--group-by namespace, -n).",
        )
    scored = any(made.scored for made in components)
    top = _head(report, rows, scored=scored)
    with opened(path, no_clobber=options.no_clobber) as stream:
        stream.write(head(top, scored=scored).encode())
        for made in components:
            for text in component(made, has_total=top.total_units is not None):
                stream.write(text.encode())


def _pue(report: Report) -> float:
    """The one PUE of all nodes; 1 where they differ, and rows say theirs."""
    try:
        return float(str(report.provenance.method.get("pue")).rpartition(":")[2])
    except ValueError:
        return 1.0


def recomputable(result: pd.DataFrame, pue: float) -> pd.DataFrame:
    """RESULT with what IF needs to come to the same bits, in the order in which IF calculates.

    Adds slot [number of the window], known [whether C is], pue [1], rounding_gco2e, and scored [R > 0].
    """
    energy, intensity = result["energy_kwh"].to_numpy(), result["intensity_gco2e_per_kwh"].to_numpy()
    operational, carbon = result["operational_gco2e"].to_numpy(), result["carbon_gco2e"].to_numpy()
    embodied = result["embodied_gco2e"].to_numpy()
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = operational / (energy * pue * intensity)
        own_pue = np.where(np.isfinite(ratio) & (np.abs(ratio - 1) > _SAME), pue * ratio, pue)
    rounding = carbon - (energy * own_pue * intensity + embodied)
    starts = np.unique(result["window_start"].to_numpy())
    return result.assign(
        slot=np.searchsorted(starts, result["window_start"].to_numpy()),
        known=~np.isnan(rounding),
        pue=own_pue,
        rounding_gco2e=rounding,
        scored=result["functional_units"].gt(0).to_numpy(),
    )


def _head(report: Report, rows: pd.DataFrame, *, scored: bool) -> Head:
    made, sums = report.provenance, report.totals
    unit = made.functional_unit if scored else None
    total = sums.functional_units if scored and sums.functional_units else None
    unknown = int((~rows["known"]).sum())
    facts: dict[str, Any] = {
        "tool-version": made.tool_version, "method-fingerprint": made.fingerprint,
        "method": {name: _plain(value) for name, value in made.method.items()},
        "source": made.source, "start": made.start, "end": made.end, "window": made.window, "tz": made.tz,
        "group-by": list(made.group_by), "functional-unit": unit,
        "total": {
            "carbon": sums.carbon_gco2e, "functional-units": total,
            "sci": sums.sci_gco2e_per_unit if total else None,
        },
        "rows-with-unknown-carbon": unknown,
    }  # fmt: skip
    score = f"SCI per {unit}" if unit else "carbon (no score: no functional unit with R above 0)"
    return Head(
        name=f"sci-batch {made.start} to {made.end}",
        description=(
            f"Energy that Kepler metered, {score}, windows of {made.window}. timestamp is the start of a "
            "window in UTC, duration its length in seconds. A component is one group of "
            f"{', '.join(made.group_by)}; where the result has no row for a window its inputs are 0, and "
            f"null stands under {OURS}, which holds the numbers that sci-batch itself came to. Check them "
            "with: sci-batch verify-if FILE"
        ),
        facts=facts, pue=_pue(report), unit=unit, total_units=total,
    )  # fmt: skip


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _components(report: Report, rows: pd.DataFrame) -> list[Component]:
    edges = rows[["window_start", "window_end"]].drop_duplicates().sort_values("window_start")
    starts = edges["window_start"].dt.strftime(RFC3339).tolist()
    seconds = (edges["window_end"] - edges["window_start"]).dt.total_seconds().astype("int64").tolist()
    windows = list(zip(starts, seconds, strict=True))
    pue = _pue(report)
    made = []
    for name, group in _named(rows, report.provenance.group_by):
        scored = group["scored"].to_numpy()
        if scored.any():
            made.append(_component(name, group[scored], windows, pue, scored=True))
        if not scored.all():
            suffix = _WITHOUT_UNITS if scored.any() else ""
            made.append(_component(name + suffix, group[~scored], windows, pue, scored=False))
    return made


def _named(rows: pd.DataFrame, group_by: tuple[str, ...]) -> Iterator[tuple[str, pd.DataFrame]]:
    """Name and rows of each group; the kind tells two of one name apart."""
    by_kind = "workload" in group_by or "pod" in group_by
    keys = [*group_by, *(["workload_kind"] if by_kind else [])]
    groups = [(key, group) for key, group in rows.groupby(keys, sort=True, dropna=False)]
    names = ["/".join(str(text) or "-" for text in key[: len(group_by)]) for key, _ in groups]
    count = Counter(names)
    for name, (key, group) in zip(names, groups, strict=True):
        told = by_kind and (count[name] > 1 or key[-1] == UNATTRIBUTED)
        yield (f"{name} ({key[-1]})" if told else name), group


def _component(
    name: str, group: pd.DataFrame, windows: list[tuple[str, int]], pue: float, *, scored: bool
) -> Component:
    filled = [
        Row(timestamp=start, seconds=seconds, units=0.0 if scored else None) for start, seconds in windows
    ]
    carbon: list[float | None] = [None] * len(windows)
    sci: list[float | None] = [None] * len(windows)
    known = group[group["known"]]
    columns = (
        "slot", "energy_kwh", "intensity_gco2e_per_kwh", "embodied_gco2e", "pue", "rounding_gco2e",
        "functional_units", "carbon_gco2e", "sci_gco2e_per_unit",
    )  # fmt: skip
    for slot, kwh, intensity, embodied, own, rest, units, grams, score in zip(
        *(known[column].tolist() for column in columns), strict=True
    ):
        start, seconds = windows[slot]
        filled[slot] = Row(
            timestamp=start, seconds=seconds, energy_kwh=kwh, intensity_gco2e_per_kwh=intensity,
            embodied_gco2e=embodied, pue=own if own != pue else None, rounding_gco2e=rest,
            units=units if scored else None,
        )  # fmt: skip
        carbon[slot], sci[slot] = grams, score
    return Component(
        name=name, facts=_facts(group), rows=filled, scored=scored, carbon_gco2e=carbon,
        sci_gco2e_per_unit=sci if scored else None,
    )  # fmt: skip


def _facts(group: pd.DataFrame) -> dict[str, Any]:
    def words(column: str, separator: str) -> list[str]:
        return sorted({word for text in group[column].unique() for word in text.split(separator) if word})

    return {
        "workload-kind": words("workload_kind", "+"),
        "energy-source": words("energy_source", "+"),
        "intensity-source": words("intensity_source", "+"),
        "embodied-source": words("embodied_source", "+"),
        "lowest-coverage": float(group["coverage"].min()),
        "flags": words("flags", ","),
    }
