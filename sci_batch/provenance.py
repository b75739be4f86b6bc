"""How the numbers were made: method, fingerprint."""

from __future__ import annotations

import hashlib
import json
from typing import Any

METHOD_VERSION = 1
"""Counts changes of the arithmetic itself; see "Numbers changed" in the changelog."""


def fingerprint(method: dict[str, Any]) -> str:
    """Twelve characters that change with any choice that changes numbers.

    >>> fingerprint({"pue": 1.0}) == fingerprint({"pue": 1.0})
    True
    >>> fingerprint({"pue": 1.0}) == fingerprint({"pue": 1.1})
    False
    """
    text = json.dumps({"method_version": METHOD_VERSION, **method}, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
