"""`Source` for `pipeline.compute` out of tables, and settings out of flags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from sci_batch import grid
from sci_batch.asking.planned import plan_of
from sci_batch.counters import Counters
from sci_batch.inputs import Inputs, Kube
from sci_batch.settings import Settings, load
from sci_batch.source import Source
from sci_batch.windows import Windows

KUBE_COLUMNS = {
    "pod_owners": ("namespace", "pod", "uid", "owner_kind", "owner_name"),
    "replicaset_owners": ("namespace", "replicaset", "owner_kind", "owner_name"),
    "job_owners": ("namespace", "job_name", "owner_kind", "owner_name"),
    "pods": ("namespace", "pod", "uid", "node"),
    "created": ("namespace", "pod", "uid", "seconds"),
    "requests": ("namespace", "pod", "uid", "cores"),
    "capacity": ("node", "cores"),
    "memory_requests": ("namespace", "pod", "uid", "bytes"),
    "memory_capacity": ("node", "bytes"),
    "gpu_capacity": ("node", "gpus"),
    "node_labels": ("node", "instance_type", "region", "zone", "arch"),
    "node_info": ("node", "provider_id"),
    "sockets": ("node", "sockets"),
    "pod_labels": ("namespace", "pod"),
    "namespace_labels": ("namespace",),
}
_NUMBERS = ("cores", "bytes", "gpus", "seconds", "sockets")


def kube(tables: Mapping[str, pd.DataFrame] | None = None) -> Kube:
    """The facts given; the other tables are empty."""
    given = tables or {}
    return Kube(**{name: _table(given.get(name), KUBE_COLUMNS[name]) for name in Kube.tables()})


def _table(given: pd.DataFrame | None, columns: tuple[str, ...]) -> pd.DataFrame:
    dtypes = {column: "float64" if column in _NUMBERS else "str" for column in columns}
    if given is None:
        return pd.DataFrame(columns=list(columns)).astype(dtypes)
    return given.astype(dtypes)


def settings(flags: Mapping[str, object], config: str | None = None) -> Settings:
    return load(flags, {}, "show", config).settings


def source(
    counters: Iterable[Counters], windows: Windows, chosen: Settings, *,
    facts: Kube | None = None, units: Mapping[str, pd.DataFrame] | None = None,
) -> Source:  # fmt: skip
    """`units`: UNITS by the functional unit's name."""
    asked = tuple(unit.resolved() for unit in chosen.functional_unit)
    tables, span_ms = facts or kube(), (windows.start_ms, windows.end_ms)
    assert chosen.intensity is not None
    inputs = Inputs(
        counters=iter(counters), kube=tables, units=units or {}, notes=(), pull="raw", step_ms=0,
    )  # fmt: skip
    return Source(
        settings=chosen, inputs=inputs, windows=windows, plan=plan_of(chosen, windows), units=asked,
        grid=grid.load(chosen, chosen.intensity, tables, span_ms, client=None, recorded={}),
        name="made up", queries=tuple, warnings=tuple,
    )  # fmt: skip
