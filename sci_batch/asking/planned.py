"""What the settings mean for the questions."""

from __future__ import annotations

from sci_batch.asking.plan import Plan
from sci_batch.kepler import Labels, matcher
from sci_batch.schema import LABEL_KEY_PREFIX
from sci_batch.settings import Settings
from sci_batch.windows import Windows


def plan_of(settings: Settings, windows: Windows) -> Plan:
    """What the settings mean for the queries."""
    return Plan(
        edges_ms=windows.edges_ms,
        pull=settings.pull,
        power_domains=settings.power_domains,
        cluster=cluster_matchers(settings),
        max_gap_ms=settings.max_gap_seconds * 1000,
        labels=Labels(renamed=dict(settings.kepler_label)),
        kube_labels=dict(settings.kube_label),
        label_keys=label_keys(settings),
        node_label_keys=_node_label_keys(settings),
        platform=settings.node_energy == "platform",
        sockets=settings.embodied is not None and any(kind == "model" for kind, _ in settings.embodied.pairs),
    )


def cluster_matchers(settings: Settings) -> tuple[str, ...]:
    """The matcher that goes into every query."""
    if settings.cluster_label is None:
        return ()
    label, value = settings.cluster_label
    return (matcher(label, [value]),)


def label_keys(settings: Settings) -> tuple[str, ...]:
    """`team` of `--group-by label:team`."""
    return tuple(
        key.removeprefix(LABEL_KEY_PREFIX) for key in settings.group_by if key.startswith(LABEL_KEY_PREFIX)
    )


def _node_label_keys(settings: Settings) -> tuple[str, ...]:
    """Labels of nodes by which hardware is chosen."""
    chain = settings.embodied.pairs if settings.embodied else ()
    if not any(kind == "file" for kind, _ in chain):
        return ()
    from sci_batch.embodied import label_keys  # with pandas

    return label_keys(chain)
