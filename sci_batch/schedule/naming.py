"""File names that say which time they hold: `day-{date}.csv`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from sci_batch.errors import UsageError
from sci_batch.settings import Output
from sci_batch.sinks import PARTITIONED
from sci_batch.windows import day_of, rfc3339

PLACEHOLDERS = ("start", "end", "date")
"""Start and end of the range in UTC (`20260301T000000Z`), and the day of its start in `--tz`."""
_BRACES = re.compile(r"\{(\w+)\}")
_PLACEHOLDER = re.compile(r"\{(" + "|".join(PLACEHOLDERS) + r")\}")


def for_range(outputs: Sequence[Output], start_ms: int, end_ms: int, tz: str) -> tuple[Output, ...]:
    """The outputs with the range [ms since the Unix epoch] in their file names."""
    values = {"start": _compact(start_ms), "end": _compact(end_ms), "date": day_of(start_ms, tz)}

    def named(output: Output) -> Output:
        _check(output)
        if output.path is None:
            return output
        text = _PLACEHOLDER.sub(lambda found: values[found[1]], str(output.path))
        return replace(output, path=type(output.path)(text))

    return tuple(map(named, outputs))


def _check(output: Output) -> None:
    """Refuse what would come out as it stands.

    Raises
    ------
    UsageError
        A word in braces that is no placeholder, or any in the folder of a data set.
    """
    if output.path is not None:
        unknown = [word for word in _BRACES.findall(str(output.path)) if word not in PLACEHOLDERS]
        if unknown:
            raise UsageError(
                f"{output} holds {{{unknown[0]}}}, which stands for nothing",
                f"Known: {', '.join(f'{{{name}}}' for name in PLACEHOLDERS)}.",
            )
    elif output.format in PARTITIONED and _BRACES.search(output.target):
        raise UsageError(
            f"{output} holds a placeholder, and a data set has its days already", "Give the folder alone."
        )


def has_placeholder(output: Output) -> bool:
    """Whether the file's name depends on the range."""
    return output.path is not None and _PLACEHOLDER.search(str(output.path)) is not None


def _compact(instant_ms: int) -> str:
    return rfc3339(instant_ms).replace("-", "").replace(":", "")
