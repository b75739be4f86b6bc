"""The Prometheus HTTP API: session, login, retries, errors, answers.

Names are loaded when first used: `HttpSettings` costs nothing, `Client` imports requests and pandas.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sci_batch.prometheus.client import Client
    from sci_batch.prometheus.http import HttpSettings, check, parse_headers
    from sci_batch.prometheus.problems import TooMuchError
    from sci_batch.prometheus.samples import Samples, concat, empty

__all__ = ["Client", "HttpSettings", "Samples", "TooMuchError", "check", "concat", "empty", "parse_headers"]

_HOMES = {
    "Client": "client",
    "HttpSettings": "http",
    "Samples": "samples",
    "TooMuchError": "problems",
    "check": "http",
    "concat": "samples",
    "empty": "samples",
    "parse_headers": "http",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
