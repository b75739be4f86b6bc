"""The text forms of Prometheus: OpenMetrics 1.0 with times, and the plain form 0.0.4 without."""

from __future__ import annotations

from collections.abc import Iterator

from sci_batch.sinks.families import Family, Labels
from sci_batch.sinks.metrics import INFO
from sci_batch.units import MS_PER_SECOND

LINES_AT_ONCE = 10_000


def openmetrics(families: list[Family]) -> Iterator[str]:
    """Pieces of OpenMetrics text: families together, times rising in each series, `# EOF`."""
    for family in families:
        # OpenMetrics has a type of its own for information, whose name goes without the suffix.
        metric, info = family.metric, family.metric == INFO
        name = metric.name.removesuffix("_info") if info else metric.name
        yield f"# TYPE {name} {'info' if info else 'gauge'}\n"
        if metric.unit:
            yield f"# UNIT {name} {metric.unit}\n"
        yield f"# HELP {name} {_escaped(metric.meaning)}\n"
        yield from _lines(family, timed=True)
    yield "# EOF\n"


def plain(families: list[Family]) -> Iterator[str]:
    """Pieces of text without times, for one sample per series."""
    for family in families:
        name = family.metric.name
        yield f"# HELP {name} {_escaped(family.metric.meaning)}\n# TYPE {name} gauge\n"
        yield from _lines(family, timed=False)


def _lines(family: Family, *, timed: bool) -> Iterator[str]:
    heads = [f"{family.metric.name}{_braces(labels)} " for labels in family.labels]
    series, times, values = family.series.tolist(), family.time_ms.tolist(), family.value.tolist()
    for first in range(0, len(values), LINES_AT_ONCE):
        part = slice(first, first + LINES_AT_ONCE)
        rows = zip(series[part], times[part], values[part], strict=True)
        # The repr of a float reads back to the same bits.
        yield "".join(
            f"{heads[number]}{value!r}{f' {_seconds(time_ms)}' if timed else ''}\n"
            for number, time_ms, value in rows
        )


def _seconds(time_ms: int) -> str:
    whole, rest = divmod(time_ms, MS_PER_SECOND)
    return f"{whole}.{rest:03d}" if rest else str(whole)


def _braces(labels: Labels) -> str:
    inside = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels)
    return f"{{{inside}}}" if inside else ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
