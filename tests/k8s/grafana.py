"""The dashboard as Grafana would ask it: panels, variables, and the queries with values put in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.k8s.manifests import objects, of_kind

_VARIABLE = re.compile(r"\$\{(\w+)(:text)?\}|\$(\w+)")
_LABEL_VALUES = re.compile(r"label_values\((?P<series>.+), (?P<label>\w+)\)")


@dataclass(frozen=True, slots=True)
class Query:
    """One query of one panel."""

    panel: str
    expr: str
    instant: bool


def dashboard() -> dict[str, Any]:
    """What stands in the ConfigMap."""
    (config,) = of_kind(objects("dashboard"), "ConfigMap")
    (text,) = config["data"].values()
    board: dict[str, Any] = json.loads(text)
    return board


def queries() -> Iterator[Query]:
    """Every query of every panel."""
    for panel in dashboard()["panels"]:
        for target in panel["targets"]:
            yield Query(panel["title"], target["expr"], target["instant"])


def variables() -> dict[str, dict[str, Any]]:
    """The pickers by name, in their order."""
    return {one["name"]: one for one in dashboard()["templating"]["list"]}


def used(text: str) -> set[str]:
    """Names of the variables in a text."""
    return {found[1] or found[3] for found in _VARIABLE.finditer(text)}


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with the values of the variables; `${NAME:text}` is looked up as `NAME:text`."""
    return _VARIABLE.sub(lambda found: values[(found[1] or found[3]) + (found[2] or "")], text)


def label_values(definition: str) -> tuple[str, str]:
    """Selector and label of `label_values(SELECTOR, LABEL)`."""
    found = _LABEL_VALUES.fullmatch(definition)
    assert found is not None, definition
    return found["series"], found["label"]
