"""Each server's answers, from recorded shapes: pieces, nulls, refusals, wrong places, units."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from requests_mock import Mocker

from sci_batch.counters import FLAG_BITS
from sci_batch.errors import AuthError, NoDataError, SciBatchError, SourceError, UsageError
from sci_batch.intensity import Intensity, Request, load, read
from sci_batch.intensity.conversion import grams_per_kwh
from sci_batch.intensity.frame import DAY_MS, HOUR_MS
from sci_batch.settings.factors import Spec

FIXTURES = Path(__file__).parents[2] / "fixtures" / "intensity"
T0 = 1_768_003_200_000  # 2026-01-10T00:00:00Z
TOKEN = "hunter2-token"
EM = "https://api.electricitymaps.com/v4/carbon-intensity"
UK = "https://api.carbonintensity.org.uk"
ENVIRON = {
    "SCI_BATCH_ELECTRICITYMAPS_TOKEN": TOKEN,
    "SCI_BATCH_WATTTIME_USER": "me",
    "SCI_BATCH_WATTTIME_PASSWORD": TOKEN,
}
ESTIMATED = FLAG_BITS["intensity-estimated"]


def fixture(name: str) -> Any:
    return json.loads((FIXTURES / name).read_text(encoding="utf-8"))


@pytest.fixture
def ask(tmp_path: Path) -> Request:
    """Five hours, long ago, with a cache of its own and no real waiting."""
    return Request(
        start_ms=T0, end_ms=T0 + 5 * HOUR_MS, cache_dir=tmp_path / "cache", now_ms=T0 + 30 * DAY_MS,
        environ=ENVIRON, sleep=lambda seconds: None,
    )  # fmt: skip


def by_minute(found: Intensity) -> dict[int, tuple[float, bool]]:
    """Value and `estimated` by the minute of 10 January in which a slot starts."""
    table = found.slots
    minutes = ((table["start_ms"].to_numpy() - T0) // 60_000).tolist()
    values = table["gco2e_per_kwh"].tolist()
    return dict(zip(minutes, zip(values, table["estimated"].tolist(), strict=True), strict=True))


# --- Electricity Maps -------------------------------------------------------------------------------


def test_electricity_maps(requests_mock: Mocker, ask: Request) -> None:
    requests_mock.get(f"{EM}/past-range", json=fixture("electricitymaps-past-range.json"))
    found = read("electricitymaps", "DE", ask)
    assert by_minute(found) == {
        0: (312, False), 60: (318, False), 180: (301, True), 240: (290, False),
    }  # fmt: skip
    assert (found.kind, found.basis, found.zones, found.step_ms) == ("average", "lifecycle", ("DE",), HOUR_MS)
    assert set(found.slots["source"]) == {"electricitymaps:DE (lifecycle)"}
    (sent,) = requests_mock.request_history
    assert sent.headers["auth-token"] == TOKEN
    assert sent.qs == {
        "zone": ["de"], "start": ["2026-01-10t00:00:00z"], "end": ["2026-01-11t00:00:00z"],
        "temporalgranularity": ["hourly"], "emissionfactortype": ["lifecycle"],
        "disablecallerlookup": ["true"],
    }  # fmt: skip


def test_a_null_is_a_hole_and_follows_the_gap_policy(requests_mock: Mocker, ask: Request) -> None:
    requests_mock.get(f"{EM}/past-range", json=fixture("electricitymaps-past-range.json"))
    with pytest.raises(NoDataError, match="no intensity for 1 h: 2026-01-10T02:00:00Z"):
        load("electricitymaps", "DE", ask)
    found = load("electricitymaps", "DE", replace(ask, gap="interpolate"))
    # between 318 in the middle of hour 1 and 301 in that of hour 3
    assert by_minute(found)[120] == pytest.approx(((318 + 301) / 2, False))
    filled = load("electricitymaps", "DE", replace(ask, fallbacks=(Spec("zone", "DE"),)))
    assert by_minute(filled)[120] == (342.06, False)
    assert filled.slots["flags"].tolist()[3] == ESTIMATED


def past_range(request: requests.PreparedRequest, context: object) -> dict[str, Any]:
    """Hourly values that equal the hours since T0, for the span asked for."""
    asked: dict[str, list[str]] = request.qs  # type: ignore[attr-defined]
    start, end = (pd_ms(asked[name][0]) for name in ("start", "end"))
    items = [
        {"zone": "DE", "datetime": iso(at), "carbonIntensity": 100 + (at - T0) // HOUR_MS % 500}
        for at in range(start, end, HOUR_MS)
    ]
    return {"zone": "DE", "data": items, "temporalGranularity": "hourly"}


def pd_ms(text: str) -> int:
    from sci_batch.windows import parse_time

    return parse_time(text.upper(), now_ms=0)


def iso(ms: int) -> str:
    from sci_batch.windows import rfc3339

    return rfc3339(ms).replace("Z", ".000Z")


def test_a_long_range_is_asked_in_pieces_of_240_hours_that_join(requests_mock: Mocker, ask: Request) -> None:
    requests_mock.get(f"{EM}/past-range", json=past_range)
    long = replace(ask, start_ms=T0 + 7 * HOUR_MS, end_ms=T0 + 25 * DAY_MS - HOUR_MS, now_ms=T0 + 60 * DAY_MS)
    found = load("electricitymaps", "DE", long)
    spans = [(sent.qs["start"][0], sent.qs["end"][0]) for sent in requests_mock.request_history]
    assert spans == [
        ("2026-01-10t00:00:00z", "2026-01-20t00:00:00z"),
        ("2026-01-20t00:00:00z", "2026-01-30t00:00:00z"),
        ("2026-01-30t00:00:00z", "2026-02-04t00:00:00z"),
    ]
    assert found.slots["gco2e_per_kwh"].tolist() == [100 + hour % 500 for hour in range(7, 25 * 24 - 1)]


def test_a_free_plan_gets_history_and_is_told(requests_mock: Mocker, ask: Request) -> None:
    for status in (401, 403):
        requests_mock.get(f"{EM}/past-range", status_code=status, json={"error": "not in your plan"})
        requests_mock.get(f"{EM}/history", json=fixture("electricitymaps-history.json"))
        late = replace(ask, start_ms=T0 + 3 * HOUR_MS, now_ms=T0 + 5 * HOUR_MS)
        found = load("electricitymaps", "DE", late)
        assert by_minute(found) == {180: (301, True), 240: (290, False)}
        assert "history, the last 24 h, was used" in found.notes[0]


def test_a_refused_token_is_an_error_and_never_shown(requests_mock: Mocker, ask: Request) -> None:
    requests_mock.get(f"{EM}/past-range", status_code=401, json={"error": f"bad token {TOKEN}"})
    requests_mock.get(f"{EM}/history", status_code=401, json={"error": f"bad token {TOKEN}"})
    with pytest.raises(AuthError) as caught:
        load("electricitymaps", "DE", replace(ask, fallbacks=(Spec("zone", "DE"),)))
    assert "bad token ***" in caught.value.what
    assert TOKEN not in str(caught.value)
    assert "SCI_BATCH_ELECTRICITYMAPS_TOKEN" in caught.value.cure


def test_no_token(requests_mock: Mocker, ask: Request, tmp_path: Path) -> None:
    with pytest.raises(AuthError, match="is not given"):
        load("electricitymaps", "DE", replace(ask, environ={}))
    requests_mock.get(f"{EM}/past-range", json=fixture("electricitymaps-past-range.json"))
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    environ = {"SCI_BATCH_ELECTRICITYMAPS_TOKEN_FILE": str(file)}
    read("electricitymaps", "DE", replace(ask, environ=environ))
    assert requests_mock.last_request is not None
    assert requests_mock.last_request.headers["auth-token"] == TOKEN
    with pytest.raises(UsageError, match="both set"):
        read("electricitymaps", "FR", replace(ask, environ={**environ, **ENVIRON}))
    assert TOKEN not in repr(ask)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"zone": "FR"}, "answered for the zone FR"),
        ({"zone": None}, "answered for the zone None"),
        ({"temporalGranularity": "daily"}, "temporalGranularity daily"),
        ({"data": [{"zone": "DE", "datetime": "noon", "carbonIntensity": 1}]}, "something else"),
        ({"data": [{"zone": "US", "datetime": "2026-01-10T00:00:00Z"}]}, "answered for the zone US"),
        ({"data": [{"datetime": "2026-01-10T00:00:00Z", "emissionFactorType": "direct"}]}, "direct factors"),
        ({"data": 7}, "something else"),
    ],
)
def test_answers_of_electricity_maps_that_are_not_taken(
    requests_mock: Mocker, ask: Request, change: dict[str, Any], words: str
) -> None:
    requests_mock.get(f"{EM}/past-range", json={**fixture("electricitymaps-past-range.json"), **change})
    with pytest.raises(SourceError, match=words):
        read("electricitymaps", "DE", ask)


def test_electricity_maps_for_each_node(requests_mock: Mocker, ask: Request) -> None:
    import pandas as pd

    def answer(request: Any, context: object) -> dict[str, Any]:
        return {**past_range(request, context), "zone": request.qs.get("zone", ["us-nw-bpat"])[0].upper()}

    def strip(request: Any, context: object) -> dict[str, Any]:
        found = answer(request, context)
        return {**found, "data": [{k: v for k, v in item.items() if k != "zone"} for item in found["data"]]}

    requests_mock.get(f"{EM}/past-range", json=strip)
    nodes = pd.DataFrame(
        [("a", "aws", "eu-west-1"), ("b", "aws", "us-west-2"), ("c", "aws", "eu-west-1")],
        columns=["node", "provider", "region"],
    )
    found = load("electricitymaps", "auto", replace(ask, node_regions=nodes))
    assert found.zone_of_node == {"a": "IE", "b": "aws:us-west-2", "c": "IE"}
    asked = [sent.qs for sent in requests_mock.request_history]
    assert [(item.get("zone"), item.get("datacenterregion")) for item in asked] == [
        (["ie"], None), (None, ["us-west-2"]),
    ]  # fmt: skip


def test_electricity_maps_direct(requests_mock: Mocker, ask: Request) -> None:
    body = fixture("electricitymaps-past-range.json")
    direct = [{**item, "emissionFactorType": "direct"} for item in body["data"]]
    requests_mock.get(f"{EM}/past-range", json={**body, "data": direct})
    assert read("electricitymaps", "DE", replace(ask, basis="direct")).basis == "direct"
    assert requests_mock.last_request is not None
    assert requests_mock.last_request.qs["emissionfactortype"] == ["direct"]


# --- Great Britain ----------------------------------------------------------------------------------


def test_uk_actual_else_forecast(requests_mock: Mocker, ask: Request) -> None:
    url = f"{UK}/intensity/2026-01-10T00:00Z/2026-01-11T00:00Z"
    requests_mock.get(url, json=fixture("uk-national.json"))
    found = read("uk", "national", ask)
    assert by_minute(found) == {0: (163, False), 30: (172, False), 60: (175, True), 120: (158, False)}
    assert (found.basis, found.zones, found.step_ms) == ("direct", ("GB",), HOUR_MS // 2)


def test_uk_region_is_forecast_and_zero_is_a_hole(requests_mock: Mocker, ask: Request) -> None:
    url = f"{UK}/regional/intensity/2026-01-10T00:00Z/2026-01-11T00:00Z/regionid/13"
    requests_mock.get(url, json=fixture("uk-regional.json"))
    for argument in ("13", "london"):
        found = read("uk", argument, ask)
        assert by_minute(found) == {0: (140, True), 60: (138, True)}
        assert found.notes == ("uk:13: 1 slots of 0 gCO2e/kWh are treated as missing",)
        assert set(found.slots["source"]) == {"uk:13 (direct)"}


def test_uk_postcode_answers_with_a_list(requests_mock: Mocker, ask: Request) -> None:
    region = {**fixture("uk-regional.json")["data"], "postcode": "RG10"}
    url = f"{UK}/regional/intensity/2026-01-10T00:00Z/2026-01-11T00:00Z/postcode/RG10"
    requests_mock.get(url, json={"data": [region]})
    assert by_minute(read("uk", "RG10 9AA", ask))[0] == (140, True)


def test_uk_wrong_region_and_error_bodies(requests_mock: Mocker, ask: Request) -> None:
    requests_mock.get(f"{UK}/regional/intensity/2026-01-10T00:00Z/2026-01-11T00:00Z/regionid/12",
                      json=fixture("uk-regional.json"))  # fmt: skip
    with pytest.raises(SourceError, match="answered for regionid 13, and 12"):
        read("uk", "12", ask)
    url = f"{UK}/intensity/2026-01-10T00:00Z/2026-01-11T00:00Z"
    requests_mock.get(
        url, status_code=400, json={"error": {"code": "400 Bad Request", "message": "bad span"}}
    )
    with pytest.raises(SourceError, match=r"rejected the question \(HTTP 400: bad span\)"):
        load("uk", "national", replace(ask, fallbacks=(Spec("constant", "1"),)))


def test_uk_pieces_of_14_days(requests_mock: Mocker, ask: Request) -> None:
    requests_mock.get(f"{UK}/intensity/2026-01-10T00:00Z/2026-01-24T00:00Z", json={"data": []})
    requests_mock.get(f"{UK}/intensity/2026-01-24T00:00Z/2026-01-26T00:00Z", json=fixture("uk-national.json"))
    found = read("uk", "national", replace(ask, end_ms=T0 + 16 * DAY_MS))
    assert requests_mock.call_count == 2
    assert found.slots.empty  # what an answer holds outside of its question is not taken


@pytest.mark.parametrize("argument", ["18", "0", "Ulster", "1234"])
def test_uk_places_that_are_none(ask: Request, argument: str) -> None:
    with pytest.raises(UsageError, match="no place in Great Britain"):
        read("uk", argument, ask)


# --- energy-charts ----------------------------------------------------------------------------------


def test_energy_charts(requests_mock: Mocker, ask: Request) -> None:
    requests_mock.get("https://api.energy-charts.info/co2eq", json=fixture("energy-charts.json"))
    found = read("energy-charts", "DE", ask)
    # measured wins over forecast; forecast alone is estimated; neither is a hole
    assert by_minute(found) == {
        0: (491.5, False), 15: (505.0, True), 45: (480.25, False), 60: (470.0, False),
    }  # fmt: skip
    assert (found.basis, found.step_ms) == ("unknown", 15 * 60_000)
    assert requests_mock.last_request is not None
    assert requests_mock.last_request.qs == {
        "country": ["de"], "start": ["2026-01-10t00:00z"], "end": ["2026-01-11t00:00z"],
    }  # fmt: skip


def test_energy_charts_hourly_and_broken(requests_mock: Mocker, ask: Request) -> None:
    url = "https://api.energy-charts.info/co2eq"
    hours = [T0 // 1000 + 3600 * hour for hour in range(5)]
    requests_mock.get(url, json={"unix_seconds": hours, "co2eq": [1, 2, 3, 4, 5]})
    assert load("energy-charts", "fr", ask).slots["gco2e_per_kwh"].tolist() == [1, 2, 3, 4, 5]
    requests_mock.get(url, json={"unix_seconds": hours, "co2eq": [1, 2]})
    with pytest.raises(SourceError, match="2 values for 5 times"):
        read("energy-charts", "IT", ask)
    requests_mock.get(url, json={"unix_seconds": hours, "co2eq": [1, 2, 3, 4, 5000]})
    with pytest.raises(SourceError, match="5000 gCO2e/kWh, and no grid comes near"):
        read("energy-charts", "PL", ask)
    with pytest.raises(UsageError, match="no country"):
        read("energy-charts", "Germany", ask)


# --- Carbon Aware SDK -------------------------------------------------------------------------------


def test_carbon_aware_sdk(requests_mock: Mocker, ask: Request) -> None:
    requests_mock.get("http://sdk:8080/emissions/bylocation", json=fixture("carbon-aware-sdk.json"))
    argument = "http://sdk:8080/,eastus"
    with pytest.raises(UsageError, match="does not say whether its figures are average or marginal"):
        read("carbon-aware-sdk", argument, ask)
    found = read("carbon-aware-sdk", argument, replace(ask, kind="marginal"))
    assert by_minute(found) == {0: (370.1, False), 5: (371.5, False), 10: (369.0, False)}
    assert (found.kind, found.basis, found.step_ms) == ("marginal", "unknown", 5 * 60_000)
    with pytest.raises(SourceError, match="answered for eastus, and westus"):
        read("carbon-aware-sdk", "http://sdk:8080,westus", replace(ask, kind="average"))


def test_carbon_aware_sdk_without_duration(requests_mock: Mocker, ask: Request) -> None:
    items = [
        {"location": "x", "time": f"2026-01-10T0{hour}:00:00Z", "rating": 10 + hour} for hour in range(5)
    ]
    requests_mock.get("http://sdk/emissions/bylocation", json=items)
    found = load("carbon-aware-sdk", "http://sdk,x", replace(ask, kind="average"))
    assert found.slots["gco2e_per_kwh"].tolist() == [10, 11, 12, 13, 14]


@pytest.mark.parametrize("argument", ["eastus", "ftp://sdk,x", "http://me:pw@sdk,x", "http://sdk?key=1,x"])
def test_carbon_aware_sdk_addresses(ask: Request, argument: str) -> None:
    with pytest.raises(UsageError) as caught:
        read("carbon-aware-sdk", argument, replace(ask, kind="average"))
    assert "pw" not in str(caught.value)


# --- WattTime ---------------------------------------------------------------------------------------

WT = "https://api.watttime.org"


def test_watttime(requests_mock: Mocker, ask: Request) -> None:
    requests_mock.get(f"{WT}/login", json={"token": "bearer-1"})
    requests_mock.get(f"{WT}/v3/historical", json=fixture("watttime-historical.json"))
    with pytest.raises(UsageError, match="gives marginal"):
        read("watttime", "CAISO_NORTH", ask)
    found = read("watttime", "CAISO_NORTH", replace(ask, kind="marginal"))
    assert found.slots["gco2e_per_kwh"].tolist() == pytest.approx([870 * 0.45359237, 880 * 0.45359237])
    assert found.notes == ("watttime:CAISO_NORTH: 1 slots of 0 gCO2e/kWh are treated as missing",)
    login, data = requests_mock.request_history
    assert login.headers["Authorization"] == "Basic bWU6aHVudGVyMi10b2tlbg=="
    assert data.headers["Authorization"] == "Bearer bearer-1"
    assert data.qs["signal_type"] == ["co2_moer"]


def test_watttime_takes_one_model_for_all_pieces(requests_mock: Mocker, ask: Request) -> None:
    requests_mock.get(f"{WT}/login", json={"token": "bearer-1"})
    requests_mock.get(f"{WT}/v3/historical", json=fixture("watttime-historical.json"))
    long = replace(ask, kind="marginal", end_ms=T0 + 40 * DAY_MS, now_ms=T0 + 50 * DAY_MS)
    read("watttime", "CAISO_NORTH", long)
    first, second = requests_mock.request_history[1:]
    assert "model" not in first.qs
    assert second.qs["model"] == ["2026-03-01"]
    other = fixture("watttime-historical.json")
    other["meta"]["model"] = {"date": "2026-09-01"}
    bodies = [{"json": fixture("watttime-historical.json")}, {"json": other}]
    requests_mock.get(f"{WT}/v3/historical", bodies)
    with pytest.raises(SourceError, match="model of 2026-09-01, and 2026-03-01"):
        read("watttime", "CAISO_NORTH", replace(long, cache_dir=Path(str(ask.cache_dir) + "2")))


def test_watttime_logs_in_again_when_its_token_has_ended(requests_mock: Mocker, ask: Request) -> None:
    requests_mock.get(f"{WT}/login", [{"json": {"token": "old"}}, {"json": {"token": "new"}}])
    requests_mock.get(
        f"{WT}/v3/historical",
        [{"status_code": 401, "text": "expired old"}, {"json": fixture("watttime-historical.json")}],
    )
    read("watttime", "CAISO_NORTH", replace(ask, kind="marginal"))
    assert requests_mock.last_request is not None
    assert requests_mock.last_request.headers["Authorization"] == "Bearer new"


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("region", "PJM", "answered for the region PJM"),
        ("signal_type", "health_damage", "answered for the signal_type health_damage"),
        ("units", "percent", "no intensity"),
    ],
)
def test_answers_of_watttime_that_are_not_taken(
    requests_mock: Mocker, ask: Request, key: str, value: str, words: str
) -> None:
    body = fixture("watttime-historical.json")
    body["meta"][key] = value
    requests_mock.get(f"{WT}/login", json={"token": "t"})
    requests_mock.get(f"{WT}/v3/historical", json=body)
    with pytest.raises(SourceError, match=words):
        read("watttime", "CAISO_NORTH", replace(ask, kind="marginal"))


def test_watttime_login_refused_and_odd(requests_mock: Mocker, ask: Request) -> None:
    ask = replace(ask, kind="marginal")
    requests_mock.get(f"{WT}/login", status_code=401, text=f"no user with {TOKEN}")
    with pytest.raises(AuthError) as caught:
        read("watttime", "CAISO_NORTH", ask)
    assert TOKEN not in str(caught.value)
    requests_mock.get(f"{WT}/login", json={"token": "a\nb"})
    with pytest.raises(SourceError, match="gives no token"):
        read("watttime", "CAISO_NORTH", ask)


# --- all of them ------------------------------------------------------------------------------------

EVERY = [
    ("electricitymaps", "DE", "average"),
    ("uk", "national", "average"),
    ("energy-charts", "DE", "average"),
    ("carbon-aware-sdk", "http://sdk:8080,eastus", "average"),
    ("watttime", "CAISO_NORTH", "marginal"),
]


@pytest.mark.parametrize(("kind", "argument", "figures"), EVERY)
def test_offline_asks_nobody(
    requests_mock: Mocker, ask: Request, kind: str, argument: str, figures: Any
) -> None:
    with pytest.raises(UsageError, match="--offline"):
        load(kind, argument, replace(ask, kind=figures, offline=True))
    assert requests_mock.call_count == 0


@pytest.mark.parametrize(("kind", "argument", "figures"), EVERY)
def test_the_kind_that_a_server_does_not_have(
    requests_mock: Mocker, ask: Request, kind: str, argument: str, figures: Any
) -> None:
    other: Any = {"average": "marginal", "marginal": "average"}[figures]
    if kind == "carbon-aware-sdk":
        return
    with pytest.raises(UsageError, match=r"average|marginal"):
        load(kind, argument, replace(ask, kind=other))
    assert requests_mock.call_count == 0


@pytest.mark.parametrize(("kind", "argument", "figures"), EVERY)
@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_failure_that_may_pass_is_tried_five_times_then_told(
    requests_mock: Mocker, ask: Request, kind: str, argument: str, figures: Any, status: int
) -> None:
    waits: list[float] = []
    requests_mock.get(requests_mock_any(), status_code=status, text="busy", headers={"Retry-After": "7"})
    with pytest.raises(SourceError, match=f"keeps failing.*HTTP {status}"):
        load(kind, argument, replace(ask, kind=figures, sleep=waits.append))
    assert waits == [7.0] * 4
    assert requests_mock.call_count == 5


def requests_mock_any() -> Any:
    import requests_mock

    return requests_mock.ANY


@pytest.mark.parametrize(
    "failure",
    [
        requests.ConnectionError(f"https://me:{TOKEN}@host"),
        requests.ReadTimeout("slow"),
        requests.exceptions.SSLError,
    ],
)
def test_a_server_that_is_not_reached(requests_mock: Mocker, ask: Request, failure: Any) -> None:
    waits: list[float] = []
    requests_mock.get(requests_mock_any(), exc=failure)
    with pytest.raises(SourceError, match="cannot be reached") as caught:
        load("uk", "national", replace(ask, sleep=waits.append))
    assert TOKEN not in str(caught.value)
    assert len(waits) == 4
    assert all(0.5 * 2**number <= wait <= 2**number for number, wait in enumerate(waits))


def test_a_hiccup_is_no_failure(requests_mock: Mocker, ask: Request) -> None:
    url = f"{UK}/intensity/2026-01-10T00:00Z/2026-01-11T00:00Z"
    requests_mock.get(url, [{"status_code": 503}, {"json": fixture("uk-national.json")}])
    assert len(read("uk", "", ask).slots) == 4


def test_a_redirect_is_not_followed(requests_mock: Mocker, ask: Request) -> None:
    requests_mock.get(f"{EM}/past-range", status_code=302, headers={"Location": "https://evil.test/x"})
    with pytest.raises(SourceError, match=r"redirects to evil\.test, which is not followed"):
        read("electricitymaps", "DE", ask)
    assert requests_mock.call_count == 1


def test_a_page_of_a_proxy_is_no_answer(requests_mock: Mocker, ask: Request) -> None:
    requests_mock.get(requests_mock_any(), text="<html>Log in</html>")
    with pytest.raises(SourceError, match="it is not JSON"):
        read("uk", "", ask)


@pytest.mark.parametrize("url", ["ftp://h", "http://me:pw@h", "h", "http://h:0", "http://h?key=1"])
def test_a_base_url_that_is_none_is_refused_and_not_repeated(ask: Request, url: str) -> None:
    with pytest.raises(UsageError, match="SCI_BATCH_UK_URL") as caught:
        read("uk", "", replace(ask, environ={"SCI_BATCH_UK_URL": url}))
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize(
    ("unit", "factor"),
    [
        ("gCO2e per kWh", 1.0),
        ("gCO2eq/kWh", 1.0),
        ("lbCO2e per MWh", 0.45359237),
        ("lbs_co2_per_mwh", 0.45359237),
        ("kgCO2e per MWh", 1.0),
        ("kg CO2 per kWh", 1000.0),
        ("percent", None),
        ("USD per MWh", None),
        ("", None),
    ],
)
def test_units(unit: str, factor: float | None) -> None:
    assert grams_per_kwh(unit) == factor


def test_every_failure_has_a_cure(requests_mock: Mocker, ask: Request) -> None:
    answers: list[Callable[[], object]] = [
        lambda: requests_mock.get(requests_mock_any(), status_code=418),
        lambda: requests_mock.get(requests_mock_any(), status_code=403),
        lambda: requests_mock.get(requests_mock_any(), status_code=500),
        lambda: requests_mock.get(requests_mock_any(), text="no json"),
    ]
    for answer in answers:
        answer()
        with pytest.raises(SciBatchError) as caught:
            read("energy-charts", "DE", ask)
        assert caught.value.cure
