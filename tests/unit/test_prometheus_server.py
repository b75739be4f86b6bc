"""Against the real Prometheus: its answers, its limits, its words."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from sci_batch.errors import SourceError
from sci_batch.prometheus import Client, HttpSettings, TooMuchError

pytestmark = pytest.mark.live

T0 = 1_700_000_000_000
MAX_SAMPLES = 500
STORED = 400
"""Samples of each of the pods a, b, c: number n at T0 + n * 30 s has the value n, plus 0.5 for b, 1 for c."""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "prometheus.yml").write_text("")
    _store(folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                "--storage.tsdb.retention.time=100y",
                f"--web.listen-address={address}",
                "--web.route-prefix=/pre/fix",
                f"--query.max-samples={MAX_SAMPLES}",
            ],
            stdout=log,
            stderr=log,
        )
        try:
            _wait_for(f"http://{address}/pre/fix/-/ready", process, folder / "log")
            yield f"http://{address}/pre/fix/"
        finally:
            process.terminate()
            process.wait(30)


def _store(folder: Path) -> None:
    lines = [
        f'joules{{pod="{pod}"}} {number + offset} {T0 // 1000 + 30 * number}'
        for pod, offset in (("a", 0.0), ("b", 0.5), ("c", 1.0))
        for number in range(STORED)
    ]
    (folder / "samples").write_text("\n".join(["# TYPE joules gauge", *lines, "# EOF", ""]))
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "samples", "data"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60)


def _wait_for(ready: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 60
    with requests.Session() as session:
        session.trust_env = False
        while process.poll() is None and time.monotonic() < end:
            try:
                if session.get(ready, timeout=5).status_code == 200:
                    return
            except requests.ConnectionError:
                pass
            time.sleep(0.05)
    raise AssertionError(log.read_text())


@pytest.fixture
def client(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Client(HttpSettings(url=url)) as one:
        yield one


def test_instant(client: Client) -> None:
    samples = client.instant("vector(42)", T0 + 123)
    assert (samples.time_ms.tolist(), samples.value.tolist()) == ([T0 + 123], [42.0])
    assert client.instant("7", T0).value.tolist() == [7.0]  # a scalar
    assert len(client.instant("absent_metric", T0)) == 0
    assert len(client.instant("absent_metric[5m]", T0)) == 0


def test_range_includes_both_ends(client: Client) -> None:
    samples = client.range("time()", T0 + 1, T0 + 5001, 500)
    times = list(range(T0 + 1, T0 + 5002, 500))
    assert samples.time_ms.tolist() == times
    assert samples.value.tolist() == [time / 1000 for time in times]


def test_range_shrinks_below_the_sample_limit(client: Client) -> None:
    points = 11_500  # more than one request may hold, and than --query.max-samples
    samples = client.range("time()", T0, T0 + (points - 1) * 1000, 1000)
    assert samples.time_ms.tolist() == [T0 + 1000 * number for number in range(points)]
    assert samples.value.tolist() == [T0 / 1000 + number for number in range(points)]
    assert len(samples.labels) == 1


def test_too_many_samples_at_once_is_told(client: Client) -> None:
    with pytest.raises(TooMuchError) as caught:
        client.instant("count_over_time(vector(1)[1h:1s])", T0)
    assert "HTTP 422, execution: query processing would load too many samples" in str(caught.value)


def test_bad_query_is_shown(client: Client) -> None:
    with pytest.raises(SourceError) as caught:
        client.instant("sum(", T0)
    assert "HTTP 400, bad_data: " in str(caught.value)
    assert "unclosed left parenthesis" in str(caught.value)
    assert "query: sum(" in str(caught.value)


@pytest.mark.parametrize("pods", ["a", "a|b|c"])
def test_raw_is_left_open_whole_and_shrinks_below_the_sample_limit(client: Client, pods: str) -> None:
    samples = client.raw(f'joules{{pod=~"{pods}"}}', T0, T0 + (STORED - 1) * 30_000)
    names = pods.split("|")
    assert samples.labels["pod"].to_list() == names
    for series, _ in enumerate(names):
        mine = samples.series == series
        assert samples.time_ms[mine].tolist() == [T0 + 30_000 * number for number in range(1, STORED)]
        assert samples.value[mine].tolist() == [number + series / 2 for number in range(1, STORED)]


def test_pieces_with_different_series_are_joined(client: Client) -> None:
    # b is there only in the second half: the pieces do not have the same labels.
    late = f'joules{{pod="b"}} and on() (vector(time()) > {T0 // 1000 + 6000})'
    query = f'label_replace(joules{{pod="a"}}, "only", "a", "", "") or {late}'
    samples = client.range(query, T0, T0 + (STORED - 1) * 30_000, 30_000)
    assert samples.labels[["pod", "only"]].to_numpy().tolist() == [["a", "a"], ["b", ""]]
    assert samples.time_ms[samples.series == 0].tolist() == [T0 + 30_000 * number for number in range(STORED)]
    assert samples.value[samples.series == 1].tolist() == [number + 0.5 for number in range(201, STORED)]


def test_raw_of_nothing(client: Client) -> None:
    assert len(client.raw('absent_metric{a=~"b|c"}', T0, T0 + 3_600_001)) == 0


def test_build_info(client: Client) -> None:
    assert client.build_info()["version"].split(".")[0].isdigit()


def test_wrong_prefix_is_told(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Client(HttpSettings(url=url.removesuffix("pre/fix/"))) as client:
        with pytest.raises(SourceError, match="No Prometheus API") as caught:
            client.instant("up", T0)
        assert "path prefix" in str(caught.value)
        assert client.build_info() == {}
