"""WattTime, API v3: the marginal operating emissions rate of a balancing region, every 5 minutes.

Marginal figures suit an SCI score, not an inventory, so they are taken only when asked for.
"""

from __future__ import annotations

import base64
from typing import Any

import pandas as pd

from sci_batch.errors import AuthError, SourceError, UsageError
from sci_batch.intensity import cache
from sci_batch.intensity.conversion import grams_per_kwh
from sci_batch.intensity.frame import Intensity, Request
from sci_batch.intensity.http import Api, base_url, secret
from sci_batch.intensity.points import points, times_ms
from sci_batch.intensity.served import one_zone, parsed, provider
from sci_batch.units import MS_PER_SECOND
from sci_batch.windows import rfc3339

URL = "https://api.watttime.org"
URL_VARIABLE = "SCI_BATCH_WATTTIME_URL"
USER_VARIABLE, PASSWORD_VARIABLE = "SCI_BATCH_WATTTIME_USER", "SCI_BATCH_WATTTIME_PASSWORD"
CHUNK_DAYS = 30
SIGNAL = "co2_moer"


def load(argument: str, request: Request) -> Intensity:
    """`CAISO_NORTH`: a region of WattTime.

    Raises
    ------
    UsageError
        No region, or marginal intensities are not asked for.
    AuthError
        No login, or a refused one.
    SourceError
        Not reached, or an answer for another region, unit or model.
    """
    region = argument.strip()
    if not region:
        raise UsageError("watttime needs a region", "Give for example --intensity watttime:CAISO_NORTH.")
    if request.kind != "marginal":
        raise UsageError(
            "watttime gives marginal intensities",
            "Add --intensity-kind marginal: SCI allows it, a Scope 2 inventory does not. For averages take "
            "another source.",
        )
    name = f"watttime:{region}"
    with Api(
        name="WattTime", url=base_url(request, URL_VARIABLE, URL), request=request,
        login=f"Check {USER_VARIABLE} and {PASSWORD_VARIABLE}, and the regions of the plan.",
        where=f"Check the network and {URL_VARIABLE}.",
    ) as api:  # fmt: skip
        shelf = cache.Shelf(
            request=request, provider=provider("watttime", api, URL), zone=region, basis=SIGNAL,
            chunk_days=CHUNK_DAYS, name=name,
        )  # fmt: skip
        return one_zone(
            shelf, _fetcher(api, region), kind="marginal", basis="direct", source=f"{name} ({SIGNAL})"
        )


def _fetcher(api: Api, region: str) -> cache.Fetch:
    """All chunks with one login and the model of the first."""
    token, model = "", ""

    def fetch(start_ms: int, end_ms: int) -> tuple[pd.DataFrame, str]:
        nonlocal token, model
        params = {
            "region": region, "signal_type": SIGNAL, "start": rfc3339(start_ms), "end": rfc3339(end_ms),
        }  # fmt: skip
        if model:
            params["model"] = model
        token = token or _login(api)
        try:
            body = api.get("/v3/historical", params, {"Authorization": f"Bearer {token}"})
        except AuthError:  # a token lives half an hour
            token = _login(api)
            body = api.get("/v3/historical", params, {"Authorization": f"Bearer {token}"})
        frame = parsed(api, body, lambda answer: parse(answer, region))
        its_model = str((api.json(body)["meta"].get("model") or {}).get("date") or "")
        if model and its_model != model:
            raise SourceError(
                f"WattTime answered with the model of {its_model}, and {model} was asked for",
                "Try again: one result needs one model.",
            )
        model = model or its_model
        return frame, its_model

    return fetch


def _login(api: Api) -> str:
    user = secret(api.request, USER_VARIABLE, "the user of WattTime")
    password = secret(api.request, PASSWORD_VARIABLE, "the password of WattTime")
    encoded = base64.b64encode(f"{user}:{password}".encode()).decode("ascii")
    api.secrets = (password, encoded)
    answer = api.json(api.get("/login", None, {"Authorization": f"Basic {encoded}"}))
    token = answer.get("token") if isinstance(answer, dict) else None
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        raise api.broken("its login gives no token")
    api.secrets = (password, encoded, token)
    return token


def parse(answer: Any, region: str) -> pd.DataFrame:
    """POINTS of an answer, converted from lb/MWh.

    Raises
    ------
    SourceError
        The answer is for another region or signal, or in a unit that is no intensity.
    KeyError, TypeError, ValueError, AttributeError
        Another shape.
    """
    meta = answer["meta"]
    for key, wanted in (("region", region), ("signal_type", SIGNAL)):
        if meta[key] != wanted:
            raise SourceError(
                f"WattTime answered for the {key} {meta[key]}, and {wanted} was asked for",
                "Check the region in --intensity watttime:REGION.",
            )
    factor = grams_per_kwh(meta["units"])
    if factor is None:
        raise SourceError(
            f"WattTime answered in {meta['units']}, which is no intensity", "Please report this."
        )
    step_ms = int(meta["data_point_period_seconds"]) * MS_PER_SECOND
    items = answer["data"]
    values = pd.Series([item["value"] for item in items], dtype="float64") * factor
    return points(times_ms([item["point_time"] for item in items]), values, step_ms=step_ms)
