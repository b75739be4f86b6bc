"""Names of the published metrics, from the code that publishes them."""

from __future__ import annotations

import re

from sci_batch.report import Report
from sci_batch.sinks import families
from tests.cli import handmade

METRIC = re.compile(r"\bsci_batch_\w+")


def names(report: Report | None = None) -> set[str]:
    """Every metric that a push of a report shows."""
    shown = families.of_report(report or handmade.report(), {})
    return {family.metric.name for family in (*shown, families.last_success({}, 0))}


def name_with(*words: str) -> str:
    """The one metric whose name holds these words."""
    (found,) = [name for name in names() if all(word in name for word in words)]
    return found
