"""The numbers of the Impact Framework beside the ones of ours that stand in the manifest."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sci_batch.errors import UsageError
from sci_batch.impact.manifest import (
    CARBON,
    MAX_ROWS,
    METHODS,
    OURS,
    ROUNDING,
    SCI,
    SCI_TOTAL,
    TIMESTAMP,
)
from sci_batch.impact.yaml_file import number

TOTAL_TOLERANCE = 1e-12
"""Relative: the totals are the same numbers, added up in another order."""
ROUNDING_TOLERANCE = 1e-9
"""Relative to the carbon of its row: more is no rounding, and would hide a wrong number."""
_NAME = re.compile(r"[a-z]+(?:[-/][a-z]+)*")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_CURE = "Give a file that sci-batch wrote with -o impact-framework=FILE."


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One kind of number: how many there are, how many have the same bits, and the largest difference."""

    what: str
    count: int
    same: int
    furthest: float
    """Largest relative difference."""
    where: str
    """Component and window of it."""
    tolerance: float
    values: tuple[float, float] | None = None
    """Ours and theirs, of a total."""

    @property
    def agrees(self) -> bool:
        """Whether the numbers are the same within the tolerance."""
        return self.count == self.same or self.furthest <= self.tolerance


@dataclass(frozen=True, slots=True)
class _Pair:
    ours: float
    theirs: float
    where: str

    @property
    def difference(self) -> float:
        """Relative; infinite where one is none."""
        if self.ours == self.theirs:
            return 0.0
        if not (math.isfinite(self.ours) and math.isfinite(self.theirs)):
            return math.inf
        return abs(self.ours - self.theirs) / max(abs(self.ours), abs(self.theirs))


def check(manifest: Mapping[str, Any], name: object) -> None:
    """Refuse what this tool does not write: IF would run any program and package that a manifest names.

    Raises
    ------
    UsageError
        Another form, another plugin, an input that is no number.
    """
    problem = next(_problems(manifest), "")
    if problem:
        raise UsageError(f"{name} is no manifest of sci-batch: {problem}", _CURE)


