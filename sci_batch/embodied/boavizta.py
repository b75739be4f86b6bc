"""`boavizta:URL`: a BoaviztAPI of one's own, asked for each instance type.

Its `embedded` impact is allocated to the `duration` asked for. The duration sent is the whole life that the
service gives a server, so that what comes back is TE, and is spread over the lifespan only once, by us.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pandas as pd

from sci_batch import __version__
from sci_batch.embodied.instance import providers
from sci_batch.errors import AuthError, SciBatchError, SourceError, UsageError

if TYPE_CHECKING:
    import requests

LIFE_HOURS = 35_040
"""Four years: the life of a server in BoaviztAPI's archetypes."""
PROVIDERS = ("aws", "azure", "gcp", "scaleway", "ovhcloud")
TIMEOUT_SECONDS = (10.0, 60.0)
TRIES = 4
LONGEST_WAIT_SECONDS = 30.0
_UNIT = "kgCO2eq"


def check_url(url: str) -> None:
    """An address without a login, which would be printed with the result.

    Raises
    ------
    UsageError
        Anything else; the sentence does not repeat it.
    """
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good, parts = False, urlsplit("")
    if not good or parts.username is not None or parts.query or parts.fragment:
        raise UsageError(
            "--embodied boavizta: takes an http(s) address without login, `?` and `#`",
            "Give for example --embodied boavizta:http://boavizta:5000.",
        )


def nodes(argument: str, facts: pd.DataFrame, sleep: Callable[[float], None] = time.sleep) -> pd.DataFrame:
    """Nodes whose instance type the service knows; its least and most are the bounds.

    Raises
    ------
    UsageError, AuthError, SourceError
        The address is none, the login is refused, or the service cannot answer.
    """
    import requests

    base = argument.rstrip("/")
    check_url(base)
    asked = facts[["node", "instance_type"]].assign(provider=providers(facts))
    asked = asked[(asked["instance_type"] != "") & asked["provider"].isin(PROVIDERS)]
    types = asked[["provider", "instance_type"]].drop_duplicates(ignore_index=True)
    with requests.Session() as session:
        session.headers.update({"User-Agent": f"sci-batch/{__version__}", "Accept": "application/json"})
        answers = pd.DataFrame(
            [
                _of_type(session, base, provider, name, sleep)
                for provider, name in zip(types["provider"], types["instance_type"], strict=True)
            ],
            columns=["embodied_kgco2e", "low_kgco2e", "high_kgco2e"],
            dtype="float64",
        )
    found = asked.merge(types.join(answers), on=["provider", "instance_type"], how="left", validate="m:1")
    found = found[found["embodied_kgco2e"].notna()]
    return found.drop(columns=["provider", "instance_type"]).assign(
        embodied_source=f"boavizta:{urlsplit(base).hostname}"
    )


def _of_type(
    session: requests.Session, base: str, provider: str, instance_type: str, sleep: Callable[[float], None]
) -> tuple[float, float, float]:
    """TE, least and most [kgCO2e]; all null for a type that the service does not know."""
    nan = float("nan")
    for name in _names(provider, instance_type):
        query = {
            "provider": provider, "instance_type": name, "verbose": "false",
            "duration": str(LIFE_HOURS), "criteria": "gwp",
        }  # fmt: skip
        body = _ask(session, f"{base}/v1/cloud/instance", query, sleep)
        if body is not None and (found := _embedded(body, base)) is not None:
            return found
    return nan, nan, nan


def _names(provider: str, instance_type: str) -> Iterator[str]:
    """How the service may call it: in lower case, sizes of Azure with and without `standard_`."""
    name = instance_type.lower()
    yield name
    if provider == "azure" and name.startswith("standard_"):
        yield name.removeprefix("standard_")


def _ask(
    session: requests.Session, url: str, query: dict[str, str], sleep: Callable[[float], None]
) -> object | None:
    """The answer's JSON; None for 404. What may pass is tried again."""
    import requests

    error: SciBatchError | None = None
    for attempt in range(TRIES):
        wait = 0.5 * 2**attempt
        try:
            response = session.get(url, params=query, timeout=TIMEOUT_SECONDS, allow_redirects=False)
        except (requests.ConnectionError, requests.Timeout) as failure:
            error = _failure(f"cannot be reached ({type(failure).__name__})")
        except requests.RequestException as failure:
            raise _failure(f"cannot be asked ({type(failure).__name__})") from None
        else:
            if response.status_code == 404:
                return None
            error = _problem(response)
            if error is None:
                return _json(response)
            if response.status_code != 429 and response.status_code < 500:
                raise error
            wait = _retry_after(response, wait)
        if attempt + 1 < TRIES:
            sleep(wait)
    raise error or _failure("did not answer")


def _retry_after(response: requests.Response, otherwise: float) -> float:
    text = response.headers.get("Retry-After", "")
    return min(float(text), LONGEST_WAIT_SECONDS) if text.isdecimal() else otherwise


def _failure(words: str) -> SourceError:
    return SourceError(
        f"the Boavizta service {words}", "Check the address in --embodied boavizta:URL, or leave it out."
    )


def _problem(response: requests.Response) -> SciBatchError | None:
    status = response.status_code
    if status in (401, 403):
        return AuthError(
            f"the Boavizta service refused the request (HTTP {status})",
            "sci-batch asks it without a login: open /v1/cloud/instance for it.",
        )
    if status != 200:
        return _failure(f"answered HTTP {status}: {' '.join(response.text.split())[:200] or response.reason}")
    return None


def _json(response: requests.Response) -> object:
    try:
        body: object = json.loads(response.text)
    except (ValueError, RecursionError):
        raise _failure("answered with something that is not JSON") from None
    return body


def _embedded(body: object, base: str) -> tuple[float, float, float] | None:
    """TE, least and most out of an answer; None where the service has no number for it.

    Raises
    ------
    SourceError
        Another shape, another unit, or numbers that cannot be.
    """
    odd = _failure(f"at {urlsplit(base).hostname} answered in a form that is not BoaviztAPI's")
    try:
        impacts: Any = body["impacts"]["gwp"]  # type: ignore[index]
        unit, embedded = impacts["unit"], impacts["embedded"]
    except (KeyError, TypeError):
        raise odd from None
    if isinstance(embedded, str):
        return None  # "not implemented"
    if unit != _UNIT:
        raise _failure(f"answered in {unit}, not in {_UNIT}")
    try:
        value, low, high = (float(embedded[name]) for name in ("value", "min", "max"))
    except (KeyError, TypeError, ValueError, OverflowError):
        raise odd from None
    if not 0 < value < float("inf") or not 0 <= low <= value <= high < float("inf"):
        raise _failure(f"answered with an impossible embedded impact ({low:g}, {value:g}, {high:g} kg)")
    return value, low, high
