"""The whole examination: each check on its own, so that one that fails hides no other."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from sci_batch.doctor.finding import OK, Finding, by_error, unknown
from sci_batch.errors import SciBatchError

T = TypeVar("T")
Look = Callable[[], Finding | Iterable[Finding]]


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What was examined, as `Diagnosis` has it."""

    source: str
    start: str = ""
    end: str = ""


@dataclass(slots=True)
class Examination:
    """Findings so far."""

    findings: list[Finding] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    """Tracebacks of faults of this program."""

    def get(self, subject: str, check: str, ask: Callable[[], T], *, needed: bool = False) -> T | None:
        """What a question gives; None, and a finding, where it fails.

        Parameters
        ----------
        needed
            Whether `compute` asks the same: then its error is a problem, and not just unknown here.
        """
        try:
            return ask()
        except SciBatchError as error:
            made = (
                by_error(subject, check, error) if needed else unknown(subject, check, error.what, error.cure)
            )
        except Exception as fault:  # a check that is wrong must not hide the others
            self.faults.append(traceback.format_exc())
            made = unknown(
                subject, check, f"the check itself failed ({type(fault).__name__}: {fault})",
                "This is a bug in sci-batch. Please report it.",
            )  # fmt: skip
        self.findings.append(made)
        return None

    def look(self, subject: str, check: str, look: Look, *, needed: bool = False) -> bool:
        """Make a check and keep what it finds; whether all of it is ok."""
        found = self.get(subject, check, lambda: _listed(look()), needed=needed)
        if found is None:
            return False
        self.findings += found
        return all(one.status == OK for one in found)


def _listed(made: Finding | Iterable[Finding]) -> list[Finding]:
    return [made] if isinstance(made, Finding) else list(made)
