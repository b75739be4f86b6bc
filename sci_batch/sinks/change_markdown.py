"""A change in Markdown, for a pull request or a job summary: totals first, then the most changed groups."""

from __future__ import annotations

from pathlib import Path

from sci_batch.comparison import Change
from sci_batch.sinks import SinkOptions
from sci_batch.sinks.access import group_name
from sci_batch.sinks.change_words import Figures, figures, legend, rest, sides, summary
from sci_batch.sinks.markup import code, details, line, plain, put

MAX_ROWS = 50
"""A comment on GitHub has 65 536 characters at most."""


def write(found: Change, path: Path | None, options: SinkOptions) -> None:
    """The whole text; the job summary of GitHub is added to."""
    put(page(found, options), path, options)


def page(found: Change, options: SinkOptions) -> str:
    """Hidden mark by which a bot finds its comment again, headline, tables, what is compared."""
    most = min(options.top or MAX_ROWS, MAX_ROWS)
    kind = "what-if" if found.what_if else "diff"
    tables = [figures(found), *(figures(found, number) for number in range(len(found.units)))]
    lines = summary(found)
    told = [f"- {plain(word)}: **{plain(value)}**" for word, value in lines if word in ("carbon", "score")]
    others = [f"{plain(word)}: {plain(value)}" for word, value in lines if word not in ("carbon", "score")]
    title = "Carbon of software: what if" if found.what_if else "Carbon of software: what changed"
    parts = [
        f"<!-- sci-batch {kind}: {group_name(options.push, found.group_by)} -->",
        f"### {title}",
        "\n".join(told),
        *("\n".join(_table(found, table, most)) for table in tables),
        *map(plain, rest(tables[0], most)),
        *map(plain, legend(found)),
        details("What is compared", others),
        f"<sub>sci-batch {plain(found.now.tool_version)}, source {code(found.now.source)}</sub>",
    ]
    return "\n\n".join(parts) + "\n"


def _table(found: Change, table: Figures, most: int) -> list[str]:
    rows = table.rows.iloc[:most]
    unit, effect_unit = plain(table.unit), plain(table.effect_unit)
    old, new = sides(found)
    heads = [*map(code, found.group_by), "kind"]
    columns = [[code(text) if text else "" for text in rows[key]] for key in found.group_by]
    columns.append([plain(text) for text in rows["workload_kind"]])
    texts = len(columns)
    shown = {f"{old}, {unit}": table.base, f"{new}, {unit}": table.now, "change, %": table.percent}
    shown |= {f"{name}, {effect_unit}": part for name, part in table.parts.items()}
    columns += [cells[:most] for cells, _ in shown.values()]
    heads += shown
    rules = ["---"] * texts + ["---:"] * len(shown)
    total = ["**total**", *[""] * (texts - 1), *(last for _, last in shown.values())]
    return [line(heads), line(rules), *(line(cells) for cells in zip(*columns, strict=True)), line(total)]
