"""Texts to values: each function reads one text, or raises `UsageError` with a cure."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from sci_batch.errors import UsageError
from sci_batch.files import path_of
from sci_batch.notation import decimal
from sci_batch.prometheus.http import split_url
from sci_batch.schema import GROUP_KEYS, LABEL_KEY_PREFIX
from sci_batch.sinks import ADDRESSED, LIMITS, PARTITIONED, SINKS
from sci_batch.sinks.access import check_target, shown
from sci_batch.sinks.location import located, names_folder
from sci_batch.windows import LAST_RUN, parse_duration, parse_time

USUAL_POWER_DOMAINS = ("package", "dram")
"""RAPL's that do not overlap, and together are most of a server."""
POWER_DOMAINS = (*USUAL_POWER_DOMAINS, "core", "uncore", "pp0", "pp1", "psys", "other", "gpu")
_INSIDE_PACKAGE = ("core", "uncore", "pp0", "pp1")
KEPLER_LABELS = (
    "node", "namespace", "pod", "pod_id", "container_id", "power_domain", "mode", "state", "instance",
)  # fmt: skip
KUBE_LABELS = ("namespace", "pod", "uid", "node")
DISCLOSED = (
    "name", "entity-version", "contact-name", "contact-email", "organization", "guid", "software-boundary",
    "r-source", "calculation-date", "calculation-information", "report-information-url",
)  # fmt: skip
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_DOMAIN_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_YES, _NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


@dataclass(frozen=True, slots=True)
class Output:
    """One output: a format of `SINKS`, and a file, an address, or neither (standard output)."""

    format: str
    path: Path | None
    target: str = field(default="", repr=False)
    """Address of a server, which may hold a login, or folder of a data set; empty for a file."""

    @property
    def place(self) -> str:
        """Path or address without login; empty for standard output."""
        if self.format in ADDRESSED:
            return shown(self.target)
        return self.target or ("" if self.path is None else str(self.path))

    def __str__(self) -> str:
        """As the user gave it, without login."""
        return f"{self.format}={self.place}" if self.place else self.format


_SECOND_OUTPUT = re.compile(rf"[,\s]\s*(?:{'|'.join(map(re.escape, SINKS))})=")


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
    return path_of(text(value))


def url(value: str) -> str:
    """HTTP address of a server; the error never repeats it, as it may hold a login."""
    split_url(value)
    return value.strip()


def whole(low: int, high: int | None = None) -> Callable[[str], int]:
    """Reader of a whole number of at least `low` (and at most `high`)."""
    wanted = f"at least {low}" if high is None else f"{low} to {high}"

    def parse(value: str) -> int:
        if (
            not re.fullmatch(r"[0-9]{1,12}", value)
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
        found = decimal(value)
        if found is None or not low <= found <= high or (above and found == low):
            raise UsageError(
                f"{value!r} is not a number of {wanted}", "Write it with a point, without a unit."
            )
        return found

    return parse


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


def disclosed(value: str) -> tuple[str, str]:
    """`KEY=VALUE` with a key of the SCI disclosure."""
    key, rest = pair(value)
    if key not in DISCLOSED:
        raise UsageError(f"{key!r} is no key of the SCI disclosure", suggestion(key, DISCLOSED))
    if key == "guid" and not _GUID.fullmatch(rest):
        raise UsageError(f"{rest!r} is no GUID", "Make one with uuidgen, once for each product.")
    return key, text(rest).strip()


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
    twice = repeated([key for key, _ in pairs])
    if twice:
        raise UsageError(f"{twice} is given twice", "Give it once.")
    return tuple(pairs)


def flat(parts: Sequence[tuple[tuple[str, str], ...]]) -> tuple[tuple[str, str], ...]:
    """Headers of all lines."""
    return tuple(pair for part in parts for pair in part)


def since(value: str) -> int | Literal["last-run"]:
    """Length [s] of a range that ends now, or `last-run`."""
    if value == LAST_RUN:
        return "last-run"
    try:
        return parse_duration(value)
    except UsageError as error:
        raise UsageError(error.what, f"{error.cure} Or {LAST_RUN}.") from None


def pause(value: str) -> int:
    """Length of time [s] that may be 0."""
    return 0 if value in ("0", "0s") else parse_duration(value)


def every(value: str) -> str:
    """Length of a step of `backfill`."""
    parse_duration(value)
    return value


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
    if twice := repeated(names):
        raise UsageError(f"{twice!r} stands twice", "Name it once.")
    return names


def repeated(names: Sequence[str]) -> str:
    """The first name that stands twice, or the empty string."""
    return next((name for index, name in enumerate(names) if name in names[:index]), "")


def shift(value: str) -> int:
    """A length of time [s], with `-` in front for earlier."""
    length = parse_duration(value.removeprefix("-").removeprefix("+"))
    return -length if value.startswith("-") else length


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


def output(value: str) -> Output:
    """`FORMAT`, `FORMAT=PATH`, `FORMAT=DIR/` or `FORMAT=URL`; no path, or `-`, is standard output."""
    name, _, target = value.partition("=")
    if name not in (*SINKS, LIMITS):
        raise UsageError(f"{name!r} is no output format", suggestion(name, (*SINKS, LIMITS)))
    if name in ADDRESSED:
        return Output(name, None, check_target(target))
    if name == "textfile" and not target.endswith(".prom"):
        raise UsageError(
            "node_exporter reads only files whose names end in .prom",
            "Give -o textfile=/path/sci_batch.prom.",
        )
    if name == "impact-framework" and target not in ("", "-") and not target.endswith((".yaml", ".yml")):
        raise UsageError(
            "if-run reads only files whose names end in .yaml or .yml", "Give -o impact-framework=if.yaml."
        )
    if second := _SECOND_OUTPUT.search(target):
        first = f"{name}={target[: second.start()]}"
        raise UsageError(
            f"{value!r} holds several outputs",
            f"Give -o for each; in the environment, put ; between: {first};...",
        )
    if names_folder(target):
        return _folder(name, target)
    return Output(name, None if target in ("", "-") else path(target))


def _folder(name: str, target: str) -> Output:
    where = located(target)
    if name not in PARTITIONED:
        raise UsageError(
            f"{where} names a folder, and {name} is one file",
            f"Give a file, such as -o {name}=result.{name}; only parquet goes to folders and buckets.",
        )
    return Output(name, None, str(where))


def stored(value: str) -> str:
    """A stored result: a file, or a data set in a folder or bucket."""
    return str(located(value)) if names_folder(value) else str(path(value))


def outputs(chosen: Sequence[Output]) -> tuple[Output, ...]:
    """Outputs of which at most one goes to standard output, and each other to a place of its own."""
    places = [_one_place(item) for item in chosen]
    if twice := repeated(places):
        named = chosen[places.index(twice)].place or "standard output"
        raise UsageError(f"two outputs go to {named}", "Give each a path of its own, such as csv=result.csv.")
    return tuple(chosen)


def _one_place(output: Output) -> str:
    """Where it goes, however that is written: `a.csv` and `d/../a.csv` are one file."""
    if output.path is not None:
        return os.path.realpath(output.path)
    return output.place or "standard output"


def push_group(value: str) -> str:
    """Name of a group of published results: it stands in addresses and comments."""
    if not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9_.]|-(?!-)){0,99}", value):
        raise UsageError(
            f"{value!r} is no group name",
            "Give letters, digits, `_`, `.` and single `-`, such as shop-hourly.",
        )
    return value
