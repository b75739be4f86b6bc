"""What must hold of an answer: a refusal in a sentence with a cure, or numbers that were really there."""

from __future__ import annotations

import math
import re
import tempfile
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import TypeVar

from sci_batch.errors import SciBatchError

T = TypeVar("T")
NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
"""A number as this tool reads it, in letters of ASCII: no `1_000`, `0x10`, `nan`, `١٢` or `1,5`."""


def answered(read: Callable[[], T]) -> T | None:
    """What was read; None where it was refused with words and a cure. Any other exception is a finding."""
    try:
        return read()
    except SciBatchError as error:
        assert error.what.strip(), "refused without words"
        several = "\n  " in error.what  # settings: a cure in each line
        assert error.cure.strip() or several, f"refused without a cure: {error.what}"
        assert len(error.what) < 20_000, "the refusal repeats the whole input"
    return None


def finite(values: Iterable[float], low: float = -math.inf, high: float = math.inf) -> None:
    """All of them numbers in that range."""
    for value in values:
        assert math.isfinite(value), value
        assert low <= value <= high, (value, low, high)


def text_of(data: bytes) -> str:
    """As a flag or a variable would come: what is not UTF-8 becomes lone surrogates."""
    return data.decode("utf-8", "surrogateescape").replace("\0", "")


def file_of(data: bytes, name: str) -> Path:
    """The bytes as a file."""
    path = _folder() / name
    path.write_bytes(data)
    return path


@cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="sci-batch-fuzz-"))
