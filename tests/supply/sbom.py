"""`make sbom`: a CycloneDX bill of materials of what an installation holds, without places.

The environment tells names, licences and what needs what; the pins choose what is in it and give the hashes.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PINS = ROOT / "ci/requirements.txt"
_PLACE = re.compile(r"\w+://|(?<![\w./])/(?:home|root|tmp|usr|opt|work|Users|var)\b|\blocalhost\b")


Pins = dict[str, dict[str, list[str]]]


def pinned(text: str) -> Pins:
    """SHA-256 sums by name and version of a file of pins; a name has several versions for several Pythons."""
    found: Pins = {}
    for line in text.replace("\\\n", "").splitlines():
        pin, *hashes = line.split("--hash=sha256:")
        name, equals, version = pin.split(" ;")[0].strip().partition("==")
        if equals and not name.startswith("#"):
            found.setdefault(name, {})[version] = [value.strip() for value in hashes]
    return found


def bill(whole: dict[str, Any], pins: Pins) -> dict[str, Any]:
    """The document of an environment, cut down to pins that are installed there.

    A `ValueError` tells of a package with another version than its pin, and of a place that is left.
    """
    kept = []
    for component in whole["components"]:
        name, version = _normal(component["name"]), component["version"]
        if name not in pins:
            continue
        if version not in pins[name]:
            raise ValueError(
                f"{name} is {version} here, not {', '.join(pins[name])} as pinned: run `make venv`"
            )
        hashes = [{"name": "sci-batch:pin:sha256", "value": value} for value in pins[name][version]]
        kept.append(_without_places(component) | {"properties": hashes})
    root = whole["metadata"]["component"]
    refs = {one["bom-ref"] for one in [*kept, root]}
    cut = whole | {
        "metadata": whole["metadata"] | {"component": _without_places(root)},
        "components": kept,
        "dependencies": [
            one | {"dependsOn": [ref for ref in one.get("dependsOn", []) if ref in refs]}
            for one in whole["dependencies"]
            if one["ref"] in refs
        ],
    }
    cut["metadata"].pop("tools", None)  # they name the addresses of their makers
    text = json.dumps({key: value for key, value in cut.items() if key != "$schema"})
    if place := _PLACE.search(text):
        raise ValueError(f"the bill names a place: {text[max(place.start() - 60, 0) : place.end() + 60]}")
    return cut


def _without_places(component: dict[str, Any]) -> dict[str, Any]:
    """Licences as their names: full texts hold addresses."""
    kept = {key: value for key, value in component.items() if key not in {"externalReferences", "properties"}}
    if licences := [one for one in component.get("licenses", []) if not _PLACE.search(json.dumps(one))]:
        return kept | {"licenses": licences}
    kept.pop("licenses", None)
    return kept


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main(source: Path, to: Path) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    document = bill(json.loads(source.read_text(encoding="utf-8")), pinned(PINS.read_text(encoding="utf-8")))
    text = json.dumps(document, indent=2, sort_keys=True) + "\n"
    if problem := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise SystemExit(f"no CycloneDX 1.6: {problem}")
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(text, encoding="utf-8")
    print(f"{to}: {len(document['components'])} packages, CycloneDX 1.6")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
