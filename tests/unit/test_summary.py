"""Totals of a run: what is not shown, and why."""

from __future__ import annotations

import pytest

from sci_batch import pipeline
from sci_batch.report import Totals
from sci_batch.settings import load


def totals(**flags: object) -> Totals:
    """Of the last hour of the demo."""
    settings = load({"demo": True, "since_seconds": "1h", **flags}, {}, "compute").settings
    return pipeline.run(settings, now_ms=1_800_000_000_000, progress=lambda _words, _share: None).totals


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        ({}, ()),
        ({"namespace": ["*"]}, ()),
        ({"namespace": ["sh*"]}, ("--namespace",)),
        ({"namespace": ["*"], "unattributed": "drop"}, ("--unattributed drop",)),
        ({"unattributed": "drop"}, ("--unattributed drop",)),
        ({"namespace": ["shop"], "unattributed": "drop"}, ("--namespace", "--unattributed drop")),
    ],
)
def test_only_what_hides_energy_is_named(flags: dict[str, object], named: tuple[str, ...]) -> None:
    found = totals(**flags)
    assert found.not_shown_by == named
    assert bool(found.not_shown_kwh) is bool(named)
