"""A CSV or Parquet file: our own form, or the hourly CSV of the Electricity Maps portal.

Our form has the columns of `OURS`, of which `REQUIRED` must be there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from sci_batch import parquet_file
from sci_batch.errors import UsageError
from sci_batch.files import path_of
from sci_batch.intensity import portal
from sci_batch.intensity.frame import (
    HIGHEST_GCO2E_PER_KWH,
    Basis,
    Intensity,
    Kind,
    Request,
    slots,
    stacked,
)
from sci_batch.intensity.market import is_market, refuse_market
from sci_batch.intensity.places import AUTO, candidates, regions_of_nodes
from sci_batch.intensity.tabular import LINE, at, numbers, read_csv, times, yes_no

OURS = ("zone", "start_utc", "end_utc", "gco2e_per_kwh", "kind", "basis", "estimated", "source")
REQUIRED = ("start_utc", "end_utc", "gco2e_per_kwh")
PARQUET = (".parquet", ".pq")
_KINDS = ("average", "marginal")
_BASES = ("lifecycle", "direct", "unknown")
_MANY = 8
_COLUMNS_CURE = (
    f"The columns are {','.join(OURS)}, of which {', '.join(REQUIRED)} are needed; or give the hourly CSV of "
    "the Electricity Maps portal."
)
_LOCAL_TIMES = (
    "Times are read as UTC: local ones repeat an hour when the clocks go back, so write them with their "
    "offset, such as 2026-10-25T02:00:00+01:00."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of a file: zone, start_ms, end_ms, gco2e_per_kwh, kind, basis, estimated, source, line."""

    path: Path
    rows: pd.DataFrame


def load(argument: str, request: Request) -> Intensity:
    """`ci.csv`, `ci.parquet`, `ci.csv#DE` for one zone of many, `ci.csv#auto` for the zone of each node.

    Raises
    ------
    UsageError
        What is wrong with the file, with its line; several zones and none named; several kinds or bases.
    """
    path, zone = split_zone(argument)
    table = read(path, request)
    known = sorted(set(table.rows["zone"]))
    if not known:
        raise UsageError(f"{path} holds no intensity at all", "Check how it was made.")
    if zone == AUTO:
        zone_of_node = _zones_of_nodes(known, path, request)
    else:
        zone_of_node = {}
        if zone is None and len(known) > 1:
            shown = ", ".join(known[:_MANY]) + (" ..." if len(known) > _MANY else "")
            raise UsageError(
                f"{path} holds {len(known)} grid zones ({shown})",
                f"Name one: --intensity file:{path}#{known[0]}; #auto takes the zone of each node.",
            )
        if zone is not None and zone not in known:
            raise UsageError(f"{path} has no grid zone {zone}", f"It has {', '.join(known[:_MANY])}.")
    chosen = sorted(set(zone_of_node.values())) or [zone if zone is not None else known[0]]
    rows = table.rows[table.rows["zone"].isin(chosen)]
    return Intensity(
        slots=intensity_of(rows, path),
        kind=cast("Kind", _only(rows, "kind", path)),
        basis=cast("Basis", _only(rows, "basis", path)),
        zones=tuple(chosen),
        zone_of_node=zone_of_node,
        notes=_origin(rows, path),
        digest=hashlib.sha256(path.read_bytes()).hexdigest()[:12],
    )


def _origin(rows: pd.DataFrame, path: Path) -> tuple[str, ...]:
    """What the file says of where its figures come from."""
    own = f"file:{path.name}"
    named = sorted(set(rows["source"]) - {own})
    if not named:
        return ()
    return (f"{own} says of its origin: {', '.join(named[:_MANY])}{' ...' if len(named) > _MANY else ''}",)


def split_zone(argument: str) -> tuple[Path, str | None]:
    """Path and zone of `PATH#ZONE`; a file whose name holds a `#` is taken as it is."""
    whole = path_of(argument)
    name, mark, zone = argument.rpartition("#")
    if not mark or whole.is_file():
        return whole, None
    return path_of(name), zone


def read(path: Path, request: Request) -> Table:
    """All rows of a file, checked.

    Raises
    ------
    UsageError
        Names file and line.
    """
    frame = _parquet(path) if path.suffix.lower() in PARQUET else read_csv(path)
    if portal.is_portal(frame.columns):
        return _checked(path, portal.rows(path, frame, request.basis or "lifecycle"))
    return _checked(path, _ours(path, frame, request))


def _parquet(path: Path) -> pd.DataFrame:
    """As `read_csv`; a row's line is its number."""
    try:
        frame, _ = parquet_file.read(path, path)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror or error}", "Check the path in --intensity."
        ) from None
    except ValueError:  # pyarrow's errors
        raise UsageError(f"{path} is no Parquet file", "Check how it was made.") from None
    if frame.empty:
        raise UsageError(f"{path} has no rows", "Check how it was made.")
    return frame.reset_index(drop=True).assign(**{LINE: np.arange(1, len(frame) + 1)})


