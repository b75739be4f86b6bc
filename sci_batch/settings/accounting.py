"""Options of what is made of it: intensity, PUE, hardware, units of work."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sci_batch.settings import factors, values, work
from sci_batch.settings.factors import Chain, Spec
from sci_batch.settings.measurement import Measurement
from sci_batch.settings.option import option, switch
from sci_batch.settings.panels import CARBON, PLACES, SCORE, WHAT_IF
from sci_batch.settings.work import FunctionalUnit
from sci_batch.windows import parse_duration, parse_lifespan


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounting(Measurement):
    """What a kWh and a node emit, and per what."""

    intensity: Spec | None = option(
        "intensity", panel=CARBON, commands=PLACES, metavar="KIND:ARG", parse=factors.intensity,
        help="Grid carbon intensity: a number such as 380 (gCO2e/kWh), zone:DE, region:aws:eu-west-1, "
        "region:auto, file:ci.csv, prometheus:QUERY, electricitymaps:DE, uk:national, energy-charts:DE, "
        "carbon-aware-sdk:URL,LOCATION, watttime:REGION (`sci-batch factors list`); required but "
        "for --demo, there is no hidden default.",
    )  # fmt: skip
    also_intensity: tuple[Spec, ...] = option(
        "also-intensity", panel=CARBON, metavar="KIND:ARG", parse=factors.intensity, repeatable=True,
        help="A further column with the operational carbon by this source: how much does the choice matter?",
    )  # fmt: skip
    intensity_fallback: tuple[Spec, ...] = option(
        "intensity-fallback", panel=CARBON, commands=PLACES, metavar="KIND:ARG", parse=factors.intensity,
        repeatable=True,
        help="Source for times that --intensity has no figure for, flagged; several are asked in order.",
    )  # fmt: skip
    intensity_gap: Literal["error", "fallback", "interpolate"] | None = option(
        "intensity-gap", panel=CARBON, commands=PLACES, metavar="error|fallback|interpolate",
        parse=values.one_of("error", "fallback", "interpolate"),
        help="What to do where --intensity has none: interpolate draws a line over at most 2 h, flagged. "
        "Without it fallback where there is one, else error.",
    )  # fmt: skip
    intensity_kind: Literal["average", "marginal"] | None = option(
        "intensity-kind", panel=CARBON, commands=PLACES, metavar="average|marginal",
        parse=values.one_of("average", "marginal"),
        help="Which kind of intensity is wanted; average without it. The two are never mixed.",
    )  # fmt: skip
    intensity_basis: Literal["lifecycle", "direct"] | None = option(
        "intensity-basis", panel=CARBON, commands=PLACES, metavar="lifecycle|direct",
        parse=values.one_of("lifecycle", "direct"),
        help="Which emission factors are wanted, where a source has both. The two are never mixed.",
    )  # fmt: skip
    allow_world_average: bool = switch(
        "allow-world-average", panel=CARBON, commands=PLACES,
        help="Take the world's mean intensity for regions without a figure, which may be far off.",
    )  # fmt: skip
    offline: bool = switch(
        "offline", panel=CARBON, commands=PLACES,
        help="Call nothing but Prometheus: grid data comes from files and the cache.",
    )  # fmt: skip
    cache_dir: Path | None = option(
        "cache-dir", panel=CARBON, commands=PLACES, metavar="DIR", parse=values.path,
        help="Where answers of grid data servers are kept; without it, in the user's cache.",
    )  # fmt: skip
    pue: str = option(
        "pue", panel=CARBON, commands=PLACES, metavar="FACTOR|PLACE", parse=factors.pue, default="1.0",
        help="Power usage effectiveness of the data centre, which multiplies operational carbon: a number, a "
        "place of the shipped table such as aws or gcp:europe-west4, or auto (by each node's region).",
    )  # fmt: skip
    embodied: Chain | None = option(
        "embodied", panel=CARBON, commands=PLACES, metavar="KIND:ARG,...", parse=factors.embodied,
        help="Embodied carbon of the nodes: kg:1200 (kgCO2e, each), catalogue (by cloud instance type), "
        "file:nodes.csv or .toml, model (by memory, sockets, GPUs), boavizta:URL, or a chain, such as "
        "file:nodes.toml,catalogue,model: the first that knows a node wins. kg:1216, flagged, without it.",
    )  # fmt: skip
    share: str = option(
        "share", panel=CARBON, metavar="cpu|memory|mean", parse=values.one_of("cpu", "memory", "mean"),
        default="cpu",
        help="What a pod reserves of its node's hardware: cores (request or use, the larger), memory "
        "(request), or half of each.",
    )  # fmt: skip
    lifespan_seconds: int = option(
        "lifespan", panel=CARBON, commands=PLACES, metavar="TIME", parse=parse_lifespan, default="4y",
        help="Life of a node over which its embodied carbon is spread.",
    )  # fmt: skip

    shift_seconds: int | None = option(
        "shift", panel=CARBON, metavar="TIME", parse=values.shift, commands=WHAT_IF,
        help="The same work that much later (3h) or earlier (-3h), at the --intensity of that time.",
    )  # fmt: skip
    flexible: tuple[str, ...] = option(
        "flexible", panel=CARBON, metavar="GLOB", parse=values.text, repeatable=True, commands=WHAT_IF,
        help="Workloads that may wait, by kind or name: CronJob, nightly-*. Each window of them moves to the "
        "start within --within that has the lowest --intensity.",
    )  # fmt: skip
    within_seconds: int | None = option(
        "within", panel=CARBON, metavar="TIME", parse=parse_duration, commands=WHAT_IF,
        help="How long --flexible workloads may wait.",
    )  # fmt: skip

    functional_unit: tuple[FunctionalUnit, ...] = option(
        "functional-unit", panel=SCORE, metavar="NAME=SOURCE", parse=work.functional_unit,
        repeatable=True, combine=work.functional_units, split=work.UNITS_SPLIT,
        help="Unit of work R, without which there is no score: NAME=NUMBER per row; "
        "NAME=prometheus:PROMQL, such as 'request=prometheus:sum by (namespace, workload) "
        "(increase(http_requests_total[{window}]))'; NAME=file:PATH, CSV or Parquet with start_utc, end_utc "
        "(or window_start), labels, functional_units; NAME=job-run, finished Jobs; NAME=preset:PRESET, or "
        "just http, istio, ... (`sci-batch functional-units`). A second one, NAME, has columns of its own, "
        "functional_units:NAME and sci_gco2e_per_unit:NAME.",
    )  # fmt: skip
