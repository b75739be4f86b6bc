"""What changed between two results, and why: energy, intensity, embodied carbon, units of work.

`C = E x I + M`, with I the intensity in effect, `I = O / E` (grid x PUE), and `SCI = C / R`. Each effect is
what one cause changes while the others stand at the mean of both sides, so that neither side comes first:

    energy    (E1 - E0) x (I0 + I1)/2        intensity  (I1 - I0) x (E0 + E1)/2        embodied  M1 - M0

On the score, nested: each of them x (1/R0 + 1/R1)/2, and units  (1/R1 - 1/R0) x (C0 + C1)/2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

AMOUNTS = ["energy_kwh", "operational_gco2e", "embodied_gco2e", "carbon_gco2e"]
"""E, O, M and C of a group over all windows; R is `functional_units`, `functional_units:NAME`."""
CAUSES = ("energy", "intensity", "embodied")
"""What carbon changes by; a score changes by `units` as well."""
NEW, GONE = "new", "gone"
"""`status` of a group that only the later, or only the earlier result has; else empty."""


def score_columns(number: int, name: str) -> tuple[str, str, str]:
    """Names of the R and SCI of a functional unit, and what stands behind the names of its changes.

    >>> score_columns(1, "user")
    ('functional_units:user', 'sci_gco2e_per_unit:user', ':user')
    """
    behind = f":{name}" if number else ""
    return f"functional_units{behind}", f"sci_gco2e_per_unit{behind}", behind


def columns(keys: Sequence[str], units: Sequence[str]) -> list[str]:
    """Names of the columns of CHANGES, in order. Quantities end in their unit [kWh, gCO2e, gCO2e/unit, %]."""
    names = [*keys, "workload_kind", "status"]
    names += [f"{side}_{amount}" for amount in AMOUNTS for side in ("base", "now")]
    names += ["change_gco2e", "change_percent", *(f"effect_{cause}_gco2e" for cause in CAUSES)]
    for number, name in enumerate(units):
        r, sci, behind = score_columns(number, name)
        names += [f"{side}_{column}" for column in (r, sci) for side in ("base", "now")]
        names += [f"change_gco2e_per_unit{behind}", f"change_sci_percent{behind}"]
        names += [f"effect_{cause}_gco2e_per_unit{behind}" for cause in (*CAUSES, "units")]
    return names


def amounts(result: pd.DataFrame, group_by: Sequence[str], units: Sequence[str]) -> pd.DataFrame:
    """Sums of RESULT over its windows: one row per group, with workload_kind, `AMOUNTS` and the R of `units`.

    Windows without known carbon count in none of the `AMOUNTS`, so that they stay C = O + M.
    """
    by_kind = "workload" in group_by or "pod" in group_by
    keys = [*group_by, *(["workload_kind"] if by_kind else [])]
    served = [score_columns(number, name)[0] for number, name in enumerate(units)]
    known = result["carbon_gco2e"].notna()
    groups = result.assign(**{name: result[name].where(known) for name in AMOUNTS}).groupby(
        keys, sort=False, dropna=False
    )
    sums = groups[[*AMOUNTS, *served]].sum(min_count=1)
    if not by_kind:
        sums.insert(0, "workload_kind", groups["workload_kind"].agg(_kinds))
    return sums.reset_index()


def _kinds(texts: pd.Series) -> str:
    return "+".join(sorted({word for text in texts.unique() for word in text.split("+") if word}))


def scaled(sums: pd.DataFrame, factor: float) -> pd.DataFrame:
    """The amounts and the R for `factor` times the length of time."""
    names = [name for name in sums if name in AMOUNTS or str(name).startswith("functional_units")]
    return sums.assign(**{str(name): sums[name] * factor for name in names}) if factor != 1 else sums


def paired(base: pd.DataFrame, now: pd.DataFrame, group_by: Sequence[str]) -> pd.DataFrame:
    """Sums of both sides in one row per group: base_ and now_ in front of every amount, and status.

    A group that one side does not have emitted nothing there: its amounts are 0, its R is unknown. Two kinds
    of workload with one name are two rows; a workload alone in its name stays one when its kind changes.
    """
    keys = list(group_by)
    several = pd.concat([side.loc[side.duplicated(keys), keys] for side in (base, now)]).drop_duplicates()
    both = _side(base, several, keys, "base").merge(
        _side(now, several, keys, "now"), on=[*keys, "_kind"], how="outer", indicator="_from", validate="1:1"
    )
    came, went = both["_from"] == "right_only", both["_from"] == "left_only"
    for side, absent in (("base", came), ("now", went)):
        names = [f"{side}_{name}" for name in AMOUNTS]
        both[names] = both[names].mask(absent, 0.0)
    old, kind = both["base_kind"].fillna(""), both["now_kind"].fillna("")
    moved = (old != "") & (kind != "") & (old != kind)
    return both.assign(
        status=np.select([came, went], [NEW, GONE], default=""),
        workload_kind=kind.mask(kind == "", old).mask(moved, old + " to " + kind),
    ).drop(columns=["_kind", "_from", "base_kind", "now_kind"])


def _side(sums: pd.DataFrame, several: pd.DataFrame, keys: list[str], side: str) -> pd.DataFrame:
    """Sums with the side in their names, and `_kind`, empty where the name alone tells the group."""
    told = sums[keys].merge(several.assign(_told=True), on=keys, how="left", validate="m:1")["_told"]
    kind = sums["workload_kind"].where(told.notna().to_numpy(), "")
    named = {name: f"{side}_{name}" for name in sums if name not in (*keys, "workload_kind")}
    return sums.rename(columns={**named, "workload_kind": f"{side}_kind"}).assign(_kind=kind)


def of_groups(pairs: pd.DataFrame, units: Sequence[str], base_scale: float = 1.0) -> pd.DataFrame:
    """Changes and effects of every row of `paired`.

    `base_scale`: by what the amounts of the base were scaled; its scores were not.
    """
    e0, e1 = pairs["base_energy_kwh"], pairs["now_energy_kwh"]
    i0 = pairs["base_operational_gco2e"] / e0.where(e0 != 0)
    i1 = pairs["now_operational_gco2e"] / e1.where(e1 != 0)
    # Without energy there is no intensity: it takes that of the other side, so that all is energy's effect.
    i0, i1 = i0.where(e0 != 0, i1).where((e0 != 0) | (e1 != 0), 0.0), i1.where(e1 != 0, i0)
    i1 = i1.where((e0 != 0) | (e1 != 0), 0.0)
    effects = pd.DataFrame(
        {
            "energy": (e1 - e0) * (i0 + i1) / 2,
            "intensity": (i1 - i0) * (e0 + e1) / 2,
            "embodied": pairs["now_embodied_gco2e"] - pairs["base_embodied_gco2e"],
        }
    )
    return _scores(_changed(pairs, effects), units, base_scale)


def of_total(pair: pd.DataFrame, rows: pd.DataFrame, units: Sequence[str], base_scale: float) -> pd.DataFrame:
    """The same for the total, one row: its effects are the sums of those of the groups.

    So a shift of work between groups counts as energy that one saves and another uses, each at its own
    intensity, and never as a change of the grid. Unknown when one side knows carbon that the other does not.
    """
    lost = rows["change_gco2e"].isna() & (
        (rows["base_carbon_gco2e"].notna() & (rows["status"] != NEW))
        | (rows["now_carbon_gco2e"].notna() & (rows["status"] != GONE))
    )
    sums = {cause: rows[f"effect_{cause}_gco2e"].sum(min_count=1) for cause in CAUSES}
    effects = pd.DataFrame(sums, index=pair.index)
    if lost.any():
        return _scores(_changed(pair, effects, unknown=True), units, base_scale)
    return _scores(_changed(pair, effects), units, base_scale)


def _changed(pairs: pd.DataFrame, effects: pd.DataFrame, *, unknown: bool = False) -> pd.DataFrame:
    base, now = pairs["base_carbon_gco2e"], pairs["now_carbon_gco2e"]
    change, parts = exact((now - base).to_numpy(), effects.to_numpy())
    if unknown:
        change, parts = np.full_like(change, np.nan), np.full_like(parts, np.nan)
    named = {f"effect_{cause}_gco2e": parts[:, place] for place, cause in enumerate(effects)}
    return pairs.assign(change_gco2e=change, change_percent=_percent(change, base), **named)


def _scores(rows: pd.DataFrame, units: Sequence[str], base_scale: float) -> pd.DataFrame:
    """+ SCI, its change and effects, by every functional unit."""
    carbon = rows[[f"effect_{cause}_gco2e" for cause in CAUSES]].to_numpy()
    c0, c1 = rows["base_carbon_gco2e"], rows["now_carbon_gco2e"]
    for number, name in enumerate(units):
        served, score, behind = score_columns(number, name)
        r0, r1 = (rows[f"{side}_{served}"].where(rows[f"{side}_{served}"] > 0) for side in ("base", "now"))
        # A ratio does not change with the length of time: as the base says it, before it was scaled.
        sci0, sci1 = (c0 / base_scale) / (r0 / base_scale), c1 / r1
        half = ((1 / r0 + 1 / r1) / 2).to_numpy()
        by_units = ((1 / r1 - 1 / r0) * (c0 + c1) / 2).to_numpy()
        known = rows["change_gco2e"].notna()
        effects = np.column_stack([carbon * half[:, None], by_units])
        change, parts = exact((sci1 - sci0).where(known).to_numpy(), effects)
        named: dict[str, Any] = {
            f"effect_{cause}_gco2e_per_unit{behind}": parts[:, place]
            for place, cause in enumerate((*CAUSES, "units"))
        }
        named |= {f"base_{score}": sci0, f"now_{score}": sci1, f"change_gco2e_per_unit{behind}": change}
        rows = rows.assign(**named, **{f"change_sci_percent{behind}": _percent(change, sci0)})
    return rows


def _percent(change: np.ndarray, base: pd.Series) -> pd.Series:
    """Change in per cent of the base; null where the base is 0 or unknown."""
    return 100 * pd.Series(change, index=base.index) / base.where(base > 0)


def exact(change: np.ndarray, effects: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Changes and their effects, one row each, moved by last bits until each sum is exact.

    The remainder of rounding goes to the largest effect. Two effects that cancel each other may both be
    larger than what they leave, and have no bits for its last digits: the change is then rounded to the last
    bit of the largest effect; else it stays as it is. A row with an unknown (NaN) is unknown throughout.

    >>> change, effects = exact(np.array([0.3]), np.array([[0.1, 0.2]]))
    >>> change.tolist(), effects.tolist()
    ([0.3], [[0.1, 0.19999999999999998]])
    """
    unknown = np.isnan(change) | np.isnan(effects).any(axis=1)
    c, parts = np.where(unknown, 0.0, change), np.where(unknown[:, None], 0.0, effects)
    row = np.arange(len(parts))
    largest = np.abs(parts).argmax(axis=1)
    parts[row, largest] += c - parts.sum(axis=1)
    # A step of which all are multiples; the tiny factor keeps clear of the next power of two.
    step = np.spacing(np.abs(parts).max(axis=1) * (1 + 2.0**-48))
    whole, counts = in_steps(c, parts, step)
    c, parts = whole * step, counts * step[:, None]
    c[unknown], parts[unknown] = np.nan, np.nan
    return c, parts


def in_steps(change: np.ndarray, effects: np.ndarray, step: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Known changes and effects as whole numbers of a step, rounded; the largest effect makes them add up."""
    whole = np.rint(change / step).astype(np.int64)
    counts = np.rint(effects / step[:, None]).astype(np.int64)
    row = np.arange(len(counts))
    largest = np.abs(effects).argmax(axis=1)
    counts[row, largest] += whole - counts.sum(axis=1)
    return whole, counts
