"""Hardware of nodes: the catalogue, the component model, and chains; each against figures from elsewhere."""

from __future__ import annotations

import csv
import statistics
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sci_batch import embodied
from sci_batch.counters import FLAG_BITS
from sci_batch.embodied import catalogue, model
from sci_batch.embodied.instance import families, providers
from sci_batch.errors import UsageError
from sci_batch.settings import factors

LIFE = 4 * 365 * 86400.0
ESTIMATED = FLAG_BITS["embodied-estimated"]


def facts(**nodes: Mapping[str, Any]) -> pd.DataFrame:
    """FACTS of nodes: type, provider_id, cores, gb, gpus, sockets, and label_* columns."""
    names = pd.DataFrame({"node": list(nodes)}).astype("str")

    def column(key: str, dtype: str) -> pd.Series:
        return pd.Series([node.get(key) for node in nodes.values()], dtype=dtype)

    labels = sorted({key for node in nodes.values() for key in node if key.startswith("label_")})
    texts = {key: column(key, "str") for key in ("region", "zone", "arch", *labels)}
    gb = column("gb", "float64")
    return embodied.facts(
        nodes, labels=names.assign(instance_type=column("type", "str"), **texts),
        info=names.assign(provider_id=column("provider_id", "str")),
        capacity=names.assign(cores=column("cores", "float64")),
        memory_capacity=names.assign(bytes=gb * 2**30),
        gpu_capacity=names.assign(gpus=column("gpus", "float64")),
        sockets=names.assign(sockets=column("sockets", "float64")),
    )  # fmt: skip


def nodes(chain: str, made: pd.DataFrame, **more: Any) -> pd.DataFrame:
    """NODES by node name."""
    return embodied.load(factors.embodied(chain).pairs, made, lifespan_seconds=LIFE, **more).nodes.set_index(
        "node"
    )


def shipped() -> list[dict[str, str]]:
    with catalogue.TABLE.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def test_known_kinds_are_the_same_in_settings_and_here() -> None:
    assert set(embodied.SOURCES) == set(factors.EMBODIED_KINDS)
    assert set(embodied.SHARES) == {"cpu", "memory", "mean"}


@pytest.mark.parametrize(
    ("name", "kg"),
    [
        ("m5.xlarge", 67.1), ("c5.2xlarge", 149.4), ("m6g.large", 41.7), ("t3.medium", 33.6),
        ("Standard_D4s_v3", 92.7), ("n2-standard-4", 59.0), ("STANDARD_d4S_v3", 92.7), ("m5.metal", 1610.79),
    ],
)  # fmt: skip
def test_instance_types_by_published_shares(name: str, kg: float) -> None:
    found = nodes("catalogue", facts(a={"type": name, "cores": 4})).loc["a"]
    assert found["embodied_kgco2e"] == pytest.approx(kg, abs=0.06)
    assert (found["embodied_source"], found["flags"]) == ("catalogue", 0)
    assert np.isnan(found["low_kgco2e"])
    assert found["lifespan_seconds"] == LIFE


def test_the_share_of_the_host_is_taken_once() -> None:
    """16 of the 96 vCPUs of an m5 host of 1610.79 kg, not 16/96 of that again."""
    found = nodes("catalogue", facts(a={"type": "m5.4xlarge", "cores": 16}))["embodied_kgco2e"]
    assert found.tolist() == pytest.approx([1610.79 * 16 / 96], abs=0.01)


def test_every_row_of_the_table_is_itself() -> None:
    rows = [row for row in shipped() if row["provider"] != "aws" or row["node_label"].count(".") == 1]
    schemes = {"aws": "aws", "azure": "azure", "gcp": "gce"}
    made = facts(**{
        f"n{index:04d}": {"type": row["node_label"], "provider_id": f"{schemes[row['provider']]}:///x"}
        for index, row in enumerate(rows)
    })  # fmt: skip
    found = nodes("catalogue", made)
    assert len(rows) > 800
    assert found["embodied_kgco2e"].tolist() == [float(row["embodied_kgco2e"]) for row in rows]


