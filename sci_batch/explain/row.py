"""One row of the result, with everything it was made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

import numpy as np
import pandas as pd

from sci_batch import embodied, rows
from sci_batch.carbon import operational_gco2e, sci
from sci_batch.counters import flags_text
from sci_batch.errors import NoDataError, UsageError
from sci_batch.explain.meters import Meters
from sci_batch.pipeline import Work
from sci_batch.report import Provenance, Report
from sci_batch.schema import of_unit
from sci_batch.settings import Settings
from sci_batch.units import MS_PER_SECOND
from sci_batch.windows import rfc3339

_MOST_NAMED = 5
_PLACE = ["window", "node"]
_MEASURES = (
    "active_kwh", "shared_kwh", "energy_kwh", "operational_gco2e", "embodied_gco2e", "carbon_gco2e",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The arithmetic of one row, in the order of the pipeline. Tables have a row per what their name says.

    pods: node, namespace, pod, active_kwh, share, unattributed_kwh, shared_kwh, energy_kwh, pue,
    intensity_gco2e_per_kwh, operational_gco2e, embodied_kgco2e [TE], lifespan_seconds [EL], window_seconds
    [TiR of the node], seconds [lived], request_cores [RR], node_cores [ToR], part [RR/ToR and of the rest,
    0..1], embodied_gco2e, carbon_gco2e, flags.
    meters: as `Meters.table`, those of the pods.
    nodes: BOOKS of their nodes.
    steps: node, start_ms, end_ms, gco2e_per_kwh, source, energy_kwh of the row: one row per node and figure
    of the grid, with the time that the figure is for, as far as it lies in the range. All are empty where
    only the result is known.
    """

    row: pd.Series
    provenance: Provenance
    pods: pd.DataFrame = field(default_factory=pd.DataFrame)
    meters: pd.DataFrame = field(default_factory=pd.DataFrame)
    nodes: pd.DataFrame = field(default_factory=pd.DataFrame)
    steps: pd.DataFrame = field(default_factory=pd.DataFrame)
    policy: str = ""
    share: str = ""

    @property
    def name(self) -> str:
        """The row's group keys, joined by `/`."""
        return "/".join(str(self.row[key]) for key in self.provenance.group_by)

    @property
    def units(self) -> tuple[tuple[str, float, float], ...]:
        """Name, R and SCI by every functional unit."""
        return tuple(
            (
                name,
                float(self.row[of_unit("functional_units", name, number)]),
                float(self.row[of_unit("sci_gco2e_per_unit", name, number)]),
            )
            for number, name in enumerate(self.provenance.units)
        )


def chosen(result: pd.DataFrame, group_by: tuple[str, ...], name: str, start: pd.Timestamp) -> pd.Series:
    """The row that a name means in the window that starts then.

    The last part of the name is the last group key; those before it are other keys, or the kind.

    Raises
    ------
    NoDataError
        No such row in this window.
    UsageError
        Several rows of that name.
    """
    found = _called(result[result["window_start"] == start], group_by, name)
    if found.empty:
        raise _nothing(result, group_by, name, start)
    if len(found) > 1:
        raise UsageError(
            f"{len(found)} rows are called {name}", f"Give one of: {', '.join(_paths(found, group_by))}."
        )
    return found.iloc[0]


def _called(rows: pd.DataFrame, group_by: tuple[str, ...], name: str) -> pd.DataFrame:
    *others, last = [name] if (rows[group_by[-1]] == name).any() else name.split("/")
    found = rows[rows[group_by[-1]] == last]
    for other in others:
        found = found[(found[_above(group_by)] == other).any(axis=1)]
    return found


def _above(group_by: tuple[str, ...]) -> list[str]:
    return [*group_by[:-1], "workload_kind"]


def _paths(rows: pd.DataFrame, group_by: tuple[str, ...]) -> list[str]:
    parts = rows[[*_above(group_by), group_by[-1]]].drop_duplicates()
    return ["/".join(map(str, values)) for values in parts.to_numpy().tolist()]


