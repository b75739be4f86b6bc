"""Of an old manifest: server, windows, range, namespaces."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from sci_batch.errors import UsageError
from sci_batch.impact.kepler_importer import Component
from sci_batch.impact.migration import Migration, duration
from sci_batch.impact.yaml_file import number
from sci_batch.units import MS_PER_SECOND
from sci_batch.windows import MAX_SECONDS, parse_time, rfc3339

_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def _setting(component: Component, name: str) -> Any:
    if name not in component.importer.config:
        raise UsageError(
            f"{component.path}: {component.importer.name} has no {name}",
            "Add it to the plugin's config, as the importer needed it too.",
        )
    return component.importer.config[name]


def server(made: Migration, found: Sequence[Component]) -> None:
    """The address, without a login that stands in it."""
    urls: dict[str, None] = {}
    for component in found:
        text = str(_setting(component, "prometheus-endpoint")).strip()
        try:
            parts = urlsplit(text)
        except ValueError:
            parts = urlsplit("")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(
                f"{component.path}: prometheus-endpoint is no http(s) address",
                "Give for example http://localhost:9090.",
            )
        login, _, place = parts.netloc.rpartition("@")
        if login and "basic-auth-file" not in made.reasons:
            made.say(
                "basic-auth-file", "The login in prometheus-endpoint is not copied: write it into a file."
            )
        urls[f"{parts.scheme}://{place}{parts.path}".rstrip("/")] = None
    if len(urls) > 1:
        raise UsageError(
            f"the manifest names {len(urls)} servers: {', '.join(urls)}", "Split it: one manifest per server."
        )
    made.values["prometheus-url"] = next(iter(urls))
    made.say("prometheus-url", "was prometheus-endpoint")
    made.say(
        "basic-auth-file",
        "The importer read PROMETHEUS_USERNAME and PROMETHEUS_PASSWORD. Where they were set: a file with "
        "user:password in its first line.",
    )


def window(made: Migration, found: Sequence[Component]) -> int:
    """The length of the windows, which is returned [s]."""
    windows = set()
    for component in found:
        value = _setting(component, "kepler-observation-window")
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < MAX_SECONDS:
            raise UsageError(
                f"{component.path}: kepler-observation-window is no whole number of seconds above 0",
                "Give for example 3600.",
            )
        windows.add(value)
    seconds = min(windows)
    made.values["window"] = duration(seconds)
    made.say("window", f"was kepler-observation-window: {seconds} s")
    if len(windows) > 1:
        others = ", ".join(f"{value} s" for value in sorted(windows - {seconds}))
        made.say("window", f"Others had {others}: a run has one length, and the shortest was taken.")
    if seconds < 60:
        made.say("window", "Kepler is scraped every 30 s or so: such short windows hold one sample or none.")
    return seconds


def span(made: Migration, found: Sequence[Component], seconds: int) -> None:
    """From the first timestamp to the last end."""
    spans = [each for component in found for each in _spans(component)]
    if not spans:
        made.say("start", "The manifest has no timestamp: give --since, such as --since 24h.")
        return
    start, end = min(first for first, _ in spans), max(last for _, last in spans)
    made.values |= {"start": rfc3339(start), "end": rfc3339(end)}
    made.say(
        "start", "was timestamp. For a job that runs every day take start and end away, and give --since 24h."
    )
    made.say("end", "was timestamp + duration")
    if start % (seconds * MS_PER_SECOND):
        made.say(
            "start", "Windows begin at multiples of their length since 1970, so the first begins earlier."
        )
    covered = sum(last - first for first, last in set(spans))
    if covered < end - start:
        made.say("start", "The inputs had holes between them; the range is read whole.")


def _spans(component: Component) -> Iterable[tuple[int, int]]:
    """Start and end of each input [ms since the Unix epoch]."""
    for row in component.inputs:
        length = number(row.get("duration"))
        if length is None or not 0 < length < MAX_SECONDS:
            raise UsageError(f"{component.path}: duration is no number above 0", "Give seconds.")
        moment = row.get("timestamp")
        text = moment.isoformat() if isinstance(moment, date) else str(moment)
        try:
            start = parse_time(text, now_ms=0)
        except UsageError as error:
            raise UsageError(f"{component.path}: timestamp: {error.what}", error.cure) from None
        yield start, start + round(length * MS_PER_SECOND)


def namespaces(made: Migration, found: Sequence[Component]) -> None:
    """The namespaces of the containers, and how rows are cut."""
    known: dict[str, None] = {}
    containers: dict[str, None] = {}
    for component in found:
        for name, names in (("container-namespace", known), ("container-name", containers)):
            value = _setting(component, name)
            if not isinstance(value, str) or not _NAMESPACE.fullmatch(value):
                raise UsageError(f"{component.path}: {name} is no Kubernetes name", "Give for example shop.")
            names[value] = None
    made.values["namespace"] = list(known)
    made.say("namespace", "was container-namespace")
    made.say(
        "namespace",
        f"Containers are not selected ({', '.join(containers)}): look at the rows of the workloads that run "
        "them; the namespace's other workloads get rows of their own.",
    )
    made.values["group-by"] = "namespace,workload"
    made.say("group-by", "was one container; pod and label:KEY are possible as well")
