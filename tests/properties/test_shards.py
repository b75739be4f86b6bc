"""However the nodes are cut into shares, each counter is asked for in one of them, and in one only."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sci_batch import kepler
from sci_batch.asking.plan import Discovery, Plan, Seen
from sci_batch.fetch.shards import shards

NAMES = st.sampled_from(["", "n1", "n2", "n1.example", "n.1", "nx1", "a|b", "a", "b", "w[0]", "10.0.0.5:9102",
                         "c\\d", 'q"', "x+", "(y)", "^z$", "late", "later"])  # fmt: skip
PLAN = Plan(edges_ms=(0, 3_600_000), pull="raw", power_domains=("package",), cluster=(), max_gap_ms=180_000)
LABEL = {kepler.REWRITE: "node_name", kepler.LEGACY: "instance"}
METERS = tuple(
    meter for group in kepler.meters(("package",), (), PLAN.labels).values() for meter in group
)  # fmt: skip


@st.composite
def discoveries(draw: Any) -> Discovery:
    """Any nodes of both generations, targets under any names, also several of them."""
    places = draw(st.lists(st.tuples(st.sampled_from(list(LABEL)), NAMES), min_size=1, unique=True))
    targets = [value for generation, value in places if generation == kepler.LEGACY]
    pairs = []
    if targets:
        names = NAMES.filter(bool)
        pairs = draw(st.lists(st.tuples(st.sampled_from(targets), names), max_size=6, unique=True))
    sizes = st.integers(1, 1000)
    shown = tuple(seen(generation, value, draw(sizes)) for generation, value in places)
    return Discovery(meters=METERS, series=100, node_names=dict(pairs), node_pairs=tuple(pairs), seen=shown)


def seen(generation: str, node: str, series: int) -> Seen:
    return Seen(
        generation=generation, level=kepler.POD, metric="", node=node, power_domain="package",
        series=series, mean=series, first_ms=0, last_ms=0,
    )  # fmt: skip


def asked(found: Discovery, generation: str, value: str) -> set[str]:
    """Metrics whose series with this value would be answered; by Python's own `re`, anchored as in PromQL."""
    return {
        meter.metric
        for meter in found.meters
        if meter.generation == generation and all(_matches(text, value) for text in _about(meter))
    }


def _about(meter: kepler.Meter) -> list[str]:
    return [text for text in meter.matchers if text.startswith(LABEL[meter.generation])]


def _matches(text: str, value: str) -> bool:
    found = re.fullmatch(r'\w+(=~|!~|!=|=)"(.*)"', text)
    assert found
    sign, pattern = found[1], re.sub(r"\\(.)", r"\1", found[2])
    equal = re.fullmatch(pattern, value) is not None if "~" in sign else pattern == value
    return equal is not sign.startswith("!")


@given(discoveries(), st.integers(1, 12))
def test_every_counter_is_in_one_share(found: Discovery, count: int) -> None:
    made = shards(PLAN, found, count)
    assert 1 <= len(made) <= count
    values = {*found.presence["node"], *found.node_names, *found.node_names.values(), "", "seen by nobody"}
    for generation in LABEL:
        whole = {meter.metric for meter in METERS if meter.generation == generation}
        for value in values:
            held = [asked(share, generation, value) for share in made]
            assert sorted(map(len, held)) == [*[0] * (len(made) - 1), len(whole)], (generation, value)
            assert whole in held


@given(discoveries(), st.integers(2, 12))
def test_a_node_is_never_cut(found: Discovery, count: int) -> None:
    """Its old Keplers, under whatever address, and its new one: what is held against each other."""
    made = shards(PLAN, found, count)

    def share(generation: str, value: str) -> int:
        (number,) = [at for at, one in enumerate(made) if asked(one, generation, value)]
        return number

    new = set(found.presence.loc[found.presence["generation"] == kepler.REWRITE, "node"])
    for target, name in found.node_pairs:
        others = {other for other, called in found.node_pairs if called == name}
        assert {share(kepler.LEGACY, other) for other in others} == {share(kepler.LEGACY, target)}
        if name in new:
            assert share(kepler.REWRITE, name) == share(kepler.LEGACY, target)


def test_shares_are_of_about_one_size() -> None:
    nodes = [f"n{at:03}" for at in range(100)]
    shown = tuple(seen(kepler.REWRITE, node, 50) for node in nodes)
    found = Discovery(meters=METERS, series=5000, node_names={}, seen=shown)
    made = shards(PLAN, found, 4)
    assert len(made) == 4
    sizes = [sum(bool(asked(one, kepler.REWRITE, node)) for node in nodes) for one in made]
    assert sizes == [25, 25, 25, 25]
    assert not any(meter.generation == kepler.LEGACY for one in made[:-1] for meter in one.meters)
    assert any(meter.generation == kepler.LEGACY for meter in made[-1].meters), "what nobody saw"
