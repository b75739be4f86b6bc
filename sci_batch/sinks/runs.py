"""Rows that several runs gave: which windows are whose, what they add up to, and how they were made."""

from __future__ import annotations

import dataclasses
import logging
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sci_batch.errors import SinkError
from sci_batch.report import AlsoTotal, Provenance, Report, Totals
from sci_batch.result import Result
from sci_batch.schema import also_column, of_unit
from sci_batch.sinks.head import typed
from sci_batch.sums import by_window, coverage, flag_counts, known_sum, of_windows
from sci_batch.windows import rfc3339

log = logging.getLogger(__name__)

_MS = "datetime64[ms]"


@dataclass(frozen=True, slots=True)
class Run:
    """What one run gave: the starts of its windows [ms since the Unix epoch], its words and its sums."""

    windows: tuple[int, ...]
    provenance: Provenance
    totals: Totals


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of RESULT in the order of their windows, and the runs that they come from; each window has one."""

    result: pd.DataFrame
    runs: tuple[Run, ...]

    @property
    def starts_ms(self) -> np.ndarray:
        """Start of the window of each row [ms since the Unix epoch]."""
        return milliseconds(self.result["window_start"])

    @property
    def windows_ms(self) -> np.ndarray:
        """Start and end of each window [ms since the Unix epoch], shape (windows, 2), in order."""
        both = np.stack([self.starts_ms, milliseconds(self.result["window_end"])], axis=1)
        return np.asarray(np.unique(both, axis=0))


def milliseconds(times: pd.Series) -> np.ndarray:
    """Milliseconds since the Unix epoch."""
    return np.asarray(times.dt.tz_convert(None).to_numpy().astype(_MS).astype(np.int64))


def of_report(report: Report) -> Rows:
    """The rows of one run."""
    result = _in_order([report.result])
    starts = np.unique(milliseconds(result["window_start"])).tolist()
    return Rows(result, (Run(tuple(starts), report.provenance, report.totals),))


def windows_by_day(report: Report) -> dict[str, np.ndarray]:
    """Start and end of each window [ms since the Unix epoch], shape (windows, 2), by its `day`."""
    parts = [np.empty((0, 2), np.int64)]
    for frame in report.rows.frames():
        parts.append(Rows(frame, ()).windows_ms)
    windows = np.unique(np.concatenate(parts), axis=0)
    days = _days(windows[:, 0])
    return {str(day): windows[days == day] for day in np.unique(days)}


def by_day(report: Report) -> Iterator[tuple[str, Rows]]:
    """The rows of one run by the day in UTC in which their windows start, such as `2026-03-01`, in order.

    A run whose days know their totals is read a day at a time.
    """
    windows = windows_by_day(report)
    if len(windows) == 1:
        yield next(iter(windows)), of_report(report)
    elif not windows.keys() <= report.days.keys():
        rows = of_report(report)
        for day, times in windows.items():
            yield day, only(rows, times[:, 0].tolist())
    else:
        for day, frame in _frames_by_day(report.rows.frames()):
            times = windows[day]
            made = _between(report.provenance, times[0, 0], times[:, 1].max())
            yield day, Rows(frame, (Run(tuple(times[:, 0].tolist()), made, report.days[day]),))


def _frames_by_day(frames: Iterable[pd.DataFrame]) -> Iterator[tuple[str, pd.DataFrame]]:
    """All rows of one day, then those of the next: the frames follow each other in time."""
    parts: list[pd.DataFrame] = []
    now = ""
    for frame in frames:
        of_row = _days(milliseconds(frame["window_start"]))
        for day in np.unique(of_row):
            if parts and str(day) != now:
                yield now, _in_order(parts)
                parts = []
            now = str(day)
            parts.append(frame[of_row == day])
    if parts:
        yield now, _in_order(parts)


def _in_order(parts: list[pd.DataFrame]) -> pd.DataFrame:
    together = pd.concat(parts) if len(parts) > 1 else parts[0]
    return together.sort_values("window_start", kind="stable", ignore_index=True)


def _days(times_ms: np.ndarray) -> np.ndarray:
    return np.asarray(times_ms.astype(_MS).astype("datetime64[D]"))


def _between(made: Provenance, start_ms: int, end_ms: int) -> Provenance:
    return dataclasses.replace(made, start=rfc3339(int(start_ms)), end=rfc3339(int(end_ms)))


def only(rows: Rows, wanted_ms: Iterable[int]) -> Rows:
    """The rows of the windows that start then; a run that is cut no longer knows the sums of its nodes."""
    wanted = set(wanted_ms)
    kept = []
    for run in rows.runs:
        windows = tuple(start for start in run.windows if start in wanted)
        if windows == run.windows:
            kept.append(run)
        elif windows:
            kept.append(_cut(run, windows, rows))
    result = rows.result[np.isin(rows.starts_ms, sorted(wanted))].reset_index(drop=True)
    return Rows(result, tuple(kept))


def together(parts: Sequence[Rows]) -> Rows:
    """All rows of parts that share no window, in the order of the windows.

    Raises
    ------
    SinkError
        Their rows are not of a kind.
    """
    runs = sorted((run for rows in parts for run in rows.runs), key=lambda run: run.windows)
    check_alike([run.provenance for run in runs])
    columns = _joined([run.provenance for run in runs]).columns
    frames = [rows.result for rows in parts if len(rows.result)] or [parts[0].result]
    unknown = {column.name: math.nan for column in columns if column.nullable}
    frames = [
        typed(frame.assign(**{name: nan for name, nan in unknown.items() if name not in frame}), columns)
        for frame in frames
    ]
    result = pd.concat(frames, ignore_index=True)
    return Rows(result.sort_values("window_start", kind="stable", ignore_index=True), tuple(runs))


def check_alike(made: Sequence[Provenance]) -> None:
    """Whether rows of these runs may stand in one file; tells the user where several methods made them.

    Raises
    ------
    SinkError
        They are not of a kind.
    """
    _same("--group-by", {",".join(one.group_by) for one in made})
    _same("--functional-unit", {one.functional_unit or "" for one in made} - {""})
    methods = {fingerprint for one in made for fingerprint in one.methods}
    if len(methods) > 1:
        log.info(
            "rows of %d methods stand in one result (other intensity, PUE, embodied carbon, lifespan, ...): "
            "they are kept, and are not comparable",
            len(methods), extra={"tell": True},
        )  # fmt: skip


def _same(flag: str, values: set[str]) -> None:
    if len(values) > 1:
        raise SinkError(
            f"rows of {' and of '.join(sorted(values))} do not fit together",
            f"Give the same {flag} as before, compute the whole days again, or give another folder.",
        )


def report_of(rows: Rows) -> Report:
    """One report of all rows: that of the run where there is one, else their sums and all their words."""
    if len(rows.runs) == 1:
        made, sums = rows.runs[0].provenance, rows.runs[0].totals
    else:
        made = _joined([run.provenance for run in rows.runs])
        sums = _sums(rows.result, made, [(run.provenance, run.totals) for run in rows.runs])
    return Report(
        rows=Result.of(rows.result),
        totals=sums,
        provenance=made,
        flag_counts=flag_counts(rows.result["flags"]),
    )


def _cut(run: Run, windows: tuple[int, ...], rows: Rows) -> Run:
    starts = rows.starts_ms
    whole = rows.result[np.isin(starts, run.windows)]
    part = rows.result[np.isin(starts, windows)]
    ends = milliseconds(part["window_end"])
    made = _between(run.provenance, windows[0], ends.max())
    known = dataclasses.replace(
        run.totals, node_energy_kwh=None, pods_kwh=None, unattributed_kwh=None, residual_kwh=None,
        open_books=0, books=0, not_shown_kwh=None,
        functional_units=_r_of_part(run.totals.functional_units, whole, part, "functional_units"),
        units=tuple(
            dataclasses.replace(unit, functional_units=_r_of_part(
                unit.functional_units, whole, part, of_unit("functional_units", unit.name, number)))
            for number, unit in enumerate(run.totals.units)
        ),
    )  # fmt: skip
    return Run(windows, made, _sums(part, made, [(made, known)]))


def _r_of_part(total: float | None, whole: pd.DataFrame, part: pd.DataFrame, column: str) -> float | None:
    """R of a part; unknown where rows share one R, so that the rows add up to more than the total."""
    added = known_sum(whole[column])
    if total is None or added is None or not math.isclose(total, added, rel_tol=1e-9):
        return None
    return known_sum(part[column])


def _joined(made: Sequence[Provenance]) -> Provenance:
    """The words of all runs; where there can be one only, that of the last in time."""
    methods = _texts(fingerprint for one in made for fingerprint in one.methods)
    mixed = f"made by {len(methods)} methods ({', '.join(methods)}): their results are not comparable"
    return dataclasses.replace(
        made[-1],
        tool_version=_plus(one.tool_version for one in made),
        fingerprint="+".join(methods),
        source=_plus(one.source for one in made),
        start=min(one.start for one in made),
        end=max(one.end for one in made),
        window=_plus(one.window for one in made),
        tz=_plus(one.tz for one in made),
        functional_unit=next((one.functional_unit for one in made if one.functional_unit), None),
        further_units=_texts(name for one in made for name in one.further_units),
        also_intensity=_texts(name for one in made for name in one.also_intensity),
        namespace=_texts(glob for one in made for glob in one.namespace),
        known=_texts(name for one in made for name in one.known),
        queries=_texts(query for one in made for query in one.queries),
        hardware=_hardware(made),
        notes=_texts([note for one in made for note in one.notes] + ([mixed] if len(methods) > 1 else [])),
    )


def _hardware(made: Sequence[Provenance]) -> tuple[dict[str, Any], ...]:
    """The kinds of all runs, each once, with all of their nodes."""
    kinds: list[dict[str, Any]] = []
    names: list[set[str]] = []
    for one in (kind for run in made for kind in run.hardware):
        alike = {name: value for name, value in one.items() if name != "nodes"}
        if alike not in kinds:
            kinds.append(alike)
            names.append(set())
        names[kinds.index(alike)].update(one["nodes"])
    return tuple({**kind, "nodes": sorted(of)} for kind, of in zip(kinds, names, strict=True))


def _texts(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))


def _plus(texts: Iterable[str]) -> str:
    return "+".join(_texts(texts))


def _sums(result: pd.DataFrame, made: Provenance, parts: Sequence[tuple[Provenance, Totals]]) -> Totals:
    """Totals of the rows; what rows do not hold is the sum of the parts, unknown where one does not say."""
    functional_units = {name: _all([_r(sums, of, name) for of, sums in parts]) for name in made.units}
    hidden = [sums.not_shown_kwh for _, sums in parts if sums.not_shown_kwh is not None]
    windows = by_window(result)
    return Totals(
        **of_windows(windows, functional_units),
        also=tuple(_also(result, parts, name) for name in made.also_intensity),
        coverage=coverage(windows),
        node_energy_kwh=_all([sums.node_energy_kwh for _, sums in parts]),
        pods_kwh=_all([sums.pods_kwh for _, sums in parts]),
        unattributed_kwh=_all([sums.unattributed_kwh for _, sums in parts]),
        residual_kwh=_all([sums.residual_kwh for _, sums in parts]),
        open_books=sum(sums.open_books for _, sums in parts),
        books=sum(sums.books for _, sums in parts),
        not_shown_kwh=math.fsum(hidden) if hidden else None,
        not_shown_by=_texts(flag for _, sums in parts for flag in sums.not_shown_by),
    )


def _also(result: pd.DataFrame, parts: Sequence[tuple[Provenance, Totals]], name: str) -> AlsoTotal:
    told = next(also for _, sums in reversed(parts) for also in sums.also if also.source == name)
    return dataclasses.replace(told, operational_gco2e=known_sum(result[also_column(name).name]))


def _r(sums: Totals, made: Provenance, name: str) -> float | None:
    return sums.of_unit(made.units.index(name))[0] if name in made.units else None


def _all(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) if len(known) == len(values) else None
