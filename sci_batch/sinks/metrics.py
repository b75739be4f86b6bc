"""Every metric that is published, once: name, labels, meaning. Dashboards and alerts are written against it.

All are gauges in base units. The joules of a window stand beside its start and end: they are no counter.
"""

from __future__ import annotations

from dataclasses import dataclass

ROW = ("keys of --group-by", "workload_kind")
"""Labels of what is said of a row, in words."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric, with the labels that it has beside `job`, `cluster` and `group`."""

    name: str
    meaning: str
    unit: str = ""
    """OpenMetrics unit, the last word of `name`; empty where there is none."""
    labels: tuple[str, ...] = ()


OF_ROWS = {
    "energy_kwh": Metric("sci_batch_energy_joules", "IT energy of the window, before PUE", "joules", ROW),
    "operational_gco2e": Metric(
        "sci_batch_carbon_operational_grams",
        "Operational carbon O of the window, CO2 equivalent",
        "grams",
        ROW,
    ),
    "embodied_gco2e": Metric(
        "sci_batch_carbon_embodied_grams", "Embodied carbon M of the window, CO2 equivalent", "grams", ROW
    ),
    "carbon_gco2e": Metric(
        "sci_batch_carbon_grams", "Carbon C = O + M of the window, CO2 equivalent", "grams", ROW
    ),
    "intensity_gco2e_per_kwh": Metric(
        "sci_batch_intensity_grams_per_kwh", "Grid carbon intensity in effect, weighted by energy", "", ROW
    ),
    "coverage": Metric(
        "sci_batch_coverage_ratio", "Share of the window in which the node's Kepler was scraped", "ratio", ROW
    ),
}
"""Column of RESULT to metric."""
OF_UNITS = {
    "functional_units": Metric(
        "sci_batch_functional_units", "Units of work R done in the window", "", (*ROW, "functional_unit")
    ),
    "sci_gco2e_per_unit": Metric(
        "sci_batch_sci_grams_per_unit",
        "SCI = C / R of the window, CO2 equivalent",
        "",
        (*ROW, "functional_unit"),
    ),
}
"""Column of RESULT to metric, of each functional unit."""
WINDOW_START = Metric("sci_batch_window_start_timestamp_seconds", "Start of the window, inclusive", "seconds")
WINDOW_END = Metric("sci_batch_window_end_timestamp_seconds", "End of the window, exclusive", "seconds")
INFO = Metric(
    "sci_batch_info",
    "Version of sci-batch, and fingerprint of the method: equal ones are comparable",
    labels=("version", "fingerprint"),
)
LAST_SUCCESS = Metric(
    "sci_batch_last_success_timestamp_seconds", "Time of the last run that published", "seconds"
)

METRICS = (*OF_ROWS.values(), *OF_UNITS.values(), WINDOW_START, WINDOW_END, INFO, LAST_SUCCESS)
