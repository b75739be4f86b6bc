"""The first questions of a run, asked while what works on the answers is still being loaded."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice

from sci_batch.asking import edges, kube, raw
from sci_batch.asking.discover import discover
from sci_batch.asking.plan import Discovery, Plan, edge_stretches, pull, raw_stretches
from sci_batch.asking.planned import plan_of
from sci_batch.errors import SciBatchError
from sci_batch.prometheus.client import Client
from sci_batch.prometheus.threads import threads
from sci_batch.settings import Settings, http_settings, windows_of

STRETCHES = 2
"""What lies before the range, and the first one inside."""


@contextmanager
def begun(settings: Settings, now_ms: int) -> Iterator[Client | None]:
    """A client that asks already what the run will ask, and nothing else; it is closed at the end.

    None where there is no server, or a later step may find fault with the settings.
    """
    client = _begin(settings, now_ms)
    try:
        yield client
    finally:
        if client is not None:
            client.close()


def _begin(settings: Settings, now_ms: int) -> Client | None:
    if any(unit.kind == "file" for unit in settings.functional_unit):
        return None  # which is read before anything is asked
    try:
        plan = plan_of(settings, windows_of(settings, now_ms))
        client = Client(http_settings(settings))
    except SciBatchError:
        return None  # told by the run
    client.look_ahead(lambda early: _ask(early, plan, counters=_known_beforehand(settings, plan)))
    return client


def _known_beforehand(settings: Settings, plan: Plan) -> bool:
    """Whether this process will read the counters as this plan says: an intensity may cut the windows."""
    if settings.intensity is None or settings.engine != "process" or settings.checkpoint is not None:
        return False
    constant = settings.intensity.kind == "constant" and not settings.also_intensity
    return constant or pull(plan)[0] == "raw"


def _ask(client: Client, plan: Plan, *, counters: bool) -> None:
    with threads(1, "kube") as aside:
        nodes = aside.submit(kube.ask_early, client, plan, kube.of_nodes(plan))
        found = discover(client, plan)
        nodes.result()
    with threads(1, "counters") as aside:
        if counters:
            _begin_counters(client, plan, found, aside)
        kube.ask_early(client, plan, kube.of_pods(plan))


def _begin_counters(client: Client, plan: Plan, found: Discovery, aside: ThreadPoolExecutor) -> None:
    """Large answers come aside; what is short is asked here, so that the first of them is not late."""
    if pull(plan)[0] == "edges":
        aside.submit(_edges, client, plan, found)
        return
    rate = raw.samples_per_second(client, plan, found)
    seed, *large = islice(raw_stretches(plan, found.series, rate), STRETCHES)
    raw.ask(client, found, seed)
    for stretch in large:
        aside.submit(raw.ask, client, found, stretch)


def _edges(client: Client, plan: Plan, found: Discovery) -> None:
    stretches = islice(edge_stretches(plan, found.series), STRETCHES)
    for asked in [edges.ask(client, plan, found, stretch) for stretch in stretches]:
        for purpose in asked.by_purpose:
            asked.answers(purpose)
