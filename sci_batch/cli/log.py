"""Words on standard error, as standard output belongs to the data: lines for people, or JSON for a log store.

In JSON each message is one object on one line: `ts` [RFC 3339, UTC], `level` (info, warning, error), `msg`,
then what belongs to it. The first word of a line is its level: `error:`, `warning:`, `note:` (info).
"""

from __future__ import annotations

import json
import sys
import traceback
import warnings
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, TextIO

from sci_batch.errors import SciBatchError
from sci_batch.notation import visible
from sci_batch.settings import OPTIONS

JSON = "json"
_LEVELS = {"error: ": "error", "warning: ": "warning", "note: ": "info"}
_OPTION = OPTIONS["log_format"]


class _Form:
    """How this process speaks."""

    json = False


def begin(argv: Sequence[str], environ: Mapping[str, str]) -> None:
    """Look for the form before the settings are read, as they may be wrong and that must be told, too."""
    asked = [
        word.partition("=")[2] or following
        for word, following in pairwise([*argv, ""])
        if word.partition("=")[0] == _OPTION.flag
    ]
    use(asked[-1] if asked else environ.get(_OPTION.environment, "").strip())


def use(form: str) -> None:
    """Speak in this form: `text` or `json`."""
    _Form.json = form == JSON
    if _Form.json:
        warnings.showwarning = _show_warning


def in_json() -> bool:
    """Whether no person reads along."""
    return _Form.json


def say(text: str, **fields: Any) -> None:
    """One message; `fields` stand in JSON alone. A closed or broken standard error is no reason to fail."""
    if _Form.json:
        start = next((word for word in _LEVELS if text.startswith(word)), "")
        _write(_object(_LEVELS.get(start, "info"), text.removeprefix(start), fields))
    else:
        _write(visible(text))


def show_error(error: SciBatchError) -> None:
    """What failed, and below it the cure."""
    if _Form.json:
        cure = {"cure": error.cure} if error.cure else {}
        _write(_object("error", error.what, {**cure, "exit_code": error.exit_code}))
        return
    _write(_lines(f"error: {error.what}"))
    if error.cure:
        _write(f"  {visible(error.cure)}")


def show_bug(error: Exception) -> None:
    """A failure that nobody expected, with all that helps to find it."""
    please = "this is a bug in sci-batch. Please report it, with the lines above and the command."
    trace = "".join(traceback.format_exception(error))
    if _Form.json:
        fields = {"traceback": trace, "exit_code": SciBatchError.exit_code}
        _write(_object("error", please.replace("lines above", "traceback"), fields))
        return
    _write(_lines(trace))
    _write(f"error: {please}")


def _object(level: str, text: str, fields: Mapping[str, Any]) -> str:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    whole = {"ts": now, "level": level, "msg": text.strip(), **fields}
    text = json.dumps(whole, ensure_ascii=False, default=str)
    # JSON escapes what steers a terminal in ASCII alone.
    return text if text.isprintable() else "".join(map(_in_json, text))


def _in_json(letter: str) -> str:
    return letter if letter.isprintable() else json.dumps(letter)[1:-1]


def _lines(text: str) -> str:
    """Lines stay lines; what is in them steers no terminal."""
    return "\n".join(map(visible, text.split("\n")))


def _write(line: str) -> None:
    try:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
    except (AttributeError, OSError, ValueError):  # it is None, full or closed
        return


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,  # noqa: ARG001 -- as Python calls it
    line: str | None = None,  # noqa: ARG001
) -> None:
    """A warning of Python or of a library."""
    say(f"warning: {category.__name__}: {message}", where=f"{filename}:{lineno}")
