"""Totals, books and provenance of a run."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sci_batch import __version__, embodied
from sci_batch.functional_unit import Served
from sci_batch.grid import Grid
from sci_batch.intensity import Intensity
from sci_batch.provenance import fingerprint
from sci_batch.report import AlsoTotal, Provenance, Totals
from sci_batch.schema import NAMES_WHERE_KNOWN, also_column
from sci_batch.settings import Settings
from sci_batch.source import Source
from sci_batch.sums import by_window, coverage, flag_counts, known_sum, of_windows, together
from sci_batch.windows import rfc3339


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Some windows of a run, worked out."""

    result: pd.DataFrame
    """RESULT, with all of `schema.WHERE_KNOWN`."""
    served: Mapping[str, Served]
    """R of each functional unit."""
    book: pd.DataFrame
    """BOOKS."""
    left_out: pd.DataFrame
    """The pods that `--namespace` leaves out: window, energy_kwh."""


class Sums:
    """What the parts of a run add up to, window by window.

    Parameters
    ----------
    policy
        That of `--unattributed`.
    grid
        What stands beside the chosen intensity.
    windows_ms
        Edges of the windows: one in which no node was seen has no row, and lowers the coverage.
    """

    def __init__(self, policy: str, grid: Grid, windows_ms: np.ndarray) -> None:
        self._policy, self._grid, self._windows_ms = policy, grid, windows_ms
        self._starts = pd.to_datetime(windows_ms[:-1], unit="ms", utc=True)
        self._parts: list[pd.DataFrame] = []
        self._flags: list[Mapping[str, int]] = []
        self._units: tuple[str, ...] = ()
        self._known: set[str] = set()

    def add(self, part: Part) -> None:
        """Take in some windows."""
        rows = by_window(part.result, self._grid.also)
        rows.index = self._starts.get_indexer(rows.index)
        self._units = tuple(part.served)
        served = {name: one.by_window for name, one in part.served.items()}
        hidden = {_LEFT_OUT: part.left_out, _DROPPED: part.book if self._policy == "drop" else part.book[:0]}
        column = {_LEFT_OUT: "energy_kwh", _DROPPED: "unattributed_kwh"}
        tables = [
            rows, pd.DataFrame(served).add_prefix(_R), _books(part.book),
            *(_of_windows(frame, column[name]).rename(name) for name, frame in hidden.items()),
        ]  # fmt: skip
        self._parts.append(pd.concat(tables, axis=1).sort_index())
        self._flags.append(flag_counts(part.result["flags"]))
        self._known.update(name for name in NAMES_WHERE_KNOWN if part.result[name].notna().any())

    @property
    def known(self) -> tuple[str, ...]:
        """Which of `schema.WHERE_KNOWN` hold anything."""
        return tuple(name for name in NAMES_WHERE_KNOWN if name in self._known)

    @property
    def flag_counts(self) -> dict[str, int]:
        """Rows per flag."""
        return together(self._flags)

    @property
    def empty(self) -> bool:
        """Whether there are no rows."""
        return not self._all["rows"].any()

    def totals(self) -> Totals:
        """Sums of the rows shown, and of the books of all nodes."""
        return self._totals(self._all, np.arange(len(self._starts)))

    def by_day(self) -> dict[str, Totals]:
        """The totals of each day in UTC in which windows start, by its name; none where it is one day."""
        day = self._windows_ms[:-1].astype("datetime64[ms]").astype("datetime64[D]")
        found = self._all
        shown = found.index[found["rows"].fillna(0) > 0]
        days = np.unique(day[shown])
        return {
            str(one): self._totals(found[day[found.index] == one], np.flatnonzero(day == one))
            for one in (days if len(days) > 1 else ())
        }

    def units(self) -> dict[str, float | None]:
        """R of each functional unit that met a row."""
        return {name: known_sum(self._all[f"{_R}{name}"]) for name in self._units}

    @property
    def _all(self) -> pd.DataFrame:
        return pd.concat(self._parts)

    @property
    def seen(self) -> np.ndarray:
        """Numbers of the windows in which a node was seen, in order."""
        return _seen(self._all)

    def _totals(self, found: pd.DataFrame, numbers: np.ndarray) -> Totals:
        """Of some windows, all of which have these numbers."""
        length_ms = np.diff(self._windows_ms)
        seen = _seen(found)
        hidden = {"--namespace": found[_LEFT_OUT], "--unattributed drop": found[_DROPPED]}
        r = {name: known_sum(found[f"{_R}{name}"]) for name in self._units}
        shown = found[found["rows"].fillna(0) > 0]
        return Totals(
            **of_windows(shown, r),
            also=tuple(_also(shown, name, self._grid.sources[name]) for name in self._grid.also),
            coverage=coverage(shown) * float(length_ms[seen].sum() / length_ms[numbers].sum()),
            node_energy_kwh=known_sum(found["node_energy_kwh"]),
            pods_kwh=known_sum(found["pods_kwh"]),
            unattributed_kwh=known_sum(found["unattributed_kwh"]),
            residual_kwh=known_sum(found["residual_kwh"]),
            open_books=int(found["open_books"].sum()),
            books=int(found["books"].sum()),
            not_shown_kwh=known_sum(pd.concat([*hidden.values()])),
            not_shown_by=tuple(flag for flag, energy_kwh in hidden.items() if known_sum(energy_kwh)),
        )


