"""What a node's power supply shows (Redfish, `kepler_platform_watts`): the whole server, fans too."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sci_batch.asking.plan import Plan
from sci_batch.fetch.units import equal_windows
from sci_batch.kepler import duration
from sci_batch.prometheus.client import Client
from sci_batch.units import MS_PER_SECOND

CONTROL = "PowerControl"
"""`source_type` of the whole; the parts are `PowerSupply`."""


def query(plan: Plan, step_ms: int) -> str:
    """Mean power of each source over a step [W]; `max by` drops the scraper's own labels."""
    selector = f"kepler_platform_watts{{{','.join(plan.cluster)}}}"
    by = "node_name, source_type, bmc_id, chassis_id, source_id"
    return f"sum by (node_name, source_type) (max by ({by}) (avg_over_time({selector}[{duration(step_ms)}])))"


def platform(client: Client, plan: Plan) -> pd.DataFrame:
    """PLATFORM: node, start_ms, end_ms, joules. One row per node and step that shows its power.

    A server that reports both its power control (the whole) and its supplies (the parts) counts once.
    """
    frames = []
    for first_ms, last_ms, width in equal_windows(plan.energy_edges_ms):
        answer = client.range(query(plan, width), first_ms + width, last_ms, width)
        frames.append(
            pd.DataFrame(
                {
                    "node": answer.label("node_name").to_numpy()[answer.series],
                    "kind": answer.label("source_type").to_numpy()[answer.series],
                    "start_ms": answer.time_ms - width,
                    "end_ms": answer.time_ms,
                    "joules": answer.value * width / MS_PER_SECOND,
                }
            )
        )
    table = pd.concat(frames, ignore_index=True)
    rank = np.where(table["kind"] == CONTROL, 0, 1)
    table = table.assign(rank=rank).sort_values(["node", "start_ms", "rank"], kind="stable")
    return table.drop_duplicates(["node", "start_ms"])[["node", "start_ms", "end_ms", "joules"]].reset_index(
        drop=True
    )
