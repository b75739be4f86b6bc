"""A stored result on other hardware: by the kinds of nodes that its provenance keeps."""

from __future__ import annotations

from typing import Any

import pandas as pd

from sci_batch import embodied, what_if
from sci_batch.errors import UsageError
from sci_batch.report import Provenance, Report
from sci_batch.settings import Settings

AGAIN = "Compute again with that choice, from the server or a recording."
NOTE = "energy stays as it was measured: what other hardware would use is in no meter"
_MOST_NAMED = 4


def on_hardware(
    report: Report, result: pd.DataFrame, settings: Settings, method: dict[str, Any]
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """RESULT with M by the TE and EL that `--embodied` gives to its nodes, and notes; `method` follows.

    `method` has the lifespan of nodes that no source gives one.

    Raises
    ------
    UsageError
        The result tells no hardware, a file asks for labels of the nodes, or nodes change unlike and a row
        holds several of them.
    SciBatchError
        What the sources of `--embodied` say.
    """
    made, chain = report.provenance, settings.embodied.pairs if settings.embodied else ()
    if not made.hardware:
        raise UsageError(
            "this result does not tell the hardware of its nodes", "Give one stored as Parquet or JSON."
        )
    if keys := embodied.label_keys(chain):
        raise UsageError(f"a stored result does not tell the labels of its nodes ({', '.join(keys)})", AGAIN)
    facts, before = stored_hardware(made)
    found = embodied.load(
        chain, facts, lifespan_seconds=float(method["lifespan_seconds"]), offline=settings.offline
    )
    factors = what_if.hardware_factors(before, found.nodes)
    method["embodied"] = embodied.described(chain)
    if "node" in made.group_by:
        mine = result[["node"]].merge(factors, on="node", how="left", validate="m:1")
    else:
        mine = _of_all(factors, facts, before, made).loc[[0] * len(result)]
    return what_if.with_hardware(result, mine), (*found.notes, NOTE)


def stored_hardware(made: Provenance) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What the nodes are, and their TE and EL, as all runs of a result say.

    Raises
    ------
    UsageError
        They do not agree.
    """
    try:
        return embodied.of_kinds(made.hardware)
    except ValueError as error:
        raise UsageError(f"the runs of this result do not agree on the hardware: {error}", AGAIN) from None


def _of_all(
    factors: pd.DataFrame, facts: pd.DataFrame, before: pd.DataFrame, made: Provenance
) -> pd.DataFrame:
    """The one line of factors of nodes that all change alike; of their sources, all."""
    lines = factors.drop(columns=["node", "embodied_source"]).round(12).drop_duplicates()
    if len(lines) > 1:
        kinds = pd.DataFrame({"type": facts["instance_type"].replace("", "type unknown"),
                              "kg": before["embodied_kgco2e"]}).drop_duplicates()  # fmt: skip
        named = [f"{kind} with {kg:,.0f} kg" for kind, kg in kinds.itertuples(index=False)]
        more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
        keys = ",".join([*made.group_by, "node"])
        raise UsageError(
            f"the nodes change unlike ({', '.join(named[:_MOST_NAMED])}{more}), and the rows of the stored "
            "result do not tell how much of them is on which node",
            f"Store a result with --group-by {keys}.",
        )
    sources = "+".join(sorted(set(factors["embodied_source"])))
    return factors.iloc[:1].assign(embodied_source=sources).reset_index(drop=True)
