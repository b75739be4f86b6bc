"""One thing that a server does wrong, and what the tool must make of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sci_batch.errors import AuthError, GateBreached, NoDataError, PartialError, SourceError
from tests.hostile.proxy import Fault

RIGHT = 0
LIMIT, NO_DATA, PARTIAL, LOGIN, SOURCE = (
    error.exit_code for error in (GateBreached, NoDataError, PartialError, AuthError, SourceError)
)
EDGES = ("--pull", "edges")
ONE_BY_ONE = ("--concurrency", "1")
STORED = "ms]"
"""In queries for stored samples alone."""
START = 1_772_409_600
"""Of the range [Unix s]."""
NO_DATE = "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One thing that goes wrong."""

    group: str
    name: str
    what: str
    """What the server does, for the document."""
    fault: Fault
    ends: int = RIGHT
    """Exit code. 0: the file is, byte for byte, that of a run that nobody disturbed."""
    words: str = ""
    """On standard error."""
    flags: tuple[str, ...] = ()
    timeout_seconds: float = 60.0
    rows: str = "all"
    """`seen`: windows without data are missing, all others are the same. `renamed`: they have other names."""
    writes: bool = False
    """The contract of this failure: the file is written, and says how much it holds."""
    waits: tuple[float, ...] | None = None
    """What the tool waits for before it tries again [s], where the server said how long."""


def in_group(group: str) -> Callable[..., Scenario]:
    """A short way to write the rows of one group; what stands last is given by its name."""

    def one(name: str, what: str, fault: Fault, ends: int = RIGHT, words: str = "", **more: Any) -> Scenario:
        return Scenario(group=group, name=name, what=what, fault=fault, ends=ends, words=words, **more)

    return one
