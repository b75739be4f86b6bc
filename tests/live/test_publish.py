"""Results published to real servers, and asked back from them."""

from __future__ import annotations

import csv
import dataclasses
import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from sci_batch.errors import SinkError
from sci_batch.report import Report
from sci_batch.sinks import SINKS, SinkOptions, pushgateway
from sci_batch.sinks.access import Push
from sci_batch.sinks.csv import read as read_csv
from sci_batch.sinks.families import of_report
from tests import servers
from tests.cli import handmade
from tests.cli.process import COMPUTE, ROOT, sci_batch

pytestmark = pytest.mark.live

NOW = 1_795_507_200
"""2026-11-24T08:00:00Z [s]: the demo ends there."""
DEMO = ("compute", "--demo", "--since", "4h", "--intensity", "380.1", "--quiet")
Series = dict[frozenset[tuple[str, str]], float]


@dataclasses.dataclass(frozen=True)
class Scraped:
    """A Pushgateway, and a Prometheus that scrapes it five times a second."""

    gateway: str
    prometheus: str


@pytest.fixture(scope="module")
def scraped() -> Iterator[Scraped]:
    with servers.pushgateway() as gateway:
        job = {"job_name": "pushgateway", "honor_labels": True, "scrape_interval": "200ms",
               "scrape_timeout": "200ms",
               "static_configs": [{"targets": [gateway.url.removeprefix("http://")]}]}  # fmt: skip
        with servers.prometheus(scrape_configs=[job]) as prometheus:
            yield Scraped(gateway.url, prometheus.url)


def options(target: str, now: float = NOW, **push: Any) -> SinkOptions:
    return SinkOptions(target=target, now_ms=round(now * 1000), push=Push(retries=0, **push))


def push(url: str, report: Report, now: float = NOW, **wishes: Any) -> None:
    SINKS["pushgateway"](report, None, options(url, now, **wishes))


def of_cluster(cluster: str, report: Report | None = None) -> Report:
    report = report or handmade.report()
    return dataclasses.replace(report, provenance=dataclasses.replace(report.provenance, cluster=cluster))


def shifted(windows: int, rows: int | None = None) -> Report:
    """The report made by hand, some hours later."""
    frame = handmade.result()
    hours = pd.Timedelta(hours=windows)
    frame = frame.assign(window_start=frame["window_start"] + hours, window_end=frame["window_end"] + hours)
    return handmade.report(frame=frame.head(rows or len(frame)))


def without(workload: str) -> Report:
    frame = handmade.result()
    return handmade.report(frame=frame[frame["workload"] != workload].reset_index(drop=True))


def ask(url: str, promql: str, at: float | None = None) -> Series:
    """Labels and values of an instant query."""
    data = {"query": promql, **({} if at is None else {"time": str(at)})}
    answer = requests.post(f"{url}/api/v1/query", data=data, timeout=30)
    answer.raise_for_status()
    result = answer.json()["data"]["result"]
    return {frozenset(one["metric"].items()): float(one["value"][1]) for one in result}


def samples(url: str, at: float, promql: str = '{__name__=~"sci_batch_.+"}') -> Series:
    """Every sample of the last 30 days before `at`; its time [s] is a further label."""
    answer = requests.post(
        f"{url}/api/v1/query", data={"query": f"{promql}[30d]", "time": str(at)}, timeout=60
    )
    answer.raise_for_status()
    return {
        frozenset({**one["metric"], "time": str(round(float(moment)))}.items()): float(value)
        for one in answer.json()["data"]["result"]
        for moment, value in one["values"]
    }


def becomes(wanted: Any, found: Callable[[], Any]) -> None:
    """Wait until the server shows what is wanted."""
    deadline = time.monotonic() + 20
    while (last := found()) != wanted and time.monotonic() < deadline:
        time.sleep(0.05)
    assert last == wanted


