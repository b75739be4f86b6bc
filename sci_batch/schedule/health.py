"""The health file: how the last run went, for probes, scripts and people."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sci_batch.errors import UsageError
from sci_batch.schedule import documents

KIND = "health"
_FLAG = "--health-file"
_LAST = ("last_success", "last_failure")


@dataclass(slots=True, kw_only=True)
class Outcome:
    """How a run ended. Times are RFC 3339, UTC; the range is empty where the run did not get so far."""

    finished: str
    exit_code: int
    message: str
    start: str = ""
    end: str = ""

    def described(self) -> dict[str, Any]:
        """As it stands in the file."""
        return {
            "finished": self.finished,
            "exit_code": self.exit_code,
            "message": self.message,
            "start": self.start or None,
            "end": self.end or None,
        }


def write(path: Path, outcome: Outcome) -> None:
    """Replace the file; what it knew of the last success and the last failure stays.

    Raises
    ------
    SinkError
        It cannot be written.
    """
    ok = outcome.exit_code == 0
    last = {**_earlier(path), _LAST[0] if ok else _LAST[1]: outcome.described()}
    content = {"status": "ok" if ok else "failed", **outcome.described()}
    documents.write(path, KIND, {**content, **{name: last.get(name) for name in _LAST}}, _FLAG)


def _earlier(path: Path) -> dict[str, Any]:
    try:
        found = documents.read(path, KIND, _FLAG) or {}
    except UsageError:  # whatever stands there: a report on health is no place to fail
        return {}
    return {name: found[name] for name in _LAST if isinstance(found.get(name), dict)}
