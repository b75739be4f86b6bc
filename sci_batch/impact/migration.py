"""Settings that come from an old manifest, and words on them."""

from __future__ import annotations

from dataclasses import dataclass, field

from sci_batch.units import DAYS_PER_YEAR, SECONDS_PER_DAY

_DURATIONS = (
    (DAYS_PER_YEAR * SECONDS_PER_DAY, "y"),
    (SECONDS_PER_DAY, "d"),
    (3600, "h"),
    (60, "m"),
    (1, "s"),
)


@dataclass(slots=True)
class Migration:
    """Values and words, by the name of the option; and words on the whole."""

    values: dict[str, str | list[str]] = field(default_factory=dict)
    reasons: dict[str, list[str]] = field(default_factory=dict)
    head: list[str] = field(default_factory=list)

    def say(self, name: str, *words: str) -> None:
        """Words on an option."""
        self.reasons.setdefault(name, []).extend(words)


def duration(seconds: int, *, longest: str = "d") -> str:
    """In the longest unit that divides it, up to `longest`.

    >>> duration(3600), duration(5400), duration(126_144_000), duration(126_144_000, longest="y")
    ('1h', '90m', '1460d', '4y')
    """
    units = {size: unit for size, unit in _DURATIONS if unit != "y" or longest == "y"}
    return next(f"{seconds // size}{unit}" for size, unit in units.items() if seconds % size == 0)
