"""The questions of the raw pull."""

from __future__ import annotations

import numpy as np

from sci_batch.asking.plan import Discovery, Plan, Stretch
from sci_batch.kepler import Meter
from sci_batch.prometheus.client import Client
from sci_batch.prometheus.samples import Samples


def samples_per_second(client: Client, plan: Plan, found: Discovery) -> float:
    """Samples per second of a series, the fastest met at a few moments of the range."""
    meter = found.meters[-1]
    moments = np.linspace(plan.start_ms, plan.end_ms, 4).astype(int).tolist()
    counts = client.map(
        lambda at: client.instant(f"max(count_over_time({meter.selector()}[10m]))", at).value, moments
    )
    most = max((value for values in counts for value in values.tolist()), default=20.0)
    return float(most) / 600


def ask(client: Client, found: Discovery, stretch: Stretch) -> list[tuple[Meter, Samples]]:
    """Every stored sample of every meter in a stretch."""
    return client.map(
        lambda meter: (meter, client.stored(meter.selector(), stretch.start_ms, stretch.end_ms)), found.meters
    )
