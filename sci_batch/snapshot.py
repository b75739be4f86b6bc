"""Recordings: everything a run would fetch, kept as Parquet, replayed without a network."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sci_batch import __version__
from sci_batch.counters import Counters
from sci_batch.errors import NoDataError, UsageError
from sci_batch.fetch import Inputs
from sci_batch.fetch.kube import Kube
from sci_batch.intensity import Intensity
from sci_batch.schema import label_column
from sci_batch.settings import FunctionalUnit

FORMAT = 2
DEMO = Path(__file__).parent / "data" / "demo"
MANIFEST = "manifest.json"
HOUR_MS = 3_600_000

_PER_STRETCH = {
    "counters": ("key", "time_ms", "joules", "alive", "flags"),
    "marks": ("mark_node", "mark_ms"),
    "observed": ("observed_node", "observed_from_ms", "observed_to_ms"),
}
_TIMES = {"time_ms", "mark_ms", "observed_from_ms", "observed_to_ms"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A recording on disk: its manifest, and by how much its times are shifted [ms]."""

    path: Path
    manifest: dict[str, Any]
    shift_ms: int = 0

    @property
    def start_ms(self) -> int:
        """Start of the recorded range, as shifted."""
        return int(self.manifest["start_ms"]) + self.shift_ms

    @property
    def end_ms(self) -> int:
        """End of the recorded range, as shifted."""
        return int(self.manifest["end_ms"]) + self.shift_ms


def write(
    inputs: Inputs, sources: Mapping[str, Intensity], out: Path, manifest: Callable[[], dict[str, Any]], *,
    no_clobber: bool,
) -> None:  # fmt: skip
    """Write a recording: whole, or not at all.

    `sources` are the grid intensities by `kind:argument`. `manifest` is asked last, when all queries have
    been sent.

    Raises
    ------
    UsageError
        `out` exists and is not a recording, or must not be replaced.
    """
    if out.exists() and not (out / MANIFEST).is_file() and not (out.is_dir() and not any(out.iterdir())):
        raise UsageError(f"{out} exists and is not a recording", "Give another --out.")
    if no_clobber and out.exists() and (out / MANIFEST).is_file():
        raise UsageError(f"{out} holds a recording already", "Give another --out, or leave out --no-clobber.")
    out.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        _write_tables(inputs, part)
        _write_intensities(sources, part)
        facts = {"format": FORMAT, **manifest(), "intensities": _intensity_facts(sources)}
        (part / MANIFEST).write_text(json.dumps(facts, indent=2) + "\n")
        part.chmod(0o755)
        _swap(part, out)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _swap(part: Path, out: Path) -> None:
    """Put the new folder in the place of the old one; a crash in between leaves one of them whole."""
    if not out.exists():
        part.replace(out)
        return
    old = part.with_name(f"{part.name}.old")
    out.replace(old)
    part.replace(out)
    shutil.rmtree(old)


def _write_intensities(sources: Mapping[str, Intensity], part: Path) -> None:
    frames = [source.slots.assign(spec=name) for name, source in sources.items()]
    if frames:
        table = pa.Table.from_pandas(pd.concat(frames, ignore_index=True), preserve_index=False)
        pq.write_table(table, part / "intensity.parquet", compression="zstd")


def _intensity_facts(sources: Mapping[str, Intensity]) -> list[dict[str, Any]]:
    return [
        {
            "spec": name, "kind": source.kind, "basis": source.basis, "zones": list(source.zones),
            "zone_of_node": source.zone_of_node, "notes": list(source.notes), "step_ms": source.step_ms,
        }
        for name, source in sources.items()
    ]  # fmt: skip


def intensities(snapshot: Snapshot) -> dict[str, Intensity]:
    """The grid intensities that a recording holds, by `kind:argument`; the first is the chosen one."""
    facts = snapshot.manifest["intensities"]
    if not facts:
        return {}
    slots = _frame(snapshot, "intensity")
    slots = slots.assign(
        start_ms=slots["start_ms"] + snapshot.shift_ms, end_ms=slots["end_ms"] + snapshot.shift_ms
    )
    return {
        one["spec"]: Intensity(
            slots=slots[slots["spec"] == one["spec"]].drop(columns="spec").reset_index(drop=True),
            kind=one["kind"], basis=one["basis"], zones=tuple(one["zones"]), zone_of_node=one["zone_of_node"],
            notes=tuple(one["notes"]), step_ms=one["step_ms"],
        )
        for one in facts
    }  # fmt: skip


