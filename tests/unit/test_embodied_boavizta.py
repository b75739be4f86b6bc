"""`boavizta:URL` against recorded shapes, and against a small server that behaves like the service."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import pytest
import requests
import requests_mock

from sci_batch import embodied
from sci_batch.embodied import boavizta
from sci_batch.errors import AuthError, SourceError, UsageError
from tests.unit.test_embodied_sources import LIFE, facts

ANSWER = json.loads(
    (Path(__file__).parents[2] / "fixtures" / "embodied" / "boavizta-r6g.medium.json").read_text()
)
BASE = "http://boavizta.test:5000"
URL = f"{BASE}/v1/cloud/instance"
ONE = facts(a={"type": "r6g.medium", "provider_id": "aws:///eu-west-1a/i-0"})


def ask(made: pd.DataFrame = ONE, base: str = BASE) -> tuple[pd.DataFrame, list[float]]:
    """Nodes by name, and the waits between tries."""
    waits: list[float] = []
    return boavizta.nodes(base, made, sleep=waits.append).set_index("node"), waits


def test_the_whole_life_is_asked_for() -> None:
    """21.6 kg are allocated to 35,040 h, so one hour of four years is 21.6 / 35,040, and not that again."""
    with requests_mock.Mocker() as server:
        server.get(URL, json=ANSWER)
        found = embodied.load([("boavizta", BASE + "/")], ONE, lifespan_seconds=LIFE).nodes.iloc[0]
    assert server.last_request is not None
    assert parse_qs(server.last_request.query) == {
        "provider": ["aws"], "instance_type": ["r6g.medium"], "verbose": ["false"], "duration": ["35040"],
        "criteria": ["gwp"],
    }  # fmt: skip
    assert found[["embodied_kgco2e", "low_kgco2e", "high_kgco2e"]].tolist() == [21.6, 12.3, 37.0]
    assert (found["embodied_source"], found["flags"]) == ("boavizta:boavizta.test", 0)
    hour = pd.Series([3600.0]).to_numpy()
    grams = embodied.node_gco2e(found["embodied_kgco2e"], hour, found["lifespan_seconds"])
    assert grams[0] == pytest.approx(21.6 * 1000 / 35_040, rel=1e-12)


def test_each_type_is_asked_for_once() -> None:
    made = facts(**{f"n{index}": {"type": ("r6g.medium", "R6G.medium")[index % 2]} for index in range(6)})
    with requests_mock.Mocker() as server:
        server.get(URL, json=ANSWER)
        found, _ = ask(made)
    assert server.call_count == 2  # the second spelling
    assert len(found) == 6


def test_nodes_of_no_cloud_are_not_asked_for() -> None:
    """Without a type the service would answer for a type of its own."""
    made = facts(a={"type": "k3s"}, b={"type": ""}, c={"type": "g", "provider_id": "openstack:///x"})
    with requests_mock.Mocker() as server:
        found, _ = ask(made)
    assert server.call_count == 0
    assert found.empty


def test_an_unknown_type_is_left_to_the_next_source() -> None:
    made = facts(a={"type": "r6g.medium"}, b={"type": "m99.huge"})
    with requests_mock.Mocker() as server:
        server.get(f"{URL}?instance_type=r6g.medium", json=ANSWER)
        server.get(
            f"{URL}?instance_type=m99.huge", status_code=404, json={"detail": "m99.huge at aws not found"}
        )
        found = embodied.load([("boavizta", BASE), ("kg", "700")], made, lifespan_seconds=LIFE).nodes
    assert found["embodied_source"].tolist() == ["boavizta:boavizta.test", "kg:700"]


def test_azure_sizes_have_two_spellings() -> None:
    made = facts(a={"type": "Standard_D2ads_v5", "provider_id": "azure:///subscriptions/x"})
    with requests_mock.Mocker() as server:
        server.get(f"{URL}?instance_type=standard_d2ads_v5", status_code=404, json={"detail": "not found"})
        server.get(f"{URL}?instance_type=d2ads_v5", json=ANSWER)
        found, _ = ask(made)
    assert found["embodied_kgco2e"].tolist() == [21.6]


def test_what_may_pass_is_tried_again() -> None:
    tries: list[dict[str, Any]] = [
        {"status_code": 503}, {"status_code": 429, "headers": {"Retry-After": "7"}},
        {"exc": requests.ConnectTimeout}, {"json": ANSWER},
    ]  # fmt: skip
    with requests_mock.Mocker() as server:
        server.get(URL, tries)
        found, waits = ask()
    assert found["embodied_kgco2e"].tolist() == [21.6]
    assert waits == [0.5, 7.0, 2.0]


def test_a_long_wait_is_cut_short() -> None:
    with requests_mock.Mocker() as server:
        server.get(URL, [{"status_code": 429, "headers": {"Retry-After": "86400"}}, {"json": ANSWER}])
        assert ask()[1] == [30.0]


def gwp(**changes: Any) -> dict[str, Any]:
    return {"impacts": {"gwp": ANSWER["impacts"]["gwp"] | changes}}


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        ({"status_code": 401}, AuthError, "HTTP 401"),
        ({"status_code": 403}, AuthError, "HTTP 403"),
        ({"status_code": 422, "text": "bad\n  duration"}, SourceError, "HTTP 422: bad duration"),
        ({"status_code": 302, "headers": {"Location": "http://login"}}, SourceError, "HTTP 302"),
        ({"status_code": 500, "text": "boom"}, SourceError, "HTTP 500: boom"),
        ({"exc": requests.ConnectionError}, SourceError, "cannot be reached (ConnectionError)"),
        ({"text": "<html>"}, SourceError, "not JSON"),
        ({"json": []}, SourceError, "not BoaviztAPI's"),
        ({"json": {"impacts": {}}}, SourceError, "not BoaviztAPI's"),
        ({"json": gwp(unit="gCO2eq")}, SourceError, "in gCO2eq, not in kgCO2eq"),
        ({"json": gwp(embedded={"value": 5})}, SourceError, "not BoaviztAPI's"),
        ({"json": gwp(embedded={"value": 5, "min": 6, "max": 7})}, SourceError, "impossible"),
        ({"json": gwp(embedded={"value": 0, "min": 0, "max": 7})}, SourceError, "impossible"),
    ],
)  # fmt: skip
def test_answers_that_are_none(answer: dict[str, Any], error: type[Exception], words: str) -> None:
    with requests_mock.Mocker() as server:
        server.get(URL, **answer)
        with pytest.raises(error) as caught:
            ask()
    assert words in str(caught.value)


def test_a_criterion_without_a_number() -> None:
    with requests_mock.Mocker() as server:
        server.get(URL, json=gwp(embedded="not implemented"))
        assert ask()[0].empty


@pytest.mark.parametrize(
    "url", ["boavizta", "ftp://b", "http://", "http://u:secret@b", "http://b?x=1", "http://b:99999", "http://[b"]
)  # fmt: skip
def test_addresses(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        ask(base=url)
    assert "boavizta:http://boavizta:5000" in caught.value.cure
    assert "secret" not in str(caught.value)


def test_offline_calls_nobody() -> None:
    with requests_mock.Mocker() as server, pytest.raises(UsageError, match="--offline"):
        embodied.load([("catalogue", ""), ("boavizta", BASE)], ONE, lifespan_seconds=LIFE, offline=True)
    assert server.call_count == 0


class Service(BaseHTTPRequestHandler):
    """Allocates TE to the duration asked for, as BoaviztAPI does; without one, to one hour."""

    te_kg: ClassVar[dict[str, float]] = {"m5.4xlarge": 300.0, "m5.8xlarge": 600.0}
    life_hours = 35_040

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = {name: value[0] for name, value in parse_qs(url.query).items()}
        te = self.te_kg.get(query.get("instance_type", ""))
        if url.path != "/v1/cloud/instance" or te is None:
            status, body = (
                404,
                {"detail": f"{query.get('instance_type')} at {query.get('provider')} not found"},
            )
        else:
            kg = te * float(query.get("duration", "1")) / self.life_hours
            embedded = {"value": kg, "min": kg / 2, "max": kg * 2}
            status, body = 200, {"impacts": {"gwp": {"unit": "kgCO2eq", "embedded": embedded}}}  # type: ignore[dict-item]
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *args: Any) -> None:
        """Nothing on standard error."""


@contextmanager
def service() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_over_a_real_socket() -> None:
    made = facts(a={"type": "m5.4xlarge"}, b={"type": "m5.8xlarge"}, c={"type": "m5.large"})
    with service() as base:
        found, waits = ask(made, base)
    assert found["embodied_kgco2e"].to_dict() == {"a": 300.0, "b": 600.0}
    assert found["low_kgco2e"].to_dict() == {"a": 150.0, "b": 300.0}
    assert waits == []


def test_nobody_listens() -> None:
    with service() as base:
        pass
    with pytest.raises(SourceError, match="cannot be reached"):
        ask(base=base)
