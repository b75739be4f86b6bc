"""Files of numbers: grid intensity, embodied carbon, units of work, stored results, settings."""

from __future__ import annotations

import math

import numpy as np

from sci_batch import stored
from sci_batch.embodied import file_rows
from sci_batch.embodied.quantity import HIGHEST_KGCO2E
from sci_batch.errors import SciBatchError
from sci_batch.intensity.file import read as read_intensity
from sci_batch.intensity.frame import HIGHEST_GCO2E_PER_KWH, Request
from sci_batch.report import Report
from sci_batch.schema import check
from sci_batch.settings import load
from sci_batch.sinks import SINKS, SinkOptions, day_file
from sci_batch.source import unit_file
from sci_batch.units import MOST_UNITS
from tests.fuzz.judged import answered, file_of, finite

EDGES_MS = tuple(1_772_323_200_000 + hour * 3_600_000 for hour in range(4))
_LATEST_MS = 253_402_300_800_000


def intensity_csv(data: bytes) -> None:
    """Slots of plausible numbers, in order."""
    _intensity(data, "ci.csv")


def intensity_parquet(data: bytes) -> None:
    """The same of a Parquet file."""
    _intensity(data, "ci.parquet")


def _intensity(data: bytes, name: str) -> None:
    path = file_of(data, name)
    table = answered(lambda: read_intensity(path, Request(start_ms=EDGES_MS[0], end_ms=EDGES_MS[-1])))
    if table is not None:
        rows = table.rows
        values = rows["gco2e_per_kwh"].tolist()
        finite(values, math.ulp(0.0), HIGHEST_GCO2E_PER_KWH)
        assert (rows["start_ms"] < rows["end_ms"]).all()
        finite(rows["end_ms"].tolist(), -_LATEST_MS, _LATEST_MS)


def embodied_csv(data: bytes) -> None:
    """Kilograms of a node."""
    _embodied(data, "nodes.csv")


def embodied_toml(data: bytes) -> None:
    """The same as TOML."""
    _embodied(data, "nodes.toml")


def _embodied(data: bytes, name: str) -> None:
    path = file_of(data, name)
    for row in answered(lambda: file_rows.read(path)) or ():
        finite([row.embodied_kgco2e], math.ulp(0.0), HIGHEST_KGCO2E)
        known = [row.low_kgco2e, row.high_kgco2e, row.gpu_kgco2e, row.gpus, row.lifespan_seconds]
        finite([value for value in known if not math.isnan(value)], 0)


def units_csv(data: bytes) -> None:
    """R of spans of time, as CSV or Parquet."""
    path = file_of(data, "units.csv")
    found = answered(lambda: unit_file.read(path, EDGES_MS))
    if found is not None:
        finite(found[0]["functional_units"].tolist(), 0, MOST_UNITS)
        assert (found[0]["start_ms"] < found[0]["end_ms"]).all()


units_parquet = units_csv


def stored_result(data: bytes) -> None:
    """A result read back can be written as a table and as JSON."""
    path = file_of(data, "result")
    found = answered(lambda: stored.read(path, "request"))
    if found is None:
        found = answered(lambda: stored.read(path))
    if found is not None:
        _sound(found)


def day_of_data_set(data: bytes) -> None:
    """One file of a data set."""
    rows = answered(lambda: day_file.read(data, "date=2026-03-01/cluster=x/result.parquet"))
    if rows is not None:
        assert rows.runs
        check(rows.result, rows.runs[0].provenance.columns)


def _sound(report: Report) -> None:
    check(report.result, report.provenance.columns)
    numbers = report.result.select_dtypes("float64").to_numpy()
    assert not np.isinf(numbers).any()
    assert (numbers[~np.isnan(numbers)] >= 0).all()
    for name in ("table", "json", "csv", "markdown"):
        target = file_of(b"", f"again.{name}")
        try:
            SINKS[name](report, target, SinkOptions())
        except SciBatchError as error:
            assert error.cure


def settings_toml(data: bytes) -> None:
    """`--config`: every key through its own reader."""
    path = file_of(data, "sci-batch.toml")
    answered(lambda: load({}, {}, "show", str(path)))
    answered(lambda: load({"demo": True}, {}, "compute", str(path)))
