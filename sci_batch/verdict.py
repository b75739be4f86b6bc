"""What became of a limit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verdict:
    """One limit as the user wrote it, and the sentence that tells how it was passed; empty when kept."""

    limit: str
    breach: str


def breaches(verdicts: Iterable[Verdict]) -> list[str]:
    """One sentence for each limit that was passed."""
    return [verdict.breach for verdict in verdicts if verdict.breach]