def held(url: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """What a Pushgateway holds of ours."""
    text = requests.get(f"{url}/metrics", timeout=10).text
    return {
        (
            sample.name,
            frozenset((name, value) for name, value in sample.labels.items() if value),
        ): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("sci_batch_")
    }


def workloads(url: str) -> set[str]:
    return {dict(labels)["workload"] for name, labels in held(url) if name == "sci_batch_energy_joules"}


def process(*arguments: str, now: int = NOW) -> subprocess.CompletedProcess[str]:
    """The real command line with the real pipeline."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("SCI_BATCH_")}
    return subprocess.run(
        [sys.executable, "-m", "sci_batch", *arguments],
        env=kept | {"SCI_BATCH_NOW": str(now)}, cwd=ROOT, capture_output=True, text=True, check=False,
        timeout=120,
    )  # fmt: skip


@dataclasses.dataclass(frozen=True)
class History:
    """A result of the demo: its rows as the CSV has them, and the stored files."""

    rows: list[dict[str, str]]
    csv: Path
    parquet: Path


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    folder = tmp_path_factory.mktemp("history")
    file, parquet = folder / "a.csv", folder / "a.parquet"
    done = process(*DEMO, "-o", f"csv={file}", "-o", f"parquet={parquet}")
    assert done.returncode == 0, done.stderr
    rows = rows_of(file)
    assert len({row["window_start"] for row in rows}) == 4
    assert any(row["sci_gco2e_per_unit"] == "" for row in rows)
    return History(rows, file, parquet)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


# --- Pushgateway ---


def test_the_score_is_pushed_scraped_and_asked_back(scraped: Scraped) -> None:
    push(scraped.gateway, handmade.report())
    common = {"job": "sci_batch", "group": "namespace_workload"}
    web = {**common, "namespace": "shop", "workload": "web", "workload_kind": "Deployment"}
    score = {"__name__": "sci_batch_sci_grams_per_unit", "functional_unit": "request"}
    # The newest window: C = 1140 + 60 g over R = 1000. honor_labels keeps every label as it was.
    becomes(
        {frozenset({**web, **score}.items()): 1.2},
        lambda: ask(scraped.prometheus, "sci_batch_sci_grams_per_unit"),
    )
    joules = ask(scraped.prometheus, "sum(sci_batch_energy_joules)")
    assert list(joules.values()) == [3.5 * 3.6e6]
    success = {**common, "__name__": "sci_batch_last_success_timestamp_seconds"}
    assert ask(scraped.prometheus, "sci_batch_last_success_timestamp_seconds") == {
        frozenset(success.items()): NOW
    }
    age = ask(
        scraped.prometheus,
        "sci_batch_window_end_timestamp_seconds - sci_batch_window_start_timestamp_seconds",
    )
    assert list(age.values()) == [3600.0]


def test_a_workload_that_is_gone_is_gone_everywhere(scraped: Scraped) -> None:
    push(scraped.gateway, handmade.report())
    shown = lambda: {dict(labels)["workload"] for labels in ask(scraped.prometheus, "sci_batch_carbon_grams")}  # noqa: E731
    becomes({"web", "db"}, shown)
    push(scraped.gateway, without("db"))
    assert workloads(scraped.gateway) == {"web"}
    becomes({"web"}, shown)


def test_twice_is_once(pushgateway: servers.Server) -> None:
    push(pushgateway.url, handmade.report())
    once = held(pushgateway.url)
    assert len(once) == 6 * 2 + 2 + 3 + 1
    push(pushgateway.url, handmade.report())
    assert held(pushgateway.url) == once
    push(pushgateway.url, handmade.report(), now=NOW + 60)
    later = held(pushgateway.url)
    assert {key for key in once if once[key] != later[key]} == {
        ("sci_batch_last_success_timestamp_seconds",
         frozenset({("job", "sci_batch"), ("group", "namespace_workload")})),
    }  # fmt: skip


def test_clusters_and_groups_stand_side_by_side_and_one_can_be_deleted(pushgateway: servers.Server) -> None:
    url = pushgateway.url
    for cluster in ("eu/west 1", "us"):
        push(url, of_cluster(cluster))
    push(url, of_cluster("us", without("web")), group="other")
    groups = {(dict(labels)["cluster"], dict(labels)["group"]) for _, labels in held(url)}
    assert groups == {("eu/west 1", "namespace_workload"), ("us", "namespace_workload"), ("us", "other")}
    done = sci_batch("push", "--delete", "-o", f"pushgateway={url}", "--cluster-label", "cluster=eu/west 1")
    assert done.returncode == 0, done.stderr
    assert 'the group cluster="eu/west 1", group="namespace_workload"' in done.stderr
    groups = {(dict(labels)["cluster"], dict(labels)["group"]) for _, labels in held(url)}
    assert groups == {("us", "namespace_workload"), ("us", "other")}
    done = sci_batch(
        "push", "--delete", "-o", f"pushgateway={url}", "--cluster-label", "c=us", "--push-group", "other"
    )
    assert done.returncode == 0, done.stderr
    assert {dict(labels)["group"] for _, labels in held(url)} == {"namespace_workload"}
    assert sci_batch("push", "--delete", "-o", f"pushgateway={url}", "-q").stderr == ""  # nothing there: fine


@pytest.mark.parametrize("name", ['a"b\\c', "ü/€ 1", "a b", "x" * 200])
def test_any_name_arrives(pushgateway: servers.Server, name: str) -> None:
    frame = handmade.result().assign(workload=pd.Series([name, "db", name, "db"], dtype="str"))
    push(pushgateway.url, of_cluster(name, handmade.report(frame=frame)))
    assert workloads(pushgateway.url) == {name, "db"}
    assert {dict(labels)["cluster"] for _, labels in held(pushgateway.url)} == {name}


def test_too_many_series_leave_the_group_as_it_was(pushgateway: servers.Server) -> None:
    push(pushgateway.url, without("db"))
    before = held(pushgateway.url)
    with pytest.raises(SinkError, match="--push-max-series 17"):
        push(pushgateway.url, handmade.report(), max_series=17)
    assert held(pushgateway.url) == before


def test_a_login(tmp_path: Path) -> None:
    web, good, bad = tmp_path / "web.yml", tmp_path / "good", tmp_path / "bad"
    # bcrypt of "secret", cost 4
    web.write_text(
        "basic_auth_users: {writer: $2b$04$f8w6PMaZN9t.KZi7dCaZLOswEJsS6GIK.5/HgrPS3oB1PmS.rZtJa}\n"
    )
    good.write_text("writer:secret\n")
    bad.write_text("writer:wrong-password\n")
    access = servers.Access(basic_auth=("writer", "secret"))
    with servers.pushgateway(web_config=web, access=access) as server:
        flags = ("-o", "csv", "-o", f"pushgateway={server.url}", "--retries", "0", "--quiet")
        refused = sci_batch(*COMPUTE, *flags, "--push-basic-auth-file", str(bad))
        assert refused.returncode == 8
        assert "refused (HTTP 401" in refused.stderr
        assert "--push-basic-auth-file" in refused.stderr
        assert "wrong-password" not in refused.stderr
        assert len(refused.stdout.splitlines()) == 5
        assert sci_batch(*COMPUTE, *flags, "--push-basic-auth-file", str(good)).returncode == 0
        in_address = server.url.replace("://", "://writer:secret@")
        push(in_address, without("db"))
        text = requests.get(f"{server.url}/metrics", auth=access.basic_auth, timeout=10).text
        assert 'workload="web"' in text
        assert 'workload="db"' not in text
        pushgateway.delete(options(in_address), {"group": "namespace_workload"})
        assert (
            "sci_batch_" not in requests.get(f"{server.url}/metrics", auth=access.basic_auth, timeout=10).text
        )


def test_tls_with_certificates_on_both_sides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(variable, raising=False)
    cert, key = ROOT / "fixtures/tls/localhost.pem", ROOT / "fixtures/tls/localhost.key"
    web = tmp_path / "web.yml"
    files = {"cert_file": str(cert), "key_file": str(key), "client_ca_file": str(cert)}
    tls = {**files, "client_auth_type": "RequireAndVerifyClientCert"}
    web.write_text(json.dumps({"tls_server_config": tls}))  # JSON is YAML
    access = servers.Access(ca_file=cert, client_cert=(str(cert), str(key)))
    with servers.prometheus(web_config=web, access=access) as server:
        flags = ("-q", "-o", f"remote-write={server.url}", "--retries", "0")
        unknown = sci_batch(*COMPUTE, *flags)
        assert unknown.returncode == 8
        assert f"the TLS connection to {server.url}/api/v1/write failed" in unknown.stderr
        assert "--push-ca-file" in unknown.stderr
        nameless = sci_batch(*COMPUTE, *flags, "--push-ca-file", str(cert))
        assert nameless.returncode == 8
        ours = ("--push-ca-file", str(cert), "--push-cert-file", str(cert), "--push-key-file", str(key))
        done = sci_batch(*COMPUTE, *flags, *ours)
        assert done.returncode == 0, done.stderr
        query = {"query": "count(sci_batch_sci_grams_per_unit)", "time": "2026-03-01T02:00:00Z"}
        answer = requests.get(f"{server.url}/api/v1/query", params=query, verify=str(cert),
                              cert=access.client_cert, timeout=10)  # fmt: skip
        assert answer.json()["data"]["result"][0]["value"][1] == "1"


def test_a_conflict_of_types_is_told_in_the_words_of_the_server(pushgateway: servers.Server) -> None:
    body = "# TYPE sci_batch_carbon_grams counter\nsci_batch_carbon_grams 1\n"
    requests.put(f"{pushgateway.url}/metrics/job/other", data=body, timeout=10).raise_for_status()
    with pytest.raises(SinkError, match="HTTP 400: pushed metrics are invalid or inconsistent"):
        push(pushgateway.url, handmade.report())


def test_a_dead_pushgateway_leaves_the_files_and_says_what_to_run(
    tmp_path: Path, pushgateway: servers.Server
) -> None:
    dead = f"http://127.0.0.1:{servers.free_port()}"
    file, parquet = tmp_path / "a.csv", tmp_path / "a b.parquet"
    done = sci_batch(
        *COMPUTE,
        "-o",
        f"pushgateway={dead}",
        "-o",
        f"csv={file}",
        "-o",
        f"parquet={parquet}",
        "--retries",
        "1",
    )
    assert done.returncode == 8
    assert (
        f"a Pushgateway at {dead}/metrics/job/sci_batch/group/namespace_workload cannot be reached: "
        in done.stderr
    )
    assert f"Written: csv={file}, parquet={parquet}" in done.stderr
    pd.testing.assert_frame_equal(read_csv(file)[0], handmade.result())
    (words,) = [line for line in done.stderr.splitlines() if "sci-batch push" in line]
    command = shlex.split(words[words.index("sci-batch push") :])
    assert command == ["sci-batch", "push", "--from", str(parquet), "-o", f"pushgateway={dead}"]
    again = sci_batch(*(part.replace(dead, pushgateway.url) for part in command[1:]))
    assert again.returncode == 0, again.stderr
    assert held(pushgateway.url)["sci_batch_sci_grams_per_unit", frozenset({
        ("job", "sci_batch"), ("group", "namespace_workload"), ("namespace", "shop"), ("workload", "web"),
        ("workload_kind", "Deployment"), ("functional_unit", "request"),
    })] == 1.2  # fmt: skip


def test_one_server_is_down_and_the_other_has_everything(tmp_path: Path, history: History) -> None:
    """A crash between two outputs: files, then servers, each on its own."""
    dead = f"http://127.0.0.1:{servers.free_port()}"
    file, parquet = tmp_path / "a.csv", tmp_path / "a.parquet"
    with servers.prometheus() as server:
        done = process(*DEMO, "-o", f"pushgateway={dead}", "-o", f"remote-write={server.url}",
                       "-o", f"csv={file}", "-o", f"parquet={parquet}", "--retries", "0")  # fmt: skip
        assert done.returncode == 8
        assert done.stderr.count("error:") == 1
        assert f"Written: csv={file}, parquet={parquet}, remote-write={server.url}" in done.stderr
        assert f"Then run: sci-batch push --from {parquet} -o pushgateway={dead}\n" in done.stderr
        assert samples(server.url, NOW, MEASURES) == expected(rows_of(file)) == expected(history.rows)


def test_a_csv_file_is_pushed_like_the_parquet_file(pushgateway: servers.Server, history: History) -> None:
    url = pushgateway.url
    assert process("push", "--from", str(history.parquet), "-o", f"pushgateway={url}").returncode == 0
    whole = held(url)
    done = process(
        "push", "--from", str(history.csv), "-o", f"pushgateway={url}", "--unit-name", "request", "-v"
    )
    assert done.returncode == 0, done.stderr
    assert "note: a CSV file holds rows alone" in done.stderr
    # It knows neither version nor fingerprint; nothing else differs.
    assert held(url) == {key: value for key, value in whole.items() if key[0] != "sci_batch_info"}
    assert len(held(url)) == len(whole) - 1
    refused = process("push", "--from", str(history.csv), "-o", f"pushgateway={url}")
    assert refused.returncode == 2
    assert "--unit-name" in refused.stderr


# --- Remote write ---


def expected(rows: list[dict[str, str]], unit: str = "request") -> Series:
    """Every measure of every row at the end of its window, by a plain loop over the CSV."""
    found: Series = {}
    columns = (
        ("energy_kwh", "sci_batch_energy_joules", 3_600_000),
        ("operational_gco2e", "sci_batch_carbon_operational_grams", 1),
        ("embodied_gco2e", "sci_batch_carbon_embodied_grams", 1),
        ("carbon_gco2e", "sci_batch_carbon_grams", 1),
        ("intensity_gco2e_per_kwh", "sci_batch_intensity_grams_per_kwh", 1),
        ("coverage", "sci_batch_coverage_ratio", 1),
        ("functional_units", "sci_batch_functional_units", 1),
        ("sci_gco2e_per_unit", "sci_batch_sci_grams_per_unit", 1),
    )
    for row in rows:
        end = round(pd.Timestamp(row["window_end"]).timestamp())
        for column, metric, size in columns:
            if row[column] == "":  # unknown
                continue
            labels = {"__name__": metric, "job": "sci_batch", "group": "namespace_workload", "time": str(end),
                      **{name: row[name] for name in ("namespace", "workload", "workload_kind")}}  # fmt: skip
            if column in ("functional_units", "sci_gco2e_per_unit"):
                labels["functional_unit"] = unit
            found[frozenset(labels.items())] = float(row[column]) * size
    return found


MEASURES = '{__name__=~"sci_batch_.+",workload!=""}'


def test_history_in_prometheus_is_the_csv_value_by_value(history: History) -> None:
    with servers.prometheus() as server:
        for _ in range(2):  # the second time changes nothing
            done = process("push", "--from", str(history.parquet), "-o", f"remote-write={server.url}")
            assert done.returncode == 0, done.stderr
            assert samples(server.url, NOW, MEASURES) == expected(history.rows)
        windows = samples(server.url, NOW, "sci_batch_window_start_timestamp_seconds")
        assert sorted(windows.values()) == [NOW - 3600 * back for back in (4, 3, 2, 1)]
        assert {int(dict(labels)["time"]) - start for labels, start in windows.items()} == {3600}
        success = samples(server.url, NOW, "sci_batch_last_success_timestamp_seconds")
        assert list(success.values()) == [NOW]
        (info,) = ask(server.url, "sci_batch_info", NOW)
        assert len(dict(info)["fingerprint"]) == 12


def test_the_queries_of_the_documents_give_the_score(history: History) -> None:
    text = (ROOT / "docs/publish.md").read_text(encoding="utf-8")
    with servers.prometheus() as server:
        process("push", "--from", str(history.parquet), "-o", f"remote-write={server.url}")
        carbon = "last_over_time(sci_batch_carbon_grams[1h])"
        assert f"`{carbon}`" in text
        # 59 minutes after the newest window, when its samples are long out of sight.
        newest = [row for row in history.rows if row["window_end"] == "2026-11-24T08:00:00Z"]
        found = ask(server.url, f"sum({carbon})", NOW + 59 * 60)
        wanted = sum(float(row["carbon_gco2e"]) for row in newest)
        assert list(found.values()) == [pytest.approx(wanted, rel=1e-12)]
        (score,) = re.findall(r"^sum by \(namespace\) .*$", text, re.M)
        found = ask(server.url, score, NOW)
        shop = [row for row in newest if row["namespace"] == "shop"]
        ratio = sum(float(row["carbon_gco2e"]) for row in shop) / sum(
            float(row["functional_units"]) for row in shop
        )
        assert found[frozenset({("namespace", "shop")})] == pytest.approx(ratio, rel=1e-12)
        (alert,) = re.findall(r"`(time\(\) - .*)`", text)
        assert ask(server.url, alert, NOW + 60) == {}
        assert ask(server.url, alert.replace("2 * 3600", "30"), NOW + 60) != {}


def test_history_in_victoria_metrics_is_the_csv_value_by_value(history: History) -> None:
    with servers.victoria_metrics() as server:
        for _ in range(2):
            target = f"remote-write={server.url}/api/v1/write"
            done = process("push", "--from", str(history.parquet), "-o", target)
            assert done.returncode == 0, done.stderr
        servers.flush_victoria(server.url)
        answer = requests.get(f"{server.url}/api/v1/export", params={"match[]": MEASURES}, timeout=30)
        found: Series = {}
        for line in answer.text.splitlines():
            series = json.loads(line)
            for moment, value in zip(series["timestamps"], series["values"], strict=True):
                labels = {**series["metric"], "time": str(moment // 1000)}
                # It keeps a sample that is sent twice until a merge; both must be the same.
                assert found.setdefault(frozenset(labels.items()), value) == value
    wanted = expected(history.rows)
    assert found.keys() == wanted.keys()
    for key, value in wanted.items():  # it keeps decimals of one exponent per block: about 12 digits
        assert found[key] == pytest.approx(value, rel=1e-11)


def test_a_run_writes_its_history_at_once(tmp_path: Path) -> None:
    """Two outputs of one run: what stands in the file is what the server has."""
    with servers.prometheus() as server:
        file = tmp_path / "a.csv"
        wishes = ("--group-by", "namespace", "--push-group", "by-namespace")
        done = process(*DEMO, *wishes, "-o", f"csv={file}", "-o", f"remote-write={server.url}")
        assert done.returncode == 0, done.stderr
        found = samples(server.url, NOW, "sci_batch_carbon_grams")
    assert sorted(found.values()) == sorted(float(row["carbon_gco2e"]) for row in rows_of(file))
    assert {dict(labels)["group"] for labels in found} == {"by-namespace"}


def test_many_requests_are_one_history(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    from sci_batch import stored

    monkeypatch.setattr("sci_batch.sinks.remote_write.SAMPLES_AT_ONCE", 7)
    with servers.prometheus() as server:
        SINKS["remote-write"](stored.read(history.parquet), None, options(server.url))
        assert samples(server.url, NOW, MEASURES) == expected(history.rows)


def ends_of(url: str) -> list[int]:
    """Ends of the windows that a server has, in hours after 2026-03-01T00:00Z."""
    start = round(pd.Timestamp("2026-03-01T00:00Z").timestamp())
    found = samples(url, start + 86_400, 'sci_batch_carbon_grams{workload="web"}')
    return sorted((int(dict(labels)["time"]) - start) // 3600 for labels in found)


def test_a_server_that_takes_nothing_late_names_the_windows() -> None:
    now = pd.Timestamp("2026-03-01T03:00Z").timestamp()
    with servers.prometheus(late="0s") as server:
        SINKS["remote-write"](shifted(1), None, options(server.url, now))
        assert ends_of(server.url) == [2, 3]
        # 01:00 is older than what is there; 02:00 too; a request with the same newest sample passes.
        words = "1 window, which ends at 2026-03-01T01:00:00Z"
        with pytest.raises(SinkError, match=words) as caught:
            SINKS["remote-write"](shifted(0, rows=2), None, options(server.url, now))
        assert "out of order sample" in caught.value.what
        assert "out_of_order_time_window: 4h" in caught.value.cure
        with pytest.raises(
            SinkError, match="2 windows, which end at 2026-03-01T01:00:00Z, 2026-03-01T02:00:00Z"
        ):
            SINKS["remote-write"](shifted(0), None, options(server.url, now))
        assert ends_of(server.url) == [2, 3]
        # Where older and newer windows come together, the newer ones get in.
        with pytest.raises(SinkError, match="1 window, which ends at 2026-03-01T03:00:00Z"):
            SINKS["remote-write"](three_to_five_without_four(), None, options(server.url, now + 7200))
        assert ends_of(server.url) == [2, 3, 5]


def test_a_server_that_is_further_on_refuses_new_series_too() -> None:
    """Older than its newest sample by half a block (of 72 h here, of 2 h elsewhere): out of bounds."""
    now = pd.Timestamp("2026-03-06T03:00Z").timestamp()
    with servers.prometheus(late="0s") as server:
        SINKS["remote-write"](shifted(120), None, options(server.url, now))
        with pytest.raises(
            SinkError, match=r"2 windows, which end at 2026-03-01T01.*: out of bounds"
        ) as caught:
            SINKS["remote-write"](of_cluster("new"), None, options(server.url, now))
        assert "out_of_order_time_window: 124h" in caught.value.cure
        assert ask(server.url, 'sci_batch_carbon_grams{cluster="new"}', now - 5 * 86_400) == {}


def three_to_five_without_four() -> Report:
    """Windows that end at 03:00, with another value than before, and at 05:00."""
    frame = shifted(2).result
    later = frame["window_start"] == frame["window_start"].max()
    hour = pd.Timedelta(hours=1)
    frame["window_start"] = frame["window_start"].where(~later, frame["window_start"] + hour)
    frame["window_end"] = frame["window_end"].where(~later, frame["window_end"] + hour)
    return handmade.report(frame=frame)


def test_a_server_that_takes_some_days_refuses_what_is_older() -> None:
    now = pd.Timestamp("2026-03-01T00:00Z").timestamp() + 60 * 86_400
    with servers.prometheus(late="30d") as server:
        SINKS["remote-write"](shifted(60 * 24), None, options(server.url, now))
        with pytest.raises(
            SinkError, match=r"2 windows, which end at 2026-03-01T01.*too old sample"
        ) as caught:
            SINKS["remote-write"](shifted(0), None, options(server.url, now, timeout_seconds=10))
        assert "out_of_order_time_window: 1441h" in caught.value.cure


@pytest.mark.parametrize("late", ["0s", "30d"])
def test_another_value_for_the_same_time_is_told(late: str) -> None:
    now = pd.Timestamp("2026-03-01T02:00Z").timestamp()
    with servers.prometheus(late=late) as server:
        SINKS["remote-write"](shifted(0), None, options(server.url, now))
        frame = handmade.result().assign(carbon_gco2e=7.0).tail(2).reset_index(drop=True)
        words = "1 window, which ends at 2026-03-01T02:00:00Z: duplicate sample"
        with pytest.raises(SinkError, match=words) as caught:
            SINKS["remote-write"](handmade.report(frame=frame), None, options(server.url, now))
        assert "another value at that time and keeps it" in caught.value.cure
        found = ask(server.url, 'sci_batch_carbon_grams{workload="web"}', now)
        assert list(found.values()) == [1200.0]


def test_a_prometheus_without_the_receiver(tmp_path: Path, pushgateway: servers.Server) -> None:
    """The Pushgateway has no such path either: 404, and the cure names the path."""
    with pytest.raises(SinkError, match="HTTP 404") as caught:
        SINKS["remote-write"](handmade.report(), None, options(pushgateway.url))
    assert "is there a remote-write receiver?" in caught.value.cure


# --- Text files ---


def test_promtool_makes_blocks_of_openmetrics(history: History, tmp_path: Path) -> None:
    path = tmp_path / "history.om"
    done = process("report", str(history.parquet), "-o", f"openmetrics={path}")
    assert done.returncode == 0, done.stderr
    with servers.prometheus(blocks=lambda data: servers.load_blocks(path, data)) as server:
        assert samples(server.url, NOW, MEASURES) == expected(history.rows)


def test_a_server_and_promtool_read_the_textfile(tmp_path: Path, pushgateway: servers.Server) -> None:
    """node_exporter reads with the same library as the Pushgateway."""
    path = tmp_path / "sci_batch.prom"
    SINKS["textfile"](handmade.report(), path, options(""))
    linted = subprocess.run(
        [servers.binary("promtool"), "check", "metrics"],
        input=path.read_bytes(),
        capture_output=True,
        check=False,
    )
    assert (linted.returncode, linted.stderr) == (0, b"")
    requests.put(f"{pushgateway.url}/metrics/job/node", data=path.read_bytes(), timeout=10).raise_for_status()
    found = held(pushgateway.url)
    assert len(found) == 18
    assert {dict(labels)["group"] for _, labels in found} == {"namespace_workload"}


def test_names_are_the_same_wherever_they_are_published(tmp_path: Path) -> None:
    """Dashboards and alerts are written against these names."""
    assert {family.metric.name for family in of_report(handmade.report(), {})} == {
        "sci_batch_energy_joules",
        "sci_batch_carbon_operational_grams",
        "sci_batch_carbon_embodied_grams",
        "sci_batch_carbon_grams",
        "sci_batch_intensity_grams_per_kwh",
        "sci_batch_coverage_ratio",
        "sci_batch_functional_units",
        "sci_batch_sci_grams_per_unit",
        "sci_batch_window_start_timestamp_seconds",
        "sci_batch_window_end_timestamp_seconds",
        "sci_batch_info",
    }
