"""Every query of the dashboard, asked of real servers that hold what the tool itself published."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
import requests

from sci_batch.windows import parse_duration
from tests import servers
from tests.k8s import grafana
from tests.k8s.manifests import ROOT
from tests.k8s.published import METRIC, names

pytestmark = pytest.mark.live

END = 1_795_507_200
"""2026-11-24T08:00:00Z [s]: the demo ends there."""
HOUR = 3600
RANGE_HOURS = 6
OPENED = END + 600
"""Somebody opens the dashboard ten minutes later [s]."""
VALUES = {
    "cluster": ".*", "group": "namespace_workload", "namespace": ".*", "functional_unit": "request",
    "window": "3599s", "window:text": "1h", "__range": f"{RANGE_HOURS}h", "datasource": "any",
}  # fmt: skip
Row = dict[str, str]
Labels = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class History:
    """A Prometheus with one sample per window, and the rows of the same result."""

    url: str
    rows: list[Row]

    @property
    def newest(self) -> list[Row]:
        return [row for row in self.rows if end_of(row) > END - RANGE_HOURS * HOUR]


def end_of(row: Row) -> int:
    return round(datetime.fromisoformat(row["window_end"]).timestamp())


def compute(*outputs: str) -> None:
    """The demo through the real command line."""
    subprocess.run(
        [sys.executable, "-m", "sci_batch", "compute", "--demo", "--since", "24h", "--quiet", *outputs],
        env={"PATH": "/usr/bin:/bin", "SCI_BATCH_NOW": str(END)}, cwd=ROOT, check=True, timeout=120,
    )  # fmt: skip


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    folder = tmp_path_factory.mktemp("history")
    text, table = folder / "history.om", folder / "result.csv"
    compute("-o", f"openmetrics={text}", "-o", f"csv={table}")
    with table.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    with servers.prometheus(blocks=lambda data: servers.load_blocks(text, data)) as server:
        yield History(server.url, rows)


@pytest.fixture(scope="module")
def scraped() -> Iterator[str]:
    """A Prometheus that scrapes a Pushgateway, once it has seen the push."""
    with servers.pushgateway() as gateway:
        compute("-o", f"pushgateway={gateway.url}")
        job = {"job_name": "pushgateway", "honor_labels": True, "scrape_interval": "200ms",
               "scrape_timeout": "200ms",
               "static_configs": [{"targets": [gateway.url.removeprefix("http://")]}]}  # fmt: skip
        with servers.prometheus(scrape_configs=[job]) as server:
            servers.wait_for(lambda: instant(server.url, "count({__name__=~'sci_batch_.+'})"))
            yield server.url


def instant(url: str, promql: str, at: float | None = None) -> dict[Labels, float]:
    data = {"query": promql, **({} if at is None else {"time": str(at)})}
    answer = requests.post(f"{url}/api/v1/query", data=data, timeout=30).json()
    assert answer["status"] == "success", f"{promql}: {answer}"
    return {frozenset(one["metric"].items()): float(one["value"][1]) for one in answer["data"]["result"]}


def in_time(url: str, promql: str) -> dict[Labels, dict[int, float]]:
    """A range query as Grafana sends it: the step is the window, the times are multiples of it."""
    data = {"query": promql, "start": END - (RANGE_HOURS - 1) * HOUR, "end": END, "step": HOUR}
    answer = requests.post(f"{url}/api/v1/query_range", data=data, timeout=30).json()
    assert answer["status"] == "success", f"{promql}: {answer}"
    return {
        frozenset(one["metric"].items()): {int(time): float(value) for time, value in one["values"]}
        for one in answer["data"]["result"]
    }


def ask(history: History, panel: str, which: int = 0) -> Any:
    """The answer to a query of a panel."""
    query = [query for query in grafana.queries() if query.panel == panel][which]
    promql = grafana.filled(query.expr, VALUES)
    return instant(history.url, promql, OPENED) if query.instant else in_time(history.url, promql)


def one(answer: dict[Labels, float]) -> float:
    (value,) = answer.values()
    return value


def total(rows: list[Row], column: str) -> float:
    return sum(float(row[column]) for row in rows if row[column])


# --- Figures, against sums over the CSV ---


def test_the_totals(history: History) -> None:
    rows = history.newest
    assert {end_of(row) for row in rows} == {END - hour * HOUR for hour in range(RANGE_HOURS)}
    assert one(ask(history, "Energy")) == pytest.approx(total(rows, "energy_kwh"))
    assert one(ask(history, "Carbon")) == pytest.approx(total(rows, "carbon_gco2e"))
    assert one(ask(history, "Work")) == pytest.approx(total(rows, "functional_units"))
    ratio = total(rows, "carbon_gco2e") / total(rows, "functional_units")
    assert one(ask(history, "SCI")) == pytest.approx(ratio)
    assert one(ask(history, "Coverage")) == pytest.approx(1.0)
    assert one(ask(history, "Age of the newest window")) == OPENED - END


@pytest.mark.parametrize(
    ("panel", "which", "column"),
    [
        ("SCI per workload", 0, "sci_gco2e_per_unit"),
        ("Energy per workload", 0, "energy_kwh"),
        ("Work per workload", 0, "functional_units"),
    ],
)
def test_workloads_in_time(history: History, panel: str, which: int, column: str) -> None:
    expected: dict[tuple[str, str], dict[int, float]] = defaultdict(dict)
    for row in history.newest:
        if row[column]:
            expected[row["namespace"], row["workload"]][end_of(row)] = float(row[column])
    found = {
        (dict(labels)["namespace"], dict(labels)["workload"]): values
        for labels, values in ask(history, panel, which).items()
    }
    assert found == {key: pytest.approx(values) for key, values in expected.items()}


@pytest.mark.parametrize(("which", "column"), [(0, "operational_gco2e"), (1, "embodied_gco2e")])
def test_the_split_of_carbon(history: History, which: int, column: str) -> None:
    (found,) = ask(history, "Carbon: operational and embodied", which).values()
    assert found == pytest.approx(
        {
            end: total([row for row in history.newest if end_of(row) == end], column)
            for end in range(END - (RANGE_HOURS - 1) * HOUR, END + 1, HOUR)
        }
    )


def test_top_workloads(history: History) -> None:
    expected: dict[tuple[str, str], float] = defaultdict(float)
    for row in history.newest:
        expected[row["namespace"], row["workload"]] += float(row["carbon_gco2e"])
    largest = sorted(expected, key=lambda key: -expected[key])[:10]
    found = {
        (dict(labels)["namespace"], dict(labels)["workload"]): value
        for labels, value in ask(history, "Top workloads").items()
    }
    assert found == pytest.approx({key: expected[key] for key in largest})


def test_grid_intensity_is_weighted_by_energy(history: History) -> None:
    rows = [row for row in history.newest if end_of(row) == END]
    weighted = sum(float(row["intensity_gco2e_per_kwh"]) * float(row["energy_kwh"]) for row in rows)
    (found,) = ask(history, "Grid intensity").values()
    assert found[END] == pytest.approx(weighted / total(rows, "energy_kwh"))


# --- All of it, on both ways of publishing ---


@pytest.mark.parametrize("query", list(grafana.queries()), ids=lambda query: query.panel)
def test_every_query_finds_the_history(history: History, query: grafana.Query) -> None:
    promql = grafana.filled(query.expr, VALUES)
    assert instant(history.url, promql, OPENED) if query.instant else in_time(history.url, promql)


@pytest.mark.parametrize("query", list(grafana.queries()), ids=lambda query: query.panel)
def test_every_query_finds_what_was_pushed(scraped: str, query: grafana.Query) -> None:
    """Scraped for seconds only, so the windows here are that short."""
    promql = grafana.filled(query.expr, VALUES | {"window": "1s", "window:text": "1s", "__range": "1m"})
    servers.wait_for(lambda: instant(scraped, promql))


def test_pickers_offer_what_is_there(history: History) -> None:
    """Each picker depends only on those before it."""
    offered: dict[str, set[str]] = {}
    chosen: dict[str, str] = {}
    for name, variable in grafana.variables().items():
        if variable["type"] == "query":
            assert variable["definition"] == variable["query"]["query"]
            series, label = grafana.label_values(grafana.filled(variable["definition"], chosen))
            answer = requests.get(
                f"{history.url}/api/v1/label/{label}/values",
                params={"match[]": series, "start": str(END - HOUR), "end": str(END)}, timeout=30,
            ).json()  # fmt: skip
            offered[name] = set(answer["data"])
        chosen[name] = VALUES.get(name, "")
    result = {row["namespace"] for row in history.rows}
    assert offered == {
        "cluster": set(),  # not given in the demo: "All" stands for it
        "group": {"namespace_workload"},
        "namespace": result,
        "functional_unit": {"request"},
    }
    for name in ("cluster", "namespace"):
        assert grafana.variables()[name]["allValue"] == ".*", "an absent label is matched as well"


def test_the_windows_to_choose_from() -> None:
    """The window before ends one step back, and ranges of Prometheus 2 hold both their ends."""
    window = grafana.variables()["window"]
    options = {option["text"]: option["value"] for option in window["options"]}
    assert window["query"] == ", ".join(f"{text} : {value}" for text, value in options.items())
    for text, value in options.items():
        assert f"{parse_duration(text) - 1}s" == value
    assert options[window["current"]["text"]] == window["current"]["value"] == VALUES["window"]
    for panel in grafana.dashboard()["panels"]:
        if panel["type"] == "timeseries":
            assert panel["interval"] == "${window:text}"


def test_another_choice_is_another_answer(history: History) -> None:
    (query,) = [query for query in grafana.queries() if query.panel == "Energy"]
    shop = one(instant(history.url, grafana.filled(query.expr, VALUES | {"namespace": "shop"}), OPENED))
    rows = [row for row in history.newest if row["namespace"] == "shop"]
    assert shop == pytest.approx(total(rows, "energy_kwh"))
    for name in ("cluster", "group"):
        assert instant(history.url, grafana.filled(query.expr, VALUES | {name: "none"}), OPENED) == {}


# --- The document ---


def test_names_are_those_that_are_published() -> None:
    board = grafana.dashboard()
    text = " ".join([query.expr for query in grafana.queries()])
    text += " ".join(variable.get("definition", "") for variable in board["templating"]["list"])
    assert set(METRIC.findall(text)) <= names()


def test_the_form_that_grafana_imports() -> None:
    board = grafana.dashboard()
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)
    assert board["uid"]
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, f"{panel['title']} lies on another panel"
        assert max(x for x, _ in cells) < 24
        taken |= cells
        refs = [target["refId"] for target in panel["targets"]]
        assert len(set(refs)) == len(refs)
        assert panel["datasource"]["uid"] == "${datasource}"
        assert panel["description"]
    known = {*grafana.variables(), "__range"}
    for query in grafana.queries():
        assert grafana.used(query.expr) <= known, query