def test_an_unknown_type_costs_what_its_family_does() -> None:
    """Median per vCPU of the rows whose names begin so, worked out from the file."""
    for name, begins, cores in (("m5.7xlarge", "m5.", 28), ("m7i.2xlarge", "m", 8)):
        per = [
            float(row["embodied_kgco2e"]) / int(row["vcpus"])
            for row in shipped()
            if row["provider"] == "aws" and row["node_label"].startswith(begins)
            and row["node_label"].count(".") == 1 and not row["node_label"].startswith("mac")
        ]  # fmt: skip
        found = nodes("catalogue", facts(a={"type": name, "cores": cores})).loc["a"]
        assert found["embodied_kgco2e"] == pytest.approx(statistics.median(per) * cores)
        assert found["low_kgco2e"] == pytest.approx(min(per) * cores)
        assert found["high_kgco2e"] == pytest.approx(max(per) * cores)
        assert (found["embodied_source"], found["flags"]) == ("catalogue:family", ESTIMATED)


def test_an_estimate_is_named_in_the_notes() -> None:
    made = facts(a={"type": "m7i.large", "cores": 2}, b={"type": "m5.large", "cores": 2})
    notes = embodied.load([("catalogue", "")], made, lifespan_seconds=LIFE).notes
    assert len(notes) == 1
    assert "m7i.large" in notes[0]
    assert "m5.large" not in notes[0]


def test_constrained_azure_sizes_reserve_what_their_parent_does() -> None:
    parent = next(row for row in shipped() if row["node_label"] == "Standard_E16as_v4")
    found = nodes("catalogue", facts(a={"type": "Standard_E16-4as_v4", "cores": 4})).loc["a"]
    assert found["embodied_kgco2e"] == float(parent["embodied_kgco2e"])
    assert found["flags"] == 0


def test_a_constrained_size_of_an_unknown_parent_counts_the_parents_vcpus() -> None:
    found = nodes("catalogue", facts(a={"type": "Standard_E18-4as_v4", "cores": 4})).loc["a"]
    whole = nodes("catalogue", facts(a={"type": "Standard_E18as_v4", "cores": 18})).loc["a"]
    assert found["embodied_kgco2e"] == whole["embodied_kgco2e"]
    assert found["flags"] == ESTIMATED


def test_families() -> None:
    assert families("azure", "Standard_NC64as_T4_v3") == ("nc#as_t4_v3", "nc")
    assert families("gcp", "custom-4-8192") == ("n1-custom", "n1", "n")
    assert families("aws", "u-12tb1.metal") == ("u-12tb1", "u")
    assert families("", "m5.large") == ()


def test_the_node_says_whose_type_it_is() -> None:
    """OpenStack has flavours called m1.large; without a provider the shape of the name decides."""
    made = facts(
        a={"type": "m1.large", "provider_id": "openstack:///7"}, b={"type": "m1.large"},
        c={"type": "x", "provider_id": "gce://p/z/n"}, d={"type": "k3s"},
    )  # fmt: skip
    assert providers(made).tolist() == ["openstack", "aws", "gcp", ""]
    assert nodes("catalogue,kg:900", made.assign(cores=2.0))["embodied_source"].tolist() == [
        "kg:900", "catalogue", "kg:900", "kg:900",
    ]  # fmt: skip


def test_managed_services_are_no_nodes() -> None:
    with pytest.raises(UsageError, match=r"cache\.m5\.large"):
        nodes("catalogue", facts(a={"type": "cache.m5.large", "cores": 2}))


