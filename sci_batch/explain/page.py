"""An explanation for people: the pipeline's steps one below the other, ending in the number of the row."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from sci_batch.explain.meters import NEVER
from sci_batch.explain.row import Explanation
from sci_batch.schema import FLAGS
from sci_batch.sinks import SinkOptions
from sci_batch.sinks.layout import Page, Shown
from sci_batch.sinks.numbers import significant
from sci_batch.windows import rfc3339

_DAY_SECONDS = 86_400
_YEAR_SECONDS = 365 * _DAY_SECONDS
_UNKNOWN = "-"


def text(told: Explanation, options: SinkOptions) -> bytes:
    """The whole page."""
    page = Page(options)
    row = told.row
    span = f"{_time(row['window_start'])} to {_time(row['window_end'])}"
    page.lines([f"{told.name} ({row['workload_kind']}), {span}"])
    if told.pods.empty:
        page.lines(["a stored result holds no pods and no counters: ask a server or a recording for them"])
    else:
        _meters(page, told)
        _sharing(page, told)
        _grid(page, told)
        _hardware(page, told)
    _row(page, told)
    _queries(page, told)
    return page.encoded()


def _meters(page: Page, told: Explanation) -> None:
    meters = told.meters
    _head(page, "1 Meters", "Kepler's counters; kWh: their rise in the window, restarts corrected")
    owners = [_owner(*each) for each in meters[["level", "node", "pod", "pod_uid"]].to_numpy()]
    shown = [
        _words("counter of", owners),
        _words("domain", meters["power_domain"]),
        _words("what", meters["kind"]),
        _numbers("before [J]", meters["before_joules"]),
        _numbers("first [J]", meters["first_joules"]),
        _numbers("last [J]", meters["last_joules"]),
        _numbers("read", meters["samples"]),
        _numbers("restarts", meters["restarts"]),
        _numbers("kWh", meters["kwh"]),
        _words("flags", meters["flags"]),
    ]
    if not (meters["flags"] != "").any():
        shown.pop()
    page.table(shown)
    born = int(((meters["level"] != "node") & (meters["before_ms"] == NEVER)).sum())
    if born:
        page.lines([f"{born} of them began in this window: a first value counts if the node was seen before"])
    active = meters.loc[meters["level"] != "node", "kwh"].sum()
    page.lines([f"active energy = sum of the pods' kWh = {significant(float(active))} kWh"])


def _sharing(page: Page, told: Explanation) -> None:
    nodes, pods = told.nodes, told.pods
    _head(page, "2 Nodes", f"energy of no pod (idle, host), shared {told.policy}")
    page.table(
        [
            _words("node", nodes["node"]),
            _numbers("node [kWh]", nodes["node_kwh"]),
            _numbers("= pods", nodes["pods_kwh"]),
            _numbers("+ of no pod", nodes["unattributed_kwh"]),
            _numbers("+ residual", nodes["residual_kwh"]),
            _numbers("coverage", nodes["coverage"]),
        ]
    )
    page.gap()
    page.table(
        [
            *_pod(pods),
            _numbers("active [kWh]", pods["active_kwh"]),
            _numbers("share", pods["share"]),
            _numbers("x of no pod", pods["unattributed_kwh"]),
            _numbers("= shared [kWh]", pods["shared_kwh"]),
        ]
    )


def _grid(page: Page, told: Explanation) -> None:
    _head(page, "3 Grid", "O = E x PUE x I, E = active + shared")
    steps, pods = told.steps, told.pods
    if not steps.empty:
        page.table(
            [
                _words("node", steps["node"]),
                _words("figure from", [rfc3339(ms) for ms in steps["start_ms"].tolist()]),
                _words("to", [rfc3339(ms) for ms in steps["end_ms"].tolist()]),
                _numbers("I [g/kWh]", steps["gco2e_per_kwh"]),
                _numbers("E [kWh]", steps["energy_kwh"]),
                _words("source", steps["source"]),
            ]
        )
        if steps["node"].duplicated().any():
            page.lines(["I of a pod below is the mean of these, weighted by when its energy was used."])
        page.gap()
    page.table(
        [
            *_pod(pods),
            _numbers("E [kWh]", pods["energy_kwh"]),
            _numbers("x PUE", pods["pue"]),
            _numbers("x I [g/kWh]", pods["intensity_gco2e_per_kwh"]),
            _numbers("= O [g]", pods["operational_gco2e"]),
            _words("source of I", pods["intensity_source"]),
        ]
    )


def _hardware(page: Page, told: Explanation) -> None:
    pods = told.pods
    _head(page, "4 Hardware", f"M = TE x TiR/EL x part; part: reserved (by {told.share}), and of the rest")
    page.table(
        [
            *_pod(pods),
            _numbers("TE [kg]", pods["embodied_kgco2e"]),
            _numbers("x TiR [s]", pods["window_seconds"]),
            _numbers("/ EL [years]", pods["lifespan_seconds"] / _YEAR_SECONDS),
            _numbers("lived [s]", pods["seconds"]),
            _numbers("RR [cores]", pods["request_cores"]),
            _numbers("ToR [cores]", pods["node_cores"]),
            _numbers("x part", pods["part"]),
            _numbers("= M [g]", pods["embodied_gco2e"]),
            _words("source of TE", pods["embodied_source"]),
        ]
    )


def _row(page: Page, told: Explanation) -> None:
    row, made = told.row, told.provenance
    _head(page, "5 Score", "the row, to the last digit")
    names = ("energy_kwh", "operational_gco2e", "embodied_gco2e", "carbon_gco2e")
    e, o, m, c = (_exact(row[name]) for name in names)
    intensity = _exact(row["intensity_gco2e_per_kwh"])
    lines = [
        f"E = active {_exact(row['active_kwh'])} + shared {_exact(row['shared_kwh'])} = {e} kWh",
        f"O = E x PUE {made.method.get('pue')} x I {intensity} gCO2e/kWh = {o} gCO2e",
        f"M = {m} gCO2e",
        f"C = O + M = {c} gCO2e",
    ]
    for name, r, score in told.units:
        lines += [f"R = {_exact(r)} {name}", f"SCI = C / R = {_exact(score)} gCO2e per {name}"]
    if not made.units:
        lines.append("SCI is unknown: no --functional-unit is given")
    page.lines(lines)
    for flag in filter(None, str(row["flags"]).split(",")):
        page.lines([f"flag {flag}: {FLAGS.get(flag, 'no explanation')}"])


def _exact(value: float) -> str:
    return "unknown" if math.isnan(value) else repr(float(value))


def _queries(page: Page, told: Explanation) -> None:
    units = told.provenance.method.get("functional_units") or []
    if units:
        _head(page, "R", "where the units of work come from")
        for unit in units:
            page.verbatim(str(unit))
    _head(page, "PromQL", "everything that was asked")
    for query in told.provenance.queries:
        page.verbatim(query)


def _head(page: Page, title: str, words: str) -> None:
    page.gap()
    page.lines([f"{title}: {words}"])


def _pod(pods: pd.DataFrame) -> list[Shown]:
    names = pods["pod"].where(pods["pod"] != "", "(no pod)")
    return [_words("pod", names), _words("node", pods["node"])]


def _owner(level: str, node: str, pod: str, pod_uid: str) -> str:
    return node if level == "node" else pod or pod_uid


def _words(head: str, values: Sequence[str] | pd.Series) -> Shown:
    return Shown((head,), [str(value) for value in values], folds=True)


def _numbers(head: str, values: pd.Series) -> Shown:
    cells = [_UNKNOWN if pd.isna(value) else significant(float(value)) for value in values]
    return Shown((head,), cells, right=True)


def _time(moment: pd.Timestamp) -> str:
    return rfc3339(int(moment.timestamp() * 1000))
