"""Where the inputs come from: a server, a recording, or the bundled one. The windows come from here too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sci_batch import fetch, snapshot
from sci_batch.errors import UsageError
from sci_batch.fetch import Inputs, Plan
from sci_batch.kepler import Labels, matcher
from sci_batch.prometheus.client import Client
from sci_batch.schema import LABEL_KEY_PREFIX
from sci_batch.settings import FunctionalUnit, Settings, http_settings
from sci_batch.windows import Windows, of_range

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Inputs, the windows they are for, and how they were got."""

    inputs: Inputs
    windows: Windows
    plan: Plan
    unit: FunctionalUnit | None
    name: str
    """Server without its login, or recording."""
    queries: Callable[[], tuple[str, ...]]
    """The PromQL sent so far; ask when the counters have been read."""
    warnings: Callable[[], tuple[str, ...]]


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


def windows_of(settings: Settings, now_ms: int) -> Windows:
    """The windows of `--since`, `--start`, `--end`, `--window`, `--tz`."""
    return of_range(
        since_seconds=settings.since_seconds, start=settings.start, end=settings.end, window=settings.window,
        tz=settings.tz, now_ms=now_ms,
    )  # fmt: skip


def promql_of(unit: FunctionalUnit | None) -> str | None:
    """The query of a functional unit that has one."""
    return unit.argument if unit is not None and unit.kind == "prometheus" else None


@contextmanager
def opened(settings: Settings, now_ms: int, progress: Progress) -> Iterator[Source]:
    """Open the one source that the settings name.

    Raises
    ------
    UsageError
        None, or more than one.
    """
    named = [
        flag
        for flag, given in (("--demo", settings.demo), ("--snapshot", settings.snapshot)) if given
    ]  # fmt: skip
    if len(named) > 1:
        raise UsageError("--demo and --snapshot are both given", "Give one source.")
    if named:
        yield _recorded(settings, now_ms)
        return
    if settings.prometheus_url is None:
        raise UsageError(
            "no source of energy is given",
            "Give -p/--prometheus-url http://host:9090, or --demo to see the tool work on bundled data.",
        )
    windows = windows_of(settings, now_ms)
    plan = plan_of(settings, windows)
    http = http_settings(settings)
    with Client(http) as client:
        yield Source(
            inputs=fetch.everything(client, plan, promql_of(settings.functional_unit), progress),
            windows=windows, plan=plan, unit=settings.functional_unit, name=http.redacted_url,
            queries=lambda: tuple(client.queries), warnings=lambda: tuple(client.warnings),
        )  # fmt: skip


def _recorded(settings: Settings, now_ms: int) -> Source:
    if settings.snapshot is not None:
        recording = snapshot.open_(settings.snapshot)
    else:
        recording = snapshot.open_(snapshot.DEMO, now_ms=now_ms)
    now_ms = recording.end_ms
    windows = windows_of(settings, now_ms)
    plan = plan_of(settings, windows)
    unit = settings.functional_unit
    recorded = recording.manifest["functional_unit"]
    if unit is None and settings.demo and recorded is not None:
        unit = FunctionalUnit(recorded["name"], "prometheus", recorded["argument"])
    inputs = snapshot.inputs(
        recording, windows.edges_ms, power_domains=settings.power_domains,
        cluster=",".join(plan.cluster), label_keys=plan.label_keys, promql=promql_of(unit),
        max_gap_ms=plan.max_gap_ms,
    )  # fmt: skip
    return Source(
        inputs=inputs, windows=windows, plan=plan, unit=unit,
        name="bundled recording" if settings.demo else str(recording.manifest["source"]),
        queries=lambda: tuple(recording.manifest["queries"]),
        warnings=lambda: tuple(recording.manifest["warnings"]),
    )  # fmt: skip


def record(settings: Settings, *, now_ms: int, progress: Progress) -> None:
    """Store everything that `compute` would fetch with the same source and time flags.

    Raises
    ------
    SciBatchError
        What the source refuses; nothing is left on disk then.
    """
    if settings.out is None:
        raise UsageError("no place for the recording is given", "Give --out DIR.")
    with opened(settings, now_ms, progress) as source:

        def manifest() -> dict[str, object]:
            unit, plan = source.unit, source.plan
            query = promql_of(unit)
            return snapshot.manifest_of(
                source=source.name, start_ms=plan.start_ms, end_ms=plan.end_ms, pull=source.inputs.pull,
                step_ms=source.inputs.step_ms, power_domains=list(plan.power_domains),
                cluster=",".join(plan.cluster), max_gap_ms=plan.max_gap_ms, label_keys=list(plan.label_keys),
                functional_unit={"name": unit.name, "argument": query} if unit and query else None,
                notes=list(source.inputs.notes), queries=list(source.queries()),
                warnings=list(source.warnings()),
            )  # fmt: skip

        snapshot.write(source.inputs, settings.out, manifest, no_clobber=settings.no_clobber)


def queries(settings: Settings, *, now_ms: int) -> list[str]:
    """The PromQL that would be sent; nothing is asked."""
    plan = plan_of(settings, windows_of(settings, now_ms))
    return fetch.queries(plan, promql_of(settings.functional_unit))
