"""`kg:1200`: the same for every node."""

from __future__ import annotations

import pandas as pd

from sci_batch.counters import FLAG_BITS
from sci_batch.embodied.quantity import kgco2e, number
from sci_batch.errors import UsageError

DEFAULT_KGCO2E = 1216.0
"""Median manufacturing footprint of 48 vendor server reports (465 to 2503 kg; e.g. Dell R740 1313)."""


def nodes(argument: str, facts: pd.DataFrame) -> pd.DataFrame:
    """Every node.

    Raises
    ------
    UsageError
        Not a number of kilograms.
    """
    try:
        value = kgco2e(number(argument))
    except UsageError as error:
        raise UsageError(
            f"--embodied kg:{argument}: {error.what}", f"{error.cure} --embodied kg:1200"
        ) from None
    return facts[["node"]].assign(embodied_kgco2e=value, embodied_source=f"kg:{value:g}")


def default(facts: pd.DataFrame) -> pd.DataFrame:
    """Every node, when nothing is given: `DEFAULT_KGCO2E`, flagged."""
    return facts[["node"]].assign(
        embodied_kgco2e=DEFAULT_KGCO2E,
        embodied_source=f"default:kg:{DEFAULT_KGCO2E:g}",
        flags=FLAG_BITS["embodied-default"],
    )
