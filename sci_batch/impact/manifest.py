"""A manifest of the Impact Framework 1.1: builtins only, and every parameter with its unit and method.

IF reads each string among inputs as arithmetic where it can, and takes only letters, `-`, `_` and `/` in
names of parameters. So inputs are numbers and timestamps; words stand in keys of the tree that IF keeps and
does not read (`OURS`).
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

OURS = "sci-batch"
"""Key of the tree and of each component that holds what this tool says."""
MAX_ROWS = 100_000
"""IF takes about 45 s and 1 GB of memory for so many."""

TIMESTAMP, DURATION, ENERGY, INTENSITY = "timestamp", "duration", "energy", "grid/carbon-intensity"
PUE, OPERATIONAL, EMBODIED = "power-usage-effectiveness", "carbon-operational", "carbon-embodied"
ROUNDING, CARBON, UNITS, SCI, SCI_TOTAL = "carbon-rounding", "carbon", "functional-units", "sci", "sci-total"

MULTIPLY, SUM, SCORE, SHARE = "operational-carbon", "carbon", "sci", "share-of-total-sci"
"""Names of the plugins."""
METHODS = {MULTIPLY: "Multiply", SUM: "Sum", SCORE: "Sci", SHARE: "Divide"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Inputs of one window."""

    timestamp: str
    """Start of the window, RFC 3339."""
    seconds: int
    energy_kwh: float = 0.0
    intensity_gco2e_per_kwh: float = 0.0
    embodied_gco2e: float = 0.0
    pue: float | None = None
    """Where it differs from the default of the tree."""
    rounding_gco2e: float = 0.0
    """What the sums of pods and time steps differ from the product of sums."""
    units: float | None = None
    """R; None in components without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One group of the result, with the same windows as all others."""

    name: str
    facts: Mapping[str, Any]
    rows: Sequence[Row]
    scored: bool
    """Whether its rows have R."""
    carbon_gco2e: Sequence[float | None]
    """Our C of each row; None where the result has no such row."""
    sci_gco2e_per_unit: Sequence[float | None] | None
    """Our SCI of each row; None in components without R."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What stands above the components."""

    name: str
    description: str
    facts: Mapping[str, Any]
    pue: float
    unit: str | None
    total_units: float | None
    """R of everything, each count once; None: no total score."""


def plugins(unit: str | None, total_units: float | None) -> dict[str, dict[str, Any]]:
    """The four steps, in their order; without R only the first two."""
    made = {
        MULTIPLY: _plugin(
            MULTIPLY,
            {"input-parameters": [ENERGY, PUE, INTENSITY], "output-parameter": OPERATIONAL},
            {
                ENERGY: _parameter("IT energy, active and shared", "kWh", "sum", "sum"),
                PUE: _parameter("power of the data centre for each watt of IT", "1", "none", "none"),
                INTENSITY: _parameter(
                    "grid intensity in effect, weighted by energy", "gCO2e/kWh", "none", "none"
                ),
            },
            {OPERATIONAL: _parameter("O = energy x PUE x intensity", "gCO2e", "sum", "sum")},
        ),
        SUM: _plugin(
            SUM,
            {"input-parameters": [OPERATIONAL, EMBODIED, ROUNDING], "output-parameter": CARBON},
            {
                OPERATIONAL: _parameter("O = energy x PUE x intensity", "gCO2e", "sum", "sum"),
                EMBODIED: _parameter("M = TE x TiR/EL x RR/ToR, summed over pods", "gCO2e", "sum", "sum"),
                ROUNDING: _parameter(
                    "what the sum over pods and time steps differs from the product of the row's sums: "
                    "a few units in the last digit",
                    "gCO2e", "sum", "sum",
                ),
            },
            {CARBON: _parameter("C = O + M", "gCO2e", "sum", "sum")},
        ),
    }  # fmt: skip
    if total_units is not None:
        made[SHARE] = _plugin(
            SHARE,
            {"numerator": CARBON, "denominator": float(total_units), "output": SCI_TOTAL},
            {CARBON: _parameter("C = O + M", "gCO2e", "sum", "sum")},
            {
                SCI_TOTAL: _parameter(
                    f"the row's part of the SCI of everything: C / R of the whole period, each {unit} "
                    "counted once. Its sum over rows is the ratio of sums",
                    f"gCO2e/{unit}", "sum", "sum",
                )
            },
        )  # fmt: skip
    if unit is not None:
        made[SCORE] = _plugin(
            SCORE,
            {"functional-unit": UNITS},
            {
                CARBON: _parameter("C = O + M", "gCO2e", "sum", "sum"),
                UNITS: _parameter(f"R: {unit}, units of work done in the window", unit, "none", "none"),
            },
            {
                SCI: _parameter(
                    "SCI = C / R of the window; not aggregated, as a mean of ratios is no score",
                    f"gCO2e/{unit}", "none", "none",
                )
            },
        )  # fmt: skip
    return made


