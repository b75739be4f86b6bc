"""A small report made by hand: the outputs and the exit codes are tested on it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pandas as pd

from sci_batch import schema
from sci_batch.report import Provenance, Report, Totals
from sci_batch.result import Result

GROUP_BY = ("namespace", "workload")
# window, namespace, workload, kind, active, shared, O, M, R, coverage, flags. kWh and grams.
ROWS: tuple[tuple[Any, ...], ...] = (
    (0, "shop", "web", "Deployment", 0.75, 0.25, 380.0, 20.0, 1000.0, 1.0, ""),
    (0, "shop", "db", "StatefulSet", 0.3, 0.2, 190.0, 10.0, None, 1.0, "units-missing"),
    (1, "shop", "web", "Deployment", 2.25, 0.75, 1140.0, 60.0, 1000.0, 0.5, "gap,inferred-owner"),
    (1, "shop", "db", "StatefulSet", 0.3, 0.2, 190.0, 10.0, None, 0.5, "gap,units-missing"),
)


def result(rows: tuple[tuple[Any, ...], ...] = ROWS) -> pd.DataFrame:
    """RESULT of the rows; SCI and intensity follow from them."""
    start = pd.Timestamp("2026-03-01T00:00:00Z")
    records = []
    for (
        window,
        namespace,
        workload,
        kind,
        active,
        shared,
        operational,
        embodied,
        units,
        coverage,
        flags,
    ) in rows:
        carbon = operational + embodied
        records.append(
            (
                start + pd.Timedelta(hours=window),
                start + pd.Timedelta(hours=window + 1),
                namespace,
                workload,
                kind,
                active,
                shared,
                active + shared,
                operational,
                embodied,
                carbon,
                units,
                carbon / units if units else None,
                operational / (active + shared) if active + shared else None,
                coverage,
                "rapl",
                "constant",
                "kg:1216",
                flags,
            )
        )
    columns = schema.result_columns(GROUP_BY)
    frame = pd.DataFrame(records, columns=[column.name for column in columns])
    frame = frame.astype({column.name: column.dtype for column in columns})
    schema.check(frame, columns)
    return frame


TOTALS = Totals(
    rows=4,
    energy_kwh=5.0,
    operational_gco2e=1900.0,
    embodied_gco2e=100.0,
    carbon_gco2e=2000.0,
    functional_units=2000.0,
    sci_gco2e_per_unit=1.0,
    coverage=0.65,
    node_energy_kwh=5.0,
    pods_kwh=3.6,
    unattributed_kwh=1.4,
    residual_kwh=0.0,
    open_books=0,
    books=2,
)


def report(*, frame: pd.DataFrame | None = None, unit: str | None = "request", **totals: Any) -> Report:
    """The report; keywords change its totals."""
    return Report(
        rows=Result.of(result() if frame is None else frame),
        totals=dataclasses.replace(TOTALS, **totals),
        provenance=Provenance(
            tool_version="0.0",
            fingerprint="0123456789abcdef",
            method={
                "power_domains": ["package", "dram"],
                "intensity": "constant:380",
                "pue": "1",
                "overhead_ratio": 0.0,
                "embodied": "kg:1216",
                "lifespan_seconds": 4 * 365 * 86_400,
            },
            source="http://prometheus:9090",
            start="2026-03-01T00:00:00Z",
            end="2026-03-01T02:00:00Z",
            window="1h",
            tz="UTC",
            group_by=GROUP_BY,
            functional_unit=unit,
            queries=("up",),
            notes=("one note",),
        ),
        flag_counts={"gap": 2, "units-missing": 2, "inferred-owner": 1},
    )