def _nothing(result: pd.DataFrame, group_by: tuple[str, ...], name: str, start: pd.Timestamp) -> NoDataError:
    last = name.rsplit("/", maxsplit=1)[-1]
    same = _called(result, group_by, name)
    elsewhere = result[result[group_by[-1]] == last]
    if same.empty and len(elsewhere):
        return NoDataError(
            f"no row is called {name}",
            f"Did you mean {' or '.join(_paths(elsewhere, group_by)[:_MOST_NAMED])}?",
        )
    if len(same):
        times = [rfc3339(int(moment.timestamp() * 1000)) for moment in same["window_start"].unique()]
        more = ", ..." if len(times) > _MOST_NAMED else ""
        return NoDataError(
            f"{name} has no row in the window of {rfc3339(int(start.timestamp() * 1000))}",
            f"Give --window with one of {', '.join(times[-_MOST_NAMED:])}{more}.",
        )
    known = sorted(set(result[group_by[-1]].astype(str)))
    near = get_close_matches(last, known, n=1)
    listed = ", ".join(known[:_MOST_NAMED]) + (", ..." if len(known) > _MOST_NAMED else "")
    return NoDataError(
        f"no row is called {name}", f"Did you mean {near[0]}?" if near else f"There are: {listed}."
    )


def explained(
    report: Report, parts: Sequence[Work], meters: Meters, name: str, window: int, edges_ms: tuple[int, ...]
) -> Explanation:
    """Take a row apart, and put it together again: it must end in the same number.

    `parts` is the part of the work that holds the window, or nothing where no node was seen in it.

    Raises
    ------
    NoDataError, UsageError
        As `chosen`.
    ValueError
        The parts do not make the row, to the last bit: a bug.
    """
    group_by = report.provenance.group_by
    start = pd.Timestamp(edges_ms[window], unit="ms", tz="UTC")
    chosen(report.result, group_by, name, start)
    (work,) = parts
    settings = work.basis.settings
    row = chosen(work.result[list(report.result)], group_by, name, start)
    by_kind = ["workload_kind"] if "workload" in group_by or "pod" in group_by else []
    mine = work.pods["window"] == window
    for key in (*group_by, *by_kind):
        mine &= work.pods[key] == row[key]
    pods = _pods(work, mine, settings, edges_ms)
    _same(row, pods, work, mine)
    book = work.book
    nodes = book[(book["window"] == window) & book["node"].isin(pods["node"])]
    return Explanation(
        row=row, provenance=report.provenance, pods=pods, meters=_of_pods(meters.table(), work.pods[mine]),
        nodes=nodes.reset_index(drop=True), steps=_steps(work, mine), policy=settings.unattributed,
        share=settings.share,
    )  # fmt: skip


def _pods(work: Work, mine: pd.Series, settings: Settings, edges_ms: tuple[int, ...]) -> pd.DataFrame:
    """The pods, each number worked out once more from the others."""
    pods = work.pods[mine]
    window_seconds = np.diff(edges_ms) / MS_PER_SECOND
    # What a pod reserves is held against all pods of its node.
    places = pd.MultiIndex.from_frame(pods[_PLACE])
    around = work.all_pods[pd.MultiIndex.from_frame(work.all_pods[_PLACE]).isin(places)]
    part = pd.Series(embodied.shares(around, window_seconds, settings.share)[0], index=around.index)
    hardware = work.basis.hardware.nodes.set_index("node").loc[pods["node"]]
    book = work.book.set_index(_PLACE)["unattributed_kwh"].reindex(places).to_numpy()
    pue = work.basis.grid.pue.of(pods["node"])
    energy_kwh = pods[["active_kwh", "shared_kwh"]].sum(axis=1, min_count=1)
    seconds = window_seconds[pods["window"].to_numpy()]
    m = (
        embodied.node_gco2e(
            hardware["embodied_kgco2e"].to_numpy(), seconds, hardware["lifespan_seconds"].to_numpy()
        )
        * part.loc[pods.index].to_numpy()
    )
    o = operational_gco2e(energy_kwh, pue, pods["intensity_gco2e_per_kwh"])
    names = ["node", "namespace", "pod", "workload_kind", "active_kwh", "share"]
    return pods[names].assign(
        unattributed_kwh=book, shared_kwh=pods["shared_kwh"], energy_kwh=energy_kwh, pue=pue,
        intensity_gco2e_per_kwh=pods["intensity_gco2e_per_kwh"], intensity_source=pods["intensity_source"],
        operational_gco2e=o, embodied_kgco2e=hardware["embodied_kgco2e"].to_numpy(),
        lifespan_seconds=hardware["lifespan_seconds"].to_numpy(), window_seconds=seconds,
        seconds=pods["seconds"], request_cores=pods["request_cores"], node_cores=pods["node_cores"],
        part=part.loc[pods.index], embodied_gco2e=m, embodied_source=pods["embodied_source"],
        carbon_gco2e=o + m, flags=flags_text(pods["flags"].to_numpy()),
    ).reset_index(drop=True)  # fmt: skip