def _ours(path: Path, frame: pd.DataFrame, request: Request) -> pd.DataFrame:
    for name in frame.columns:
        if is_market(str(name)) and not set(REQUIRED) <= set(frame.columns):
            refuse_market(f"the column {name} of {path}")
    lost = [name for name in REQUIRED if name not in frame]
    if lost:
        raise UsageError(f"{path} line 1: there is no column {', '.join(lost)}", _COLUMNS_CURE)
    defaults: Mapping[str, str] = {
        "zone": "", "kind": request.wanted, "basis": "unknown", "source": f"file:{path.name}"
    }  # fmt: skip
    texts = {name: _words(frame, name, default) for name, default in defaults.items()}
    rows = pd.DataFrame(
        {
            **texts,
            "start_ms": _times(path, frame, "start_utc"),
            "end_ms": _times(path, frame, "end_utc"),
            "gco2e_per_kwh": _numbers(path, frame),
            "estimated": _estimated(path, frame),
            LINE: frame[LINE],
        }
    )
    market = rows["kind"].map(is_market).to_numpy(bool)
    if market.any():
        row = rows.loc[market].iloc[0]
        refuse_market(f"{path} line {row[LINE]}: the kind {row['kind']}")
    for name, allowed in (("kind", _KINDS), ("basis", _BASES)):
        wrong = ~rows[name].isin(allowed).to_numpy()
        if wrong.any():
            raise at(path, rows, wrong, name, "it is not known", f"Write one of {', '.join(allowed)}.")
    return rows


def _words(frame: pd.DataFrame, name: str, default: str) -> pd.Series:
    if name not in frame:
        return pd.Series(default, index=frame.index, dtype="str")
    cells = frame[name].astype("str").fillna("")
    return cells.where(cells != "", default)


def _times(path: Path, frame: pd.DataFrame, column: str) -> np.ndarray:
    cells = frame[column]
    if isinstance(cells.dtype, pd.DatetimeTZDtype) and not cells.isna().any():
        return np.asarray(cells.dt.tz_convert("UTC").dt.as_unit("ms").astype("int64"), np.int64)
    return times(path, frame.assign(**{column: cells.astype("str")}), column)


def _numbers(path: Path, frame: pd.DataFrame) -> np.ndarray:
    cells = frame["gco2e_per_kwh"]
    numeric = pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_bool_dtype(cells)
    if numeric and not cells.isna().any():
        return cells.to_numpy(np.float64)
    return numbers(path, frame.assign(gco2e_per_kwh=cells.astype("str")), "gco2e_per_kwh")


def _estimated(path: Path, frame: pd.DataFrame) -> np.ndarray:
    if "estimated" not in frame:
        return np.zeros(len(frame), bool)
    if frame["estimated"].dtype == bool:
        return frame["estimated"].to_numpy(bool)
    return yes_no(path, frame.assign(estimated=frame["estimated"].astype("str")), "estimated")


def _checked(path: Path, rows: pd.DataFrame) -> Table:
    """Rows in order of zone and time, each time once."""
    values = rows["gco2e_per_kwh"].to_numpy()
    wrong = ~((values > 0) & (values <= HIGHEST_GCO2E_PER_KWH))
    if wrong.any():
        why = f"intensities are above 0 and at most {HIGHEST_GCO2E_PER_KWH} gCO2e/kWh"
        raise at(path, rows, wrong, "gco2e_per_kwh", why, "Check the unit; leave out rows without a value.")
    backwards = (rows["start_ms"] >= rows["end_ms"]).to_numpy()
    if backwards.any():
        line = int(rows[LINE][backwards].iloc[0])
        raise UsageError(
            f"{path} line {line}: the slot does not end after its start",
            f"Check start_utc and end_utc. {_LOCAL_TIMES}",
        )
    rows = rows.sort_values(["zone", "start_ms", LINE], ignore_index=True)
    same = (rows["zone"] == rows["zone"].shift()).to_numpy()
    over = same & (rows["start_ms"] < rows["end_ms"].shift(fill_value=0)).to_numpy()
    if over.any():
        index = int(np.argmax(over))
        lines = sorted((int(rows[LINE][index]), int(rows[LINE][index - 1])))
        raise UsageError(
            f"{path} line {lines[1]}: the slot overlaps that of line {lines[0]}",
            f"Each time may be there once. {_LOCAL_TIMES}",
        )
    return Table(path=path, rows=rows)


def intensity_of(rows: pd.DataFrame, path: Path) -> pd.DataFrame:
    """INTENSITY of checked rows, named after the file."""
    parts = []
    for zone in sorted(set(rows["zone"])):
        own = rows[rows["zone"] == zone]
        name = f"file:{path.name}#{zone}" if zone else f"file:{path.name}"
        parts.append(
            slots(
                grid_zone=zone, start_ms=own["start_ms"], end_ms=own["end_ms"],
                gco2e_per_kwh=own["gco2e_per_kwh"], estimated=own["estimated"], source=name,
            )
        )  # fmt: skip
    return stacked(parts)


def _only(rows: pd.DataFrame, name: str, path: Path) -> str:
    found = sorted(set(rows[name]))
    if len(found) > 1:
        raise UsageError(
            f"{path} mixes {' and '.join(found)} intensities: they are never mixed in one result",
            "Keep one of them in the file.",
        )
    return str(found[0])


def _zones_of_nodes(known: list[str], path: Path, request: Request) -> dict[str, str]:
    """The best zone of the file for each node's region."""
    zone_of_node = {}
    for node, region in regions_of_nodes(request, f"--intensity file:{path}#auto").items():
        found = list(candidates(region, allow_world_average=request.allow_world_average))
        zone = next((item.zone for item in found if item.zone in known), None)
        if zone is None:
            raise UsageError(
                f"{path} has no grid zone for {region.provider}:{region.region}, where {node} stands",
                f"Add one of {', '.join(item.zone for item in found) or 'its zones'}.",
            )
        zone_of_node[node] = zone
    return zone_of_node
