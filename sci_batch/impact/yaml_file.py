"""YAML written by others: plain values only, and bounds on what is read."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sci_batch.errors import UsageError

MAX_DEPTH = 100
"""The fast loader of PyYAML calls itself for each level, in C: thousands of them end the process."""
_CURE = "Give a manifest of the Impact Framework."


def text_of(path: Path, *, max_bytes: int) -> str:
    """The file's text.

    Raises
    ------
    UsageError
        It cannot be read, is too large, or is not UTF-8.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(max_bytes + 1)
        if len(content) > max_bytes:
            raise UsageError(f"{path} is larger than {max_bytes / 1e6:g} MB", "Give a manifest alone.")
        return content.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}", "Check the path.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8 text", _CURE) from None


def mapping(text: str, name: object) -> dict[str, Any]:
    """The mapping that a YAML text holds; no Python object is ever made from it.

    Raises
    ------
    UsageError
        No YAML, nested too deeply, aliases (few bytes can stand for gigabytes), or no mapping.
    """
    import yaml  # type: ignore[import-untyped, unused-ignore]  # slow to import

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _check(yaml.parse(text, Loader=loader), name)
        found = yaml.load(text, Loader=loader)  # noqa: S506
    except yaml.YAMLError as failed:
        if "nesting depth" in str(failed):  # PyYAML 6.0.4 and later count themselves
            raise UsageError(f"{name} is nested too deeply", _CURE) from None
        mark = getattr(failed, "problem_mark", None)
        raise UsageError(f"{name} is not YAML{f' (line {mark.line + 1})' if mark else ''}", _CURE) from None
    except (ValueError, TypeError) as failed:  # a date such as 2024-13-45, a key that is a mapping
        raise UsageError(f"{name} holds a value that is none: {str(failed)[:200]}", _CURE) from None
    if not isinstance(found, dict):
        raise UsageError(f"{name} is no manifest: it holds no mapping of names to values", _CURE)
    return found


def _check(events: Any, name: object) -> None:
    import yaml

    depth = 0
    for event in events:
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise UsageError(f"{name} is nested too deeply", _CURE)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.AliasEvent):
            raise UsageError(f"{name} has aliases (*name), which are not read", "Write each value out.")


def number(value: object) -> float | None:
    """A finite number, None for all else."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        found = float(value)
    except OverflowError:  # a whole number of hundreds of digits
        return None
    return found if math.isfinite(found) else None


def numbers(values: Iterable[Any]) -> list[float]:
    """Distinct numbers from 0 on, in their order."""
    known = (number(value) for value in values)
    return list(dict.fromkeys(value for value in known if value is not None and value >= 0))
