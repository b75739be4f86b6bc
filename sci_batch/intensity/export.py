"""INTENSITY as a file of our own form, to be read where there is no network."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import pandas as pd

from sci_batch.errors import UsageError
from sci_batch.intensity.file import OURS, PARQUET
from sci_batch.intensity.frame import Intensity


def rows(intensities: list[Intensity]) -> pd.DataFrame:
    """The columns of `file.OURS`, one row per slot.

    Raises
    ------
    UsageError
        Two of them say something of the same grid zone.
    """
    parts = []
    for found in intensities:
        slots = found.slots
        parts.append(
            pd.DataFrame(
                {
                    "zone": slots["grid_zone"],
                    "start_utc": pd.to_datetime(slots["start_ms"], unit="ms", utc=True).dt.as_unit("us"),
                    "end_utc": pd.to_datetime(slots["end_ms"], unit="ms", utc=True).dt.as_unit("us"),
                    "gco2e_per_kwh": slots["gco2e_per_kwh"],
                    "kind": found.kind,
                    "basis": found.basis,
                    "estimated": slots["estimated"],
                    "source": slots["source"],
                }
            )
        )
    zones = pd.Series([zone for found in intensities for zone in found.zones], dtype="str")
    twice = zones[zones.duplicated()]
    if len(twice):
        raise UsageError(
            f"two sources give the grid zone {twice.iloc[0] or '(without a name)'}",
            "Write them into files of their own.",
        )
    return pd.concat(parts, ignore_index=True)[list(OURS)]


def write(frame: pd.DataFrame, path: Path, stream: BinaryIO) -> None:
    """CSV or Parquet, by the name of the file."""
    if path.suffix.lower() in PARQUET:
        frame.to_parquet(stream, index=False)
        return
    times = {name: frame[name].dt.strftime("%Y-%m-%dT%H:%M:%S.%fZ") for name in ("start_utc", "end_utc")}
    times = {name: text.str.replace(".000000Z", "Z", regex=False) for name, text in times.items()}
    frame.assign(**times, estimated=frame["estimated"].map({True: "true", False: "false"})).to_csv(
        stream, index=False, lineterminator="\n"
    )
