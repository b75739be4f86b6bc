"""R: units of work, joined to the rows on the labels they share. R counts once per boundary."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sci_batch.errors import UsageError
from sci_batch.units import FEWEST_UNITS, MOST_UNITS

TIMES = ["start_ms", "end_ms", "functional_units"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """R by window and by the group keys that it is known for."""

    counts: pd.DataFrame
    """window, `on`, functional_units (null where the count is nonsense); each once."""
    on: tuple[str, ...]
    offered: float
    """R of the range, whether it belongs to a row or not."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """R of every row, and R of the windows."""

    functional_units: pd.Series
    """One per row of the result [units]; null where unknown. Rows may share one R."""
    by_window: pd.Series
    """Every R that met a row, once, by number of the window; windows without any are missing."""


def constant(value: float, edges_ms: np.ndarray) -> pd.DataFrame:
    """UNITS of a fixed R per window, shared by all rows."""
    return pd.DataFrame({"start_ms": edges_ms[:-1], "end_ms": edges_ms[1:], "functional_units": value})


def names_pods(units: pd.DataFrame) -> bool:
    """Whether these units are counted by pod."""
    return "pod" in units or "exported_pod" in units


def pods_of(units: pd.DataFrame) -> pd.DataFrame:
    """The pods named by UNITS, distinct: namespace, pod.

    Raises
    ------
    UsageError
        Pods without their namespace: the name alone is not one pod.
    """
    frame = plain(units)
    if "namespace" not in frame:
        raise UsageError(
            "the functional unit's query names pods without their namespace",
            "Add namespace to its `by (...)` in --functional-unit.",
        )
    return frame[["namespace", "pod"]].drop_duplicates(ignore_index=True)


def plain(units: pd.DataFrame) -> pd.DataFrame:
    """UNITS with the target's own `namespace` and `pod` replaced by what they were exported as."""
    for ours in ("namespace", "pod"):
        theirs = f"exported_{ours}"
        if theirs in units:
            true = units[theirs].where(units[theirs] != "", units.get(ours, ""))
            units = units.assign(**{ours: true}).drop(columns=theirs)
    return units


def counted(
    units: pd.DataFrame, places: pd.DataFrame | None, group_by: tuple[str, ...], edges_ms: np.ndarray
) -> Units:
    """Put units of work into windows and groups.

    Parameters
    ----------
    units
        UNITS: start_ms, end_ms, labels, functional_units. A time span counts to the window that holds it.
    places
        For units by pod: namespace, pod, and the group keys of each pod.
    group_by
        Group keys; the labels among them are joined on, others are summed over.
    """
    units, across = _in_windows(plain(units), edges_ms)
    offered = units["functional_units"].where(units["functional_units"].abs() <= MOST_UNITS).sum()
    if places is not None:
        units = _placed(units, places, group_by)
    labels = [str(name) for name in units if name not in (*TIMES, "window")]
    on = [key for key in group_by if key in labels]
    r = units.groupby(["window", *on], as_index=False, dropna=False)["functional_units"].sum(min_count=1)
    count = r["functional_units"]
    negative = count < 0
    absurd = (count > MOST_UNITS) | ((count > 0) & (count < FEWEST_UNITS))
    unused = sorted(set(labels) - set(on) - {"pod", "namespace"})
    return Units(
        counts=r.assign(functional_units=count.mask(negative | absurd)), on=tuple(on), offered=float(offered),
        notes=_notes(across, int(negative.sum()), int(absurd.sum()), unused),
    )  # fmt: skip


def join(rows: pd.DataFrame, units: Units) -> Served:
    """Give each row (window, and the group keys) its R.

    R of a row is the sum of what carries its labels. Units with fewer labels than there are keys go to
    every row they match, whole, and count once in `by_window`.
    """
    keys = ["window", *units.on]
    counts = units.counts[units.counts["window"].isin(rows["window"].unique())]
    joined = rows[keys].merge(counts, on=keys, how="left", validate="m:1")
    met = rows[keys].drop_duplicates().merge(counts, on=keys, how="inner", validate="1:1")
    return Served(
        functional_units=joined["functional_units"].set_axis(rows.index),
        by_window=met.groupby("window")["functional_units"].sum(min_count=1),
    )


def _placed(units: pd.DataFrame, places: pd.DataFrame, group_by: tuple[str, ...]) -> pd.DataFrame:
    """UNITS by pod with the group keys of the pods; series that name no pod meet no row.

    The row of node energy of no pod has an empty pod as well: it is not meant.
    """
    keys = [key for key in group_by if key not in ("namespace", "pod")]
    places = places[["namespace", "pod", *keys]].drop_duplicates(["namespace", "pod"])
    return (
        units[units["pod"] != ""]
        .drop(columns=[key for key in keys if key in units])
        .merge(places, on=["namespace", "pod"], how="left", validate="m:1")
    )


def _notes(across: int, negative: int, absurd: int, unused: list[str]) -> tuple[str, ...]:
    notes = []
    if across:
        notes.append(
            f"{across} spans of units of work lie across the edges of the windows and are not counted"
        )
    if negative:
        notes.append(f"{negative} counts of units of work are below 0 and taken as unknown")
    if absurd:
        bounds = f"below {FEWEST_UNITS:g} or above {MOST_UNITS:g}"
        notes.append(f"{absurd} counts of units of work are {bounds} and taken as unknown")
    if unused:
        notes.append(f"units of work are summed over {', '.join(unused)}: no group key has that name")
    return tuple(notes)


def _in_windows(units: pd.DataFrame, edges_ms: np.ndarray) -> tuple[pd.DataFrame, int]:
    """UNITS with the number of the window that holds each span, and how many spans no window holds whole.

    Spans outside all windows are left out and not counted.
    """
    start, end = units["start_ms"].to_numpy(), units["end_ms"].to_numpy()
    window = np.searchsorted(edges_ms, start, side="right") - 1
    inside = (window >= 0) & (window < len(edges_ms) - 1)
    window = np.minimum(window, len(edges_ms) - 2)  # any edge does for what begins outside
    inside &= end <= edges_ms[window + 1]
    across = ~inside & (end > edges_ms[0]) & (start < edges_ms[-1])
    return units.assign(window=window)[inside], int(across.sum())
