"""A change for people: carbon, then each score, most changed first; then the totals in words."""

from __future__ import annotations

from pathlib import Path

from sci_batch.comparison import Change
from sci_batch.sinks import SinkOptions
from sci_batch.sinks.change_words import Figures, Texts, figures, legend, rest, sides, summary
from sci_batch.sinks.layout import Page, Shown
from sci_batch.sinks.target import opened


def write(found: Change, path: Path | None, options: SinkOptions) -> None:
    """Every table, and the totals."""
    here = options if path is None else SinkOptions(top=options.top, no_clobber=options.no_clobber)
    text = page(found, here).encoded()
    with opened(path, no_clobber=options.no_clobber) as stream:
        stream.write(text)


def page(found: Change, options: SinkOptions) -> Page:
    """One table of carbon and one per functional unit, the legend, the totals."""
    made = Page(options)
    carbon = figures(found)
    made.table(_columns(found, carbon, "carbon", options.top))
    for number in range(len(found.units)):
        made.gap()
        made.table(_columns(found, figures(found, number), "score", options.top))
    made.gap()
    made.lines([*(f"--top {options.top}: {words}" for words in rest(carbon, options.top)), *legend(found)])
    made.gap()
    made.pairs(summary(found))
    return made


def _columns(found: Change, table: Figures, name: str, top: int | None) -> list[Shown]:
    rows = table.rows.iloc[:top]
    unit, slash, per = table.unit.partition("/")
    below = (unit, slash + per) if slash else (unit,)
    first, *others = found.group_by
    shown = [Shown((name, *below[:-1], first), rows[first].tolist(), "total", folds=True)]
    shown += [Shown((key,), rows[key].tolist(), folds=True) for key in others]
    shown.append(Shown(("kind",), rows["workload_kind"].tolist(), spare=1))
    old, new = sides(found)
    for head, texts, spare in ((old, table.base, 2), (new, table.now, 0)):
        shown.append(_numbers((head, *below), texts, top, spare))
    parts = [_numbers((head, table.effect_unit), texts, top) for head, texts in table.parts.items()]
    percent = _numbers(("change", "%"), table.percent, top)
    # Beside the change in grams, or in its place.
    return [*shown, parts[0], percent, *parts[1:]] if "change" in table.parts else [*shown, percent, *parts]


def _numbers(head: tuple[str, ...], texts: Texts, top: int | None, spare: int = 0) -> Shown:
    return Shown(head, texts[0][:top], texts[1], right=True, spare=spare)
