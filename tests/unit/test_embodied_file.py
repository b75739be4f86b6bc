"""`file:nodes.csv|toml`: whom a row is for, and what is wrong with a file, by line."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sci_batch import embodied
from sci_batch.embodied.file_rows import read
from sci_batch.errors import UsageError
from tests.unit.test_embodied_sources import LIFE, facts

FIXTURES = Path(__file__).parents[2] / "fixtures" / "embodied"
YEAR = 365 * 86400
HEADER = "node,selector,instance_type,embodied_kgco2e\n"


def nodes(path: Path, made: pd.DataFrame, **more: Any) -> pd.DataFrame:
    chain = [("file", str(path)), ("kg", "900")]
    return embodied.load(chain, made, lifespan_seconds=LIFE, **more).nodes.set_index("node")


MACHINES: dict[str, dict[str, Any]] = {
    "worker-1": {"type": "m5.4xlarge", "label_node_pool": "gpu", "gpus": 4},
    "worker-2": {"type": "m5.4xlarge", "label_node_pool": "gpu", "zone": "eu-west-3b", "gpus": 2},
    "worker-3": {"type": "m5.4xlarge", "label_node_pool": "gpu", "zone": "eu-west-3a", "gpus": 2},
    "worker-4": {"type": "m5.4xlarge", "label_node_pool": "cpu"},
    "worker-5": {"type": "k3s"},
}  # fmt: skip
CLUSTER = facts(**MACHINES)


@pytest.mark.parametrize("name", ["nodes.csv", "nodes.toml"])
def test_name_then_labels_then_type(name: str) -> None:
    found = nodes(FIXTURES / name, CLUSTER)
    assert found["embodied_kgco2e"].to_dict() == {
        "worker-1": 1300.5,  # its name; the row has no figure per GPU
        "worker-2": 2000 + 2 * 318,  # the first row whose labels match; GPUs of the node
        "worker-3": 1900 + 8 * 318,  # GPUs of the row
        "worker-4": 250.0,
        "worker-5": 900.0,
    }
    assert found["low_kgco2e"].fillna(-1).tolist() == [900, 1500 + 2 * 318, -1, -1, -1]
    assert found["high_kgco2e"].fillna(-1).tolist() == [1800, 2600 + 2 * 318, -1, -1, -1]
    assert found["lifespan_seconds"].tolist() == [5 * YEAR, LIFE, LIFE, 35040 * 3600, LIFE]
    assert found["embodied_source"].tolist() == [*[f"file:{name}"] * 4, "kg:900"]
    assert found["flags"].tolist() == [0] * 5


def test_both_forms_say_the_same() -> None:
    csv, toml = read(FIXTURES / "nodes.csv"), read(FIXTURES / "nodes.toml")
    assert [row.line for row in csv] == [2, 3, 4, 5]
    assert [row.line for row in toml] == [3, 11, 18, 24]
    for one, other in zip(csv, toml, strict=True):
        assert one.whom == other.whom
        assert one.embodied_kgco2e == other.embodied_kgco2e
        assert one.lifespan_seconds == other.lifespan_seconds or math.isnan(one.lifespan_seconds)


def test_labels_to_ask_for() -> None:
    chain = [("file", str(FIXTURES / "nodes.csv")), ("catalogue", "")]
    assert embodied.label_keys(chain) == ("node-pool",)  # the zone is always asked for
    assert embodied.label_keys([("catalogue", "")]) == ()


def test_a_label_that_was_not_recorded(tmp_path: Path) -> None:
    path = tmp_path / "nodes.csv"
    path.write_text(HEADER + ",rack=7,,1000\n")
    with pytest.raises(UsageError) as caught:
        nodes(path, CLUSTER)
    assert "line 2: the node label rack is not among the inputs" in caught.value.what


def test_the_content_is_in_the_provenance_and_the_folder_is_not(tmp_path: Path) -> None:
    one, other = tmp_path / "nodes.csv", tmp_path / "b" / "nodes.csv"
    other.parent.mkdir()
    one.write_text(HEADER + "a,,,1000\n")
    other.write_text(HEADER + "a,,,1000\n")
    words = embodied.described([("file", str(one)), ("catalogue", ""), ("model", "ssd=1"), ("kg", "5")])
    assert words == embodied.described(
        [("file", str(other)), ("catalogue", ""), ("model", "ssd=1"), ("kg", "5")]
    )
    assert str(tmp_path) not in words
    other.write_text(HEADER + "a,,,1001\n")
    assert words.split(",")[0] != embodied.described([("file", str(other))])
    assert embodied.described(()) == "kg:1216 (default)"


@pytest.mark.parametrize(
    ("text", "kg"),
    [
        (HEADER + "a,,,1000\n", 1000), (HEADER.replace(",", "\t") + "a\t\t\t1000,5\n", 1000.5),
        (HEADER.upper() + '\n\na,,,"1000,5"', 1000.5), ("embodied_kgco2e,node\n1e3,a\n", 1000),
        (HEADER.replace(",", " ; ") + " a ;;; 1000,25 \n", 1000.25),
        ("\ufeff" + HEADER.replace("\n", "\r\n") + "a,,,.5\r\n\r\n", 0.5),
    ],
)  # fmt: skip
def test_ways_to_write_it(tmp_path: Path, text: str, kg: float) -> None:
    path = tmp_path / "nodes.csv"
    path.write_bytes(text.encode())
    assert nodes(path, facts(a={})).loc["a", "embodied_kgco2e"] == kg


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("n.csv", "", "holds no rows"),
        ("n.csv", HEADER, "holds no rows"),
        ("n.csv", "node,embodied_kgco2\na,1\n", "line 1: embodied_kgco2 is not known"),
        ("n.csv", "node,node,embodied_kgco2e\na,b,1\n", "line 1: node stands twice"),
        ("n.csv", "node,\na,1\n", "line 1: an empty column"),
        ("n.csv", "node,lifespan\na,4y\n", "line 1: it does not say for which nodes, or how much"),
        ("n.csv", HEADER + "a,,,x\n", "line 2: embodied_kgco2e: 'x' is not a number"),
        ("n.csv", HEADER + "a,,,\n", "line 2: embodied_kgco2e is empty"),
        ("n.csv", HEADER + 'a,,,"1,200"\n', "reads as 1.200 and as 1200"),
        ("n.csv", HEADER + "a,,,0\n", "line 2: 0 kgCO2e is not"),
        ("n.csv", HEADER + "a,,,1300000\n", "Give kilograms"),
        ("n.csv", HEADER + "a,,,nan\n", "not a number"),
        ("n.csv", HEADER + "a,,m5.large,5\n", "node and instance_type says which"),
        ("n.csv", HEADER + "\n,,,5\n", "line 3: nothing says which nodes"),
        ("n.csv", HEADER + "a,,,1,200\n", "line 2: 5 values under 4 columns"),
        ("n.csv", HEADER + "a,,\n", "line 2: 3 values under 4 columns"),
        ("n.csv", HEADER + "a,,,5\nb,,,5\na,,,6\n", "lines 2 and 4 are for the same nodes"),
        ("n.csv", HEADER + ",,M5.large,5\n,,m5.LARGE,6\n", "lines 2 and 3 are for the same nodes"),
        ("n.csv", HEADER + ',"a=b,c=d",,5\n,"c=d,a=b",,6\n', "lines 2 and 3 are for the same nodes"),
        ("n.csv", HEADER + ",pool,,5\n", "selector 'pool' is not key=value"),
        ("n.csv", HEADER + ",pool in (a),,5\n", "is not key=value"),
        ("n.csv", HEADER + 'a,,,"5\n', "n.csv, line 2:"),
        ("n.csv", "node,embodied_kgco2e,lifespan\na,5,5\n", "line 2: '5' is not a length of time"),
        ("n.csv", "node,embodied_kgco2e,low_kgco2e\na,5,6\n", "line 2: embodied_kgco2e does not lie between"),
        ("n.csv", "node,embodied_kgco2e,high_kgco2e\na,5,4\n", "does not lie between"),
        ("n.csv", "node,embodied_kgco2e,gpus\na,5,-1\n", "line 2: gpus is below 0"),
        ("n.toml", "", "holds nothing"),
        ("n.toml", "[[node]]\n", "holds node, not [[nodes]] alone"),
        ("n.toml", "nodes = 5\n", "holds nodes, not [[nodes]] alone"),
        ("n.toml", "[[nodes]]\nnode = \n", "at line 2"),
        ("n.toml", "\n[[nodes]]\nnode = 'a'\n", "line 2: it does not say for which nodes, or how much"),
        ("n.toml", "[[nodes]]\nnode='a'\nembodied_kgco2e=5\n\n[[nodes]]\nnode='b'\nembodied_kgco2e=true\n",
         "line 5: embodied_kgco2e is not one value"),
        ("n.toml", "[[nodes]]\nnode='a'\nembodied_kgco2e=5\nlifespn='4y'\n", "line 1: lifespn is not known"),
        ("n.toml", "[[nodes]]\nnode='a'\nembodied_kgco2e=inf\n", "line 1: embodied_kgco2e: 'inf' is not"),
        ("n.xlsx", "", "neither .csv nor .toml"),
    ],
)  # fmt: skip
def test_what_is_wrong_and_where(tmp_path: Path, name: str, text: str, words: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        read(path)
    assert words in str(caught.value)
    assert name in caught.value.what
    assert caught.value.cure


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        read(tmp_path / "nodes.csv")
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        read(tmp_path)
    path = tmp_path / "nodes.csv"
    path.write_bytes("node,embodied_kgco2e\nKöln,5\n".encode("latin-1"))
    with pytest.raises(UsageError, match="is not UTF-8"):
        read(path)
