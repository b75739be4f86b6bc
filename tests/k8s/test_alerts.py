"""Each alert fires when it must and is silent when not: in a real Prometheus, and over time by promtool."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import requests
import yaml

from sci_batch.report import Report
from sci_batch.sinks import SINKS, SinkOptions
from tests import servers
from tests.cli import handmade
from tests.k8s.manifests import objects, of_kind
from tests.k8s.published import METRIC, name_with, names

pytestmark = pytest.mark.live

HOUR = 3600
START = pd.Timestamp("2026-03-01T00:00:00Z")
DAYS = 9
LATE, NOTHING, LOW, JUMP = (
    "SciBatchDidNotSucceed", "SciBatchNothingPublished", "SciBatchCoverageLow", "SciBatchScoreJump",
)  # fmt: skip


def rules() -> list[dict[str, Any]]:
    (rule,) = of_kind(objects("monitoring"), "PrometheusRule")
    return [one for group in rule["spec"]["groups"] for one in group["rules"]]


@pytest.fixture(scope="module")
def rule_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `spec` of a PrometheusRule is the text of a rule file."""
    (rule,) = of_kind(objects("monitoring"), "PrometheusRule")
    path = tmp_path_factory.mktemp("rules") / "rules.yml"
    path.write_text(yaml.safe_dump(rule["spec"]))
    return path


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [servers.binary("promtool"), *arguments], capture_output=True, text=True, check=False, timeout=120
    )


def hour(number: int) -> int:
    """End of a window by its place [s]."""
    return round(START.timestamp()) + (number + 1) * HOUR


# --- The documents ---


def test_promtool_accepts_the_rules(rule_file: Path) -> None:
    done = promtool("check", "rules", str(rule_file))
    assert done.returncode == 0, done.stderr
    assert f"{len(rules())} rules found" in done.stdout


def test_alerts_name_published_metrics_and_have_words() -> None:
    for rule in rules():
        asked = set(METRIC.findall(rule["expr"]))
        assert asked
        assert asked <= names(), rule["alert"]
        assert {"summary", "description"} <= set(rule["annotations"])
        assert rule["labels"]["severity"] in ("warning", "info")
    assert {rule["alert"] for rule in rules()} == {LATE, NOTHING, LOW, JUMP}


def test_the_pushgateway_is_scraped_with_the_labels_that_were_pushed() -> None:
    (monitor,) = of_kind(objects("monitoring"), "ServiceMonitor")
    assert monitor["apiVersion"] == "monitoring.coreos.com/v1"
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["honorLabels"] is True
    assert endpoint["port"]
    assert monitor["spec"]["selector"]["matchLabels"]


# --- A history that the tool itself wrote, in a real Prometheus ---


def history() -> Report:
    """Two workloads each hour, nine days; in the last six hours `web` costs twice, and coverage is 0.5."""
    pieces = []
    for number in range(DAYS * 24):
        late = number >= DAYS * 24 - 6
        carbon, coverage = (2000.0 if late else 1000.0), (0.5 if late else 1.0)
        window = handmade.result(
            (
                (number, "shop", "web", "Deployment", 1.0, 0.0, carbon, 0.0, 1000.0, coverage, ""),
                (number, "shop", "db", "StatefulSet", 1.0, 0.0, 500.0, 0.0, 1000.0, coverage, ""),
            )
        )
        pieces.append(window)
    return handmade.report(frame=pd.concat(pieces, ignore_index=True))


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    text = tmp_path_factory.mktemp("history") / "history.om"
    SINKS["openmetrics"](history(), text, SinkOptions())
    with servers.prometheus(blocks=lambda data: servers.load_blocks(text, data)) as server:
        yield server.url


def fires(url: str, alert: str, at: int) -> list[dict[str, str]]:
    """Labels of what the expression finds at a time [s]."""
    (rule,) = [rule for rule in rules() if rule["alert"] == alert]
    data = {"query": rule["expr"], "time": str(at)}
    answer = requests.post(f"{url}/api/v1/query", data=data, timeout=30).json()
    assert answer["status"] == "success", answer
    return [one["metric"] for one in answer["data"]["result"]]


LAST = DAYS * 24 - 1
GROUP = {"group": "namespace_workload"}


@pytest.mark.parametrize(
    ("alert", "at", "expected"),
    [
        (LATE, hour(LAST) + 2 * HOUR, []),
        (LATE, hour(LAST) + 3 * HOUR + 60, [GROUP]),
        (LATE, hour(LAST) + 6 * 24 * HOUR, [GROUP]),
        (NOTHING, hour(LAST) + 23 * HOUR, []),
        (NOTHING, hour(LAST) + 25 * HOUR, [{}]),
        (LOW, hour(LAST - 6) + 600, []),
        (LOW, hour(LAST - 5) + 600, [GROUP]),
        (LOW, hour(LAST) + 600, [GROUP]),
        (JUMP, hour(LAST - 6) + 600, []),
        (JUMP, hour(LAST - 5) + 600, []),  # one hour alone is no jump
        (JUMP, hour(LAST - 4) + 600, ["web"]),
        (JUMP, hour(LAST) + 600, ["web"]),
    ],
)
def test_on_a_history_of_windows(prometheus: str, alert: str, at: int, expected: list[Any]) -> None:
    found = fires(prometheus, alert, at)
    assert [labels["workload"] if alert == JUMP else labels for labels in found] == expected


