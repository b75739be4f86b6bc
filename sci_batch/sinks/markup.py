"""Markdown that holds any text as itself, and goes where it is read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sci_batch.errors import SinkError
from sci_batch.sinks import SinkOptions
from sci_batch.sinks.target import opened, same


def put(page: str, path: Path | None, options: SinkOptions) -> None:
    """Write a page; the summary of a GitHub job (`options.appended`) is added to: other steps write there.

    Raises
    ------
    SinkError
        It cannot be written.
    """
    text = page.encode()
    if path is not None and same(path, options.appended):
        _append(path, text)
        return
    with opened(path, no_clobber=options.no_clobber) as stream:
        stream.write(text)


def _append(path: Path, text: bytes) -> None:
    try:
        with path.open("ab") as stream:
            stream.write(b"\n" + text if stream.tell() else text)
    except OSError as error:
        raise SinkError(
            f"{path} could not be written: {error.strerror or error}", "Check the path of --output."
        ) from error


def line(cells: Sequence[str]) -> str:
    """One line of a table."""
    return f"| {' | '.join(cells)} |"


def details(title: str, lines: Sequence[str]) -> str:
    """A list that opens on a click."""
    inside = "\n".join(f"- {line}" for line in lines)
    return f"<details><summary>{title}</summary>\n\n{inside}\n\n</details>"


def code(text: str) -> str:
    """A name. In code, GitHub and GitLab see no mention, no issue and no emoji."""
    return f"<code>{plain(text)}</code>"


def plain(text: str) -> str:
    """Any text as itself: every ASCII mark that Markdown or HTML may read is a character reference."""
    return "".join(_character(char) for char in text)


def _character(char: str) -> str:
    if char.isalnum() or char in " -":
        return char
    if not char.isprintable():
        return " "
    return f"&#{ord(char)};" if char.isascii() else char
