"""PUE by number, place and node."""

from __future__ import annotations

import pandas as pd
import pytest

from sci_batch import pue
from sci_batch.errors import UsageError

NODES = pd.Series(["a", "b"])


def test_a_number_is_the_same_everywhere() -> None:
    assert pue.load("1.2").of(NODES).tolist() == [1.2, 1.2]


@pytest.mark.parametrize("argument", ["0.9", "nan", "inf", "-1", "10.1", "1e308"])
def test_a_number_that_no_data_centre_has_is_refused(argument: str) -> None:
    with pytest.raises(UsageError, match="not a PUE"):
        pue.load(argument)


def test_a_place_uses_its_region_else_its_provider() -> None:
    assert pue.load("gcp:europe-west4").everywhere == 1.07
    assert pue.load("gcp:nowhere").everywhere == 1.09
    assert pue.load("AWS").everywhere == 1.15


def test_an_unknown_provider_names_those_known() -> None:
    with pytest.raises(UsageError) as caught:
        pue.load("garage")
    assert "scaleway" in caught.value.cure


def test_by_node() -> None:
    places = pd.DataFrame(
        {"node": ["a", "b"], "provider": ["gcp", "aws"], "region": ["us-east4", "eu-west-1"]}
    )
    found = pue.load("auto", places)
    assert found.of(NODES).tolist() == [1.08, 1.15]
    assert found.source == "auto: aws (mean) 1.15, gcp:us-east4 1.08"


def test_a_node_of_no_known_place_is_an_error_not_a_one() -> None:
    places = pd.DataFrame({"node": ["a"], "provider": ["gcp"], "region": [""]})
    with pytest.raises(UsageError, match="no PUE is known for b"):
        pue.load("auto", places).of(NODES)
