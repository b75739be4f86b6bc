"""A server as the source."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from sci_batch import fetch
from sci_batch.asking.planned import plan_of
from sci_batch.fetch.checkpoint import Checkpoint
from sci_batch.inputs import Progress
from sci_batch.prometheus.client import Client
from sci_batch.settings import Settings, http_settings, windows_of
from sci_batch.source import Source, grid_of, unit_file, unit_path, units_of, with_files


@contextmanager
def live(
    settings: Settings, now_ms: int, progress: Progress, *, to_keep: bool, begun: Client | None
) -> Iterator[Source]:
    """Ask the server that the settings name; for `to_keep` and `begun` see `opened`."""
    windows = windows_of(settings, now_ms)
    plan = plan_of(settings, windows)
    plan = replace(plan, sockets=plan.sockets or to_keep)
    units = units_of(settings, plan)
    for unit in units:  # a bad file is told before anything is fetched
        if unit.kind == "file":
            unit_file.read(unit_path(unit), plan.edges_ms)
    http = http_settings(settings)
    with begun or Client(http) as client:
        progress("looking for Kepler", 0.0)
        found, nodes = fetch.beforehand(client, plan)
        grid = grid_of(settings, nodes, windows, client=client) if settings.intensity else None
        plan = replace(plan, cut_ms=grid.changes_ms if grid else ())
        kept = Checkpoint(settings.checkpoint, http.redacted_url) if settings.checkpoint else None
        here = settings.engine == "process"
        found = found if here else fetch.paced(client, plan, found)
        inputs = fetch.everything(client, plan, found, nodes, units, progress, kept, here=here)
        yield Source(
            settings=settings, inputs=with_files(inputs, units, plan), windows=windows, plan=plan,
            units=units, grid=grid, name=http.redacted_url, found=found,
            queries=lambda: tuple(client.queries), warnings=lambda: _warnings(client),
        )  # fmt: skip


def _warnings(client: Client) -> tuple[str, ...]:
    """What the server warned of, and what of its answers is no number."""
    if not client.dropped:
        return tuple(client.warnings)
    words = f"{client.dropped:,} values of the server are left out: not finite (NaN, infinite), or histograms"
    return (*client.warnings, words)


def queries(settings: Settings, *, now_ms: int) -> list[str]:
    """The PromQL that would be sent; nothing is asked."""
    plan = plan_of(settings, windows_of(settings, now_ms))
    return fetch.queries(plan, units_of(settings, plan))
