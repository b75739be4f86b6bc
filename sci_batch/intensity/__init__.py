"""Grid carbon intensity: one file per source, one dictionary of sources, one way to close holes."""

from __future__ import annotations

from sci_batch.intensity.frame import Intensity, Request
from sci_batch.intensity.loading import SOURCES, load, read, refuse_mixing

__all__ = ["SOURCES", "Intensity", "Request", "load", "read", "refuse_mixing"]
