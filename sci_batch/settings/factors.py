"""Where carbon factors come from: texts of `--intensity`, `--pue`, `--embodied`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sci_batch.errors import UsageError
from sci_batch.notation import decimal
from sci_batch.prometheus.http import split_url
from sci_batch.settings.values import suggestion
from sci_batch.units import HIGHEST_PUE

INTENSITY_KINDS = (
    "constant", "zone", "region", "file", "prometheus", "electricitymaps", "uk", "energy-charts",
    "carbon-aware-sdk", "watttime",
)  # fmt: skip
INTENSITY_VARIABLES = (
    *(f"SCI_BATCH_{name}_URL" for name in ("ELECTRICITYMAPS", "UK", "ENERGY_CHARTS", "WATTTIME")),
    *(
        f"SCI_BATCH_{name}{end}"
        for name in ("ELECTRICITYMAPS_TOKEN", "WATTTIME_USER", "WATTTIME_PASSWORD")
        for end in ("", "_FILE")
    ),
)
"""Read by `sci_batch.intensity` alone: secrets, and other addresses of its servers."""
_MARKET_KINDS = ("market", "market-based", "residual", "residual-mix", "supplier", "contract", "ppa", "rec")
EMBODIED_KINDS = ("kg", "catalogue", "file", "model", "boavizta")
_EMBODIED_START = re.compile(rf",(?=(?:{'|'.join(EMBODIED_KINDS)})(?:[:,]|$))")


@dataclass(frozen=True, slots=True)
class Spec:
    """`kind:argument`: where a factor comes from, `Spec("constant", "380")`."""

    kind: str
    argument: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.argument}" if self.argument else self.kind


@dataclass(frozen=True, slots=True)
class Chain:
    """Sources in the order in which they are asked: the first that knows a node wins."""

    sources: tuple[Spec, ...] = ()

    def __str__(self) -> str:
        return ",".join(map(str, self.sources))

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Kind and argument of each."""
        return tuple((source.kind, source.argument) for source in self.sources)


def intensity(value: str) -> Spec:
    """Grid intensity [gCO2e/kWh]: a number, or `KIND:ARGUMENT`."""
    kind, colon, argument = (part.strip() for part in value.partition(":"))
    if kind in _MARKET_KINDS:
        raise UsageError(
            f"{kind!r} is market-based, which SCI 1.1 excludes (Region-specific carbon intensity)",
            "Give the average or marginal intensity of the grid, such as zone:DE.",
        )
    if kind == "uk":
        return Spec(kind, argument or "national")
    if not colon and decimal(kind) is None:
        hint = f"zone:{kind}" if re.fullmatch(r"[A-Z]{2}(-[A-Z0-9-]+)?", kind) else "380 or zone:DE"
        raise UsageError(f"{value!r} is not KIND:ARGUMENT", f"Give for example {hint}.")
    if colon and kind not in INTENSITY_KINDS:
        raise UsageError(
            f"{kind!r} is no known kind",
            f"{suggestion(kind, INTENSITY_KINDS)} Give for example 380 or zone:DE.",
        )
    if kind in ("constant", "") or not colon:
        argument = argument if colon else kind
        found = decimal(argument)
        if found is None or found < 0:
            raise UsageError(f"{argument!r} is not a number of at least 0", "Give for example 380.")
        return Spec("constant", argument)
    if not argument:
        raise UsageError(
            f"{kind}: has no argument",
            "`sci-batch factors list` shows what each kind takes; such as zone:DE.",
        )
    return Spec(kind, argument)


def pue(value: str) -> str:
    """A factor from 1 to 10, `auto`, `aws` or `gcp:europe-west4`; the table is looked at later."""
    factor = decimal(value)
    if factor is not None and not 1 <= factor <= HIGHEST_PUE:
        raise UsageError(f"not a PUE: {value}", f"Give from 1 to {HIGHEST_PUE:g}, such as 1.2.")
    if factor is None and not re.fullmatch(r"[a-z]+(:[a-z0-9-]+)?", value.lower()):
        raise UsageError(f"not a PUE: {value}", "Give a number such as 1.2, a place such as aws, or auto.")
    return value


def embodied(value: str) -> Chain:
    """Embodied carbon of the nodes: `kg:1200` [kgCO2e], or a chain such as `file:nodes.toml,catalogue,model`.

    A comma parts two sources where a kind follows it; paths may hold others.
    """
    return Chain(tuple(_embodied(part.strip()) for part in _EMBODIED_START.split(value)))


def _embodied(value: str) -> Spec:
    kind, _, argument = value.partition(":")
    if kind not in EMBODIED_KINDS:
        wrong = next((word for word in kind.split(",") if word not in EMBODIED_KINDS), kind)
        raise UsageError(
            f"{wrong!r} is no known kind", f"{suggestion(wrong, EMBODIED_KINDS)} Give for example kg:1200."
        )
    if kind == "kg" and not (decimal(argument) or 0.0) > 0:
        raise UsageError(f"{argument!r} is not a number above 0", "Give for example kg:1200.")
    if kind == "file" and not argument.lower().endswith((".csv", ".toml")):
        raise UsageError(f"{argument!r} is neither .csv nor .toml", "Give for example file:nodes.toml.")
    if kind == "boavizta":
        _check_plain_url(argument)
    if kind == "catalogue" and argument:
        raise UsageError(f"catalogue takes no argument, not {argument!r}", "Give catalogue alone.")
    return Spec(kind, argument)


def _check_plain_url(value: str) -> None:
    try:
        parts = split_url(value)
    except UsageError:
        parts = None
    if parts is None or parts.username is not None or parts.query:
        raise UsageError(
            "boavizta takes an http(s) address without login and `?`",
            "Give for example boavizta:http://boavizta:5000.",
        )
