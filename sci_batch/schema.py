"""Every column and every flag of the result, once: type, unit, sentence.

It drives the check at the end of the pipeline, the README table, `sci-batch schema` and the
Parquet metadata. Group keys (`namespace`, `workload`, ...) stand between the window and
`workload_kind`; which ones depends on `--group-by`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

GROUP_KEYS = ("cluster", "node", "namespace", "workload", "pod")
LABEL_KEY_PREFIX = "label:"
UNATTRIBUTED = "Unattributed"
"""`workload_kind` of a row that holds node energy of no pod."""


@dataclass(frozen=True, slots=True)
class Column:
    """One result column: pandas type, unit ("" where it has none), meaning, may it be null."""

    name: str
    dtype: str
    unit: str
    meaning: str
    nullable: bool = False


TIME = "datetime64[us, UTC]"
WINDOW = (
    Column("window_start", TIME, "UTC", "start of the window, inclusive; the window's name"),
    Column("window_end", TIME, "UTC", "end of the window, exclusive"),
)
KEYS = {
    "cluster": Column("cluster", "str", "", "value of `--cluster-label`, empty without it"),
    "node": Column("node", "str", "", "Kubernetes node"),
    "namespace": Column("namespace", "str", "", "Kubernetes namespace of the pods"),
    "workload": Column("workload", "str", "", "name of the Deployment, StatefulSet, ... that owns the pods"),
    "pod": Column("pod", "str", "", "pod name"),
}
MEASURES = (
    Column("workload_kind", "str", "", "kind of the owner; several kinds in one row are joined by `+`"),
    Column("active_kwh", "float64", "kWh", "energy that Kepler attributes to the pods", nullable=True),
    Column(
        "shared_kwh", "float64", "kWh",
        "the row's part of the node energy of no pod (idle, host processes), by `--unattributed`",
        nullable=True,
    ),
    Column("energy_kwh", "float64", "kWh", "active + shared: IT energy, before PUE", nullable=True),
    Column("operational_gco2e", "float64", "gCO2e", "O = energy x PUE x intensity", nullable=True),
    Column("embodied_gco2e", "float64", "gCO2e", "M = TE x TiR/EL x RR/ToR", nullable=True),
    Column("carbon_gco2e", "float64", "gCO2e", "C = O + M", nullable=True),
    Column(
        "functional_units", "float64", "units",
        "R: units of work done in the window; a further `--functional-unit` NAME adds "
        "`functional_units:NAME` behind the score",
        nullable=True,
    ),
    Column(
        "sci_gco2e_per_unit", "float64", "gCO2e/unit",
        "SCI = C / R; null when R is 0 or missing; a further NAME adds `sci_gco2e_per_unit:NAME`",
        nullable=True,
    ),
    Column(
        "intensity_gco2e_per_kwh", "float64", "gCO2e/kWh", "grid intensity in effect, weighted by energy",
        nullable=True,
    ),
    Column("coverage", "float64", "0..1", "share of the window in which the node's Kepler was scraped"),
    Column(
        "energy_source", "str", "", "`rapl` measured, `model` estimated by Kepler; several are joined by `+`",
    ),
    Column("intensity_source", "str", "", "where the intensity comes from"),
    Column("embodied_source", "str", "", "where the embodied carbon comes from"),
    Column("flags", "str", "", "doubts about the row, joined by `,`; empty is good"),
)  # fmt: skip

WHERE_KNOWN = (
    Column(
        "gpu_kwh", "float64", "kWh", "GPU part of the active energy; null where no GPU is measured",
        nullable=True,
    ),
    Column(
        "embodied_gco2e_low", "float64", "gCO2e", "M by the lower bound of TE, where `--embodied` knows it",
        nullable=True,
    ),
    Column(
        "embodied_gco2e_high", "float64", "gCO2e", "M by the upper bound of TE, where `--embodied` knows it",
        nullable=True,
    ),
)  # fmt: skip
"""Columns that are only there where any row has a value, and behind which one they stand (`_BEHIND`)."""
NAMES_WHERE_KNOWN = tuple(column.name for column in WHERE_KNOWN)
_BEHIND = {
    "gpu_kwh": "energy_kwh", "embodied_gco2e_low": "embodied_gco2e", "embodied_gco2e_high": "embodied_gco2e",
}  # fmt: skip


def label_column(key: str) -> str:
    """`label:app.kubernetes.io/name`, or without `label:`, as kube-state-metrics writes it.

    >>> label_column("label:app.kubernetes.io/name")
    'label_app_kubernetes_io_name'
    """
    return "label_" + re.sub(r"[^a-zA-Z0-9_]", "_", key.removeprefix(LABEL_KEY_PREFIX))


def key_column(key: str) -> Column:
    """The column of one group key; `label:team` is a key like any other."""
    if key in KEYS:
        return KEYS[key]
    return Column(key, "str", "", "value of that pod or namespace label, empty without it")


def of_unit(column: str, name: str, number: int) -> str:
    """Name of an R or SCI column: plain for the first unit (number 0), with the unit's name behind it else.

    >>> of_unit("functional_units", "request", 0), of_unit("functional_units", "user", 1)
    ('functional_units', 'functional_units:user')
    """
    return f"{column}:{name}" if number else column


def unit_columns(name: str) -> tuple[Column, Column]:
    """R and SCI of a second or later functional unit."""
    return (
        Column(
            f"functional_units:{name}", "float64", "units", f"R of {name}: units of work done in the window",
            nullable=True,
        ),
        Column(
            f"sci_gco2e_per_unit:{name}", "float64", "gCO2e/unit",
            f"SCI = C / R of {name}; null when R is 0 or missing", nullable=True,
        ),
    )  # fmt: skip


def also_column(source: str) -> Column:
    """Operational carbon by a further grid intensity (`--also-intensity`)."""
    meaning = f"O by the intensity of {source}, for comparison; not in C"
    return Column(f"operational_gco2e:{source}", "float64", "gCO2e", meaning, nullable=True)


def result_columns(
    group_by: tuple[str, ...],
    further_units: tuple[str, ...] = (),
    also: tuple[str, ...] = (),
    known: tuple[str, ...] = (),
) -> tuple[Column, ...]:
    """All result columns, in order.

    `further_units`: names of the functional units behind the first. `also`: grid intensities beside the
    chosen one. `known`: names of those of `WHERE_KNOWN` that hold something.
    """
    behind = {
        **{
            place: tuple(
                column for column in WHERE_KNOWN if column.name in known and _BEHIND[column.name] == place
            )
            for place in set(_BEHIND.values())
        },
        "operational_gco2e": tuple(also_column(source) for source in also),
        "sci_gco2e_per_unit": tuple(column for name in further_units for column in unit_columns(name)),
    }
    keys = (key_column(key) for key in group_by)
    measures = (each for column in MEASURES for each in (column, *behind.get(column.name, ())))
    return (*WINDOW, *keys, *measures)


FLAGS = {
    "inferred-owner": "no owner in kube-state-metrics: the workload was read from the pod's name",
    "gap": "the node's Kepler was not scraped for longer than `--max-gap`; the energy is spread over it",
    "unknown-start": "the counter came with a value of unknown age; its first value was not counted",
    "birth-capped": "a new counter began with more than its node had used; the node's use was counted",
    "clamped": "a counter rose by more than its node, or than `--max-node-watts`; the bound was counted",
    "duplicate-series": "the same counter was scraped more than once (two jobs, HA replicas); one was kept",
    "two-generations": "old and new Kepler ran on the node at once; the new one was kept",
    "no-node-energy": "the node's own counters are missing: idle and host energy are unknown and not shared",
    "platform-missing": "`--node-energy platform` without a reading of the power supply: Kepler's counters",
    "no-pod-level": "the node shows no pod or container counters: all of its energy is unattributed",
    "container-level": "no pod counters: container counters were added up instead",
    "legacy-total": "old Kepler shows no parts (package, dram): its total, with other and GPU, was used",
    "pods-exceed-node": "the pods claim more energy than their node: the books do not close",
    "unattributed-dropped": "`--unattributed drop`: idle and host energy of the node are left out",
    "unattributed-kept": "no pod of the node could carry its unattributed energy: it has a row of its own",
    "requests-missing": "no CPU requests on the node for `--unattributed by-request`: shared by energy",
    "embodied-default": "no `--embodied` given: the median of 48 vendor figures was used",
    "embodied-estimated": "the hardware was estimated from its family or its parts",
    "memory-unknown": "the node's memory is unknown for `--share memory|mean`: the share of CPU was used",
    "overcommitted": "the pods' reserved shares add up to more than the node; they were scaled to it",
    "intensity-fallback": "the chosen source had no intensity for a part of the time: a fallback was used",
    "intensity-interpolated": "the intensity of at most 2 h was drawn between its neighbours in time",
    "intensity-estimated": "the source itself calls a part of its intensity estimated or forecast",
    "also-filled": "an intensity of `--also-intensity` had holes that were filled, or is estimated, in part",
    "units-missing": "no units of work for this row, of one functional unit at least: no score by it",
    "units-zero": "0 units of work in this row, of one functional unit at least: no score by it",
}


def check(result: pd.DataFrame, columns: tuple[Column, ...]) -> None:
    """Raise `ValueError` with every way in which a frame is not a RESULT of these columns."""
    import numpy as np

    problems: list[str] = []
    if list(result.columns) != [column.name for column in columns]:
        problems.append(f"columns are {list(result.columns)}")
    for column in columns:
        if column.name not in result:
            continue
        values = result[column.name]
        if str(values.dtype) != column.dtype:
            problems.append(f"{column.name} is {values.dtype}, not {column.dtype}")
        elif not column.nullable and values.isna().any():
            problems.append(f"{column.name} has nulls")
        elif column.dtype == "float64" and np.isinf(values.to_numpy()).any():
            problems.append(f"{column.name} is infinite")
    names = [column.name for column in columns]
    keys = [name for name in names[: names.index("workload_kind") + 1] if name != "window_end"]
    if not problems and result.duplicated(keys).any():
        problems.append(f"{keys} are not a key")
    if problems:
        raise ValueError("not a RESULT: " + "; ".join(problems))
