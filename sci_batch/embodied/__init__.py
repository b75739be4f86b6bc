"""Embodied carbon: hardware to grams per pod and window."""

from __future__ import annotations

from sci_batch.embodied.hardware import SOURCES, Hardware, described, facts, label_keys, load, of_rows
from sci_batch.embodied.kg import DEFAULT_KGCO2E
from sci_batch.embodied.kinds import kinds, of_kinds
from sci_batch.embodied.share import SHARES, embodied, node_gco2e, reserved, shares, with_hardware

__all__ = [
    "DEFAULT_KGCO2E",
    "SHARES",
    "SOURCES",
    "Hardware",
    "described",
    "embodied",
    "facts",
    "kinds",
    "label_keys",
    "load",
    "node_gco2e",
    "of_kinds",
    "of_rows",
    "reserved",
    "shares",
    "with_hardware",
]  # fmt: skip
