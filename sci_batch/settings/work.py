"""What a unit of work is and where it is counted: texts of `--functional-unit`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sci_batch.errors import UsageError
from sci_batch.notation import decimal
from sci_batch.settings.presets import PRESETS
from sci_batch.settings.values import repeated, suggestion
from sci_batch.units import FEWEST_UNITS, MOST_UNITS

JOB_RUN: Literal["job-run"] = "job-run"
UNIT_NAME = r"[A-Za-z][\w /.-]*"
UNITS_SPLIT = (
    rf"[;\n](?=\s*(?:{UNIT_NAME}=\s*(?:[a-z-]+:|{JOB_RUN}|[\d.]|(?:{'|'.join(PRESETS)})\s*(?:[;\n]|$))"
    rf"|(?:preset:)?(?:{JOB_RUN}|{'|'.join(PRESETS)})\s*(?:[;\n]|$)))"
)
"""What separates units in the environment: PromQL itself may hold `;` and line feeds."""
_UNIT_EXAMPLE = (
    "Give for example 'request=prometheus:sum by (namespace) (increase(http_requests_total[{window}]))'."
)


@dataclass(frozen=True, slots=True)
class FunctionalUnit:
    """Unit of work: its name and where its count comes from.

    `argument`: a number per row, PromQL, the name of a preset, a path; empty for `job-run`.
    """

    name: str
    kind: Literal["constant", "prometheus", "preset", "file", "job-run"]
    argument: str

    def __str__(self) -> str:
        prefix = {"constant": "", "job-run": "job-run"}.get(self.kind, f"{self.kind}:")
        return f"{self.name}={prefix}{self.argument}"

    def resolved(self, cluster: tuple[str, ...] = ()) -> FunctionalUnit:
        """What a preset stands for, with the matchers of the cluster; others are as they are."""
        if self.kind != "preset":
            return self
        promql = PRESETS[self.argument].promql(cluster)
        return FunctionalUnit(self.name, "prometheus" if promql else "job-run", promql)


def functional_unit(value: str) -> FunctionalUnit:
    """`NAME=SOURCE`: a number, prometheus:PROMQL, file:PATH, job-run, preset:PRESET; or a preset alone."""
    name, equals, source = value.partition("=")
    name, source = name.strip(), source.strip()
    alone = value.strip().removeprefix("preset:")
    if alone in PRESETS:
        return FunctionalUnit(PRESETS[alone].unit, "preset", alone)
    if alone == JOB_RUN:
        return FunctionalUnit("job", JOB_RUN, "")
    if not equals or not source or not re.fullmatch(UNIT_NAME, name):
        hint = f"{suggestion(alone, tuple(PRESETS))} " if re.fullmatch(r"[\w-]+", alone) else ""
        raise UsageError(
            f"{value!r} is not NAME=VALUE, NAME=prometheus:PROMQL, NAME=file:PATH, NAME=job-run or a preset",
            hint + _UNIT_EXAMPLE,
        )
    return _source_of_units(name, source)


def _source_of_units(name: str, source: str) -> FunctionalUnit:
    kind, _, argument = source.partition(":")
    argument = argument.strip()
    if kind == "prometheus" and argument:
        return FunctionalUnit(name, "prometheus", argument)
    if kind == "file" and argument:
        return FunctionalUnit(name, "file", argument)
    if source == JOB_RUN:
        return FunctionalUnit(name, JOB_RUN, "")
    preset = argument if kind == "preset" else source
    if preset in PRESETS:
        return FunctionalUnit(name, "preset", preset)
    if kind == "preset":
        raise UsageError(
            f"{preset!r} is no preset",
            f"{suggestion(preset, tuple(PRESETS))} `sci-batch functional-units` shows them.",
        )
    found = decimal(source)
    if found is None:
        raise UsageError(
            f"{source!r} is neither a number nor prometheus:PROMQL, file:PATH, job-run or a preset",
            _UNIT_EXAMPLE,
        )
    if found <= 0:
        raise UsageError(f"{source!r} units of work give no score", "Give more than 0.")
    if not FEWEST_UNITS <= found <= MOST_UNITS:
        raise UsageError(
            f"{source!r} units of work cannot be", f"Give from {FEWEST_UNITS:g} to {MOST_UNITS:g} per window."
        )
    return FunctionalUnit(name, "constant", source)


def functional_units(chosen: Sequence[FunctionalUnit]) -> tuple[FunctionalUnit, ...]:
    """Units whose names differ, as they name columns."""
    if twice := repeated([unit.name for unit in chosen]):
        raise UsageError(f"two functional units are called {twice}", "Name each, as in user=preset:http.")
    return tuple(chosen)
