"""Two results side by side: may they be compared, and what a reader must know of the comparison."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from sci_batch import change
from sci_batch.errors import UsageError
from sci_batch.report import Provenance, Report

_MISSING = "(not there)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """CHANGES (`change.columns`) of every group, most changed carbon first, and of the total."""

    rows: pd.DataFrame
    total: dict[str, float | None]
    """The quantities of CHANGES for all groups; unknown is None."""
    group_by: tuple[str, ...]
    units: tuple[str, ...]
    """Functional units, in the order of their columns."""
    base: Provenance
    now: Provenance
    base_scale: float = 1.0
    """By what the amounts of the base were multiplied to fit the length of the later range."""
    what_if: tuple[str, ...] = ()
    """The choices that were changed, where both sides are one result; else empty."""
    notes: tuple[str, ...] = ()

    def of_unit(self, number: int) -> tuple[str, str, str]:
        """Names of the R and SCI of a functional unit, and what stands behind the names of its changes."""
        return change.score_columns(number, self.units[number])


def between(
    base: Report, now: Report, *, allow_method_change: bool = False, what_if: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> Change:  # fmt: skip
    """The change from one result to the other.

    `what_if`: the choices that make `now` of `base`, in words; `notes`: further words for the reader.
    Amounts are sums over the ranges. When the ranges differ in length, the amounts of the base are scaled to
    the later one's; scores are ratios, and stay.

    Raises
    ------
    UsageError
        Other group keys or functional units; or, without `allow_method_change`, another method.
    """
    group_by = _same_keys(base.provenance, now.provenance)
    units = _same_units(base.provenance, now.provenance)
    differing = () if what_if else method_changes(base.provenance, now.provenance)
    if differing and not allow_method_change:
        raise UsageError(
            "the results were made by different methods, so that their difference is no change of the "
            "software: " + "; ".join(differing),
            "Compute both in the same way, or give --allow-method-change.",
        )
    scale = _length(now.provenance) / _length(base.provenance)
    before = change.amounts(_in_order(base, units), group_by, units)
    after = change.amounts(_in_order(now, units), group_by, units)
    pairs = change.paired(change.scaled(before, scale), after, group_by)
    rows = change.of_groups(pairs, units, scale)
    size = rows["change_gco2e"].abs()
    order = size.sort_values(ascending=False, kind="stable", na_position="last").index
    total = change.of_total(_total_pair(base, now, units, scale), rows, units, scale)
    names = change.columns(group_by, units)
    return Change(
        rows=rows.loc[order, names].reset_index(drop=True),
        total={name: _known(total[name].iloc[0]) for name in names if name in total},
        group_by=group_by, units=units, base=base.provenance, now=now.provenance, base_scale=scale,
        what_if=tuple(what_if), notes=(*notes, *_notes(base, now, scale, differing)),
    )  # fmt: skip


def _same_keys(base: Provenance, now: Provenance) -> tuple[str, ...]:
    if sorted(base.group_by) != sorted(now.group_by):
        raise UsageError(
            f"the rows of the results are not the same: {','.join(base.group_by)} before, "
            f"{','.join(now.group_by)} now",
            "Compute both with the same --group-by.",
        )
    return now.group_by


def _same_units(base: Provenance, now: Provenance) -> tuple[str, ...]:
    if sorted(base.units) != sorted(now.units):
        before, after = (", ".join(made.units) or "none" for made in (base, now))
        raise UsageError(
            f"the units of work are not the same: {before} before, {after} now",
            "Compute both with the same --functional-unit.",
        )
    return now.units


def _in_order(report: Report, units: tuple[str, ...]) -> pd.DataFrame:
    """RESULT with its units of work in that order."""
    own = report.provenance.units
    if own == units:
        return report.result
    names = {
        change.score_columns(own.index(name), name)[0]: change.score_columns(number, name)[0]
        for number, name in enumerate(units)
    }
    return report.result.rename(columns=names)


def method_changes(base: Provenance, now: Provenance) -> tuple[str, ...]:
    """Each choice that differs, with both values; empty when the results are comparable."""
    if base.fingerprint == now.fingerprint:
        return ()
    names = dict.fromkeys((*base.method, *now.method))
    found = tuple(
        f"{name} {_text(base.method, name)} before, {_text(now.method, name)} now"
        for name in names
        if _text(base.method, name) != _text(now.method, name)
    )
    return found or (
        f"sci-batch {base.tool_version} before, {now.tool_version} now, which calculate in other ways",
    )


def _text(method: dict[str, Any], name: str) -> str:
    if name not in method:
        return _MISSING
    value = method[name]
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)


def _length(made: Provenance) -> float:
    """Length of the range [s]."""
    length: timedelta = datetime.fromisoformat(made.end) - datetime.fromisoformat(made.start)
    return length.total_seconds()


def _total_pair(base: Report, now: Report, units: tuple[str, ...], scale: float) -> pd.DataFrame:
    """One row with base_ and now_ in front of `change.AMOUNTS` and R: the totals as the results have them."""
    pair: dict[str, Any] = {}
    for side, report, factor in (("base", base, scale), ("now", now, 1.0)):
        sums: dict[str, Any] = {name: getattr(report.totals, name) for name in change.AMOUNTS}
        for number, name in enumerate(units):
            r, _ = report.totals.of_unit(report.provenance.units.index(name))
            sums[change.score_columns(number, name)[0]] = r
        for name, value in sums.items():
            pair[f"{side}_{name}"] = None if value is None else value * factor
    return pd.DataFrame([pair], dtype="float64")


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _notes(base: Report, now: Report, scale: float, differing: Sequence[str]) -> Iterator[str]:
    if scale != 1:
        yield (
            f"the ranges differ in length: amounts of the base are scaled by {scale:.6g} to the length of "
            "the later one; scores are not"
        )
    if base.provenance.window != now.provenance.window:
        yield (
            f"windows of {base.provenance.window} before, {now.provenance.window} now: "
            "sums over the ranges are compared"
        )
    if base.provenance.cluster != now.provenance.cluster:
        names = [made.cluster or "(none given)" for made in (base.provenance, now.provenance)]
        yield f"two clusters are compared: {names[0]} before, {names[1]} now"
    for words in differing:
        yield f"another method: {words}"
    if not base.provenance.method and not now.provenance.method:
        yield "neither result tells its method, as Parquet and JSON do: nobody can say if they are comparable"
    digests = base.provenance.intensity_digest, now.provenance.intensity_digest
    if all(digests) and digests[0] != digests[1]:
        yield (
            f"the file of --intensity has another content (sha256 {digests[0]} before, {digests[1]} now): a "
            "longer series, or other figures, which count as the effect of intensity"
        )
    for side, report in (("base", base), ("later result", now)):
        left_out = int(report.result["carbon_gco2e"].isna().sum())
        if left_out:
            yield f"{left_out} rows of the {side} have no known carbon and count in no sum"
