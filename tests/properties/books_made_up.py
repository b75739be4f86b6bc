"""Strategies for ENERGY as `sharing` gets it: pods and nodes of some windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from sci_batch.sharing import POLICIES

KWH = st.sampled_from([0.0, 0.0, 1e-9, 0.001, 0.125, 0.3, 1.0, 7.0, 1e3])
WINDOW_SECONDS = np.array([3600.0, 900.0])
policies = st.sampled_from(POLICIES)


@st.composite
def energy(draw: st.DrawFn, *, whole: bool = False) -> tuple[pd.DataFrame, pd.DataFrame]:
    """PODS (with requests and owners) and NODES; `whole`: every node knows its energy, and it is enough."""
    pods, nodes = [], []
    for window in (0, 1):
        for node in ("n1", "n2"):
            names = ["a", "b", "c"][: draw(st.integers(0, 3))]
            cores = draw(st.sampled_from([np.nan, 2.0, 8.0]))
            used = []
            for name in names:
                lived = draw(st.sampled_from([1.0, 0.5, 0.0]))
                used.append(draw(KWH) if lived else 0.0)
                pods.append(
                    {
                        "window": window, "node": node, "namespace": draw(st.sampled_from(["shop", "ops"])),
                        "pod": f"{name}-{node}", "pod_uid": f"uid-{name}-{node}", "active_kwh": used[-1],
                        "seconds": lived * WINDOW_SECONDS[window], "source": "rapl", "flags": 0,
                        "workload_kind": draw(st.sampled_from(["Deployment", "Job"])),
                        "workload": draw(st.sampled_from(["web", "db"])), "inferred": False,
                        "request_cores": draw(st.sampled_from([np.nan, 0.0, 0.25, 1.0, 4.0])),
                        "node_cores": cores,
                    }
                )  # fmt: skip
            rest = draw(KWH)
            known = whole or draw(st.sampled_from([True, True, False]))
            less = 1.0 if whole else draw(st.sampled_from([1.0, 1.0, 0.5]))
            if names or known:
                nodes.append(
                    {
                        "window": window, "node": node,
                        "node_kwh": sum(used) * less + rest if known else np.nan,
                        "source": "rapl" if known else "", "flags": 0,
                        "coverage": draw(st.sampled_from([1.0, 0.25])),
                    }
                )  # fmt: skip
    return _frame(pods, _PODS), _frame(nodes, _NODES)


_PODS = {
    "window": "int64", "node": "str", "namespace": "str", "pod": "str", "pod_uid": "str",
    "active_kwh": "float64",
    "seconds": "float64", "source": "str", "flags": "int64", "workload_kind": "str", "workload": "str",
    "inferred": "bool", "request_cores": "float64", "node_cores": "float64",
}  # fmt: skip
_NODES = {
    "window": "int64", "node": "str", "node_kwh": "float64", "source": "str", "flags": "int64",
    "coverage": "float64",
}  # fmt: skip


def _frame(rows: Sequence[Mapping[str, object]], dtypes: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(dtypes)).astype(dtypes)
