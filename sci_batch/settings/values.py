"""Texts to values: each function reads one text, or raises `UsageError` with a cure."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from sci_batch.errors import UsageError
from sci_batch.prometheus.http import split_url
from sci_batch.schema import GROUP_KEYS, LABEL_KEY_PREFIX
from sci_batch.settings.presets import PRESETS
from sci_batch.sinks import SINKS
from sci_batch.windows import parse_time

POWER_DOMAINS = ("package", "dram", "core", "uncore", "pp0", "pp1", "psys", "other", "gpu")
_INSIDE_PACKAGE = ("core", "uncore", "pp0", "pp1")
KEPLER_LABELS = (
    "node", "namespace", "pod", "pod_id", "container_id", "power_domain", "mode", "state", "instance",
)  # fmt: skip
KUBE_LABELS = ("namespace", "pod", "uid", "node")
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
_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_DOMAIN_NAME = re.compile(r"[A-Za-z0-9_.-]+")
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
_YES, _NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


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


@dataclass(frozen=True, slots=True)
class Output:
    """One output: a format of `SINKS`, and a file (None: standard output)."""

    format: str
    path: Path | None

    def __str__(self) -> str:
        return self.format if self.path is None else f"{self.format}={self.path}"


def suggestion(wrong: str, known: Collection[str]) -> str:
    """`Did you mean x?`, else the list of what is known."""
    near = get_close_matches(wrong, known, n=1, cutoff=0.6)
    return f"Did you mean {near[0]}?" if near else f"Known: {', '.join(known)}."


def text(value: str) -> str:
    """Any text that is not blank."""
    if not value.strip():
        raise UsageError("the value is blank", "Give a value, or leave it out.")
    return value


def path(value: str) -> Path:
    """A file or folder; `~` is the home folder."""
    return Path(text(value)).expanduser()


def url(value: str) -> str:
    """HTTP address of a server; the error never repeats it, as it may hold a login."""
    split_url(value)
    return value.strip()


def whole(low: int, high: int | None = None) -> Callable[[str], int]:
    """Reader of a whole number of at least `low` (and at most `high`)."""
    wanted = f"at least {low}" if high is None else f"{low} to {high}"

    def parse(value: str) -> int:
        if (
            not re.fullmatch(r"\d{1,12}", value)
            or int(value) < low
            or (high is not None and int(value) > high)
        ):
            raise UsageError(
                f"{value!r} is not a whole number of {wanted}", f"Give a number such as {max(low, 1)}."
            )
        return int(value)

    return parse


def number(low: float, high: float = math.inf, *, above: bool = False) -> Callable[[str], float]:
    """Reader of a finite number from `low` (or, with `above`, greater) to `high`."""
    wanted = f"{'more than' if above else 'at least'} {low:g}" if high == math.inf else f"{low:g} to {high:g}"

    def parse(value: str) -> float:
        found = _float(value)
        if found is None or not low <= found <= high or (above and found == low):
            raise UsageError(
                f"{value!r} is not a number of {wanted}", "Write it with a point, without a unit."
            )
        return found

    return parse


def _float(value: str) -> float | None:
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", value):
        return None
    found = float(value)
    return found if math.isfinite(found) else None


def yes_no(value: str) -> bool:
    """Switch in the environment: 1/true/yes/on or 0/false/no/off."""
    if value.lower() in _YES + _NO:
        return value.lower() in _YES
    raise UsageError(f"{value!r} is neither yes nor no", "Give true or false.")


def one_of(*known: str) -> Callable[[str], str]:
    """Reader of one word out of a list."""

    def parse(value: str) -> str:
        if value not in known:
            raise UsageError(f"{value!r} is not known here", suggestion(value, known))
        return value

    return parse


def pair(value: str) -> tuple[str, str]:
    """`KEY=VALUE`, split at the first `=`."""
    key, equals, rest = value.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"{value!r} is not KEY=VALUE", "Give for example dedup=true.")
    return key.strip(), rest


def cluster_label(value: str) -> tuple[str, str]:
    """`LABEL=VALUE` with a Prometheus label name."""
    key, rest = pair(value)
    if not _LABEL_NAME.fullmatch(key):
        raise UsageError(f"{key!r} is not a Prometheus label name", "Give for example cluster=production.")
    return key, rest


def renamed(*ours: str) -> Callable[[str], tuple[str, str]]:
    """Reader of `OUR=THEIRS`: one of our label words, and the name it has in that Prometheus."""

    def parse(value: str) -> tuple[str, str]:
        our, theirs = pair(value)
        if our not in ours:
            raise UsageError(f"{our!r} is none of our label words", suggestion(our, ours))
        if not _LABEL_NAME.fullmatch(theirs):
            raise UsageError(
                f"{theirs!r} is not a Prometheus label name", f"Give for example {our}=exported_{our}."
            )
        return our, theirs

    return parse


def each_key_once(pairs: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Pairs whose keys differ."""
    twice = _twice([key for key, _ in pairs])
    if twice:
        raise UsageError(f"{twice} is given twice", "Give it once.")
    return tuple(pairs)


