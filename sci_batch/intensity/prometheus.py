"""A PromQL query, such as `grid_intensity_carbon_average{location="IE"}` of the grid-intensity exporter.

Its samples carry the time that the figure is for, which may be an hour old when it is scraped: so each
point looks back an hour.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from sci_batch.errors import UsageError
from sci_batch.intensity.conversion import grams_per_kwh
from sci_batch.intensity.frame import DAY_MS, MINUTE_MS, Intensity, Kind, Request, no_slots, slots
from sci_batch.intensity.market import refuse_market
from sci_batch.intensity.points import points, sound
from sci_batch.prometheus.samples import Samples

STEP_MS, COARSE_STEP_MS = 5 * MINUTE_MS, 15 * MINUTE_MS
_COARSE_FROM_MS = 62 * DAY_MS
LOOK_BACK = "59m59s999ms"
"""Less than an hour: Prometheus 2 counts a sample at its far end, and one missing hour would shrink."""
_SELECTOR = re.compile(r'[a-zA-Z_:][a-zA-Z0-9_:]*(\s*\{([^{}"\']|"(\\.|[^"\\])*"|\'(\\.|[^\'\\])*\')*\})?')
_METRIC = re.compile(r"grid_intensity_carbon_(average|marginal|relative)\b")
_TARGET = ("__name__", "instance", "job", "node", "pod", "namespace", "container", "service", "endpoint",
           "prometheus", "prometheus_replica", "replica", "cluster", "is_estimated", "units")  # fmt: skip
"""Labels that do not make another place on the grid."""
_SHOWN = 3


def load(argument: str, request: Request) -> Intensity:
    """The series of a query; measured figures win over estimated ones of the same time.

    Raises
    ------
    UsageError
        No Prometheus; series of several places; a unit that is no intensity; another kind.
    SciBatchError
        From Prometheus.
    """
    if request.client is None:
        raise UsageError(
            "--intensity prometheus:QUERY needs a Prometheus", "Give -p/--prometheus-url http://host:9090."
        )
    query = argument.strip()
    if not query:
        raise UsageError(
            "--intensity prometheus: has no query",
            "Give for example 'prometheus:grid_intensity_carbon_average{location=\"IE\"}'.",
        )
    step = STEP_MS if request.end_ms - request.start_ms <= _COARSE_FROM_MS else COARSE_STEP_MS
    start = request.start_ms // step * step
    samples = request.client.range(promql(query), start, request.end_ms - 1, step)
    frame, notes = series(samples, query, step)
    frame, more = sound(frame, f"prometheus:{query}")
    found = no_slots() if frame.empty else slots(
        grid_zone="", start_ms=frame["start_ms"], end_ms=frame["end_ms"], estimated=frame["estimated"],
        gco2e_per_kwh=frame["gco2e_per_kwh"], source=f"prometheus:{query}",
    )  # fmt: skip
    return Intensity(
        slots=found, kind=_kind(query, request), basis="unknown", zones=("",), notes=(*notes, *more)
    )


def promql(query: str) -> str:
    """The query with its look-back.

    >>> promql('grid_intensity_carbon_average{location="IE"}')
    'last_over_time(grid_intensity_carbon_average{location="IE"}[59m59s999ms])'
    >>> promql("avg(ci)")
    'last_over_time((avg(ci))[59m59s999ms:5m])'
    """
    if _SELECTOR.fullmatch(query):
        return f"last_over_time({query}[{LOOK_BACK}])"
    return f"last_over_time(({query})[{LOOK_BACK}:5m])"


def _kind(query: str, request: Request) -> Kind:
    """What the exporter's metric says, else what is asked for."""
    named = set(_METRIC.findall(query))
    if named & {"average"} and not named & {"marginal"}:
        return "average"
    return "marginal" if named & {"marginal"} else request.wanted


def series(samples: Samples, query: str, step_ms: int) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """POINTS of one answer, and notes.

    Raises
    ------
    UsageError
        A unit that is no intensity, or more than one place.
    """
    for name in samples.label("__name__").unique():
        refuse_market(str(name))
    factor = _factors(samples, query)
    _one_place(samples, query)
    estimated = (samples.label("is_estimated").str.lower() == "true").to_numpy()
    frame = pd.DataFrame(
        {
            "start_ms": samples.time_ms,
            "value": samples.value * factor[samples.series],
            "estimated": estimated[samples.series],
        }
    ).sort_values(["start_ms", "estimated"], ignore_index=True)
    measured = frame.groupby("start_ms", sort=True, dropna=False)["estimated"].transform("min")
    frame = frame[(frame["estimated"] == measured).to_numpy()]
    spread = frame.groupby("start_ms", sort=True, dropna=False)["value"].agg(["min", "max"])
    unequal = ~np.isclose(spread["min"], spread["max"], rtol=1e-9, atol=0.0)
    if unequal.any():
        raise UsageError(
            f"the query gives several series that differ, {_labels(samples)}; query: {query}",
            'Choose one by its labels, such as {location="IE"}, or take avg(...).',
        )
    frame = frame.drop_duplicates("start_ms")
    found = points(frame["start_ms"], frame["value"], frame["estimated"].to_numpy(), step_ms=step_ms)
    return found, _converted(samples, factor)


def _factors(samples: Samples, query: str) -> np.ndarray:
    """gCO2e/kWh per unit of each series; no label `units` means gCO2e/kWh."""
    units = samples.label("units")
    known = {unit: grams_per_kwh(unit) if unit else 1.0 for unit in map(str, units.unique())}
    wrong = sorted(unit for unit, factor in known.items() if factor is None)
    if wrong:
        raise UsageError(
            f"the query gives figures in {', '.join(map(repr, wrong))}, no intensity; query: {query}",
            "Choose series in gCO2e per kWh or lbCO2e per MWh, such as grid_intensity_carbon_average.",
        )
    return units.astype("str").map(known).to_numpy(np.float64)


def _one_place(samples: Samples, query: str) -> None:
    names = [name for name in samples.labels.columns if name not in _TARGET]
    places = samples.labels[names].drop_duplicates()
    if len(places) > 1:
        raise UsageError(
            f"the query gives series of several places, {_labels(samples)}; query: {query}",
            'Choose one by its labels, such as {location="IE"}.',
        )


def _labels(samples: Samples) -> str:
    names = [name for name in samples.labels.columns if name not in ("__name__",)]
    rows = samples.labels[names].head(_SHOWN).to_dict("records")
    shown = ["{" + ",".join(f"{key}={value}" for key, value in row.items() if value) + "}" for row in rows]
    return " ".join(shown) + (" ..." if len(samples.labels) > _SHOWN else "")


def _converted(samples: Samples, factor: np.ndarray) -> tuple[str, ...]:
    units = sorted({str(unit) for unit in samples.label("units")[factor != 1.0].unique()})
    return (f"intensity converted from {', '.join(units)} to gCO2e/kWh",) if units else ()