def _problems(manifest: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong, the first thing first; nobody asks for more than that."""
    tree = manifest.get("tree")
    children = tree.get("children") if isinstance(tree, dict) else None
    plugins = _at(manifest, "initialize", "plugins")
    if not isinstance(tree, dict) or not isinstance(children, dict) or not isinstance(plugins, dict):
        yield "it has no tree of components, or no plugins"
        return
    if not isinstance(_at(tree, OURS, "total"), dict):
        yield f"there are no numbers of sci-batch under tree/{OURS}/total"
    for name, plugin in plugins.items():
        if not _is_ours(name, plugin):
            yield f"plugin {name} is none of those that it uses"
    yield from _odd_inputs(tree.get("defaults"), "the defaults")
    rows = 0
    for name, child in children.items():
        yield from _of_component(child, f"component {name}")
        rows += len(child["inputs"])
        if rows > MAX_ROWS:
            yield f"it has more than {MAX_ROWS:,} rows"
    if all(value is None for child in children.values() for value in child[OURS][CARBON]):
        yield "it has no numbers of sci-batch to compare with"


def _of_component(child: object, where: str) -> Iterator[str]:
    inputs = _at(child, "inputs")
    if not isinstance(inputs, list) or not all(isinstance(row, dict) for row in inputs):
        yield f"{where} has no rows of inputs"
        return
    ours = _at(child, OURS)
    if not isinstance(ours, dict) or not _numbers(ours.get(CARBON), len(inputs)):
        yield f"{where} has no numbers of sci-batch"
    elif SCI in ours and not _numbers(ours[SCI], len(inputs)):
        yield f"{where} has no scores of sci-batch"
    if _at(child, "children") is not None:
        yield f"{where} has components of its own"
    yield from _odd_inputs(_at(child, "defaults"), where)
    for row in inputs:
        yield from _odd_inputs(row, where)


def _is_ours(name: object, plugin: object) -> bool:
    """A builtin that this tool uses, with names and numbers only in its settings: IF calculates texts."""
    if not isinstance(plugin, dict) or plugin.get("path") != "builtin" or "mapping" in plugin:
        return False
    config = plugin.get("config")
    if METHODS.get(str(name)) != plugin.get("method") or not isinstance(config, dict):
        return False
    values = [each for value in config.values() for each in (value if isinstance(value, list) else [value])]
    return all(_NAME.fullmatch(each) if isinstance(each, str) else _is_number(each) for each in values)


def _odd_inputs(row: object, where: str) -> Iterator[str]:
    for key, value in row.items() if isinstance(row, dict) else ():
        told = key == TIMESTAMP and isinstance(value, str) and _INSTANT.fullmatch(value)
        if not told and not (_is_number(value) and _NAME.fullmatch(str(key))):
            yield f"{where} has an input {str(key)[:60]!r} that is no number"


def _is_number(value: object) -> bool:
    return number(value) is not None


def _numbers(values: object, count: int) -> bool:
    return (
        isinstance(values, list)
        and len(values) == count
        and all(value is None or _is_number(value) for value in values)
    )


def compared(manifest: Mapping[str, Any], computed: Mapping[str, Any]) -> list[Compared]:
    """Every number of ours with the one that IF came to.

    Parameters
    ----------
    manifest
        As `check` accepts it.
    computed
        The output of if-run.
    """
    tree, found = manifest["tree"], _at(computed, "tree")
    carbon: list[_Pair] = []
    scores: list[_Pair] = []
    rests: list[_Pair] = []
    for name, child in tree["children"].items():
        outputs = _at(found, "children", name, "outputs")
        outputs = outputs if isinstance(outputs, list) else []
        for index, (ours, row) in enumerate(zip(child[OURS][CARBON], child["inputs"], strict=True)):
            theirs = outputs[index] if index < len(outputs) else {}
            where = f"{name} at {row.get(TIMESTAMP)}"
            carbon += _pair(ours, theirs, CARBON, where)
            rests += [] if ours is None else [_Pair(ours, ours + _number(row.get(ROUNDING, 0.0)), where)]
            score = child[OURS][SCI][index] if SCI in child[OURS] else None
            scores += _pair(score, theirs, SCI, where)
    total, sums = tree[OURS]["total"], _at(found, "aggregated")
    unit = tree[OURS].get("functional-unit")
    return [
        _compared("carbon per window [gCO2e]", carbon, 0.0),
        _compared(f"SCI per window [gCO2e/{unit}]", scores, 0.0),
        _compared("part of C that is rounding", rests, ROUNDING_TOLERANCE),
        _total("carbon in total [gCO2e]", _pair(total.get(CARBON), sums, CARBON, "the total")),
        _total(f"SCI in total [gCO2e/{unit}]", _pair(total.get(SCI), sums, SCI_TOTAL, "the total")),
    ]


def _pair(ours: object, row: object, name: str, where: str) -> list[_Pair]:
    """One pair where we have a number, none else."""
    theirs = row.get(name) if isinstance(row, dict) else None
    return [] if ours is None else [_Pair(_number(ours), _number(theirs), where)]


def _number(value: object) -> float:
    found = number(value)
    return math.nan if found is None else found


def _compared(what: str, pairs: Sequence[_Pair], tolerance: float) -> Compared:
    furthest = max(pairs, key=lambda pair: pair.difference, default=_Pair(0.0, 0.0, ""))
    return Compared(
        what=what, count=len(pairs), same=sum(pair.difference == 0 for pair in pairs),
        furthest=furthest.difference, where=furthest.where, tolerance=tolerance,
    )  # fmt: skip


def _total(what: str, pairs: Sequence[_Pair]) -> Compared:
    values = (pairs[0].ours, pairs[0].theirs) if pairs else None
    return replace(_compared(what, pairs, TOTAL_TOLERANCE), values=values)


def _at(value: object, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value
