"""How many processor sockets a node has: Kepler's `kepler_node_cpu_info`, which does not name its node."""

from __future__ import annotations

import pandas as pd

from sci_batch import kepler
from sci_batch.asking.plan import Plan
from sci_batch.prometheus.client import Client
from sci_batch.prometheus.samples import Samples

LOOKS = 12
"""At how many moments of the range is looked: sockets do not change, but nodes come and go."""
SHORTEST_STEP_MS = 600_000


def sockets(client: Client, plan: Plan) -> pd.DataFrame:
    """Node, sockets; empty where nobody needs them or Kepler is too old to show them."""
    if not plan.sockets:
        return pd.DataFrame({"node": pd.Series(dtype="str"), "sockets": pd.Series(dtype="float64")})
    of_target, name = queries(plan)
    instance, node = (plan.labels.of(kepler.REWRITE, word) for word in ("instance", "node"))
    step = max(SHORTEST_STEP_MS, (plan.end_ms - plan.start_ms) // LOOKS // 60_000 * 60_000)
    looks = plan.start_ms, plan.end_ms, step
    counted = _frame(client.range(of_target, *looks), {"instance": instance}, "sockets")
    named = _frame(client.range(name, *looks), {"instance": instance, "node": node}, "series")
    key = ["time_ms", "instance"]  # an address may pass from one node to another
    both = counted.merge(named.drop_duplicates(key, keep="last"), on=key, how="inner", validate="1:1")
    last = both[both["node"] != ""].sort_values("time_ms").drop_duplicates("node", keep="last")
    return last[["node", "sockets"]].sort_values("node", ignore_index=True)


def queries(plan: Plan) -> list[str]:
    """PromQL: sockets of each scrape target, and the node of each target."""
    if not plan.sockets:
        return []
    instance, node = (plan.labels.of(kepler.REWRITE, word) for word in ("instance", "node"))
    selector = ",".join(plan.cluster)
    return [
        f"count by ({instance}) (count by ({instance}, physical_id) (kepler_node_cpu_info{{{selector}}}))",
        f"count by ({instance}, {node}) (kepler_node_cpu_active_joules_total{{{selector}}})",
    ]


def _frame(answer: Samples, labels: dict[str, str], value: str) -> pd.DataFrame:
    """One row per value: time_ms, the labels, the value."""
    columns = {ours: answer.label(theirs).to_numpy()[answer.series] for ours, theirs in labels.items()}
    frame = pd.DataFrame({"time_ms": answer.time_ms, **columns, value: answer.value})
    return frame.astype(dict.fromkeys(labels, "str"))
