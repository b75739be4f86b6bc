"""How quickly the counters come, in few characters."""

from __future__ import annotations

import pytest

from sci_batch.fetch import _rate


@pytest.mark.parametrize(
    ("count", "seconds", "text"),
    [(0, 1.0, "0"), (1_024, 2.0, "512"), (9_999, 1.0, "9999"), (2_600_000, 2.0, "1,300k"), (10, 0.0, "10k")],
)
def test_values_a_second(count: int, seconds: float, text: str) -> None:
    assert _rate(count, seconds) == text
