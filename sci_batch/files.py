"""Files that a user names: where they are, and how much of one is read at most."""

from __future__ import annotations

from pathlib import Path

from sci_batch.errors import UsageError

MOST_BYTES = 512 * 1024**2
"""Of a text file, which becomes several times as much in memory."""


def path_of(text: str) -> Path:
    """The path; `~` is the home folder.

    Raises
    ------
    UsageError
        `~name` of a user who is not known here, or a text that no path can be.
    """
    if "\0" in text:
        raise UsageError("a path holds a NUL byte", "Check the path.")
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise UsageError(f"{text} begins with the home of nobody", "Write the path from / on.") from None


def is_there(path: Path) -> bool:
    """Whether something lies there, as far as we may look."""
    try:
        return path.exists()
    except OSError:  # no right to look into its folder
        return False


def is_folder(path: Path) -> bool:
    """Whether a folder lies there, as far as we may look."""
    try:
        return path.is_dir()
    except OSError:
        return False


def contents(path: Path, most_bytes: int = MOST_BYTES) -> bytes:
    """All of a file.

    Raises
    ------
    UsageError
        It is larger than `most_bytes`, or never ends, as a device does.
    OSError
        It cannot be read.
    """
    with path.open("rb") as stream:
        found = stream.read(most_bytes + 1)
    if len(found) > most_bytes:
        raise UsageError(f"{path} is larger than {most_bytes / 1e6:.0f} MB", "Give a smaller file.")
    return found


def text(path: Path) -> str:
    """All of a text file, without its byte-order mark.

    Raises
    ------
    UsageError
        As `contents`; or it is not UTF-8, or holds NUL bytes, as UTF-16 does.
    OSError
        It cannot be read.
    """
    try:
        found = contents(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        found = "\0"
    if "\0" in found:
        raise UsageError(f"{path} is not UTF-8 text", "Save it with the encoding UTF-8 (Excel: CSV UTF-8).")
    return found
