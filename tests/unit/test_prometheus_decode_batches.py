"""A large answer is turned into numbers in batches of text: where they are cut changes nothing."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest

from sci_batch.prometheus import decode as module


def _body() -> bytes:
    numbers = random.Random(5)
    result = [
        {
            "metric": {"__name__": "j", "pod": f"p{series}"},
            "values": [
                [1_700_000_000 + 30 * step + 0.123, repr(numbers.uniform(0, 1e6))]
                for step in range(numbers.randrange(1, 40))
            ],
        }
        for series in range(50)
    ]
    result[7]["values"][0][1] = "NaN"  # type: ignore[index]
    result[8]["values"] = [[1_700_000_000, "+Inf"]]
    envelope = {"status": "success", "data": {"resultType": "matrix", "result": result}}
    return json.dumps(envelope, separators=(",", ":")).encode()


@pytest.mark.parametrize("batch_bytes", [0, 500, 5_000, 10_000_000])
def test_batches_equal_the_plain_parser(batch_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BATCH_BYTES", batch_bytes)
    body = _body()
    plain, fast = module._whole(body), module._by_markers(body)
    assert fast is not None
    assert fast.dropped == plain.dropped == 2
    assert fast.samples.labels.equals(plain.samples.labels)
    assert len(fast.samples.labels) == 49
    for name in ("series", "time_ms", "value"):
        np.testing.assert_array_equal(getattr(fast.samples, name), getattr(plain.samples, name))
