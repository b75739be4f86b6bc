"""What the manifest of a recording must say, and how: whoever can change a file can seal it again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_TABLE = re.compile(r"[a-z_0-9]+\.parquet")
"""A file of the recording's own folder, never a path."""
_LATEST_MS = 253_402_300_800_000
_INTENSITY = {
    "spec": str, "kind": str, "basis": str, "zones": [str], "zone_of_node": {str: str}, "notes": [str],
    "step_ms": (int, None),
    "asked": {
        "basis": (str, None), "gap": str, "fallbacks": [str], "allow_world_average": bool,
    },
}  # fmt: skip
_FACTS: Mapping[str, Any] = {
    "source": str, "start_ms": int, "end_ms": int, "pull": str, "step_ms": int, "power_domains": [str],
    "cluster": str, "max_gap_ms": int, "platform": bool, "embodied": str,
    "functional_units": [{"name": str, "kind": str, "argument": str, "table": _TABLE}],
    "notes": [str], "queries": [str], "warnings": [str], "intensities": [_INTENSITY], "files": {_TABLE: str},
}  # fmt: skip


def odd(facts: Mapping[str, Any]) -> str:
    """Name of the first fact that is missing, or is of another form; empty where all is well."""
    for name, shape in _FACTS.items():
        if not _fits(facts.get(name), shape):
            return name
    return "" if 0 <= facts["start_ms"] < facts["end_ms"] < _LATEST_MS else "start_ms"


def _fits(value: object, shape: Any) -> bool:
    """Whether a value has a form: a type, a pattern, alternatives, a list, named members or any members."""
    match shape:
        case None:
            return value is None
        case type():
            return isinstance(value, shape) and (shape is bool or not isinstance(value, bool))
        case re.Pattern():
            return isinstance(value, str) and shape.fullmatch(value) is not None
        case tuple():
            return any(_fits(value, one) for one in shape)
        case list():
            return isinstance(value, list) and all(_fits(part, shape[0]) for part in value)
    if not isinstance(value, dict):
        return False
    if not all(isinstance(name, str) for name in shape):
        [(name_shape, part_shape)] = shape.items()
        return all(_fits(name, name_shape) and _fits(part, part_shape) for name, part in value.items())
    return set(shape) <= set(value) and all(_fits(value[name], one) for name, one in shape.items())
