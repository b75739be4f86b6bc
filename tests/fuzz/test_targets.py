"""Every kind of input, from seeds that were changed: refused with a cure, or numbers that were there.

A campaign: `make fuzz`, or with Hypothesis alone `FUZZ_EXAMPLES=20000 .venv/bin/pytest tests/fuzz`.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.mutated import inputs
from tests.fuzz.targets import TARGETS

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "40"))
CAMPAIGN = "FUZZ_EXAMPLES" in os.environ


@pytest.mark.parametrize("name", TARGETS)
def test_the_seeds_are_read(name: str) -> None:
    for seed in TARGETS[name].seeds():
        TARGETS[name].judge(seed)


@pytest.mark.parametrize("name", TARGETS)
@settings(
    max_examples=EXAMPLES, derandomize=not CAMPAIGN, deadline=None, database=None,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
@given(data=st.data())
def test_whatever_the_bytes_are(name: str, data: st.DataObject) -> None:
    target = TARGETS[name]
    target.judge(data.draw(inputs(target.seeds())))