def flat(parts: Sequence[tuple[tuple[str, str], ...]]) -> tuple[tuple[str, str], ...]:
    """Headers of all lines."""
    return tuple(pair for part in parts for pair in part)


def instant(value: str) -> str:
    """Text of a time that `windows.parse_time` will read once the clock is known."""
    parse_time(value, now_ms=0)
    return value


def _names(value: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in value.split(","))
    if "" in names:
        raise UsageError(
            "there is an empty name in the list", "Write names with commas between, without gaps."
        )
    if twice := _twice(names):
        raise UsageError(f"{twice!r} stands twice", "Name it once.")
    return names


def _twice(names: Sequence[str]) -> str:
    return next((name for index, name in enumerate(names) if name in names[:index]), "")


def group_by(value: str) -> tuple[str, ...]:
    """Group keys: `namespace,workload`, `node`, `label:team`."""
    names = _names(value)
    for name in names:
        if name.startswith(LABEL_KEY_PREFIX) and name != LABEL_KEY_PREFIX:
            continue
        if name not in GROUP_KEYS:
            raise UsageError(f"{name!r} is no group key", suggestion(name, (*GROUP_KEYS, "label:KEY")))
    return names


def power_domains(value: str) -> tuple[str, ...]:
    """RAPL domains that may be added up; other names (hwmon sensors) pass unless they look like typos."""
    names = _names(value)
    for name in names:
        near = get_close_matches(name, POWER_DOMAINS, n=1, cutoff=0.75)
        if not _DOMAIN_NAME.fullmatch(name) or (near and name not in POWER_DOMAINS):
            raise UsageError(f"{name!r} is no power domain", suggestion(name, POWER_DOMAINS))
    if "psys" in names and len(names) > 1:
        raise UsageError("psys holds the other domains: adding them counts energy twice", "Give psys alone.")
    inside = [name for name in _INSIDE_PACKAGE if name in names]
    if "package" in names and inside:
        raise UsageError(
            f"package holds {inside[0]}: adding them counts energy twice",
            f"Leave out {' and '.join(inside)}.",
        )
    return names


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
    if not colon and _float(kind) is None:
        hint = f"zone:{kind}" if re.fullmatch(r"[A-Z]{2}(-[A-Z0-9-]+)?", kind) else "380 or zone:DE"
        raise UsageError(f"{value!r} is not KIND:ARGUMENT", f"Give for example {hint}.")
    if colon and kind not in INTENSITY_KINDS:
        raise UsageError(
            f"{kind!r} is no known kind",
            f"{suggestion(kind, INTENSITY_KINDS)} Give for example 380 or zone:DE.",
        )
    if kind in ("constant", "") or not colon:
        argument = argument if colon else kind
        found = _float(argument)
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
    """A factor from 1 on, `auto`, `aws` or `gcp:europe-west4`; the table is looked at later."""
    factor = _float(value)
    if factor is not None and not 1 <= factor < math.inf:
        raise UsageError(f"not a PUE: {value}", "Give 1 or more, such as 1.2.")
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
    if kind == "kg" and not (_float(argument) or 0.0) > 0:
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
    found = _float(source)
    if found is None:
        raise UsageError(
            f"{source!r} is neither a number nor prometheus:PROMQL, file:PATH, job-run or a preset",
            _UNIT_EXAMPLE,
        )
    if found <= 0:
        raise UsageError(f"{source!r} units of work give no score", "Give more than 0.")
    return FunctionalUnit(name, "constant", source)


def functional_units(chosen: Sequence[FunctionalUnit]) -> tuple[FunctionalUnit, ...]:
    """Units whose names differ, as they name columns."""
    if twice := _twice([unit.name for unit in chosen]):
        raise UsageError(f"two functional units are called {twice}", "Name each, as in user=preset:http.")
    return tuple(chosen)


def output(value: str) -> Output:
    """`FORMAT` or `FORMAT=PATH`; no path, or `-`, is standard output."""
    name, _, target = value.partition("=")
    if name not in SINKS:
        raise UsageError(f"{name!r} is no output format", suggestion(name, tuple(SINKS)))
    return Output(name, None if target in ("", "-") else path(target))


def outputs(chosen: Sequence[Output]) -> tuple[Output, ...]:
    """Outputs of which at most one goes to standard output, and each other to a file of its own."""
    targets = ["standard output" if item.path is None else str(item.path) for item in chosen]
    if twice := _twice(targets):
        raise UsageError(f"two outputs go to {twice}", "Give each a path of its own, such as csv=result.csv.")
    return tuple(chosen)
