"""What must be reached: measured figures beside their limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One figure and its limit."""

    what: str
    measured: float
    limit: float
    unit: str = "x"
    at_least: bool = False
    """The figure must be no less than the limit; without it no more."""

    @property
    def met(self) -> bool:
        """Whether the limit is kept."""
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one comparison came to."""

    name: str
    bars: Sequence[Bar]
    lines: Sequence[str] = ()
    """What was measured, for people."""
    figures: Mapping[str, Any] = field(default_factory=dict)
    """The same for `bench.json`."""

    def document(self) -> dict[str, Any]:
        """For `bench.json`."""
        bars = [{**asdict(bar), "met": bar.met} for bar in self.bars]
        return {"bars": bars, **self.figures}


def table(findings: Sequence[Finding]) -> str:
    """All bars, one a line."""
    lines = [f"{'comparison':10} {'measured':>12} {'bar':>14}        what"]
    for finding in findings:
        for bar in finding.bars:
            limit = f"{'>=' if bar.at_least else '<='} {bar.limit:g} {bar.unit}"
            lines.append(
                f"{finding.name:10} {bar.measured:8.2f} {bar.unit:3} {limit:>14} "
                f"{'met   ' if bar.met else 'missed'} {bar.what}"
            )
    return "\n".join(lines)
