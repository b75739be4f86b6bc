"""The shipped tables: yearly intensity of grid zones, and the grid zone of cloud regions.

Origin, licences and limits: `sci_batch/data/grid/README.md`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import cast

from sci_batch.intensity.frame import Basis, Kind

FOLDER = Path(__file__).parents[1] / "data" / "grid"
WORLD = "WORLD"
EGRID = "US-EGRID-"
ATTRIBUTION = (
    "Contains data from Ember (Yearly Electricity Data, 2025), licensed under CC BY 4.0. Changes: rows "
    "selected, country codes converted, zero values removed. Contains US EPA eGRID2023 data (public domain)."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """One row of `grid-intensity.csv`: a yearly mean [gCO2e/kWh]."""

    zone: str
    name: str
    gco2e_per_kwh: float
    year: int
    kind: Kind
    basis: Basis
    flow: str
    source: str
    licence: str

    @property
    def words(self) -> str:
        """For `intensity_source`: `zone:DE (2024, lifecycle, average)`."""
        return f"zone:{self.zone} ({self.year}, {self.basis}, {self.kind})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """One row of `cloud-regions.csv`; an empty cell is not certain, `note` says why."""

    provider: str
    region: str
    location: str
    country: str
    grid_zone: str
    egrid_subregion: str
    note: str


@cache
def zones() -> Mapping[str, Zone]:
    """Every grid zone by its code; `NA` is Namibia."""
    return {
        row["zone"]: Zone(
            zone=row["zone"], name=row["name"], gco2e_per_kwh=float(row["gco2e_per_kwh"]),
            year=int(row["year"]), kind=cast("Kind", row["kind"]), basis=cast("Basis", row["basis"]),
            flow=row["flow"], source=row["source"], licence=row["licence"],
        )
        for row in _rows("grid-intensity.csv")
    }  # fmt: skip


@cache
def regions() -> Mapping[tuple[str, str], Region]:
    """Every cloud region by provider and name, both in lower case."""
    return {
        (row["provider"].lower(), row["region"].lower()): Region(**row) for row in _rows("cloud-regions.csv")
    }


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)
