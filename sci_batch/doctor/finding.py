"""What the doctor says: findings with their weight, and the exit code of the worst."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sci_batch.errors import PartialError, SciBatchError

OK, WARNING, PROBLEM = "ok", "warning", "problem"
SERVER, KEPLER, KUBERNETES, CARBON, WORK, PULL, OUTPUT = SUBJECTS = (
    "server", "kepler", "kubernetes", "carbon", "work", "pull", "output",
)  # fmt: skip
"""In the order in which `compute` meets them."""
MOST_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at.

    ok: nothing to do. warning: `compute` runs, and its numbers are less certain, fewer, or flagged.
    problem: `compute` would stop, or its numbers would be wrong.
    """

    subject: str
    check: str
    """Name of the check within its subject, for machines: it does not change."""
    status: str
    what: str
    numbers: str = ""
    """What it does to the numbers; empty where nothing."""
    cure: str = ""
    more: tuple[str, ...] = ()
    """Further lines, such as one per version of Kepler."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """The figures behind the words, for machines."""
    exit_code: int = 0
    """Of a problem: that of the error with which `compute` would end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """All findings, and what they are about."""

    source: str
    start: str
    """RFC 3339; empty where the range is not known."""
    end: str
    cluster: str
    findings: tuple[Finding, ...]
    faults: tuple[str, ...] = ()
    """Tracebacks of checks that failed by a fault of this program."""

    def count(self, status: str) -> int:
        """How many findings have this status."""
        return sum(one.status == status for one in self.findings)

    @property
    def worst(self) -> str:
        """The status that weighs most."""
        return next((status for status in (PROBLEM, WARNING) if self.count(status)), OK)

    def exit_code(self, *, strict: bool) -> int:
        """Of the first problem, as it mostly is the cause of the others; warnings count when strict."""
        first = next((one.exit_code for one in self.findings if one.status == PROBLEM), 0)
        return first or (PartialError.exit_code if strict and self.worst == WARNING else 0)


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Subject by subject."""
    return tuple(sorted(findings, key=lambda one: SUBJECTS.index(one.subject)))


def by_error(subject: str, check: str, error: SciBatchError) -> Finding:
    """The problem that `compute` would end with."""
    return Finding(
        subject=subject, check=check, status=PROBLEM, what=error.what.rstrip("."), cure=error.cure,
        numbers="compute stops here", exit_code=error.exit_code,
    )  # fmt: skip


def unknown(subject: str, check: str, why: str, cure: str = "") -> Finding:
    """A check that could not be made."""
    return Finding(
        subject=subject, check=check, status=WARNING, what=f"could not tell, because {why.rstrip('.')}",
        cure=cure,
    )  # fmt: skip


def named(names: Collection[str], most: int = MOST_NAMED) -> str:
    """A few names and how many more.

    >>> named(["a", "b"]), named(list("abcde"))
    ('a, b', 'a, b, c and 2 more')
    """
    first = sorted(names)[:most]
    rest = len(names) - len(first)
    return ", ".join(first) + (f" and {rest} more" if rest else "")


def of_nodes(some: Collection[str], every: int) -> str:
    """`2 of 5 nodes (a, b)`, `the node a`, `all 5 nodes`.

    >>> of_nodes(["a"], 1), of_nodes(["a"], 3), of_nodes(["a", "b"], 2)
    ('the node a', '1 of 3 nodes (a)', 'all 2 nodes')
    """
    if len(some) == every:
        return f"the node {named(some)}" if every == 1 else f"all {every} nodes"
    return f"{len(some)} of {every} nodes ({named(some)})"


def none_of(some: Collection[str], every: int) -> str:
    """The same behind `no ... on`.

    >>> none_of(["a", "b"], 2), none_of(["a"], 3), none_of(["a"], 1)
    ('any of the 2 nodes', '1 of 3 nodes (a)', 'the node a')
    """
    return f"any of the {every} nodes" if len(some) == every > 1 else of_nodes(some, every)


def length(ms: float) -> str:
    """A length of time in its two largest units.

    >>> length(500), length(90_000), length(7_500_000), length(200_000_000)
    ('0.5 s', '1 min 30 s', '2 h 5 min', '2 d 7 h')
    """
    if ms < 10_000:
        return f"{ms / 1000:.1f}".removesuffix(".0") + " s"
    parts, left = [], round(ms / 1000)
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
        elif parts:
            break
    return " ".join(parts[:2])
