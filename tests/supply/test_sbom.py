"""The bill of materials: what is pinned, no more, and no places."""

from __future__ import annotations

from typing import Any

import pytest

from tests.supply.sbom import bill, pinned

PINS = pinned("""# made by x
a-b==1 ; python_version > '3' \\
    --hash=sha256:aa \\
    --hash=sha256:bb
a-b==2 \\
    --hash=sha256:cc
""")


def component(name: str, version: str = "1", **more: Any) -> dict[str, Any]:
    return {"name": name, "version": version, "bom-ref": f"{name}=={version}", **more}


def environment(*components: dict[str, Any]) -> dict[str, Any]:
    return {
        "$schema": "http://schema",
        "metadata": {"component": component("tool"), "tools": [{"url": "https://maker"}]},
        "components": list(components),
        "dependencies": [
            {"ref": "tool==1", "dependsOn": ["A_b==1", "test==1"]},
            {"ref": "A_b==1"},
            {"ref": "test==1"},
        ],
    }


def test_pins_stay_with_their_sums_and_what_needs_them() -> None:
    address = [{"type": "website", "url": "https://example.org"}]
    made = bill(environment(component("A_b", externalReferences=address), component("test")), PINS)
    sums = [{"name": "sci-batch:pin:sha256", "value": value} for value in ("aa", "bb")]
    assert made["components"] == [component("A_b", properties=sums)]
    assert made["dependencies"] == [
        {"ref": "tool==1", "dependsOn": ["A_b==1"]},
        {"ref": "A_b==1", "dependsOn": []},
    ]
    assert made["metadata"] == {"component": component("tool")}


def test_another_version_than_the_pin_is_told() -> None:
    with pytest.raises(ValueError, match="a-b is 3 here, not 1, 2 as pinned"):
        bill(environment(component("A_b", "3")), PINS)


@pytest.mark.parametrize("place", ["file:///x", "https://host/x", "in /home/me", "/opt/x", "localhost"])
def test_a_place_is_found_where_it_is_left(place: str) -> None:
    with pytest.raises(ValueError, match="names a place"):
        bill(environment(component("A_b", description=place)), PINS)


def test_a_licence_with_a_place_is_left_out() -> None:
    whole = [{"license": {"id": "MIT"}}, {"license": {"name": "see https://example.org"}}]
    (kept,) = bill(environment(component("A_b", licenses=whole)), PINS)["components"]
    assert kept["licenses"] == whole[:1]