def _same(row: pd.Series, pods: pd.DataFrame, work: Work, mine: pd.Series) -> None:
    """Raise when what was worked out again is not the row.

    All rows are grouped again, as pandas adds a lone group in another order.
    """
    settings = work.basis.settings
    again = work.pods.copy()
    again.loc[mine, list(_MEASURES)] = pods[list(_MEASURES)].to_numpy()
    found, position = rows.group(again, settings.group_by), work.result.index.get_loc(row.name)
    parts = {name: float(found[name].to_numpy()[position]) for name in _MEASURES}
    for number, unit in enumerate(work.served):
        r = float(row[of_unit("functional_units", unit, number)])
        score = sci(pd.Series([parts["carbon_gco2e"]]), pd.Series([r])).iloc[0]
        parts[of_unit("sci_gco2e_per_unit", unit, number)] = float(score)
    for name, value in parts.items():
        if not (value == row[name] or (np.isnan(value) and np.isnan(row[name]))):
            raise ValueError(f"{name} is {row[name]!r} in the row and {value!r} when worked out again")


def _of_pods(meters: pd.DataFrame, pods: pd.DataFrame) -> pd.DataFrame:
    """The counters of these pods: by uid where there is one, else by name."""
    uids = set(pods["pod_uid"]) - {""}
    names = pd.MultiIndex.from_frame(pods.loc[pods["pod"] != "", ["node", "namespace", "pod"]])
    by_name = pd.MultiIndex.from_frame(meters[["node", "namespace", "pod"]]).isin(names)
    mine = meters["pod_uid"].isin(uids) | (by_name & (meters["pod_uid"] == ""))
    own = (meters["level"] == "node") & meters["node"].isin(pods["node"])
    found = meters[(mine & (meters["level"] != "node")) | own]
    order = ["level", "node", "namespace", "pod", "container_id", "power_domain", "kind", "part"]
    return found.sort_values(order, ignore_index=True).assign(flags=flags_text(found["flags"].to_numpy()))


def _steps(work: Work, mine: pd.Series) -> pd.DataFrame:
    """The figures of the grid that meet the row, the time each is for, and the energy that meets it."""
    pods = work.pods[mine]
    if work.steps is None:
        each = pods.groupby(["window", "node"], as_index=False).agg(energy_kwh=("energy_kwh", "sum"))
        start_ms = int(work.basis.windows_ms[each["window"].iloc[0]])
        figure = work.basis.grid.slots(each["node"], start_ms)
        names = ["start_ms", "end_ms", "gco2e_per_kwh", "source"]
        return each[["node"]].join(figure[names]).assign(energy_kwh=each["energy_kwh"])
    nodes = work.steps.nodes.merge(
        pods.groupby(_PLACE, as_index=False).agg(shared_kwh=("shared_kwh", "sum")),
        on=_PLACE, how="inner", validate="m:1",
    )  # fmt: skip
    weight = nodes["left_kwh"].fillna(0.0)
    whole = weight.groupby(nodes["node"]).transform("sum")
    seconds = nodes["seconds"].groupby(nodes["node"]).transform("sum")
    part = (weight / whole).where(whole > 0, nodes["seconds"] / seconds)
    used = work.steps.pods[work.steps.pods["row"].isin(pods["energy_row"])]
    active = used.groupby(["step", "node"], as_index=False).agg(active_kwh=("active_kwh", "sum"))
    nodes = nodes.merge(active, on=["step", "node"], how="left", validate="1:1")
    step = nodes["step"].to_numpy()
    at = work.basis.grid.at(str(work.basis.grid.chosen), nodes["node"], step, work.steps.edges_ms)
    return nodes[["node"]].assign(
        start_ms=work.steps.edges_ms[step], end_ms=work.steps.edges_ms[step + 1],
        gco2e_per_kwh=at["gco2e_per_kwh"], source=at["source"],
        energy_kwh=nodes["active_kwh"].fillna(0.0) + nodes["shared_kwh"].fillna(0.0) * part,
    ).sort_values(["node", "start_ms"], ignore_index=True)  # fmt: skip