# --- Scraped each minute, with the waiting times and the words, by promtool ---


def series(name: str, values: str, **labels: str) -> dict[str, str]:
    """A series in promtool's words: `1x5 2x3` is six times 1, then four times 2, one each minute."""
    given = {"job": "sci_batch", "cluster": "eu", "group": "g", **labels}
    inside = ", ".join(f'{label}="{value}"' for label, value in given.items())
    return {"series": f"{name}{{{inside}}}", "values": values}


def unit_test(rule_file: Path, inputs: list[dict[str, str]], cases: list[dict[str, Any]]) -> None:
    """One of promtool's tests of rules; its own words where it fails."""
    path = rule_file.parent / "test.yml"
    text = {
        "rule_files": [rule_file.name],
        "evaluation_interval": "1m",
        "tests": [{"interval": "1m", "input_series": inputs, "alert_rule_test": cases}],
    }
    path.write_text(yaml.safe_dump(text))
    done = promtool("test", "rules", str(path))
    assert done.returncode == 0, done.stdout + done.stderr


def case(alert: str, at: str, labels: dict[str, str] | None = None, **words: str) -> dict[str, Any]:
    """What fires at a time; nothing without labels."""
    fired = [] if labels is None else [{"exp_labels": labels, "exp_annotations": words}]
    return {"alertname": alert, "eval_time": at, "exp_alerts": fired}


def test_a_job_that_does_not_succeed(rule_file: Path) -> None:
    # Runs at 01:10 and 02:10, then none: the Pushgateway goes on to show the window that ended at 02:00.
    ends = series(name_with("window_end"), "_x69 3600x59 7200x400")
    unit_test(rule_file, [ends], [
        case(LATE, "2h"),
        case(LATE, "5h5m"),  # not for ten minutes yet
        case(LATE, "5h30m", {"severity": "warning", "cluster": "eu", "group": "g"},
             summary="No new result of sci-batch for 3h 30m 0s",
             description="The newest window of the group g of cluster eu ended 3h 30m 0s ago. Look at the "
             "last Job: kubectl -n sci-batch get jobs, then kubectl -n sci-batch logs."),
    ])  # fmt: skip


def test_nothing_was_ever_published(rule_file: Path) -> None:
    other = {"series": "up", "values": "1x3000"}
    unit_test(rule_file, [other], [case(NOTHING, "5m"), case(LATE, "30h"), case(
        NOTHING, "30h", {"severity": "warning"},
        summary="No result of sci-batch for a day",
        description="Prometheus has seen nothing of sci-batch for a day. Does the CronJob run, does it "
        "publish, and is the Pushgateway scraped?",
    )])  # fmt: skip


def test_coverage_that_falls_and_comes_back(rule_file: Path) -> None:
    name = name_with("coverage")
    full, low = (series(name, values, workload=workload) for workload, values in (
        ("a", "1x600"), ("b", "1x119 0.5x119 1x400"),
    ))  # fmt: skip
    unit_test(rule_file, [full, low], [
        case(LOW, "1h"), case(LOW, "2h5m"),
        case(LOW, "3h", {"severity": "warning", "cluster": "eu", "group": "g"},
             summary="Kepler was seen for only 75% of the time",
             description="Scores of the group g of cluster eu are too low by about what is missing. Is "
             "Kepler up on every node, and is it scraped?"),
        case(LOW, "5h"),
    ])  # fmt: skip


def test_a_score_that_jumps(rule_file: Path) -> None:
    labels = {"namespace": "shop", "workload": "web", "workload_kind": "Deployment",
              "functional_unit": "request"}  # fmt: skip
    name = name_with("sci_grams_per_unit")
    day = 24 * 60
    # A day at 2 g, one odd hour, half a day at 2 g, then 4 g; beside it one that rises by a third.
    jumps = series(name, f"2x{day - 1} 9x59 2x{day // 2 - 1} 4x{day}", **labels)
    rises = series(name, f"3x{day * 2 - 1} 4x{day}", **labels | {"workload": "db"})
    fired = {"severity": "info", "job": "sci_batch", "cluster": "eu", "group": "g", **labels}
    words = {
        "summary": "SCI of shop/web rose by more than half",
        "description": "shop/web costs 4 gCO2e per request, against the week before. A release, less work, "
        "or a dirtier grid? The dashboard shows energy, work and intensity apart.",
    }
    unit_test(rule_file, [jumps, rises], [
        case(JUMP, "24h30m"), case(JUMP, "25h30m"), case(JUMP, "38h"),
        case(JUMP, "40h", fired, **words), case(JUMP, "60h", fired, **words),
    ])  # fmt: skip


def test_promtool_sees_a_wrong_expectation(rule_file: Path) -> None:
    ends = series(name_with("window_end"), "0x600")
    with pytest.raises(AssertionError, match="FAILED"):
        unit_test(rule_file, [ends], [case(LATE, "9h")])