def _write_tables(inputs: Inputs, part: Path) -> None:
    stretches: list[dict[str, int]] = []
    writers: dict[str, pq.ParquetWriter] = {}
    last = None
    try:
        for last in inputs.counters:
            for name, columns in _PER_STRETCH.items():
                table = pa.table({column: pa.array(getattr(last, column)) for column in columns})
                if name not in writers:
                    writers[name] = _writer(part / f"{name}.parquet", table.schema)
                if len(table):
                    writers[name].write_table(table, row_group_size=len(table))
            stretches.append({"start_ms": last.start_ms, "end_ms": last.end_ms, **_sizes(last)})
    finally:
        for writer in writers.values():
            writer.close()
    if last is None:
        raise ValueError("a pull without stretches")
    tables = {"stretches": pd.DataFrame(stretches), "keys": last.keys, "nodes": last.nodes}
    tables |= {name: getattr(inputs.kube, name) for name in Kube.tables()}
    if inputs.platform is not None:
        tables["platform"] = inputs.platform
    tables |= {_unit_table(inputs.units, name): frame for name, frame in inputs.units.items()}
    for name, frame in tables.items():
        pq.write_table(
            pa.Table.from_pandas(frame, preserve_index=False), part / f"{name}.parquet", compression="zstd"
        )


def _unit_table(units: Mapping[str, pd.DataFrame], name: str) -> str:
    return f"units_{1 + list(units).index(name)}"


def recorded_units(
    units: Sequence[FunctionalUnit], tables: Mapping[str, pd.DataFrame]
) -> list[dict[str, str]]:
    """The manifest's `functional_units`: name, kind, argument and table of what was counted."""
    return [
        {
            "name": unit.name, "kind": unit.kind, "argument": unit.argument,
            "table": f"{_unit_table(tables, unit.name)}.parquet",
        }
        for unit in units
        if unit.name in tables
    ]  # fmt: skip


def _sizes(stretch: Counters) -> dict[str, int]:
    return {name: len(getattr(stretch, columns[0])) for name, columns in _PER_STRETCH.items()}


def _writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    whole = [field.name for field in schema if pa.types.is_integer(field.type)]
    encoding = {
        field.name: "DELTA_BINARY_PACKED" if field.name in whole else "BYTE_STREAM_SPLIT" for field in schema
    }
    return pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=False, column_encoding=encoding)


def open_(path: Path, *, now_ms: int | None = None) -> Snapshot:
    """Open a recording; with `now_ms` its times move by whole hours, so that it ends at the last one.

    Raises
    ------
    UsageError
        Not a recording, or of a version that this one cannot read.
    """
    try:
        manifest = json.loads((path / MANIFEST).read_text())
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{path} is not a recording: {MANIFEST} cannot be read ({error})",
            "--snapshot takes a folder made by `sci-batch record --out`.",
        ) from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise UsageError(
            f"{path} is not a recording of a form that this version reads",
            "Record it again with this version.",
        )
    shift = 0 if now_ms is None else (now_ms - int(manifest["end_ms"])) // HOUR_MS * HOUR_MS
    return Snapshot(path=path, manifest=manifest, shift_ms=shift)


def tables(snapshot: Snapshot) -> Kube:
    """What kube-state-metrics said when the recording was made."""
    return Kube(**{name: _frame(snapshot, name) for name in Kube.tables()})