def test_nodes_that_nobody_knows_are_named() -> None:
    made = facts(**{f"node-{index}": {"type": "k3s"} for index in range(7)})
    with pytest.raises(UsageError) as caught:
        nodes("catalogue,model", made)
    assert "node-0 (k3s), node-1 (k3s)" in caught.value.what
    assert "and 2 more is not known by catalogue, model" in caught.value.what
    assert ",kg:1200" in caught.value.cure
    with pytest.raises(UsageError) as caught:
        nodes("catalogue", facts(a={}))
    assert "--metric-labels-allowlist" in caught.value.cure


def test_the_component_model_by_hand() -> None:
    """The m5 host, 96 vCPUs on two sockets with 384 GB: 1.61 t, as the table has it."""
    made = facts(
        host={"gb": 384, "sockets": 2}, small={"gb": 16}, tiny={"gb": 4},
        gpu={"gb": 64, "sockets": 2, "gpus": 4},
    )  # fmt: skip
    found = nodes("model", made)
    assert found["embodied_kgco2e"].to_dict() == pytest.approx({
        "host": 1000 + (384 - 16) * 533 / 384 + 100, "small": 1000, "tiny": 1000,
        "gpu": 1000 + 48 * 533 / 384 + 100 + 4 * 150,
    })  # fmt: skip
    assert found.loc["host", "embodied_kgco2e"] == pytest.approx(1610.79, abs=0.01)
    assert (found["flags"] == ESTIMATED).all()
    more = nodes("model:gpu_kgco2e=318,ssd=2,hdd=1,sockets=2", made)
    assert more["embodied_kgco2e"].to_dict() == pytest.approx({
        "host": 1000 + (384 - 16) * 533 / 384 + 100 + 250, "small": 1350, "tiny": 1350,
        "gpu": 1000 + 48 * 533 / 384 + 100 + 4 * 318 + 250,
    })  # fmt: skip


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("sdd=1", "Did you mean ssd?"), ("ssd=x", "ssd: 'x' is not a number"), ("ssd=-1", "cannot be"),
        ("ssd=1,ssd=2", "twice"), ("sockets=0", "cannot be"), ("ssd", "is not a number"),
    ],
)  # fmt: skip
def test_parameters_of_the_model(argument: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        model.parameters(argument)
    assert words in str(caught.value)


def test_the_first_that_knows_a_node_wins() -> None:
    made = facts(
        cloud={"type": "m5.large", "gb": 8}, rack={"type": "", "gb": 256, "sockets": 2}, dark={"type": ""}
    )
    found = nodes("catalogue,model,kg:800", made)
    assert found["embodied_source"].to_dict() == {"cloud": "catalogue", "rack": "model", "dark": "kg:800"}
    assert found["embodied_kgco2e"].to_dict() == pytest.approx(
        {"cloud": 33.56, "rack": 1000 + 240 * 533 / 384 + 100, "dark": 800}
    )
    assert nodes("model,catalogue,kg:800", made).loc["cloud", "embodied_source"] == "model"


@pytest.mark.parametrize(
    ("chain", "words"),
    [
        ([("catalog", "")], "Did you mean catalogue?"), ([("kg", "1"), ("model", "")], "never asked"),
        ([("kg", "1,200")], "reads as 1.200 and as 1200"), ([("kg", "900000")], "Give kilograms"),
        ([("catalogue", "x")], "takes no argument"),
    ],
)  # fmt: skip
def test_chains_that_cannot_be(chain: list[tuple[str, str]], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        embodied.load(chain, facts(a={"type": "m5.large"}), lifespan_seconds=LIFE)
    assert words in str(caught.value)


def test_the_same_nodes_in_any_order_give_the_same() -> None:
    made = facts(
        b={"type": "m5.large", "gb": 8}, a={"type": "k3s", "gb": 64}, c={"type": "m7i.large", "cores": 2}
    )
    one = nodes("catalogue,model", made)
    other = nodes("catalogue,model", made.sample(frac=1, random_state=1))
    pd.testing.assert_frame_equal(one, other)
    assert one.index.tolist() == ["a", "b", "c"]
    assert one.dtypes.astype(str).to_dict() | {"node": "str"} == embodied.hardware.COLUMNS
