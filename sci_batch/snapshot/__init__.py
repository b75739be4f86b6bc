"""Recordings: everything a run would fetch, kept as Parquet, replayed without a network."""

from __future__ import annotations

from sci_batch.snapshot.manifest import DEMO, MANIFEST, Snapshot, manifest_of, open_
from sci_batch.snapshot.reading import check_range, inputs, intensities, tables
from sci_batch.snapshot.writing import recorded_units, write

__all__ = [
    "DEMO",
    "MANIFEST",
    "Snapshot",
    "check_range",
    "inputs",
    "intensities",
    "manifest_of",
    "open_",
    "recorded_units",
    "tables",
    "write",
]  # fmt: skip
