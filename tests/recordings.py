"""A small recording, made without a server: one node, two pods, two hours, a reading a minute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sci_batch import source
from sci_batch.asking.planned import plan_of
from sci_batch.intensity import Intensity
from sci_batch.settings import windows_of
from tests.properties import recorded, sources
from tests.properties.recorded import Series

START_S = 1_772_409_600
END_S = START_S + 2 * 3600
SPAN = ("--start", str(START_S), "--end", str(END_S))
UNIT = "request=prometheus:sum by (namespace, pod) (increase(http_requests_total[{window}]))"
ACTIVE_W, IDLE_W, PLATFORM_W = 30.0, 60.0, 200.0
"""Of the node: 10 W by the pod `web-0`, 20 W by `db-0`."""


def _series(metric: str, watts: float, **labels: str) -> Series:
    times = range(START_S - 600, END_S + 1, 60)
    samples = tuple((at * 1000, 1000.0 + watts * (at - START_S + 600)) for at in times)
    shared = {"__name__": metric, "node_name": "n1", "instance": "10.0.0.1:28282", "zone": "package"}
    return Series(labels={**shared, **labels}, samples=samples)


def cluster() -> list[Series]:
    """What Prometheus would hold of it."""
    pod = {"pod_namespace": "shop", "state": "running"}
    return [
        _series("kepler_node_cpu_active_joules_total", ACTIVE_W),
        _series("kepler_node_cpu_idle_joules_total", IDLE_W),
        _series("kepler_pod_cpu_joules_total", 10.0, pod_name="web-0", pod_id="u1", **pod),
        _series("kepler_pod_cpu_joules_total", 20.0, pod_name="db-0", pod_id="u2", **pod),
    ]


def facts(sockets: float | None) -> dict[str, pd.DataFrame]:
    """What kube-state-metrics says of it, and the sockets that Kepler shows."""
    pods = [("shop", "web-0", "u1"), ("shop", "db-0", "u2")]
    named = pd.DataFrame(pods, columns=["namespace", "pod", "uid"])
    place = {"instance_type": "m5.large", "region": "eu-west-1", "zone": "eu-west-1a", "arch": "amd64"}
    return {
        "pod_owners": named.assign(owner_kind="StatefulSet", owner_name=["web", "db"]),
        "pods": named.assign(node="n1"),
        "created": named.assign(seconds=START_S - 86_400.0),
        "requests": named.assign(cores=1.0),
        "capacity": pd.DataFrame({"node": ["n1"], "cores": [4.0]}),
        "memory_requests": named.assign(bytes=1e9),
        "memory_capacity": pd.DataFrame({"node": ["n1"], "bytes": [16e9]}),
        "node_labels": pd.DataFrame({"node": ["n1"], **{name: [text] for name, text in place.items()}}),
        "node_info": pd.DataFrame({"node": ["n1"], "provider_id": ["aws:///eu-west-1a/i-1"]}),
        "pod_labels": named[["namespace", "pod"]].assign(**{"label_team": ["web", "data"]}),
        "namespace_labels": pd.DataFrame({"namespace": ["shop"], "label_team": ["x"]}),
    } | ({} if sockets is None else {"sockets": pd.DataFrame({"node": ["n1"], "sockets": [sockets]})})


def record(
    out: Path, *, platform: bool = False, sockets: float | None = 2.0,
    intensities: Mapping[str, Intensity] | None = None, **flags: Any,
) -> Path:  # fmt: skip
    """Write it to `out`, as `sci-batch record` does with these flags; `intensities` by `kind:argument`."""
    given = {"intensity": "380", "power_domains": "package", "functional_unit": [UNIT], **flags}
    given |= {"start": str(START_S), "end": str(END_S), "node_energy": "platform" if platform else "rapl"}
    chosen = sources.settings(given)
    windows = windows_of(chosen, END_S * 1000)
    plan = plan_of(chosen, windows)
    hours = np.array(windows.edges_ms)
    requests = pd.DataFrame({"start_ms": hours[:-1], "end_ms": hours[1:], "functional_units": 1000.0})
    opened = sources.source(
        recorded.counters(cluster(), plan), windows, chosen, facts=sources.kube(facts(sockets)),
        units={"request": requests.assign(namespace="shop", pod="web-0")},
    )  # fmt: skip
    inputs = opened.inputs
    if platform:
        joules = PLATFORM_W * 3600
        power = pd.DataFrame({"node": "n1", "start_ms": hours[:-1], "end_ms": hours[1:], "joules": joules})
        inputs = replace(inputs, platform=power)
    assert opened.grid is not None
    grid = opened.grid if intensities is None else replace(opened.grid, sources=intensities)
    source.keep(replace(opened, inputs=inputs, grid=grid), out)
    return out
