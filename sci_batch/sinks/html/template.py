"""The template: every text is escaped, and what steers a reader's eye (bidi controls) is written out."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from sci_batch.sinks.layout import printable

_FOLDER = files("sci_batch.sinks.html") / "pages"


def rendered(content: Mapping[str, Any]) -> str:
    """The page. Its policy allows the style sheet inside it, by hash, and nothing else."""
    style = _text("style.css")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    page = _environment().get_template("report.html.j2")
    # Ours and constant; the template marks nothing else as safe but the drawings.
    return page.render(**content, style=Markup(style), policy=policy)  # noqa: S704


def _environment() -> Environment:
    return Environment(
        loader=FunctionLoader(_text),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_visible,
    )


def _text(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _visible(value: Any) -> Any:
    """Texts with their invisible characters written out, so that two names never look alike by them."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return printable(value, "utf-8")
    return value
