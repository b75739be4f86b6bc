"""Against a small local server that behaves like the grid data servers: same paths, logins, limits, words."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from sci_batch.cli.main import main
from sci_batch.errors import AuthError, SourceError, UsageError
from sci_batch.intensity import Intensity, Request, load
from sci_batch.intensity.frame import DAY_MS, HOUR_MS, MINUTE_MS
from sci_batch.settings.factors import Spec
from sci_batch.windows import parse_time, rfc3339

T0 = 1_768_003_200_000  # 2026-01-10T00:00:00Z
TOKEN, USER, PASSWORD = "em-secret", "me", "wt-secret"
ENVIRON = {
    "SCI_BATCH_ELECTRICITYMAPS_TOKEN": TOKEN, "SCI_BATCH_WATTTIME_USER": USER,
    "SCI_BATCH_WATTTIME_PASSWORD": PASSWORD, "NO_PROXY": "*",
}  # fmt: skip


def truth(ms: int, step_ms: int) -> int:
    """gCO2e/kWh of the slot that begins then; another in every slot of two days."""
    return 100 + (ms // step_ms) % 997


@dataclass
class State:
    """How the server is to behave, and what it saw."""

    free_plan: bool = False
    busy: int = 0
    """Answers with 429 so many times."""
    retry_after: str = "0"
    broken: int = 0
    """Breaks the connection so many times."""
    redirect_to: str = ""
    seen: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    """One request at a time, by path."""

    state: ClassVar[State]

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002, ARG002 -- as the base class has it
        return

    def do_GET(self) -> None:
        state = self.state
        state.seen.append(self.path)
        state.headers.append(dict(self.headers))
        if state.broken:
            state.broken -= 1
            self.close_connection = True
            return
        if state.busy:
            state.busy -= 1
            self.answer(429, {"error": "slow down"}, {"Retry-After": state.retry_after})
            return
        if state.redirect_to:
            self.answer(302, {}, {"Location": state.redirect_to})
            return
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        first = parts.path.split("/")[1]
        by_path: dict[str, Callable[[str, dict[str, str]], None]] = {
            "carbon-intensity": self.electricity_maps, "intensity": self.uk, "regional": self.uk_region,
            "co2eq": self.energy_charts, "emissions": self.sdk, "login": self.login, "v3": self.watttime,
        }  # fmt: skip
        if first in by_path:
            by_path[first](parts.path, asked)
        else:
            self.answer(404, {"error": "no such path"})

    def answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def electricity_maps(self, path: str, asked: dict[str, str]) -> None:
        if self.headers.get("auth-token") != TOKEN:
            self.answer(401, {"error": f"Invalid auth-token {self.headers.get('auth-token')}"})
            return
        # as the real one: a zone that is not known, and the caller's place comes instead
        zone = asked["zone"] if asked.get("zone") in ("DE", "FR") else "US-CAL-CISO"
        if path.endswith("history"):
            span = (T0 + 24 * HOUR_MS, T0 + 48 * HOUR_MS)
        elif self.state.free_plan:
            self.answer(403, {"error": "Your plan does not include past-range"})
            return
        else:
            span = (ms(asked["start"]), ms(asked["end"]))
        if span[1] - span[0] > 240 * HOUR_MS:
            self.answer(400, {"error": "at most 240 hours"})
            return
        items = [
            {"zone": zone, "carbonIntensity": truth(at, HOUR_MS), "datetime": rfc3339(at),
             "emissionFactorType": asked["emissionFactorType"], "isEstimated": False}
            for at in range(*span, HOUR_MS)
        ]  # fmt: skip
        self.answer(200, {"zone": zone, "history" if path.endswith("history") else "data": items})

    def uk(self, path: str, _asked: dict[str, str]) -> None:
        self.half_hours(path.split("/")[2:4], lambda items: {"data": items}, actual=True)

    def uk_region(self, path: str, _asked: dict[str, str]) -> None:
        *_, start, end, kind, name = path.split("/")
        self.half_hours([start, end], lambda items: {"data": {kind: int(name), "data": items}}, actual=False)

    def half_hours(self, span: list[str], shape: Any, *, actual: bool) -> None:
        start, end = (parse_time(text, now_ms=0) for text in span)
        if end - start > 14 * DAY_MS:
            self.answer(400, {"error": {"code": "400 Bad Request", "message": "at most 14 days"}})
            return
        half = HOUR_MS // 2
        items = []
        for at in range(start - half, end + half, half):  # one more on either side, as the real one
            figures = {"forecast": truth(at, half)} | ({"actual": truth(at, half)} if actual else {})
            items.append({"from": minute(at), "to": minute(at + half), "intensity": figures})
        self.answer(200, shape(items))

    def energy_charts(self, _path: str, asked: dict[str, str]) -> None:
        step = 15 * MINUTE_MS
        times = list(range(ms(asked["start"]), ms(asked["end"]) + step, step))  # its end is included
        figures = [truth(at, step) for at in times]
        self.answer(
            200, {"unix_seconds": [at // 1000 for at in times], "co2eq": figures, "deprecated": False}
        )

    def sdk(self, _path: str, asked: dict[str, str]) -> None:
        step = 5 * MINUTE_MS
        items = [
            {"location": asked["location"], "time": rfc3339(at).replace("Z", "+00:00"),
             "rating": truth(at, step), "duration": "00:05:00"}
            for at in range(ms(asked["time"]), ms(asked["toTime"]), step)
        ]  # fmt: skip
        self.answer(200, items)

    def login(self, _path: str, _asked: dict[str, str]) -> None:
        wanted = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if self.headers.get("Authorization") != f"Basic {wanted}":
            self.answer(401, {"error": "wrong password"})
            return
        self.answer(200, {"token": "bearer"})

    def watttime(self, _path: str, asked: dict[str, str]) -> None:
        if self.headers.get("Authorization") != "Bearer bearer":
            self.answer(401, {"error": "expired"})
            return
        start, end, step = ms(asked["start"]), ms(asked["end"]), 5 * MINUTE_MS
        if end - start > 32 * DAY_MS:
            self.answer(400, {"error": "at most 32 days"})
            return
        data = [
            {"point_time": rfc3339(at), "value": truth(at, step)} for at in range(start, end + step, step)
        ]
        meta = {
            "data_point_period_seconds": 300, "region": asked["region"], "units": "lbs_co2_per_mwh",
            "signal_type": asked["signal_type"], "model": {"date": asked.get("model", "2026-03-01")},
        }  # fmt: skip
        self.answer(200, {"data": data, "meta": meta})


def ms(text: str) -> int:
    return parse_time(text, now_ms=0)


def minute(at: int) -> str:
    return f"{rfc3339(at)[:16]}Z"


@contextmanager
def served(state: State) -> Iterator[str]:
    """The address of the server, on a port that is free."""
    handler = type("Bound", (Handler,), {"state": state})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def state() -> State:
    return State()


@pytest.fixture
def ask(state: State, tmp_path: Path) -> Iterator[Request]:
    with served(state) as url:
        addresses = {
            f"SCI_BATCH_{name}_URL": url for name in ("ELECTRICITYMAPS", "UK", "ENERGY_CHARTS", "WATTTIME")
        }
        yield Request(
            start_ms=T0 + 7 * HOUR_MS, end_ms=T0 + 40 * HOUR_MS, cache_dir=tmp_path / "cache",
            now_ms=T0 + 90 * DAY_MS, environ={**ENVIRON, **addresses}, sleep=lambda seconds: None,
        )  # fmt: skip


def url_of(ask: Request) -> str:
    return ask.environ["SCI_BATCH_UK_URL"]


CASES = [
    ("electricitymaps", "DE", None, HOUR_MS, 1.0),
    ("uk", "national", None, HOUR_MS // 2, 1.0),
    ("uk", "London", None, HOUR_MS // 2, 1.0),
    ("energy-charts", "DE", None, 15 * MINUTE_MS, 1.0),
    ("carbon-aware-sdk", "{url},eastus", "average", 5 * MINUTE_MS, 1.0),
    ("watttime", "CAISO_NORTH", "marginal", 5 * MINUTE_MS, 0.45359237),
]
"""Kind, argument, `--intensity-kind`, slot [ms], gCO2e/kWh per unit of the server."""


def loaded(case: tuple[str, str, Any, int, float], ask: Request) -> Intensity:
    kind, argument, figures, _, _ = case
    return load(kind, argument.format(url=url_of(ask)), replace(ask, kind=figures))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]} {case[1]}")
@pytest.mark.parametrize("days", [1, 45])
def test_every_slot_of_the_range_is_as_the_server_says(
    case: tuple[str, str, Any, int, float], days: int, ask: Request, state: State
) -> None:
    ask = replace(ask, end_ms=ask.start_ms + days * DAY_MS)
    found = loaded(case, ask)
    step, factor = case[3], case[4]
    starts = list(range(ask.start_ms, ask.end_ms, step))
    assert found.slots["start_ms"].tolist() == starts
    assert found.slots["end_ms"].tolist() == [at + step for at in starts]
    assert found.slots["gco2e_per_kwh"].tolist() == pytest.approx(
        [truth(at, step) * factor for at in starts], rel=1e-12
    )
    assert found.step_ms == step
    requests_made = len(state.seen)
    again = loaded(case, replace(ask, offline=True))
    assert again.slots.equals(found.slots)
    assert len(state.seen) == requests_made


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]} {case[1]}")
def test_a_hiccup_of_each_kind_is_no_failure(
    case: tuple[str, str, Any, int, float], ask: Request, state: State
) -> None:
    state.busy, state.broken = 2, 1
    found = loaded(case, ask)
    assert found.slots["gco2e_per_kwh"].iloc[0] == pytest.approx(truth(ask.start_ms, case[3]) * case[4])
    assert (state.busy, state.broken) == (0, 0)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]} {case[1]}")
def test_a_server_that_stays_down_is_replaced_by_a_fallback(
    case: tuple[str, str, Any, int, float], ask: Request, state: State
) -> None:
    state.busy = 1000
    waits: list[float] = []
    state.retry_after = "3"
    with pytest.raises(SourceError, match="keeps failing"):
        loaded(case, replace(ask, sleep=waits.append))
    assert waits == [3.0] * 4
    found = loaded(case, replace(ask, fallbacks=(Spec("constant", "77"),)))
    assert found.slots["gco2e_per_kwh"].tolist() == [77.0]


def test_a_redirect_carries_no_token_away(ask: Request, state: State) -> None:
    elsewhere = State()
    with served(elsewhere) as other:
        state.redirect_to = f"{other}/carbon-intensity/past-range"
        with pytest.raises(SourceError, match="is not followed"):
            loaded(CASES[0], ask)
    assert elsewhere.seen == []


def test_netrc_adds_no_login(
    ask: Request, state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login other password stolen\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    loaded(CASES[1], ask)
    loaded(CASES[5], ask)
    assert [headers.get("Authorization") for headers in state.headers][-1] == "Bearer bearer"
    assert "Authorization" not in state.headers[0]


def test_a_zone_that_the_server_does_not_know_is_not_taken_from_the_callers_place(ask: Request) -> None:
    with pytest.raises(SourceError, match="answered for the zone US-CAL-CISO, and XX was asked for"):
        load("electricitymaps", "XX", ask)


def test_a_wrong_token_and_password(ask: Request) -> None:
    wrong = {
        **ask.environ,
        "SCI_BATCH_ELECTRICITYMAPS_TOKEN": "wr0ng",
        "SCI_BATCH_WATTTIME_PASSWORD": "wr0ng",
    }
    for kind, zone, figures in (("electricitymaps", "DE", None), ("watttime", "CAISO_NORTH", "marginal")):
        request = replace(ask, environ=wrong, kind=figures)  # type: ignore[arg-type]
        with pytest.raises(AuthError) as caught:
            load(kind, zone, request)
        assert "wr0ng" not in str(caught.value)
        assert "SCI_BATCH_" in caught.value.cure


def test_a_free_plan_lives_on_history(ask: Request, state: State) -> None:
    state.free_plan = True
    day = replace(ask, start_ms=T0 + DAY_MS, end_ms=T0 + 2 * DAY_MS, now_ms=T0 + 2 * DAY_MS)
    found = load("electricitymaps", "DE", day)
    assert found.slots["gco2e_per_kwh"].tolist() == [
        truth(T0 + hour * HOUR_MS, HOUR_MS) for hour in range(24, 48)
    ]
    assert [path.partition("?")[0].rpartition("/")[2] for path in state.seen] == ["past-range", "history"]


def test_offline_opens_no_socket(ask: Request, state: State) -> None:
    for case in CASES:
        with pytest.raises(UsageError, match="--offline"):
            loaded(case, replace(ask, offline=True))
    assert state.seen == []


def test_answers_of_another_address_are_kept_apart(ask: Request, tmp_path: Path) -> None:
    loaded(CASES[1], ask)
    (folder,) = (tmp_path / "cache").iterdir()
    assert folder.name.startswith("uk%20http")


def test_fetch_here_and_use_the_file_there(
    ask: Request,
    state: State,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in ask.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SCI_BATCH_CACHE_DIR", str(tmp_path / "cache"))
    out = tmp_path / "ci.parquet"
    span = ("--start", "2026-01-10T07:00:00Z", "--end", "2026-01-11T16:00:00Z")
    fetch = ("factors", "fetch", "--intensity", "electricitymaps:DE", "--intensity", "electricitymaps:FR")
    assert main([*fetch, *span, "--out", str(out)]) == 0
    assert "warning" not in capsys.readouterr().err
    found = load("file", f"{out}#DE", replace(ask, offline=True, environ={}))
    online = loaded(CASES[0], ask)
    assert found.slots["gco2e_per_kwh"].tolist() == online.slots["gco2e_per_kwh"].tolist()
    assert main(["factors", "validate", str(out)]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in shown[1:]] == [["DE", "33"], ["FR", "33"]]
    seen = len(state.seen)
    assert main([*fetch, *span, "--out", str(tmp_path / "ci.csv"), "--offline"]) == 0
    assert len(state.seen) == seen
    assert main([*fetch[:4], "--start", "2025-12-01T00:00:00Z", "--end", "2025-12-02T00:00:00Z",
                 "--out", str(tmp_path / "x.csv"), "--offline"]) == 2  # fmt: skip
    assert not (tmp_path / "x.csv").exists()
    assert TOKEN not in capsys.readouterr().err
