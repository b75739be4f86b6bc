"""A grid intensity out of a recording: used where nobody else can say it, held to what is asked now."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sci_batch.errors import UsageError
from sci_batch.intensity.file import split_zone
from sci_batch.intensity.frame import FALLBACK, INTERPOLATED, Basis, Gap, Intensity, Request
from sci_batch.intensity.gaps import clipped
from sci_batch.intensity.loading import as_wanted, gap_policy, step_ms

SHIPPED = ("constant", "zone", "region")
"""Kinds that are told by a number or a shipped table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The wishes that decide what a source gives, and what closes its holes."""

    basis: Basis | None
    """`--intensity-basis`; None: what the source has."""
    gap: Gap
    fallbacks: tuple[str, ...]
    """`kind:argument` of each."""
    allow_world_average: bool

    def __str__(self) -> str:
        """As flags: what closes holes."""
        words = [f"--intensity-gap {self.gap}", *(f"--intensity-fallback {item}" for item in self.fallbacks)]
        return " ".join([*words, *(["--allow-world-average"] if self.allow_world_average else [])])


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An intensity as a recording keeps it, and what was asked when it was made."""

    intensity: Intensity
    asked: Asked


def asked(request: Request) -> Asked:
    """What a request asks for.

    Raises
    ------
    UsageError
        Its flags for holes contradict each other.
    """
    return Asked(
        basis=request.basis, gap=gap_policy(request),
        fallbacks=tuple(f"{item.kind}:{item.argument}" for item in request.fallbacks),
        allow_world_average=request.allow_world_average,
    )  # fmt: skip


def at_hand(kind: str, argument: str) -> bool:
    """Whether a source can be read here and now without any network."""
    return kind in SHIPPED or (kind == "file" and split_zone(argument)[0].is_file())


def replayed(kept: Kept, name: str, request: Request) -> Intensity:
    """The recorded slots of the range, if they are what is asked now.

    Raises
    ------
    UsageError
        Recorded with another kind or basis, or with holes that were closed in another way.
    """
    now = asked(request)
    if kept.asked.basis is not None and request.basis is None:
        raise UsageError(
            f"{name} was asked for with --intensity-basis {kept.asked.basis} when it was recorded, "
            "and now without it",
            f"Give --intensity-basis {kept.asked.basis}, or record it again.",
        )
    found = as_wanted(kept.intensity, f"the recorded {name}", request, "record it again")
    slots = clipped(found.slots, request)
    closed = bool((slots["flags"] & (FALLBACK | INTERPOLATED)).any())
    if closed and replace(now, basis=None) != replace(kept.asked, basis=None):
        raise UsageError(
            f"holes in {name} were closed by {kept.asked} when it was recorded, and now {now} is asked",
            "Give the flags it was recorded with, or record it again.",
        )
    words = f"the recording answers for {name}, as it was when it was recorded"
    return replace(found, slots=slots, step_ms=step_ms(slots), notes=(*found.notes, words))
