"""Drawings by Vega-Lite, as SVG without scripts. Colours are variables of the style sheet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import vl_convert
from markupsafe import Markup

from sci_batch.sinks.html.figures import Column
from sci_batch.sinks.layout import printable

WIDTH = 1000
"""Of a drawing with its axes [px]; a narrow screen scales or scrolls it."""
SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
"""A name of the language, which nobody opens."""
MAX_BARS = 15
FONT = "Liberation Sans"
"""Comes with the converter, so that texts measure the same everywhere; the style sheet names its twins."""
_PARTS = {"Operational O": "var(--operational)", "Embodied M": "var(--embodied)"}
_STACKED: dict[str, Any] = {
    "mark": {"type": "bar", "cornerRadius": 0},
    "color": {"field": "part", "type": "nominal", "legend": None,
              "scale": {"domain": list(_PARTS), "range": list(_PARTS.values())}},
    "order": {"field": "part", "sort": "descending"},
}  # fmt: skip
_TIME = {
    "field": "label", "type": "ordinal", "sort": None,
    "axis": {"title": None, "labelAngle": 0, "labelOverlap": "greedy", "labelSeparation": 24,
             "labelLimit": 200, "ticks": False, "labelPadding": 10},
}  # fmt: skip


def over_time(labels: Sequence[str], operational: Column, embodied: Column) -> Markup:
    """O and M of each step, stacked."""
    return _svg(
        _values(labels, operational, embodied),
        x=_TIME,
        y=_amount(operational.unit),
        height=220,
        **_STACKED,
    )


def score_over_time(labels: Sequence[str], score: Column) -> Markup:
    """SCI of each step as a line, broken where it is unknown."""
    values = [
        {"label": label, "value": None if cell.exact is None else cell.exact / score.size}
        for label, cell in zip(labels, score.cells, strict=True)
    ]
    return _svg(
        values, x=_TIME, y={**_amount(printable(score.unit, "utf-8")), "scale": {"zero": True}}, height=160,
        mark={"type": "line", "strokeWidth": 2, "color": "var(--score)",
              "point": {"size": 22, "color": "var(--score)", "filled": True}},
    )  # fmt: skip


def of_groups(labels: Sequence[str], operational: Column, embodied: Column) -> Markup:
    """O and M of the groups with the most carbon, as bars."""
    return _svg(
        _values(labels[:MAX_BARS], operational, embodied),
        x={"field": "value", "type": "quantitative", "axis": {"title": operational.unit, "tickCount": 6}},
        y={
            "field": "label", "type": "ordinal", "sort": None,
            "axis": {"title": None, "labelLimit": 260, "ticks": False, "labelPadding": 6},
        },
        height={"step": 26},
        **_STACKED,
    )  # fmt: skip


def split(operational: Column, embodied: Column) -> Markup:
    """O and M of all, as one bar."""
    return _svg(
        _values(["all"], operational, embodied),
        x={"field": "value", "type": "quantitative", "axis": None, "scale": {"nice": False}},
        y={"field": "label", "type": "ordinal", "axis": None},
        height=34,
        **_STACKED,
    )


def _amount(unit: str) -> dict[str, Any]:
    return {"field": "value", "type": "quantitative", "axis": {"title": unit, "tickCount": 5}}


def _values(labels: Sequence[str], *columns: Column) -> list[dict[str, Any]]:
    """A value per label and part, in the unit that the columns are shown in."""
    made = []
    for column, part in zip(columns, _PARTS, strict=True):
        for label, cell in zip(labels, column.cells, strict=False):
            value = None if cell.exact is None else cell.exact / column.size
            made.append({"label": printable(label, "utf-8"), "part": part, "value": value})
    return made


def _svg(values: list[dict[str, Any]], *, x: Any, y: Any, mark: Any, height: Any, **more: Any) -> Markup:
    text = {"labelColor": "var(--ink)", "titleColor": "var(--ink)", "labelFontSize": 12, "titleFontSize": 12}
    drawing = vl_convert.vegalite_to_svg({
        "$schema": SCHEMA,
        "width": WIDTH, "height": height, "autosize": {"type": "fit-x", "contains": "padding"},
         "background": None, "padding": 4,
        "config": {
            "aria": False, "font": FONT, "view": {"stroke": None},
            "axis": {**text, "titleFontWeight": "normal", "gridColor": "var(--line)", "domain": False,
                     "tickColor": "var(--line)"},
        },
        "data": {"values": values},
        "mark": mark,
        "encoding": {"x": x, "y": y, **more},
    })  # fmt: skip
    # Vega gives its groups roles without names; the element around it has the words for a screen reader.
    drawing = drawing.replace("<svg ", '<svg aria-hidden="true" ', 1)
    return Markup(drawing)  # noqa: S704 -- Vega escapes what it writes; a test holds it to that
