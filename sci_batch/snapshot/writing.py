"""Everything that a run fetched, written as Parquet: whole, or not at all."""

from __future__ import annotations

import dataclasses
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sci_batch.counters import Counters
from sci_batch.errors import SinkError, UsageError
from sci_batch.inputs import Inputs, Kube
from sci_batch.intensity import Kept
from sci_batch.settings import FunctionalUnit
from sci_batch.snapshot.manifest import FORMAT, MANIFEST, checksums, sealed

PER_STRETCH = {
    "counters": ("key", "time_ms", "joules", "alive", "flags"),
    "marks": ("mark_node", "mark_ms"),
    "observed": ("observed_node", "observed_from_ms", "observed_to_ms"),
}
"""Tables with one row group per stretch, and their columns."""


def write(
    inputs: Inputs, sources: Mapping[str, Kept], out: Path, manifest: Callable[[], dict[str, Any]], *,
    no_clobber: bool,
) -> None:  # fmt: skip
    """Write a recording: whole, or not at all.

    `sources` are the grid intensities by `kind:argument`. `manifest` is asked last, when all queries have
    been sent.

    Raises
    ------
    UsageError
        `out` exists and is not a recording, or must not be replaced.
    SinkError
        It cannot be written.
    """
    try:
        _refuse(out, no_clobber=no_clobber)
        _write(inputs, sources, out, manifest)
    except OSError as error:
        raise SinkError(
            f"{out} could not be written: {error.strerror or error}", "Check --out, its rights and space."
        ) from None


def _refuse(out: Path, *, no_clobber: bool) -> None:
    if out.exists() and not (out / MANIFEST).is_file() and not (out.is_dir() and not any(out.iterdir())):
        raise UsageError(f"{out} exists and is not a recording", "Give another --out.")
    if no_clobber and out.exists() and (out / MANIFEST).is_file():
        raise UsageError(f"{out} holds a recording already", "Give another --out, or leave out --no-clobber.")


def _write(
    inputs: Inputs, sources: Mapping[str, Kept], out: Path, manifest: Callable[[], dict[str, Any]]
) -> None:  # fmt: skip
    out.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        _write_tables(inputs, part)
        _write_intensities(sources, part)
        facts = {"format": FORMAT, **manifest(), "intensities": _intensity_facts(sources)}
        whole = sealed({**facts, "files": checksums(part)})
        (part / MANIFEST).write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")
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


def _write_intensities(sources: Mapping[str, Kept], part: Path) -> None:
    frames = [kept.intensity.slots.assign(spec=name) for name, kept in sources.items()]
    if frames:
        table = pa.Table.from_pandas(pd.concat(frames, ignore_index=True), preserve_index=False)
        pq.write_table(table, part / "intensity.parquet", compression="zstd")


def _intensity_facts(sources: Mapping[str, Kept]) -> list[dict[str, Any]]:
    return [
        {
            "spec": name, "kind": kept.intensity.kind, "basis": kept.intensity.basis,
            "zones": list(kept.intensity.zones), "zone_of_node": kept.intensity.zone_of_node,
            "notes": list(kept.intensity.notes), "step_ms": kept.intensity.step_ms,
            "asked": dataclasses.asdict(kept.asked),
        }
        for name, kept in sources.items()
    ]  # fmt: skip


def _write_tables(inputs: Inputs, part: Path) -> None:
    stretches: list[dict[str, int]] = []
    writers: dict[str, pq.ParquetWriter] = {}
    last = None
    try:
        for last in inputs.counters:
            for name, columns in PER_STRETCH.items():
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
    return {name: len(getattr(stretch, columns[0])) for name, columns in PER_STRETCH.items()}


def _writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    whole = [field.name for field in schema if pa.types.is_integer(field.type)]
    encoding = {
        field.name: "DELTA_BINARY_PACKED" if field.name in whole else "BYTE_STREAM_SPLIT" for field in schema
    }
    return pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=False, column_encoding=encoding)
