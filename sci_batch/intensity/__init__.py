"""Grid carbon intensity: one file per source, one dictionary of sources, one way to close holes."""

from __future__ import annotations

from sci_batch.intensity.frame import Intensity, Request
from sci_batch.intensity.loading import SOURCES, load, read, refuse_mixing
from sci_batch.intensity.replay import Asked, Kept, asked, at_hand, replayed

__all__ = [
    "SOURCES",
    "Asked",
    "Intensity",
    "Kept",
    "Request",
    "asked",
    "at_hand",
    "load",
    "read",
    "refuse_mixing",
    "replayed",
]
