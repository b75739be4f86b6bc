"""What a recording holds, as if it had just been fetched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sci_batch.asking.plan import Plan
from sci_batch.counters import Counters
from sci_batch.errors import NoDataError, UsageError
from sci_batch.inputs import Inputs, Kube
from sci_batch.intensity import Asked, Intensity, Kept
from sci_batch.schema import label_column
from sci_batch.settings import FunctionalUnit
from sci_batch.snapshot.manifest import Snapshot, damaged
from sci_batch.snapshot.writing import PER_STRETCH
from sci_batch.windows import rfc3339

_TIMES = {"time_ms", "mark_ms", "observed_from_ms", "observed_to_ms"}


def intensities(snapshot: Snapshot) -> dict[str, Kept]:
    """The grid intensities that a recording holds, by `kind:argument`; the first is the chosen one."""
    facts = snapshot.manifest["intensities"]
    if not facts:
        return {}
    slots = _frame(snapshot, "intensity")
    slots = slots.assign(
        start_ms=slots["start_ms"] + snapshot.shift_ms, end_ms=slots["end_ms"] + snapshot.shift_ms
    )
    return {one["spec"]: _kept(one, slots[slots["spec"] == one["spec"]]) for one in facts}


def _kept(facts: dict[str, Any], slots: pd.DataFrame) -> Kept:
    found = Intensity(
        slots=slots.drop(columns="spec").reset_index(drop=True), kind=facts["kind"], basis=facts["basis"],
        zones=tuple(facts["zones"]), zone_of_node=facts["zone_of_node"], notes=tuple(facts["notes"]),
        step_ms=facts["step_ms"],
    )  # fmt: skip
    wishes = {**facts["asked"], "fallbacks": tuple(facts["asked"]["fallbacks"])}
    return Kept(intensity=found, asked=Asked(**wishes))


def tables(snapshot: Snapshot) -> Kube:
    """What kube-state-metrics said when the recording was made."""
    return Kube(**{name: _frame(snapshot, name) for name in Kube.tables()})


def inputs(snapshot: Snapshot, kube: Kube, plan: Plan, asked: Sequence[FunctionalUnit]) -> Inputs:
    """What a recording holds, as if it had just been fetched.

    Raises
    ------
    UsageError
        The recording cannot answer: other windows, cluster, labels, units of work, or no
        power supplies.
    NoDataError
        None of the power domains.
    """
    manifest = snapshot.manifest
    _check_steps(snapshot, plan.energy_edges_ms)
    cluster = ",".join(plan.cluster)
    if cluster != manifest["cluster"]:
        recorded = manifest["cluster"] or "(none given)"
        raise UsageError(
            f"the recording is of cluster {recorded}, not {cluster or '(none given)'}",
            "Give the same --cluster-label as when it was recorded.",
        )
    for key in plan.label_keys:
        if label_column(key) not in kube.pod_labels:
            raise UsageError(
                f"the recording holds no label {key}", f"Record it again with --group-by label:{key}."
            )
    if plan.platform and not manifest["platform"]:
        raise UsageError(
            "the recording does not hold what the power supplies showed (Redfish)",
            "Take --node-energy rapl, or record it again with --node-energy platform.",
        )
    notes = tuple(manifest["notes"])
    if plan.sockets and kube.sockets.empty:
        notes += ("the recording holds no number of processor sockets: --embodied model takes its own",)
    missing = sorted(set(plan.power_domains) - set(manifest["power_domains"]))
    if missing:
        notes += (f"no meter for {', '.join(missing)} here: it was not recorded",)
    if plan.max_gap_ms != manifest["max_gap_ms"]:
        notes += (f"coverage follows the recording: --max-gap {manifest['max_gap_ms'] // 1000}s",)
    keys = _frame(snapshot, "keys")
    wanted = keys["power_domain"].isin([*plan.power_domains, "total", "gpu"]).to_numpy()
    if not wanted.any():
        raise NoDataError(
            f"the recording holds the power domains {', '.join(manifest['power_domains'])}",
            "Choose among them with --power-domains.",
        )
    return Inputs(
        counters=_stretches(snapshot, keys, wanted), kube=kube, units=_units(snapshot, asked),
        notes=notes, pull=manifest["pull"], step_ms=manifest["step_ms"],
        platform=_platform(snapshot) if plan.platform else None,
    )  # fmt: skip


def _platform(snapshot: Snapshot) -> pd.DataFrame:
    frame = _frame(snapshot, "platform")
    return frame.assign(
        start_ms=frame["start_ms"] + snapshot.shift_ms, end_ms=frame["end_ms"] + snapshot.shift_ms
    )


def check_range(snapshot: Snapshot, start_ms: int, end_ms: int) -> None:
    """Refuse a range that was not recorded.

    Raises
    ------
    UsageError
        Names both.
    """
    if start_ms < snapshot.start_ms or end_ms > snapshot.end_ms:
        raise UsageError(
            f"the recording holds {rfc3339(snapshot.start_ms)} to {rfc3339(snapshot.end_ms)}, "
            f"the range is {rfc3339(start_ms)} to {rfc3339(end_ms)}",
            "Give --since, or --start and --end, inside it.",
        )


def _check_steps(snapshot: Snapshot, edges_ms: tuple[int, ...]) -> None:
    step = int(snapshot.manifest["step_ms"])
    off = [
        edge for edge in edges_ms if step and (edge - snapshot.start_ms) % step and edge != snapshot.end_ms
    ]
    if off:
        raise UsageError(
            f"the recording holds one value every {step // 1000} s, and a window or a step of the grid "
            f"intensity begins at {rfc3339(off[0])}",
            "Take longer --window or a coarser --intensity, or record with --pull raw for any length.",
        )


def _frame(snapshot: Snapshot, name: str) -> pd.DataFrame:
    with _readable(snapshot, name) as path:
        frame: pd.DataFrame = pq.read_table(path).to_pandas()
    return frame


@contextmanager
def _readable(snapshot: Snapshot, name: str) -> Iterator[Path]:
    """A table's file; it was whole when the recording was opened, and may be gone since."""
    path = snapshot.path / f"{name}.parquet"
    try:
        yield path
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise damaged(path, f"it cannot be read ({error})") from None


