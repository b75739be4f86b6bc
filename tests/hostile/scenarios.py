"""Everything that a Prometheus does wrong here: the tests and the document are made of this table."""

from __future__ import annotations

from tests.hostile.content import envelope, labels, retention
from tests.hostile.endless import slow
from tests.hostile.refusals import refusals
from tests.hostile.remote import remote
from tests.hostile.scenario import Scenario
from tests.hostile.transport import broken_off, connections, not_prometheus
from tests.hostile.values import samples

TABLE: tuple[Scenario, ...] = (
    *connections(), *slow(), *broken_off(), *refusals(), *not_prometheus(),
    *envelope(), *samples(), *labels(), *retention(), *remote(),
)  # fmt: skip
