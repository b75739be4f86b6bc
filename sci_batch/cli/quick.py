"""Flags without typer's checks of types where there is nothing to check: they cost every run 0.1 s."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from sci_batch.settings import OPTIONS

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
