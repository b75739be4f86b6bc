"""The examination of a recording: what is in it, and whether it answers these flags."""

from __future__ import annotations

import pandas as pd

from sci_batch import grid, schema
from sci_batch import kepler as words
from sci_batch.doctor import carbon, kubernetes
from sci_batch.doctor import kepler as meters
from sci_batch.doctor.examination import About, Examination
from sci_batch.doctor.finding import CARBON, KEPLER, KUBERNETES, OK, PULL, SERVER, Finding
from sci_batch.doctor.kepler_look import Seen
from sci_batch.doctor.size import in_words
from sci_batch.inputs import Kube, Progress
from sci_batch.settings import Settings
from sci_batch.source import Source, opened
from sci_batch.windows import rfc3339


def examine(exam: Examination, settings: Settings, *, now_ms: int, progress: Progress) -> About:
    """Open it as `compute` would, then look at its tables."""
    name = "bundled recording" if settings.demo else str(settings.snapshot)
    source = exam.get(SERVER, "recording", lambda: _open(settings, now_ms, progress), needed=True)
    if source is None:
        return About(source=name)
    start, end = rfc3339(source.windows.start_ms), rfc3339(source.windows.end_ms)
    exam.findings.append(
        Finding(
            subject=SERVER, check="recording", status=OK,
            what=f"{name}, pulled by {source.inputs.pull}, holds the range; no server is asked",
        )
    )  # fmt: skip
    read = exam.get(KEPLER, "metrics", lambda: _read(source), needed=True)
    shown = None
    if read is not None:
        keys, samples = read
        span = {"first_ms": source.windows.start_ms, "last_ms": source.windows.end_ms}
        shown = Seen(counters=keys.assign(**span))
        _kepler(exam, source, shown)
        exam.findings.append(_size(samples))
    _kubernetes(exam, source, shown)
    return About(source=source.name, start=start, end=end)


def _open(settings: Settings, now_ms: int, progress: Progress) -> Source:
    with opened(settings, now_ms, progress) as source:
        return source


def _read(source: Source) -> tuple[pd.DataFrame, int]:
    """Keys of all counters, and how many values there are."""
    samples = 0
    for stretch in source.inputs.counters:
        samples += len(stretch.joules)
    return stretch.keys, samples


def _kepler(exam: Examination, source: Source, shown: Seen) -> None:
    domains = set(shown.counters["power_domain"]) - {words.TOTAL_DOMAIN, words.GPU}
    exam.look(KEPLER, "version", lambda: meters.generation(shown, None))
    exam.look(KEPLER, "power-domains", lambda: meters.power_domains(shown, source.plan, domains))
    exam.look(KEPLER, "node-level", lambda: meters.node_level(shown))
    exam.look(KEPLER, "pod-level", lambda: meters.pod_level(shown))
    exam.look(
        KEPLER, "measured", lambda: meters.measured(shown.counters[["node", "source"]].drop_duplicates())
    )


def _kubernetes(exam: Examination, source: Source, shown: Seen | None) -> None:
    kube, settings = source.inputs.kube, source.settings
    rows = _rows(kube, source)
    exam.look(KUBERNETES, "kube-state-metrics", lambda: kubernetes.owners(rows, ()))
    if any(rows.values()):
        exam.look(
            KUBERNETES, "requests", lambda: kubernetes.reserved(rows, settings.unattributed, settings.share)
        )
        if source.plan.label_keys:
            exam.look(KUBERNETES, "labels", lambda: kubernetes.group_labels(rows, source.plan.label_keys, ()))
    if shown is not None and any(rows.values()):
        of_kube = set(kube.node_info["node"])
        exam.look(KUBERNETES, "nodes", lambda: kubernetes.nodes_with_kepler(shown.nodes, of_kube))
        exam.look(KUBERNETES, "node-labels", lambda: _node_facts(kube, shown.nodes))
    exam.look(CARBON, "intensity", lambda: _intensity(source), needed=True)
    if shown is not None:
        exam.look(CARBON, "embodied", lambda: carbon.hardware(settings, kube, shown.nodes), needed=True)


def _rows(kube: Kube, source: Source) -> dict[str, int]:
    rows = {name: len(getattr(kube, name)) for name in Kube.tables() if name != "sockets"}
    for key in source.plan.label_keys:
        column = schema.label_column(key)
        for prefix, table in (("", kube.pod_labels), ("namespace ", kube.namespace_labels)):
            has = int((table[column] != "").sum()) if column in table else 0
            rows[f"{prefix}{schema.LABEL_KEY_PREFIX}{key}"] = has
    return rows


def _node_facts(kube: Kube, nodes: list[str]) -> Finding:
    types = kube.node_labels.set_index("node")["instance_type"]
    return kubernetes.node_facts(nodes, types, grid.regions(kube).set_index("node")["region"], ())


def _intensity(source: Source) -> Finding:
    if source.grid is None:
        return carbon.intensity(source.settings, source.inputs.kube, source.plan)
    return carbon.known(source.grid)


def _size(samples: int) -> Finding:
    return Finding(
        subject=PULL, check="size", status=OK, facts={"samples": samples},
        what=f"nothing is pulled; the recording holds {in_words(samples)} values",
    )  # fmt: skip
