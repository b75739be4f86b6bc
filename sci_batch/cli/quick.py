"""What keeps every run from waiting for nothing.

typer checks the types of all flags, also where there is nothing to check: 0.1 s. Python looks for garbage
while it loads packages, and in all that they hold when it ends: 0.2 s.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from sci_batch.settings import OPTIONS

_OBJECTS = 50_000
"""After so many new ones Python looks for garbage (far fewer, unless told): most are labels, which stay."""
_ARENA_MAX = -8
"""`M_ARENA_MAX` of `malloc.h`."""
_READ_BY_SETTINGS = {*OPTIONS, "config"}


def leave_alone(parameters: Sequence[Any]) -> None:
    """Let typer look only at flags that are given, and not at those whose texts the settings read."""
    for parameter in parameters:
        parameter.process_value = partial(_processed, parameter)


def _processed(parameter: Any, context: Any, value: Any) -> Any:
    if parameter.required or not (value is None or parameter.name in _READ_BY_SETTINGS):
        return type(parameter).process_value(parameter, context, value)
    if value is None and parameter.multiple:
        value = ()
    return value if parameter.callback is None else parameter.callback(context, parameter, value)


@contextmanager
def loading(module: str) -> Iterator[None]:
    """Import large packages inside, those of `module`: what they hold stays, and is not looked through."""
    if module in sys.modules:
        yield
        return
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()


def spare() -> None:
    """Before large packages are loaded and threads begin: no thread and no memory that is not used.

    numpy starts threads for linear algebra, of which there is none here: they wait busily, for 0.2 s.
    Arrow's own allocator holds on to 30 to 40 MiB more. The one of GNU gives each thread a heap that does not
    shrink: 80 MiB more for 10,000 pods.
    """
    import ctypes

    gc.set_threshold(_OBJECTS)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    if "MALLOC_ARENA_MAX" not in os.environ:
        with suppress(AttributeError, OSError):  # another C library
            ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)


def keep_all() -> None:
    """Before the end: the system takes everything back at once."""
    gc.freeze()
