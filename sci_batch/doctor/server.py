"""The server: does it answer, may we ask, what is it, do its clock and its memory reach the range."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sci_batch.asking.plan import SEED_MS, Plan
from sci_batch.doctor.finding import OK, PROBLEM, SERVER, WARNING, Finding, by_error, length
from sci_batch.errors import AuthError, NoDataError, PartialError, SciBatchError, UsageError
from sci_batch.prometheus.client import Client
from sci_batch.prometheus.session import Heard
from sci_batch.settings import Settings
from sci_batch.windows import parse_lifespan, rfc3339

SLOW_SECONDS = 2.0
"""For an answer without any data; a pull is many of them."""
SKEW_MS = 5_000
"""The header `Date` is cut to whole seconds, and its way takes time."""
VICTORIA, THANOS = "VictoriaMetrics", "Thanos"
_RETENTION = re.compile(r"(?:^|\s)((?:\d+(?:ms|y|w|d|h|m|s))+)(?:\s|$)")


def reach(client: Client, url: str, at_ms: int) -> tuple[list[Finding], Heard | None]:
    """Ask for a number that needs no data. None: nobody answers, or not to us, and it is no use to go on."""
    try:
        client.instant("vector(1)", at_ms)
    except AuthError as refused:
        heard = client.heard
        seconds = f" in {_milliseconds(heard)}" if heard else ""
        return [
            _reachable(f"{url} answers{seconds}", heard), by_error(SERVER, "authorised", refused),
        ], None  # fmt: skip
    except SciBatchError as failed:
        return [by_error(SERVER, "reachable", failed)], None
    heard = client.heard
    if heard is None:
        raise AssertionError("an answer that nobody heard")
    return [
        _reachable(f"{url} answers in {_milliseconds(heard)}", heard),
        Finding(subject=SERVER, check="authorised", status=OK, what="the login may query"),
    ], heard  # fmt: skip


def _reachable(what: str, heard: Heard | None) -> Finding:
    facts = {"seconds": heard.seconds if heard else None}
    if heard is None or heard.seconds < SLOW_SECONDS:
        return Finding(subject=SERVER, check="reachable", status=OK, what=what, facts=facts)
    return Finding(
        subject=SERVER, check="reachable", status=WARNING, what=f"{what}, to a query without data",
        numbers="none, but the pull takes long, and answers may run into --timeout",
        cure="Ask a server that is nearer or less busy, or raise --timeout.", facts=facts,
    )  # fmt: skip


def _milliseconds(heard: Heard) -> str:
    return f"{heard.seconds * 1000:.0f} ms" if heard.seconds < 1 else f"{heard.seconds:.1f} s"


def identity(client: Client, settings: Settings, heard: Heard, at_ms: int) -> Finding:
    """Which server of the Prometheus kind, and its version."""
    info = client.build_info()
    name, version = _name(info, heard), info.get("version", "")
    if name == VICTORIA:  # what it says there is for Grafana; only its own metrics know better
        told = client.instant("count by (short_version) (vm_app_version)", at_ms).label("short_version")
        version = next((text for text in sorted(told, reverse=True) if text), "")
    what = f"{name}, which does not tell its version" if name and not version else f"{name} {version}"
    if not name:
        what = "it does not say what it is: a proxy stands before it, or it is another server with this API"
    return Finding(
        subject=SERVER, check="version", status=OK, what=what,
        more=tuple(_for_thanos(settings)) if name == THANOS else (),
        facts={"name": name or None, "version": version or None},
    )  # fmt: skip


def _for_thanos(settings: Settings) -> Iterator[str]:
    given = {key for key, _ in settings.extra_param}
    wanted = {
        "max_source_resolution=0s": "differences of downsampled counters are not energy",
        "partial_response=false": "a store that is down is an error then, not missing energy",
    }
    for parameter, why in wanted.items():
        if parameter.partition("=")[0] not in given:
            yield f"--extra-param {parameter}: {why}"


def _name(info: dict[str, str], heard: Heard) -> str:
    """Prometheus names its revision and no application; Thanos is the only one at version 0."""
    if "application" in info:
        return info["application"]
    if heard.victoria or (info.get("version") and "goVersion" not in info):
        return VICTORIA
    if not info.get("version"):
        return ""
    return THANOS if info["version"].lstrip("v").startswith("0.") else "Prometheus"


def clock(heard: Heard, plan: Plan) -> Finding:
    """How far this machine's clock is ahead of the server's."""
    if heard.server_ms is None:
        return Finding(
            subject=SERVER, check="clock", status=WARNING,
            what="could not tell, because the server sends no date",
            numbers="where clocks differ, the newest window is cut or comes late",
            cure="See that both machines keep their clocks by NTP.",
        )  # fmt: skip
    ahead_ms = heard.here_ms - heard.server_ms - 500  # the header is cut down: half a second on average
    facts = {"ahead_seconds": ahead_ms / 1000}
    if abs(ahead_ms) <= SKEW_MS:
        what = f"this machine's clock and the server's agree to {SKEW_MS // 1000} s"
        return Finding(subject=SERVER, check="clock", status=OK, what=what, facts=facts)
    way = "ahead of" if ahead_ms > 0 else "behind"
    what = f"this machine's clock is {length(abs(ahead_ms))} {way} the server's"
    cure = "Set the clocks by NTP, or give --start and --end."
    early_ms = plan.end_ms - heard.server_ms
    if early_ms > plan.max_gap_ms:
        return Finding(
            subject=SERVER, check="clock", status=PROBLEM, what=what, facts=facts,
            numbers=f"the range ends {length(early_ms)} in the server's future: the energy of that time "
            "is missing from the newest windows",
            cure=cure, exit_code=PartialError.exit_code,
        )  # fmt: skip
    return Finding(
        subject=SERVER, check="clock", status=WARNING, what=what, facts=facts,
        numbers="--since means other hours than the server's clock would say"
        if ahead_ms < 0
        else "the newest window may lack its last samples",
        cure=cure,
    )  # fmt: skip


def retention(client: Client, plan: Plan, now_ms: int, kepler_from_ms: int | None) -> Finding:
    """Does the server keep samples back to the start of the range? Where Kepler is seen there, it does."""
    kept = client.runtime_info().get("storageRetention", "")
    held = kepler_from_ms is not None and kepler_from_ms <= plan.start_ms + SEED_MS
    held = held or len(client.instant("count(last_over_time(up[10m]))", plan.start_ms)) > 0
    return kept_back(kept, held, plan, now_ms)


def kept_back(kept: str, held: bool, plan: Plan, now_ms: int) -> Finding:
    """Of what the server says that it keeps, and whether it holds anything at the start of the range."""
    start, age_ms, kept_ms = rfc3339(plan.start_ms), now_ms - plan.start_ms, _kept_ms(kept)
    facts = {"retention": kept or None, "holds_start": held}
    cure = "Take a later --start or a shorter --since; for longer ranges ask a long-term store"
    if kept_ms is not None and age_ms > kept_ms:
        still = "; it still holds samples of that time, which go when it tidies up" if held else ""
        return Finding(
            subject=SERVER, check="retention", status=WARNING if held else PROBLEM,
            what=f"the server keeps {kept}, the range begins {length(age_ms)} ago, at {start}{still}",
            numbers="windows before the retention are missing or not whole",
            cure=f"{cure}, or raise its --storage.tsdb.retention.time.",
            facts=facts, exit_code=0 if held else NoDataError.exit_code,
        )  # fmt: skip
    said = f"the server keeps {kept}" if kept else "the server does not say how long it keeps samples"
    if held:
        what = f"{said}, and holds samples of the start of the range, {start}"
        return Finding(subject=SERVER, check="retention", status=OK, what=what, facts=facts)
    return Finding(
        subject=SERVER, check="retention", status=WARNING, facts=facts, cure=f"{cure}.",
        what=f"{said}, and holds neither Kepler nor `up` at the start of the range, {start}",
        numbers="windows before its first samples are missing",
    )  # fmt: skip


def _kept_ms(text: str) -> int | None:
    """`15d or 10GiB` [ms]; None where only a size is given, or none."""
    found = _RETENTION.search(text)
    try:
        return parse_lifespan(found[1]) * 1000 if found else None
    except UsageError:  # 0s: without end
        return None
