"""The size of the pull, as it would be, and what flags would make of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import pandas as pd

from sci_batch import kepler
from sci_batch.asking.plan import LONGEST_STEP_MS, Discovery, Plan, pull, step_ms
from sci_batch.doctor import size
from sci_batch.doctor.finding import OK, PULL, WARNING, Finding
from sci_batch.doctor.size import Density, Size
from sci_batch.errors import UsageError
from sci_batch.fetch import kube
from sci_batch.prometheus.client import Client
from sci_batch.windows import cut

SPAN_MS = 600_000
"""In which samples are counted."""
LARGE_BYTES = 1_000_000_000
MANY_REQUESTS = 3_000
SHORTER_WINDOW = "15m"


def densities(client: Client, plan: Plan, found: Discovery) -> list[Density]:
    """How much each meter holds; the server counts, and a few small answers per meter come back."""
    asked = client.map(lambda meter: _density(client, plan, found, meter), found.meters)
    return [one for one in asked if one is not None]


def _density(client: Client, plan: Plan, found: Discovery, meter: kepler.Meter) -> Density | None:
    rows = _seen(found, meter)
    if rows.empty:
        return None
    step = min(step_ms(plan.energy_edges_ms), LONGEST_STEP_MS)
    text, names = _counting(meter, step)
    # instants, not a range: there VictoriaMetrics would look back over the whole spacing
    answers = [client.instant(text, at_ms) for at_ms in _moments(rows, plan, step)]
    told = pd.DataFrame(
        [dict(zip(answer.label("what").tolist(), answer.value.tolist(), strict=True)) for answer in answers]
    )
    alive, seen, samples = told.reindex(columns=names).fillna(0.0).mean()
    if not alive:
        return None
    # Kepler may be missing in a part of the range, where nobody counted.
    share = float(rows["mean"].sum()) / alive
    return Density(
        meter=meter, alive=alive * share, born_per_second=max(0.0, seen - alive) / (step / 1000) * share,
        samples_per_second=samples / (SPAN_MS / 1000) * share,
    )  # fmt: skip


def _counting(meter: kepler.Meter, step: int) -> tuple[str, list[str]]:
    """One query for series at once, series in a step, and samples; and the names of the three."""
    selector = meter.selector()
    texts = {
        "alive": f"count({selector})",
        "seen": f"count(last_over_time({selector}[{kepler.duration(step)}]))",
        "samples": f"sum(count_over_time({selector}[{kepler.duration(SPAN_MS)}]))",
    }
    named = [f'label_replace({text}, "what", "{name}", "", "")' for name, text in texts.items()]
    return " or ".join(named), list(texts)


def _moments(rows: pd.DataFrame, plan: Plan, step: int) -> list[int]:
    """The end of a step near the start, in the middle and at the end of what was seen."""
    last = int(rows["last_ms"].max())
    first = min(last, max(int(rows["first_ms"].min()), plan.start_ms) + step)
    return sorted({first, (first + last) // 2, last})


def _seen(found: Discovery, meter: kepler.Meter) -> pd.DataFrame:
    """The presence of a meter; containers of the new Kepler count on nodes without pods only."""
    rows = found.presence[found.presence["metric"] == meter.metric]
    if (meter.generation, meter.level) == (kepler.REWRITE, kepler.CONTAINER):
        level = found.presence["level"] == kepler.POD
        rows = rows[~rows["node"].isin(found.presence.loc[level, "node"])]
    return rows


def finding(
    plan: Plan, found: Discovery, held: Sequence[Density], rows: Mapping[str, int] | None, slow_share: float
) -> Finding:
    """How large the pull is.

    Parameters
    ----------
    rows
        Of each table of kube-state-metrics; None where nobody could count.
    slow_share
        Share of the nodes [0..1] that are scraped so seldom that all of their samples are fetched.
    """
    beside = _beside(plan, rows)
    use, notes = pull(plan)
    methods = {
        "edges": size.edges(plan, held, found.series) + _again(plan, found, held, slow_share) + beside,
        "raw": size.raw(plan, held, found.series) + beside,
    }
    chosen = methods[use]
    other = "raw" if use == "edges" else "edges"
    more = (
        [f"--pull {other}: {methods[other].words()}"] if pull(replace(plan, pull=other))[0] == other else []
    )
    more += _flags(plan, found, held, beside, use)
    more.append("--compression: about a third of the bytes, and five times the CPU of the server")
    facts = {"pull": use, **{name: method.facts() for name, method in methods.items()}}
    what = f"about {chosen.words()} ({use})"
    if use == "edges" and not slow_share:
        what += "; more where Kepler restarted or was not watched, as samples of those hours are fetched too"
    if chosen.bytes < LARGE_BYTES and chosen.requests < MANY_REQUESTS:
        return Finding(
            subject=PULL, check="size", status=OK, what=what, more=(*notes, *more), facts=facts
        )  # fmt: skip
    return Finding(
        subject=PULL, check="size", status=WARNING, what=what, more=(*notes, *more), facts=facts,
        numbers="none; it takes long and loads the server",
        cure="Take a shorter range or several runs"
        + (", or leave --pull raw out: edges gives the same totals." if use == "raw" else "."),
    )  # fmt: skip


def _beside(plan: Plan, rows: Mapping[str, int] | None) -> Size:
    """Looking for Kepler, and what kube-state-metrics says."""
    known = kepler.meters(plan.power_domains, plan.cluster, plan.labels)
    looked = Size(series=0, samples=0, bytes=0, requests=sum(map(len, known.values())))
    tables = {name: count for name, count in (rows or {}).items() if ":" not in name}
    asked = len(tables) or len(kube.queries(plan))
    return looked + size.kube(plan, sum(tables.values()), asked)


def _again(plan: Plan, found: Discovery, held: Sequence[Density], share: float) -> Size:
    """What the edges pull fetches raw of nodes that are scraped too seldom to be believed."""
    some = [one.scaled(share) for one in held]
    whole = size.raw(plan, some, found.series)
    steps = (plan.end_ms - plan.start_ms) // step_ms(plan.energy_edges_ms)
    return replace(whole, requests=steps * len(some) if share else 0)


def _flags(plan: Plan, found: Discovery, held: Sequence[Density], beside: Size, use: str) -> Iterator[str]:
    """The same pull under other flags."""
    of = size.edges if use == "edges" else size.raw
    if use == "edges" and step_ms(plan.edges_ms) > 900_000:
        try:
            shorter = replace(plan, edges_ms=cut(plan.start_ms, plan.end_ms, SHORTER_WINDOW).edges_ms)
        except UsageError:  # too many of them
            pass
        else:
            yield f"--window {SHORTER_WINDOW}: {(of(shorter, held, found.series) + beside).words()}"
    if len(plan.power_domains) > 1:
        one = plan.power_domains[0]
        series = found.presence.groupby("power_domain")["mean"].sum()
        kept = series.get(one, 0.0) / series.sum()
        if 0 < kept < 1:
            some = of(plan, [density.scaled(float(kept)) for density in held], found.series)
            yield f"--power-domains {one}: {(some + beside).words()}, and less energy"
