"""M = TE x TiR/EL x RR/ToR: published values, then one node by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sci_batch.counters import FLAG_BITS
from sci_batch.embodied import DEFAULT_KGCO2E, embodied, load, node_gco2e, reserved, with_hardware
from sci_batch.embodied import facts as embodied_facts
from sci_batch.embodied.share import shares
from sci_batch.errors import UsageError

YEAR = 365 * 86400
HOUR = np.array([3600.0])


@pytest.mark.parametrize(
    ("kg", "seconds", "years", "grams"),
    [
        (1000.0, 3600.0, 4, 28.538812785388128),  # SciEmbodied of the Impact Framework, its defaults
        (0.2, 30 * 86400.0, 4, 4.10958904109589),  # SciM: TE 200 g, 30 days of 4 years, all of the device
        (550.0, 900.0, 4, 550_000 * 900 / 126_144_000),  # 15 minutes: 3.92 g
    ],
)
def test_published_values(kg: float, seconds: float, years: int, grams: float) -> None:
    assert node_gco2e(kg, np.array([seconds]), years * YEAR).tolist() == [grams]


def test_a_quarter_of_an_hour_of_550_kilograms() -> None:
    assert node_gco2e(550.0, np.array([900.0]), 4 * YEAR)[0] == pytest.approx(3.92, abs=0.005)


def rows(*pods: tuple[float, float, float | None], node_kwh: float | None = 1.0, cores: float | None = 8.0,
         share: tuple[float, ...] | None = None) -> pd.DataFrame:  # fmt: skip
    """(kWh, seconds lived, CPU request) of one node in window 0."""
    frame = pd.DataFrame(pods, columns=["active_kwh", "seconds", "request_cores"]).astype("float64")
    return frame.assign(
        window=0, node="n1", node_kwh=np.nan if node_kwh is None else node_kwh,
        node_cores=np.nan if cores is None else cores, share=share or (0.0,) * len(frame),
    )  # fmt: skip


def test_the_larger_of_request_and_energy_is_reserved() -> None:
    """2 of 8 cores against 10 % of the energy; 0.4 of 8 cores against 30 %; no request, 20 %."""
    part, flags = reserved(rows((0.1, 3600, 2.0), (0.3, 3600, 0.4), (0.2, 3600, None)), HOUR)
    assert part.tolist() == pytest.approx([2 / 8, 0.3, 0.2])
    assert flags.tolist() == [0, 0, 0]


def test_a_request_is_reserved_while_the_pod_lives() -> None:
    part, _ = reserved(rows((0.0, 900, 4.0)), HOUR)
    assert part.tolist() == [4 / 8 * 900 / 3600]


@pytest.mark.parametrize("node_kwh", [0.0, None])
def test_idle_pods_of_an_idle_node_reserve_what_they_ask_for(node_kwh: float | None) -> None:
    part, flags = reserved(rows((0.0, 3600, 2.0), (0.0, 3600, None), node_kwh=node_kwh), HOUR)
    assert part.tolist() == [0.25, 0.0]
    assert flags.tolist() == [0, 0]


def test_without_cores_energy_decides() -> None:
    part, _ = reserved(rows((0.25, 3600, 4.0), cores=None), HOUR)
    assert part.tolist() == [0.25]


def test_without_node_energy_pods_are_held_against_each_other() -> None:
    part, _ = reserved(rows((0.3, 3600, None), (0.1, 3600, None), node_kwh=None), HOUR)
    assert part.tolist() == pytest.approx([0.75, 0.25])


def test_more_than_the_node_is_scaled_to_it() -> None:
    """6 and 6 of 8 cores: half each, flagged."""
    part, flags = reserved(rows((0.1, 3600, 6.0), (0.1, 3600, 6.0)), HOUR)
    assert part.tolist() == pytest.approx([0.5, 0.5])
    assert flags.tolist() == [FLAG_BITS["overcommitted"]] * 2


def test_all_of_the_node_is_not_more_than_the_node() -> None:
    part, flags = reserved(rows((0.1, 3600, 6.0), (0.1, 3600, 2.0)), HOUR)
    assert part.tolist() == [0.75, 0.25]
    assert flags.tolist() == [0, 0]


def test_each_node_and_window_is_scaled_for_itself() -> None:
    """12 of 8 cores on n1 in the first hour; 4 of 8 on n2, and on n1 in the second."""
    full, half = rows((0.0, 3600, 8.0), (0.0, 3600, 4.0)), rows((0.0, 3600, 4.0))
    made = pd.concat([half.assign(node="n2"), full, half.assign(window=1)], ignore_index=True)
    part, flags = reserved(made, np.array([3600.0, 3600.0]))
    over = FLAG_BITS["overcommitted"]
    assert part.tolist() == pytest.approx([0.5, 2 / 3, 1 / 3, 0.5])
    assert flags.tolist() == [0, over, over, 0]


@pytest.mark.parametrize(
    ("pods", "parts"),
    [
        (((0.0, 3600, None), (0.0, 3600, None), (0.0, 3600, None)), [1 / 3] * 3),
        (((0.0, 3600, 2.0), (0.0, 3600, 1.0), (0.0, 3600, None)), [2 / 3, 1 / 3, 0.0]),
    ],
)
def test_a_node_of_unknown_energy_is_its_pods(
    pods: tuple[tuple[float, float, float | None], ...], parts: list[float]
) -> None:
    """No row takes what its pods leave over: by what they reserve, else in equal parts. n2 knows its own."""
    known = rows((0.5, 3600, None), share=(0.5,)).assign(node="n2")
    made = pd.concat([known, rows(*pods, node_kwh=None)], ignore_index=True)
    found, flags = shares(made, HOUR, "cpu")
    assert found.tolist() == pytest.approx([0.5 + 0.5 * 0.5, *parts])
    assert flags.tolist() == [0] * (1 + len(pods))


def test_a_policy_that_shares_by_life_also_holds_where_the_nodes_energy_is_unknown() -> None:
    """2 of 8 cores are reserved; of the rest 0.75 each pod carries half."""
    made = rows((0.0, 3600, 2.0), (0.0, 3600, None), node_kwh=None, share=(0.5, 0.5))
    found, _ = shares(made, HOUR, "cpu")
    assert found.tolist() == [0.25 + 0.375, 0.375]


def test_pods_above_their_nodes_energy_are_not_overcommitted() -> None:
    part, flags = reserved(rows((0.9, 3600, None), (0.6, 3600, None)), HOUR)
    assert part.tolist() == pytest.approx([0.9 / 1.5, 0.6 / 1.5])
    assert flags.tolist() == [0, 0]


def test_the_rest_follows_the_policy() -> None:
    """0.25 and 0.3 are reserved; of the rest, 0.45, two thirds and one third are carried."""
    made = rows((0.1, 3600, 2.0), (0.3, 3600, None), share=(2 / 3, 1 / 3))
    grams, _ = embodied(made, HOUR, embodied_kgco2e=1000.0, lifespan_seconds=4.0 * YEAR)
    node = 1_000_000 * 3600 / (4 * YEAR)
    assert grams.tolist() == pytest.approx([node * (0.25 + 0.45 * 2 / 3), node * (0.3 + 0.45 / 3)], rel=1e-12)


def test_windows_have_their_own_length() -> None:
    made = pd.concat([rows((1.0, 3600, None)), rows((1.0, 900, None)).assign(window=1)], ignore_index=True)
    grams, _ = embodied(made, np.array([3600.0, 900.0]), embodied_kgco2e=1000.0, lifespan_seconds=4.0 * YEAR)
    assert grams.tolist() == [28.538812785388128, 28.538812785388128 / 4]


def with_memory(made: pd.DataFrame, *asked: float | None, node: float | None = 64.0) -> pd.DataFrame:
    """Memory requests of the rows, and the memory of their node [GiB]."""
    request = pd.Series(asked, dtype="float64") * 2**30
    return made.assign(request_bytes=request, node_bytes=np.nan if node is None else node * 2**30)


def test_memory_is_reserved_as_requested() -> None:
    """16 and 8 of 64 GiB, the second for a quarter of an hour; nothing where nothing is requested."""
    made = with_memory(rows((0.5, 3600, 2.0), (0.1, 900, 1.0), (0.2, 3600, 1.0)), 16, 8, None)
    part, flags = reserved(made, HOUR, "memory")
    assert part.tolist() == pytest.approx([16 / 64, 8 / 64 / 4, 0.0])
    assert flags.tolist() == [0, 0, 0]


def test_the_mean_of_cores_and_memory() -> None:
    """4 of 8 cores and 16 of 64 GiB; 10 % of the energy and 32 of 64 GiB."""
    made = with_memory(rows((0.1, 3600, 4.0), (0.1, 3600, None)), 16, 32)
    part, flags = reserved(made, HOUR, "mean")
    assert part.tolist() == pytest.approx([(0.5 + 0.25) / 2, (0.1 + 0.5) / 2])
    assert flags.tolist() == [0, 0]


def test_each_resource_is_scaled_for_itself() -> None:
    """Cores are overcommitted (12 of 8), memory is not (16 of 64): 2/3 and 1/3 of one, 1/8 of the other."""
    made = with_memory(rows((0.0, 3600, 8.0), (0.0, 3600, 4.0)), 8, 8)
    part, flags = reserved(made, HOUR, "mean")
    assert part.tolist() == pytest.approx([(2 / 3 + 1 / 8) / 2, (1 / 3 + 1 / 8) / 2])
    assert flags.tolist() == [FLAG_BITS["overcommitted"]] * 2
    part, flags = reserved(made, HOUR, "memory")
    assert part.tolist() == pytest.approx([1 / 8, 1 / 8])
    assert flags.tolist() == [0, 0]


@pytest.mark.parametrize("by", ["memory", "mean"])
def test_without_the_nodes_memory_cores_decide(by: str) -> None:
    made = with_memory(rows((0.1, 3600, 4.0), (0.0, 0, None)), 16, None, node=None)
    part, flags = reserved(made, HOUR, by)
    assert part.tolist() == [0.5, 0.0]
    assert flags.tolist() == [FLAG_BITS["memory-unknown"], 0]


def test_hardware_by_uid_else_by_name() -> None:
    pods = pd.DataFrame(
        {"namespace": ["shop"] * 3, "pod": ["db-0", "db-1", "db-2"], "pod_uid": ["u0", "", "u9"],
         "node": ["n1", "n1", "n2"]}
    ).astype("str")  # fmt: skip
    requests = pd.DataFrame(
        {"namespace": ["shop"] * 3, "pod": ["db-0", "db-0", "db-1"], "uid": ["old", "u0", "u1"],
         "cores": [9.0, 0.5, 2.0]}
    ).astype({"namespace": "str", "pod": "str", "uid": "str"})  # fmt: skip
    capacity = pd.DataFrame({"node": ["n1"], "cores": [8.0]}).astype({"node": "str"})
    found = with_hardware(pods, requests, capacity)
    assert found["request_cores"].fillna(-1).tolist() == [0.5, 2.0, -1]
    assert found["node_cores"].fillna(-1).tolist() == [8.0, 8.0, -1]


def test_memory_by_uid_else_by_name() -> None:
    """Asked for in bytes; both tables of memory must be there."""
    pods = pd.DataFrame(
        {"namespace": ["shop"] * 2, "pod": ["db-0", "db-1"], "pod_uid": ["u0", ""], "node": ["n1", "n2"]}
    ).astype("str")
    named = pd.DataFrame({"namespace": ["shop"] * 2, "pod": ["db-0", "db-1"], "uid": ["u0", "u1"]}).astype(
        "str"
    )
    cores = (
        named.assign(cores=[1.0, 2.0]),
        pd.DataFrame({"node": ["n1"], "cores": [8.0]}).astype({"node": "str"}),
    )
    asked = named.assign(bytes=[3.0, 4.0])
    there = pd.DataFrame({"node": ["n2", "n2"], "bytes": [64.0, 32.0]}).astype({"node": "str"})
    found = with_hardware(pods, *cores, asked, there)
    assert found["request_cores"].tolist() == [1.0, 2.0]
    assert found["request_bytes"].tolist() == [3.0, 4.0]
    assert found["node_bytes"].fillna(-1).tolist() == [-1, 32.0], "the newest of two"
    for memory in ((asked, None), (None, there)):
        assert "request_bytes" not in with_hardware(pods, *cores, *memory)


def loaded(spec: str | None) -> pd.DataFrame:
    """NODES of one node of which nothing is known."""
    nothing = pd.DataFrame({"node": ["n1"]}).astype("str")
    facts = embodied_facts(
        ["n1"], labels=nothing.assign(instance_type=""), info=nothing.assign(provider_id=""),
        capacity=nothing.assign(cores=np.nan), memory_capacity=nothing.assign(bytes=np.nan),
        gpu_capacity=nothing.assign(gpus=np.nan), sockets=nothing.assign(sockets=np.nan),
    )  # fmt: skip
    kind, _, argument = (spec or "").partition(":")
    return load([(kind, argument)] if spec else (), facts, lifespan_seconds=4.0 * YEAR).nodes


def test_the_default_is_flagged() -> None:
    found = loaded(None)
    assert found["embodied_kgco2e"].tolist() == [DEFAULT_KGCO2E]
    assert found["flags"].tolist() == [FLAG_BITS["embodied-default"]]
    assert loaded("kg:1200")["flags"].tolist() == [0]
    assert loaded("kg:1200")["embodied_kgco2e"].tolist() == [1200]


@pytest.mark.parametrize("spec", ["kg:", "kg:-5", "kg:0", "kg:nan", "ton:1", "1200", "kg:x"])
def test_no_hardware_by_guess(spec: str) -> None:
    with pytest.raises(UsageError, match="embodied"):
        loaded(spec)


# Rules that did not hold when these tests were written.


def test_infinite_hardware_is_refused() -> None:
    with pytest.raises(UsageError):
        loaded("kg:inf")


def test_a_node_of_unknown_energy_with_idle_pods_uses_up_its_hardware() -> None:
    """Its own counters are missing, its pod used nothing, and `separate` has no row to put the rest in."""
    made = rows((0.0, 3600, 2.0), node_kwh=None)
    grams, _ = embodied(made, HOUR, embodied_kgco2e=1000.0, lifespan_seconds=4.0 * YEAR)
    assert grams.sum() == pytest.approx(28.538812785388128, rel=1e-12)
