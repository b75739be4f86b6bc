"""What is killed: each kind of run that writes, with what lay there before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.crash.struck import Run
from tests.live.cluster import HOUR, small

HOURS = 3
START = int(small().start) - 2 * HOUR
"""Two hours before midnight: a data set has two days."""
ALWAYS = ("files", "backfill", "last run, checkpoint")
"""Kinds that are killed in every run of the tests; between them they write all that the others write."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A run, and the one before it; both take the server's address and the folder that they write below."""

    name: str
    before: Callable[[str, str], Run]
    run: Callable[[str, str], Run]


def _fixed(url: str, folder: str, intensity: int, *more: str, budget: int | None = None) -> Run:
    """`compute` of the whole range."""
    argv = ("compute", "-q", "-p", url, "--start", str(START), "--end", str(START + HOURS * HOUR),
            "--intensity", str(intensity), *more)  # fmt: skip
    return Run(argv=argv, folder=folder, edge_budget=budget)


def _files(url: str, folder: str, intensity: int) -> Run:
    outputs = [word for name in ("csv", "parquet", "json") for word in ("-o", f"{name}={folder}/day.{name}")]
    return _fixed(url, folder, intensity, *outputs)


def _data_set(url: str, folder: str, intensity: int) -> Run:
    return _fixed(url, folder, intensity, "-o", f"parquet={folder}/set/")


def _checkpointed(url: str, folder: str, intensity: int) -> Run:
    more = ("-o", f"csv={folder}/day.csv", "--checkpoint", f"{folder}/kept")
    return _fixed(url, folder, intensity, *more, budget=1)


def _backfill(url: str, folder: str, hours: int) -> Run:
    argv = ("backfill", "-q", "-p", url, "--intensity", "380", "--state", f"{folder}/state.json",
            "--start", str(START), "--end", str(START + hours * HOUR), "--every", "1h",
            "-o", f"csv={folder}/{{start}}.csv", "-o", f"parquet={folder}/{{start}}.parquet")  # fmt: skip
    return Run(argv=argv, folder=folder)


def last_run(url: str, folder: str, hours: int, *more: str, budget: int | None = None) -> Run:
    """At five minutes past the hour."""
    argv = ("compute", "-q", "-p", url, "--intensity", "380", "--since", "last-run", "--first-since", "1h",
            "--state", f"{folder}/state.json", "-o", f"csv={folder}/{{start}}.csv",
            "-o", f"parquet={folder}/set/", *more)  # fmt: skip
    now = str(START + hours * HOUR + 300)
    return Run(argv=argv, folder=folder, environ={"SCI_BATCH_NOW": now}, edge_budget=budget)


def last_run_checkpointed(url: str, folder: str, hours: int) -> Run:
    return last_run(url, folder, hours, "--checkpoint", f"{folder}/kept", budget=1)


KINDS = (
    Kind("files", lambda url, to: _files(url, to, 100), lambda url, to: _files(url, to, 380)),
    Kind("data set", lambda url, to: _data_set(url, to, 100), lambda url, to: _data_set(url, to, 380)),
    Kind("backfill", lambda url, to: _backfill(url, to, 1), lambda url, to: _backfill(url, to, HOURS)),
    Kind(
        "checkpoint", lambda url, to: _checkpointed(url, to, 100), lambda url, to: _checkpointed(url, to, 380)
    ),
    Kind("last run", lambda url, to: last_run(url, to, 1), lambda url, to: last_run(url, to, HOURS)),
    Kind(
        "last run, checkpoint",
        lambda url, to: last_run_checkpointed(url, to, 1),
        lambda url, to: last_run_checkpointed(url, to, HOURS),
    ),
)