def silent(seen: np.ndarray, windows_ms: np.ndarray) -> tuple[str, ...]:
    """A note on windows in which no node was seen; `seen` are the numbers of the others."""
    there = np.isin(np.arange(len(windows_ms) - 1), seen)
    if there.all():
        return ()
    first, count = rfc3339(int(windows_ms[:-1][~there][0])), int((~there).sum())
    return (f"{count} of {len(there)} windows have no data of Kepler and no rows, the first from {first}",)


def seen_end_ms(seen: np.ndarray, windows_ms: np.ndarray) -> int:
    """End of the newest window in which a node was seen [Unix ms]."""
    return int(windows_ms[int(seen.max()) + 1])


_BOOKS = ("node_energy_kwh", "pods_kwh", "unattributed_kwh", "residual_kwh")
_R, _LEFT_OUT, _DROPPED = "r:", "left_out_kwh", "dropped_kwh"


def _seen(found: pd.DataFrame) -> np.ndarray:
    return np.asarray(found.index[found["nodes"].fillna(0) > 0])


def _of_windows(frame: pd.DataFrame, column: str) -> pd.Series:
    return frame.groupby("window")[column].sum(min_count=1)


def _books(book: pd.DataFrame) -> pd.DataFrame:
    """Sums of BOOKS by window; `books` are those of nodes whose own energy is known."""
    known = book["node_kwh"].notna()
    sums = book.rename(columns={"node_kwh": "node_energy_kwh"})
    by = sums.assign(books=known, open_books=known & ~book["closed"]).groupby("window")
    return by[list(_BOOKS)].sum(min_count=1).join(by[["books", "open_books"]].sum()).assign(nodes=by.size())


def _also(windows: pd.DataFrame, name: str, source: Intensity) -> AlsoTotal:
    grams = known_sum(windows[also_column(name).name])
    return AlsoTotal(
        source=name, kind=source.kind, basis=source.basis, sources=source.source, operational_gco2e=grams
    )


def _words(source: Intensity) -> list[str]:
    return sorted(source.slots["source"].unique().tolist())


def method(settings: Settings, source: Source) -> dict[str, Any]:
    """Every choice that changes numbers."""
    grid = source.grid
    return {
        "power_domains": sorted(settings.power_domains),
        "pull": source.inputs.pull,
        "max_gap_seconds": settings.max_gap_seconds,
        "max_node_watts": settings.max_node_watts,
        "unattributed": settings.unattributed,
        "node_energy": settings.node_energy,
        "overhead_ratio": settings.overhead_ratio,
        "intensity": None if grid is None else str(grid.chosen),
        "intensity_source": () if grid is None else _words(grid.sources[str(grid.chosen)]),
        "intensity_asked": None if grid is None else dataclasses.asdict(grid.asked),
        "intensity_kind": None if grid is None else grid.sources[str(grid.chosen)].kind,
        "intensity_basis": None if grid is None else grid.sources[str(grid.chosen)].basis,
        "pue": None if grid is None else grid.pue.source,
        "embodied": embodied.described(settings.embodied.pairs if settings.embodied else ()),
        "share": settings.share,
        "lifespan_seconds": settings.lifespan_seconds,
        "functional_units": [str(unit) for unit in source.units],
    }


def provenance(
    settings: Settings, source: Source, known: tuple[str, ...], notes: tuple[str, ...]
) -> Provenance:
    """How this result was made; ask when all counters have been read."""
    chosen = method(settings, source)
    windows = source.windows
    return Provenance(
        tool_version=__version__,
        fingerprint=fingerprint(chosen),
        method=chosen,
        source=source.name,
        start=rfc3339(windows.start_ms),
        end=rfc3339(windows.end_ms),
        window=windows.label,
        tz=windows.tz,
        group_by=settings.group_by,
        functional_unit=source.units[0].name if source.units else None,
        further_units=tuple(unit.name for unit in source.units[1:]),
        also_intensity=source.grid.also if source.grid else (),
        known=known,
        namespace=settings.namespace,
        cluster=settings.cluster_label[1] if settings.cluster_label else "",
        queries=source.queries(),
        notes=(*source.inputs.notes, *notes, *source.warnings()),
    )