def inputs(
    snapshot: Snapshot, kube: Kube, edges_ms: tuple[int, ...], *,
    power_domains: tuple[str, ...], cluster: str,
    label_keys: tuple[str, ...], asked: Sequence[FunctionalUnit], max_gap_ms: int,
) -> Inputs:  # fmt: skip
    """What a recording holds, as if it had just been fetched.

    Raises
    ------
    UsageError
        The recording cannot answer: another range, other windows, cluster, labels or units of work.
    NoDataError
        None of the power domains.
    """
    manifest = snapshot.manifest
    _check_windows(snapshot, edges_ms)
    if cluster != manifest["cluster"]:
        recorded = manifest["cluster"] or "(none given)"
        raise UsageError(
            f"the recording is of cluster {recorded}, not {cluster or '(none given)'}",
            "Give the same --cluster-label as when it was recorded.",
        )
    for key in label_keys:
        if label_column(key) not in kube.pod_labels:
            raise UsageError(
                f"the recording holds no label {key}", f"Record it again with --group-by label:{key}."
            )
    notes = tuple(manifest["notes"])
    missing = sorted(set(power_domains) - set(manifest["power_domains"]))
    if missing:
        notes += (f"no meter for {', '.join(missing)} here: it was not recorded",)
    if max_gap_ms != manifest["max_gap_ms"]:
        notes += (f"coverage follows the recording: --max-gap {manifest['max_gap_ms'] // 1000}s",)
    keys = _frame(snapshot, "keys")
    wanted = keys["power_domain"].isin([*power_domains, "total", "gpu"]).to_numpy()
    if not wanted.any():
        raise NoDataError(
            f"the recording holds the power domains {', '.join(manifest['power_domains'])}",
            "Choose among them with --power-domains.",
        )
    return Inputs(
        counters=_stretches(snapshot, keys, wanted), kube=kube, units=_units(snapshot, asked),
        notes=notes, pull=manifest["pull"], step_ms=manifest["step_ms"],
        platform=_platform(snapshot) if manifest["platform"] else None,
    )  # fmt: skip


def _platform(snapshot: Snapshot) -> pd.DataFrame:
    frame = _frame(snapshot, "platform")
    return frame.assign(
        start_ms=frame["start_ms"] + snapshot.shift_ms, end_ms=frame["end_ms"] + snapshot.shift_ms
    )


def _check_windows(snapshot: Snapshot, edges_ms: tuple[int, ...]) -> None:
    from sci_batch.windows import rfc3339

    if edges_ms[0] < snapshot.start_ms or edges_ms[-1] > snapshot.end_ms:
        raise UsageError(
            f"the recording holds {rfc3339(snapshot.start_ms)} to {rfc3339(snapshot.end_ms)}, "
            f"the range is {rfc3339(edges_ms[0])} to {rfc3339(edges_ms[-1])}",
            "Give --since, or --start and --end, inside it.",
        )
    step = int(snapshot.manifest["step_ms"])
    off = [
        edge for edge in edges_ms if step and (edge - snapshot.start_ms) % step and edge != snapshot.end_ms
    ]
    if off:
        raise UsageError(
            f"the recording holds one value every {step // 1000} s, and a window begins at {rfc3339(off[0])}",
            "Take longer --window, or record with --pull raw for windows of any length.",
        )


def _frame(snapshot: Snapshot, name: str) -> pd.DataFrame:
    path = snapshot.path / f"{name}.parquet"
    try:
        frame: pd.DataFrame = pq.read_table(path).to_pandas()
        return frame
    except (OSError, pa.ArrowException) as error:
        raise UsageError(
            f"the recording is damaged: {path.name} cannot be read ({error})", "Record it again."
        ) from None


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


def _stretches(snapshot: Snapshot, keys: pd.DataFrame, wanted: np.ndarray) -> Iterator[Counters]:
    nodes = _frame(snapshot, "nodes")
    stretches = pq.read_table(snapshot.path / "stretches.parquet").to_pylist()
    files = {name: pq.ParquetFile(snapshot.path / f"{name}.parquet") for name in _PER_STRETCH}
    group = dict.fromkeys(files, 0)
    for stretch in stretches:
        columns: dict[str, np.ndarray] = {}
        for name, names in _PER_STRETCH.items():
            if stretch[name]:
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
        columns |= {column: columns[column][use] for column in _PER_STRETCH["counters"]}
        yield Counters(
            start_ms=stretch["start_ms"] + snapshot.shift_ms, end_ms=stretch["end_ms"] + snapshot.shift_ms,
            keys=keys, nodes=nodes, **columns,
        )  # fmt: skip


def manifest_of(**facts: Any) -> dict[str, Any]:
    """The manifest's content: how and when the recording was made."""
    return {"tool_version": __version__, **facts}
