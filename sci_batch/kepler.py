"""Both generations of Kepler in one vocabulary: metric names, labels, levels.

Facts: Kepler's `internal/exporter/prometheus/collector` (0.10 and later, here "rewrite") and
`pkg/collector/metric` (0.9 and before, here "legacy"). Kepler's label `zone` is called
`power_domain` here; `zone` never means a place on the grid.

Legacy totals (`kepler_container_joules_total`) are avoided where the parts exist: 0.7.3 wrote them
in millijoules, and up to 0.7.2 they hold uncore twice. The parts are right in every version.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

REWRITE, LEGACY = "rewrite", "legacy"
POD, CONTAINER, NODE = "pod", "container", "node"
ACTIVE, IDLE, USE = "active", "idle", "use"
GPU = "gpu"
"""Power domain of GPU counters: outside RAPL, so it overlaps with none of its domains."""
TOTAL_DOMAIN = "total"
"""Power domain of a legacy series that only shows package + dram + other + GPU together."""

_LABELS = {
    REWRITE: {
        "node": "node_name", "namespace": "pod_namespace", "pod": "pod_name", "pod_id": "pod_id",
        "container_id": "container_id", "power_domain": "zone", "state": "state", "instance": "instance",
    },
    LEGACY: {
        "node": "exported_instance", "namespace": "container_namespace", "pod": "pod_name",
        "container_id": "container_id", "mode": "mode", "instance": "instance",
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """Label names, after `--kepler-label OUR=THEIRS`."""

    renamed: Mapping[str, str] = field(default_factory=dict)

    def of(self, generation: str, ours: str) -> str:
        """Their name for one of our words, empty when that generation has no such label."""
        return self.renamed.get(ours, _LABELS[generation].get(ours, ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """One metric of Kepler that holds energy, and how to ask for it."""

    generation: str
    level: str
    metric: str
    kind: str = USE
    power_domain: str = ""
    matchers: tuple[str, ...] = ()
    scale: float = 1.0
    """Joules per unit of the counter (0.001 for the totals of Kepler 0.7.3)."""

    def selector(self, *more: str) -> str:
        """The PromQL selector with all matchers, and those given."""
        return f"{self.metric}{{{','.join((*self.matchers, *more))}}}"


def duration(length_ms: int) -> str:
    """A PromQL duration.

    >>> duration(3_600_000), duration(3_599_999), duration(90_000)
    ('1h', '59m59s999ms', '1m30s')
    """
    parts = []
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)):
        count, length_ms = divmod(length_ms, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def quoted(value: str) -> str:
    """A PromQL string literal."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def matcher(label: str, values: tuple[str, ...] | list[str], *, negative: bool = False) -> str:
    """`label="v"` or `label=~"v|w"`, every value taken literally; negative: all but these."""
    if len(values) == 1:
        return f"{label}{'!=' if negative else '='}{quoted(values[0])}"
    return f"{label}{'!~' if negative else '=~'}{quoted('|'.join(_escape(value) for value in values))}"


def _escape(value: str) -> str:
    return re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", value)


def meters(
    power_domains: tuple[str, ...], cluster: tuple[str, ...], labels: Labels
) -> dict[tuple[str, str], list[Meter]]:
    """Every meter that may hold the chosen domains, by (generation, level).

    `cluster` are matchers that go into every query.
    """
    zone = matcher(labels.of(REWRITE, "power_domain"), power_domains)

    def new(level: str, name: str, kind: str = USE) -> list[Meter]:
        """CPU and GPU: the latter has no RAPL domain, and is only there where Kepler measures it."""
        return [
            Meter(
                generation=REWRITE, level=level, metric=f"kepler_{level}_cpu_{name}joules_total", kind=kind,
                matchers=(*cluster, zone),
            ),
            Meter(
                generation=REWRITE, level=level, metric=f"kepler_{level}_gpu_{name}joules_total", kind=kind,
                matchers=cluster, power_domain=GPU,
            ),
        ]  # fmt: skip

    # The rewrite's GPU counters have the same names; only the old ones have a mode.
    old_gpu = (*cluster, f'{labels.of(LEGACY, "mode")}!=""')

    def old(level: str) -> list[Meter]:
        return [
            Meter(
                generation=LEGACY, level=level, metric=f"kepler_{level}_{domain}_joules_total",
                power_domain=domain, matchers=old_gpu if domain == GPU else cluster,
            )
            for domain in dict.fromkeys((*power_domains, GPU))
        ]  # fmt: skip

    return {
        (REWRITE, POD): new(POD, ""),
        (REWRITE, CONTAINER): new(CONTAINER, ""),
        (REWRITE, NODE): [*new(NODE, "active_", ACTIVE), *new(NODE, "idle_", IDLE)],
        (LEGACY, CONTAINER): old(CONTAINER),
        (LEGACY, NODE): old(NODE),
    }


def legacy_total(version: str, cluster: tuple[str, ...]) -> Meter | None:
    """The legacy total as a meter, where the parts are missing; None where its version spoils it."""
    found = re.match(r"v?(\d+)\.(\d+)\.?(\d+)?", version)
    if not found:
        return None
    number = tuple(int(part or 0) for part in found.groups())
    if number <= (0, 7, 2):
        return None
    return Meter(
        generation=LEGACY, level=CONTAINER, metric="kepler_container_joules_total",
        power_domain=TOTAL_DOMAIN, matchers=cluster, scale=0.001 if number == (0, 7, 3) else 1.0,
    )  # fmt: skip