def _plugin(
    name: str, config: dict[str, Any], inputs: dict[str, Any], outputs: dict[str, Any]
) -> dict[str, Any]:
    return {
        "path": "builtin", "method": METHODS[name], "config": config,
        "parameter-metadata": {"inputs": inputs, "outputs": outputs},
    }  # fmt: skip


def _parameter(description: str, unit: str, time: str, component: str) -> dict[str, Any]:
    return {
        "description": description, "unit": unit, "aggregation-method": {"time": time, "component": component}
    }  # fmt: skip


def head(made: Head, *, scored: bool) -> str:
    """All lines above the components; `scored`: whether any component has R."""
    steps = plugins(made.unit if scored else None, made.total_units)
    metrics = [ENERGY, OPERATIONAL, EMBODIED, CARBON, *([SCI_TOTAL] if SHARE in steps else [])]
    top = {
        "name": made.name,
        "description": made.description,
        "aggregation": {"metrics": metrics, "type": "both"},
        "initialize": {"plugins": steps},
    }
    tree = {
        "pipeline": {"compute": list(steps)},
        "defaults": {PUE: made.pue, ROUNDING: 0.0},
        OURS: dict(made.facts),
    }
    return dumped(top) + "tree:\n" + textwrap.indent(dumped(tree), "  ") + "  children:\n"


def component(made: Component, *, has_total: bool) -> Iterator[str]:
    """The lines of one component; `has_total`: whether there is a step for the total score."""
    node: dict[str, Any] = {}
    if not made.scored:
        node["pipeline"] = {"compute": [MULTIPLY, SUM, *([SHARE] if has_total else [])]}
    node[OURS] = dict(made.facts)
    yield textwrap.indent(_key(made.name), "    ")
    yield textwrap.indent(dumped(node), "      ")
    yield f"        {CARBON}: {_flow(made.carbon_gco2e)}\n"
    if made.sci_gco2e_per_unit is not None:
        yield f"        {SCI}: {_flow(made.sci_gco2e_per_unit)}\n"
    yield "      inputs:\n"
    for row in made.rows:
        yield _row(row)


def _key(name: str) -> str:
    return dumped({name: None}).removesuffix(" null\n") + "\n"


def _row(row: Row) -> str:
    numbers = [
        (ENERGY, row.energy_kwh), (INTENSITY, row.intensity_gco2e_per_kwh), (EMBODIED, row.embodied_gco2e),
        *([(PUE, row.pue)] if row.pue is not None else []),
        *([(ROUNDING, row.rounding_gco2e)] if row.rounding_gco2e else []),
        *([(UNITS, row.units)] if row.units is not None else []),
    ]  # fmt: skip
    lines = [f"        - {TIMESTAMP}: '{row.timestamp}'", f"          {DURATION}: {row.seconds}"]
    lines += [f"          {name}: {number(value)}" for name, value in numbers]
    return "\n".join(lines) + "\n"


def _flow(values: Sequence[float | None]) -> str:
    return "[" + ", ".join("null" if value is None else number(value) for value in values) + "]"


def number(value: float) -> str:
    """A float that every YAML reader takes for one, with all of its bits.

    >>> number(1e-07), number(0.1 + 0.2), number(380.0)
    ('1.0e-07', '0.30000000000000004', '380.0')
    """
    digits, e, exponent = repr(float(value)).partition("e")
    return f"{digits}.0e{exponent}" if e and "." not in digits else digits + e + exponent


def dumped(value: Mapping[str, Any]) -> str:
    """Block YAML of plain values, in their order."""
    import yaml  # type: ignore[import-untyped, unused-ignore]  # slow to import

    text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, default_flow_style=False, width=110)
    return str(text)
