"""What the doctor says of the server: clock, memory, name, and a server that gives no answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import pytest
import requests_mock

from sci_batch.asking.plan import Plan
from sci_batch.doctor import diagnose, server
from sci_batch.doctor.finding import OK, PROBLEM, WARNING, Diagnosis, Finding, length
from sci_batch.prometheus.client import Client
from sci_batch.prometheus.http import HttpSettings
from sci_batch.prometheus.session import Heard
from sci_batch.settings import load

URL = "http://prometheus.example:9090"
HOUR, DAY = 3_600_000, 86_400_000
NOW = 1_772_500_000_000
PLAN = Plan(
    edges_ms=(NOW - 2 * HOUR, NOW - HOUR, NOW), pull="edges", power_domains=("package",), cluster=(),
    max_gap_ms=180_000,
)  # fmt: skip
VECTOR = {"status": "success", "data": {"resultType": "vector", "result": []}}
ONE = {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, "1"]}]}}


def heard(**changes: Any) -> Heard:
    told = Heard(seconds=0.01, here_ms=NOW + 500, server_ms=NOW, victoria=False)
    return replace(told, **changes)


@pytest.fixture
def http() -> Iterator[requests_mock.Mocker]:
    with requests_mock.Mocker() as mocker:
        yield mocker


def client(**more: Any) -> Client:
    return Client(HttpSettings(url=URL, retries=0, **more), sleep=lambda _: None, clock=lambda: NOW / 1000)


@pytest.mark.parametrize("ahead_ms", [-4_900, 0, 4_900])
def test_clocks_that_agree(ahead_ms: int) -> None:
    found = server.clock(heard(here_ms=NOW + 500 + ahead_ms), PLAN)
    assert found.status == OK
    assert found.what == "this machine's clock and the server's agree to 5 s"
    assert found.facts["ahead_seconds"] == ahead_ms / 1000


def test_a_clock_behind_moves_the_range() -> None:
    found = server.clock(heard(server_ms=NOW + 600_000), PLAN)
    assert (found.status, found.exit_code) == (WARNING, 0)
    assert found.what == "this machine's clock is 10 min behind the server's"
    assert "--since means other hours" in found.numbers


def test_a_clock_a_little_ahead_may_lose_the_last_samples() -> None:
    found = server.clock(heard(server_ms=NOW - 60_000), PLAN)
    assert found.status == WARNING
    assert found.what == "this machine's clock is 1 min ahead of the server's"
    assert found.numbers == "the newest window may lack its last samples"
    assert "NTP" in found.cure


def test_a_range_in_the_servers_future_is_a_problem() -> None:
    found = server.clock(heard(server_ms=NOW - 40 * 60_000), PLAN)
    assert (found.status, found.exit_code) == (PROBLEM, 5)
    assert "the range ends 40 min in the server's future" in found.numbers


def test_a_clock_ahead_with_a_range_that_ended_long_ago_is_no_problem() -> None:
    old = replace(PLAN, edges_ms=tuple(edge - DAY for edge in PLAN.edges_ms))
    assert server.clock(heard(server_ms=NOW - 40 * 60_000), old).status == WARNING


def test_a_server_without_a_date() -> None:
    found = server.clock(heard(server_ms=None), PLAN)
    assert found.status == WARNING
    assert found.what.startswith("could not tell, because the server sends no date")


def test_the_date_header_tells_the_skew(http: requests_mock.Mocker) -> None:
    early = datetime.fromtimestamp(NOW / 1000 - 3600, UTC)
    http.post(f"{URL}/api/v1/query", json=ONE, headers={"Date": format_datetime(early, usegmt=True)})
    with client() as asked:
        findings, answer = server.reach(asked, URL, NOW)
    assert [one.check for one in findings] == ["reachable", "authorised"]
    assert answer is not None
    assert server.clock(answer, PLAN).what == "this machine's clock is 1 h ahead of the server's"


@pytest.mark.parametrize("date", ["", "yesterday", "Tue, 99 Nov 2026 11:29:01 GMT"])
def test_a_date_that_is_none(http: requests_mock.Mocker, date: str) -> None:
    http.post(f"{URL}/api/v1/query", json=ONE, headers={"Date": date})
    with client() as asked:
        _, answer = server.reach(asked, URL, NOW)
    assert answer is not None
    assert answer.server_ms is None


@pytest.mark.parametrize(
    ("kept", "held", "status", "code", "words"),
    [
        ("15d", True, OK, 0, "the server keeps 15d, and holds samples of the start of the range"),
        ("", True, OK, 0, "the server does not say how long it keeps samples, and holds"),
        ("10GiB", True, OK, 0, "the server keeps 10GiB, and holds"),
        ("0s", True, OK, 0, "the server keeps 0s, and holds"),
        ("15d", False, WARNING, 0, "and holds neither Kepler nor `up` at the start"),
        ("1h", True, WARNING, 0, "the server keeps 1h, the range begins 2 h ago"),
        ("1h or 5GiB", True, WARNING, 0, "it still holds samples of that time"),
        ("1h", False, PROBLEM, 4, "the server keeps 1h, the range begins 2 h ago"),
        ("2h", False, WARNING, 0, "holds neither"),
    ],
)
def test_retention_against_the_range(kept: str, held: bool, status: str, code: int, words: str) -> None:
    found = server.kept_back(kept, held, PLAN, NOW)
    assert (found.status, found.exit_code) == (status, code)
    assert words in found.what
    assert bool(found.numbers) == bool(found.cure) == (status != OK)


@pytest.mark.parametrize(
    ("info", "victoria", "name", "version"),
    [
        ({"version": "3.5.0", "goVersion": "go1.24", "revision": "a"}, False, "Prometheus", "3.5.0"),
        ({"version": "0.39.2", "goVersion": "go1.24"}, False, "Thanos", "0.39.2"),
        ({"version": "2.16.0", "application": "Grafana Mimir", "goVersion": "go"}, False, "Grafana Mimir",
         "2.16.0"),
        ({}, True, "VictoriaMetrics", None),
        ({"version": "2.24.0"}, False, "VictoriaMetrics", None),
        ({}, False, None, None),
    ],
)  # fmt: skip
def test_which_server(
    http: requests_mock.Mocker, info: dict[str, str], victoria: bool, name: str | None, version: str | None
) -> None:
    http.get(f"{URL}/api/v1/status/buildinfo", json={"status": "success", "data": info})
    http.post(f"{URL}/api/v1/query", json=VECTOR)
    with client() as asked:
        found = server.identity(
            asked, load({"prometheus_url": URL}, {}, "queries").settings, heard(victoria=victoria), NOW
        )
    assert found.status == OK
    assert (found.facts["name"], found.facts["version"]) == (name, version)
    assert bool(found.more) == (name == "Thanos")


def test_victoria_metrics_tells_its_version_where_it_scrapes_itself(http: requests_mock.Mocker) -> None:
    http.get(f"{URL}/api/v1/status/buildinfo", json={"status": "success", "data": {}})
    metric = {"metric": {"short_version": "v1.120.0"}, "value": [1, "1"]}
    http.post(
        f"{URL}/api/v1/query",
        json={"status": "success", "data": {"resultType": "vector", "result": [metric]}},
    )
    with client() as asked:
        found = server.identity(
            asked, load({"prometheus_url": URL}, {}, "queries").settings, heard(victoria=True), NOW
        )
    assert found.what == "VictoriaMetrics v1.120.0"


def test_a_slow_answer_is_a_warning(http: requests_mock.Mocker, monkeypatch: pytest.MonkeyPatch) -> None:
    http.post(f"{URL}/api/v1/query", json=ONE)
    with client() as asked:
        monkeypatch.setattr(Client, "heard", heard(seconds=2.5))
        findings, _ = server.reach(asked, URL, NOW)
    assert findings[0].status == WARNING
    assert findings[0].what == f"{URL} answers in 2.5 s, to a query without data"


def looked(flags: dict[str, object] | None = None) -> Diagnosis:
    settings = load({"prometheus_url": URL, "retries": "0", **(flags or {})}, {}, "doctor").settings
    return diagnose(settings, now_ms=NOW, progress=lambda _words, _share: None)


@pytest.mark.parametrize(
    ("status", "check", "code", "others"),
    [(401, "authorised", 6, [("reachable", OK)]), (403, "authorised", 6, [("reachable", OK)]),
     (404, "reachable", 7, [])],
)  # fmt: skip
def test_refused_or_no_prometheus(
    http: requests_mock.Mocker, status: int, check: str, code: int, others: list[tuple[str, str]]
) -> None:
    http.post(requests_mock.ANY, status_code=status, text="no")
    found = looked()
    assert [(one.check, one.status) for one in found.findings] == [
        *others, (check, PROBLEM), ("everything", WARNING)
    ]  # fmt: skip
    assert found.exit_code(strict=False) == code
    assert found.findings[-1].what.startswith("could not tell, because the server gave no answer")
    assert len(http.request_history) == 1, "nobody who was refused is asked again"


def test_an_html_page_is_no_prometheus(http: requests_mock.Mocker) -> None:
    http.post(requests_mock.ANY, text="<html><title>Welcome</title>", headers={"Content-Type": "text/html"})
    found = looked()
    assert found.exit_code(strict=False) == 7
    assert "answers with an HTML page (Welcome)" in found.findings[0].what


def test_a_fault_in_one_check_leaves_the_others(
    http: requests_mock.Mocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    http.post(requests_mock.ANY, json=VECTOR)
    http.get(requests_mock.ANY, status_code=404)

    def wrong(*_: object) -> Finding:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(server, "clock", wrong)
    found = looked()
    (bad,) = [one for one in found.findings if one.check == "clock"]
    assert bad.status == WARNING
    assert bad.what == "could not tell, because the check itself failed (ZeroDivisionError: by zero)"
    assert "report it" in bad.cure
    assert "Traceback" in found.faults[0]
    assert {"version", "retention", "metrics", "kube-state-metrics"} <= {one.check for one in found.findings}


def test_a_refused_status_page_is_one_finding(http: requests_mock.Mocker) -> None:
    http.post(requests_mock.ANY, json=VECTOR)
    http.get(requests_mock.ANY, status_code=403, text="not for you")
    found = {one.check: one for one in looked().findings if one.subject == "server"}
    assert found["authorised"].status == OK
    for check in ("version", "retention"):
        assert found[check].status == WARNING
        assert found[check].what.startswith("could not tell, because Prometheus at")


def test_lengths() -> None:
    assert [length(ms) for ms in (0, 1_000, 61_000, HOUR, 49 * HOUR)] == [
        "0 s", "1 s", "1 min 1 s", "1 h", "2 d 1 h"
    ]  # fmt: skip
