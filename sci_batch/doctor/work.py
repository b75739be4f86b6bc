"""Units of work: does the query or file give any? The newest window is asked for, no other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sci_batch.asking.plan import Plan
from sci_batch.doctor.finding import OK, WARNING, WORK, Finding, named
from sci_batch.fetch import job_runs, units
from sci_batch.files import path_of
from sci_batch.prometheus.client import Client
from sci_batch.settings import FunctionalUnit
from sci_batch.source import unit_file
from sci_batch.windows import rfc3339

_NO_LABEL = ("start_ms", "end_ms", "functional_units")


def functional_unit(client: Client, plan: Plan, unit: FunctionalUnit) -> Iterator[Finding]:
    """What the unit gives in the newest window; nothing to look at in a number.

    Raises
    ------
    SciBatchError
        That of `compute`.
    """
    newest = replace(plan, edges_ms=plan.edges_ms[-2:])
    if unit.kind == "constant":
        return
    if unit.kind == "file":  # the whole range: a file is at hand
        newest, table = plan, unit_file.read(path_of(unit.argument), plan.edges_ms)[0]
    elif unit.kind == "job-run":
        table = job_runs.job_runs(client, newest)[0]
    else:
        table = units.units(client, newest, unit.argument)
    total = float(table["functional_units"].sum())
    labels = [str(name) for name in table if name not in _NO_LABEL]
    where = "in the range" if unit.kind == "file" else f"in the window from {rfc3339(newest.start_ms)}"
    facts = {"units": total, "rows": len(table), "labels": labels}
    if total > 0:
        by = f", by {named(labels, 4)}" if labels else ", not by any label"
        yield Finding(
            subject=WORK, check=unit.name, status=OK, facts=facts,
            what=f"{total:,.6g} {unit.name} {where}{by}",
        )  # fmt: skip
        return
    yield Finding(
        subject=WORK, check=unit.name, status=WARNING, what=f"no {unit.name} {where}", facts=facts,
        numbers="rows have no score, flagged units-missing or units-zero",
        cure="Try the query in the server's own page, and check --functional-unit; `sci-batch "
        "functional-units` shows presets.",
    )  # fmt: skip
