"""The settings as a TOML file: what is in effect, and a template to start from."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sci_batch.prometheus.http import SHORTEST_KEY_IN_URL
from sci_batch.settings.loading import OPTIONS, Loaded
from sci_batch.settings.option import Option
from sci_batch.windows import duration_text


def effective(loaded: Loaded) -> str:
    """Every setting with its origin, as TOML; unset ones are comments, secrets are hidden."""
    lines = []
    for name, item in OPTIONS.items():
        value = getattr(loaded.settings, name)
        origin = loaded.origins[name]
        if item.secret:
            count = len(value)
            lines.append(f"# {item.name}: {f'{count} set, hidden' if count else 'not set'}  # {origin}")
        elif value is None or value == ():
            lines.append(f"# {item.name}: not set  # {origin}")
        else:
            lines.append(f"{item.name} = {_toml(name, item, value)}  # {origin}")
    return "\n".join(lines) + "\n"


def template() -> str:
    """A commented configuration file with every key, its help and its default."""
    return "\n".join(_template_lines()) + "\n"


def _template_lines() -> Iterator[str]:
    yield "# sci-batch.toml: take the `#` away from the lines to set. Read by --config sci-batch.toml"
    yield "# or SCI_BATCH_CONFIG. A flag wins over the environment, the environment over this file."
    panel = ""
    for name, item in OPTIONS.items():
        if item.secret:
            continue
        if item.panel != panel:
            panel = item.panel
            yield ""
            yield f"# --- {panel} ---"
        yield ""
        yield from textwrap.wrap(
            item.help, 100, initial_indent="# ", subsequent_indent="# ", break_long_words=False
        )
        yield f"#{item.name} = {_sample(name, item)}"


def written(
    head: Sequence[str], values: Mapping[str, str | Sequence[str]], reasons: Mapping[str, Sequence[str]]
) -> str:
    """A configuration file of given values, each below the words on it.

    Parameters
    ----------
    head
        Lines of comment at the top.
    values, reasons
        Texts and words on them, by the name of the option; without a value the line is commented out.
    """
    lines = [line for text in head for line in _comment(text)]
    for name, item in OPTIONS.items():
        if item.name not in values and item.name not in reasons:
            continue
        lines.append("")
        lines += [line for text in reasons.get(item.name, ()) for line in _comment(text)]
        value = values.get(item.name)
        if value is None:
            lines.append(f"#{item.name} = {_sample(name, item)}")
        elif isinstance(value, str):
            lines.append(f"{item.name} = {_quoted(value)}")
        else:
            lines.append(f"{item.name} = [{', '.join(map(_quoted, value))}]")
    return "\n".join(lines) + "\n"


def _comment(text: str) -> list[str]:
    """Comment lines; what is not printable in the text cannot end them."""
    plain = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return textwrap.wrap(
        plain,
        100,
        initial_indent="# ",
        subsequent_indent="# ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _sample(name: str, item: Option) -> str:
    if item.switch:
        return item.default or "false"
    if item.default and (item.commas or item.repeatable):
        return _toml(name, item, item.parse(item.default))
    if item.default:
        return json.dumps(item.default) if not re.fullmatch(r"[\d.]+", item.default) else item.default
    return '[""]' if item.repeatable else '""'


def _toml(name: str, item: Option, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float) and not name.endswith("_seconds"):
        return repr(value)
    if item.repeatable or item.commas:
        return "[" + ", ".join(_quoted(_text(_without_key(name, part))) for part in value) + "]"
    return _quoted(plain(name, value))


def plain(name: str, value: Any) -> str:
    """A setting as its flag would take it, without logins and without the query string of an address."""
    return duration_text(value) if name.endswith("_seconds") and isinstance(value, int) else _text(value)


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return "=".join(value)
    without_login = re.sub(r"(?<=://)[^\s\"']*@", "***@", str(value))
    # Some put a key behind the question mark.
    return re.sub(r"(https?://[^\s\"'?]*\?)[^\s\"']+", r"\1***", without_login)


def _without_key(name: str, value: Any) -> Any:
    """A parameter of every request may be a key; short ones are words such as `true`."""
    if name == "extra_param" and len(value[1]) >= SHORTEST_KEY_IN_URL:
        return value[0], "***"
    return value


def _quoted(value: str) -> str:
    # JSON strings of printable text are TOML strings; what is not printable has the same escapes in both,
    # up to U+FFFF.
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isprintable() else "".join(map(_escaped, text))


def _escaped(letter: str) -> str:
    if letter.isprintable():
        return letter
    return f"\\u{ord(letter):04x}" if ord(letter) <= 0xFFFF else f"\\U{ord(letter):08x}"
