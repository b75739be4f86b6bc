"""Grid carbon intensity: one file per source, one dictionary of sources."""

from __future__ import annotations

from collections.abc import Callable

from sci_batch.errors import UsageError
from sci_batch.intensity import constant
from sci_batch.intensity.constant import Intensity

__all__ = ["SOURCES", "Intensity", "load"]

SOURCES: dict[str, Callable[[str], Intensity]] = {"constant": constant.load}


def load(kind: str, argument: str) -> Intensity:
    """The intensity that `--intensity KIND:ARGUMENT` names."""
    if kind not in SOURCES:
        raise UsageError(
            f"unknown kind of grid intensity: {kind}",
            f"--intensity takes a number, or one of {', '.join(SOURCES)}.",
        )
    return SOURCES[kind](argument)
