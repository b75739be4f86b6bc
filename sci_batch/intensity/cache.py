"""Answers on disk, one file per server, grid zone, basis and UTC day: an old day is asked for once.

A day is final when it was fetched 3 days after its end: until then sources revise it. What cannot be read
is fetched again; what cannot be written is no reason to fail.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pandas as pd

from sci_batch.errors import UsageError
from sci_batch.intensity.frame import DAY_MS, HOUR_MS, Request
from sci_batch.intensity.points import DTYPES, no_points, one_per_start
from sci_batch.windows import rfc3339

FINAL_AFTER_MS = 3 * DAY_MS
_FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """Where the days of one series lie.

    Parameters
    ----------
    request
        Its range, clock and folder.
    provider, zone, basis
        Names of folders; the provider's differs for another base URL.
    chunk_days
        Longest span that one question may have.
    name
        For messages, such as `electricitymaps:DE`.
    """

    request: Request
    provider: str
    zone: str
    basis: str
    chunk_days: int
    name: str
    notes: list[str] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        """The folder of this series."""
        parts = [quote(part, safe="") for part in (self.provider, self.zone, self.basis)]
        return root(self.request).joinpath(*parts)


@dataclass(frozen=True, slots=True)
class Day:
    """One file: when it was fetched, POINTS, and the version of the model behind them, if it has one."""

    fetched_ms: int
    points: pd.DataFrame
    version: str


Fetch = Callable[[int, int], tuple[pd.DataFrame, str]]
"""`(start_ms, end_ms)` to POINTS and the version."""


def root(request: Request) -> Path:
    """`--cache-dir`, or the place that the desktop standard names."""
    if request.cache_dir is not None:
        return request.cache_dir
    home = request.environ.get("XDG_CACHE_HOME", "")
    base = Path(home) if Path(home).is_absolute() else Path("~/.cache").expanduser()
    return base / "sci-batch" / "intensity"


def through(shelf: Shelf, fetch: Fetch) -> pd.DataFrame:
    """POINTS of all UTC days that the range touches: from disk where final, else fetched and kept.

    Raises
    ------
    UsageError
        `--offline`, and a day is not on disk.
    SciBatchError
        What `fetch` raises.
    """
    days = _days(shelf.request)
    known = {day: found for day in days if (found := _read(shelf, day)) is not None}
    if shelf.request.offline:
        return _offline(shelf, days, known)
    versions = {day.version for day in known.values()}
    usable = known if len(versions) <= 1 else {}  # two models are two scales: ask for all again
    wanted = [day for day in days if day not in usable or not _is_final(day, usable[day])]
    fresh, version = _fetched(shelf, wanted, fetch)
    if wanted and versions and version not in versions | {""}:
        wanted = days
        fresh, version = _fetched(shelf, wanted, fetch)
        usable = {}
    version = version or next(iter(versions), "")
    for day in wanted:
        old = usable[day].points if day in usable else no_points()
        new = fresh[(fresh["start_ms"] >= day) & (fresh["start_ms"] < day + DAY_MS)]
        usable = {**usable, day: Day(shelf.request.now_ms, one_per_start(_both(old, new)), version)}
        if len(usable[day].points):
            _write(shelf, day, usable[day])
    return _joined([usable[day].points for day in days if day in usable])


def _offline(shelf: Shelf, days: list[int], known: dict[int, Day]) -> pd.DataFrame:
    lost = [day for day in days if day not in known]
    if lost:
        raise UsageError(
            f"{shelf.name} is not on disk for {len(lost)} of {len(days)} days, from {_name(lost[0])}, "
            "and --offline is given",
            "Fetch it where there is a network, with `sci-batch factors fetch --out ci.parquet`, and give "
            "--intensity file:ci.parquet; or copy the folder of --cache-dir; or leave out --offline.",
        )
    if len({day.version for day in known.values()}) > 1:
        raise UsageError(
            f"the days of {shelf.name} on disk come from two versions of its model",
            "Run once without --offline, so that all are fetched again.",
        )
    return _joined([known[day].points for day in days])


def _days(request: Request) -> list[int]:
    first = request.start_ms // DAY_MS * DAY_MS
    return list(range(first, request.end_ms, DAY_MS))


def _is_final(day: int, found: Day) -> bool:
    return found.fetched_ms >= day + DAY_MS + FINAL_AFTER_MS


def _fetched(shelf: Shelf, days: list[int], fetch: Fetch) -> tuple[pd.DataFrame, str]:
    """POINTS of days in as few questions as allowed, never of hours to come."""
    parts, version = [no_points()], ""
    latest = max(shelf.request.end_ms, shelf.request.now_ms // HOUR_MS * HOUR_MS)
    for first, last in _spans(days, shelf.chunk_days):
        if first >= latest:
            continue
        found, its_version = fetch(first, min(last, latest))
        # Some servers give the slot before, or that of the end.
        parts.append(found[(found["start_ms"] >= first) & (found["start_ms"] < last)])
        version = its_version or version
    return _joined(parts), version


def _spans(days: list[int], chunk_days: int) -> Iterator[tuple[int, int]]:
    """Runs of consecutive days, each at most so long, as `[start, end)` [ms]."""
    begin = 0
    for index in range(1, len(days) + 1):
        ends = index == len(days) or days[index] != days[index - 1] + DAY_MS or index - begin == chunk_days
        if ends:
            yield days[begin], days[index - 1] + DAY_MS
            begin = index


def _both(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """The new points, and the old ones that none of them touches."""
    if not len(old) or not len(new):
        return _joined([old, new])
    ends_after = np.searchsorted(new["end_ms"].to_numpy(), old["start_ms"].to_numpy(), side="right")
    starts = np.append(new["start_ms"].to_numpy(), np.iinfo(np.int64).max)
    return _joined([old[old["end_ms"].to_numpy() <= starts[ends_after]], new])


def _joined(parts: list[pd.DataFrame]) -> pd.DataFrame:
    filled = [part for part in parts if len(part)]
    return one_per_start(pd.concat(filled, ignore_index=True)) if filled else no_points()


def _name(day: int) -> str:
    return rfc3339(day)[:10]


def _read(shelf: Shelf, day: int) -> Day | None:
    """A file that holds what it should, else None."""
    try:
        data = json.loads((shelf.folder / f"{_name(day)}.json").read_text(encoding="utf-8"))
        if data["format"] != _FORMAT:
            return None
        frame = pd.DataFrame({name: data[name] for name in DTYPES}).astype(DTYPES)
        found = Day(int(data["fetched_ms"]), frame, str(data["version"]))
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
    start, end = frame["start_ms"].to_numpy(), frame["end_ms"].to_numpy()
    sound = (
        len(frame)
        and (start >= day).all()
        and (start < day + DAY_MS).all()
        and (start < end).all()
        and (np.diff(start) > 0).all()
        and np.isfinite(frame["gco2e_per_kwh"]).all()
    )
    return found if sound else None


def _write(shelf: Shelf, day: int, found: Day) -> None:
    target = shelf.folder / f"{_name(day)}.json"
    columns = {name: found.points[name].tolist() for name in DTYPES}
    text = json.dumps(
        {"format": _FORMAT, "fetched_ms": found.fetched_ms, "version": found.version, **columns}
    )
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex[:12]}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(target)
    except OSError as error:
        words = f"{shelf.name} could not be kept in {shelf.folder}: {error.strerror}; see --cache-dir"
        if words not in shelf.notes:
            shelf.notes.append(words)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