def _units(snapshot: Snapshot, asked: Sequence[FunctionalUnit]) -> dict[str, pd.DataFrame]:
    """UNITS by name; names may differ from the recorded ones, what is counted may not."""
    recorded = snapshot.manifest["functional_units"]
    tables = {(known["kind"], known["argument"]): known["table"] for known in recorded}
    units: dict[str, pd.DataFrame] = {}
    for unit in asked:
        if unit.kind == "constant":
            continue
        table = tables.get((unit.kind, unit.argument))
        if table is None and unit.kind == "file":
            continue  # who reads it will say that it is not there
        if table is None:
            there = [FunctionalUnit(known["name"], known["kind"], known["argument"]) for known in recorded]
            raise UsageError(
                f"the recording does not hold the answer to the functional unit {unit.name}; "
                f"it holds {' and '.join(map(str, there)) or 'none'}",
                "Give the --functional-unit it was recorded with, a number or a file, or record again.",
            )
        frame = _frame(snapshot, table.removesuffix(".parquet"))
        units[unit.name] = frame.assign(
            start_ms=frame["start_ms"] + snapshot.shift_ms, end_ms=frame["end_ms"] + snapshot.shift_ms
        )
    return units


def _file(snapshot: Snapshot, name: str) -> pq.ParquetFile:
    with _readable(snapshot, name) as path:
        return pq.ParquetFile(path)


def _stretches(snapshot: Snapshot, keys: pd.DataFrame, wanted: np.ndarray) -> Iterator[Counters]:
    nodes = _frame(snapshot, "nodes")
    stretches = _frame(snapshot, "stretches").to_dict("records")
    files = {name: _file(snapshot, name) for name in PER_STRETCH}
    group = dict.fromkeys(files, 0)
    for stretch in stretches:
        columns: dict[str, np.ndarray] = {}
        for name, names in PER_STRETCH.items():
            if stretch[name]:
                with _readable(snapshot, name):
                    table = files[name].read_row_group(group[name])
                group[name] += 1
            else:
                table = files[name].schema_arrow.empty_table()
            shifted = {column: snapshot.shift_ms if column in _TIMES else 0 for column in names}
            arrays = {column: table[column].to_numpy() for column in names}
            columns |= {
                column: array + shifted[column] if shifted[column] else array
                for column, array in arrays.items()
            }
        use = wanted[columns["key"]]
        columns |= {column: columns[column][use] for column in PER_STRETCH["counters"]}
        yield Counters(
            start_ms=stretch["start_ms"] + snapshot.shift_ms, end_ms=stretch["end_ms"] + snapshot.shift_ms,
            keys=keys, nodes=nodes, **columns,
        )  # fmt: skip
