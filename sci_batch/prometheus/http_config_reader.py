"""Plain values out of an HTTP config file; a fault is told with the place in the file, never with a value."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from sci_batch.errors import UsageError
from sci_batch.prometheus.http_config_parts import FLAG, Secret

ONE_GRANT = "of the grants only client_credentials is known"
# fmt: off
_OTHER_GRANTS = frozenset({
    "client_certificate_key_id", "client_certificate_key", "client_certificate_key_file",
    "signature_algorithm", "iss", "audience", "claims",
})
# fmt: on
_YES = ("true", "yes", "on", "y")
_NO = ("false", "no", "off", "n")


class Reader:
    """Turns plain YAML into typed parts, and knows the file for messages and relative names."""

    def __init__(self, path: str) -> None:
        self._path = path

    def refuse(self, fault: str) -> NoReturn:
        """Raise a `UsageError` that names the file."""
        raise UsageError(f"{FLAG} {self._path} {fault}.", f"Correct the file, or take {FLAG} away.")

    def mapping(self, data: object, place: str, allowed: tuple[str, ...] | None) -> Mapping[str, Any]:
        """A mapping with these keys; nothing stands for an empty one."""
        if data in (None, ""):
            return {}
        if not isinstance(data, dict):
            self.refuse(f"has no mapping at {place or 'its top'}")
        for key in data if allowed is not None else ():
            if key not in (allowed or ()):
                self._unknown(str(key), place, allowed or ())
        return data

    def _unknown(self, key: str, place: str, allowed: tuple[str, ...]) -> NoReturn:
        where = f"{place}.{key}" if place else key
        if key.endswith("_ref"):
            self.refuse(f"has the key {where}, but no manager of secrets is here: use a file")
        if key in _OTHER_GRANTS and place == "oauth2":
            self.refuse(f"has the key {where}, which is not supported: {ONE_GRANT}")
        near = difflib.get_close_matches(key, allowed, n=1)
        guess = f"did you mean {near[0]}?" if near else f"known: {', '.join(allowed)}"
        # A key can be a secret that lost its colon: show only what looks like a key.
        shown = where if key.isidentifier() and len(key) <= 40 else "(not shown)"
        self.refuse(f"has an unknown key {shown} ({guess})")

    def text(self, data: Mapping[str, Any], key: str, place: str) -> str | None:
        """A text; an empty one is None."""
        value = data.get(key)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            self.refuse(f"needs text at {place}{key}")
        return value

    def texts(self, data: Mapping[str, Any], key: str, place: str) -> tuple[str, ...]:
        """A list of texts."""
        value = data.get(key) or []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.refuse(f"needs a list of texts at {place}{key}")
        return tuple(value)

    def file(self, data: Mapping[str, Any], key: str, place: str) -> str | None:
        """Name of a file, relative to the folder of this one."""
        name = self.text(data, key, place)
        return None if name is None else self._beside(name)

    def _beside(self, name: str) -> str:
        return str(Path(self._path).parent / name)

    def secret(self, data: Mapping[str, Any], key: str, place: str) -> Secret:
        """The text at `key`, or the file at `key_file`, not both."""
        found = Secret(text=self.text(data, key, place), file=self.file(data, f"{key}_file", place))
        if found.text is not None and found.file is not None:
            self.refuse(f"has both {place}{key} and {place}{key}_file: keep one")
        return found

    def boolean(self, data: Mapping[str, Any], key: str, place: str) -> bool | None:
        """One of YAML's words for true and false."""
        word = self.text(data, key, place)
        if word is not None and word.lower() not in (*_YES, *_NO):
            self.refuse(f"needs true or false at {place}{key}")
        return None if word is None else word.lower() in _YES
