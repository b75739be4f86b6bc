"""What modules log, as notes on standard error."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from sci_batch.cli import log
from sci_batch.cli.logged import notes

MODULE = logging.getLogger("sci_batch.prometheus.somewhere")


@pytest.fixture
def in_json() -> Iterator[None]:
    log.use("json")
    yield
    log.use("text")


def _logged(*, quiet: bool = False, verbose: bool = False) -> None:
    with notes(quiet=quiet, verbose=verbose):
        for server in ("a", "b"):
            MODULE.info("waiting for %s", server)
            MODULE.info("a detour to %s", server, extra={"tell": True})
            MODULE.info("no detour to %s", server, extra={"tell": False})
            MODULE.debug("bytes")
    MODULE.warning("after the command", extra={"tell": True})


def test_what_people_should_know_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    _logged()
    assert capsys.readouterr().err == "note: a detour to a\n"


def test_all_is_said_with_verbose(capsys: pytest.CaptureFixture[str]) -> None:
    _logged(verbose=True)
    said = [
        f"note: {words} {server}\n"
        for server in "ab"
        for words in ("waiting for", "a detour to", "no detour to")
    ]
    assert capsys.readouterr().err == "".join(said)


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    _logged(quiet=True)
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("in_json")
def test_one_object_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    _logged()
    (line,) = capsys.readouterr().err.splitlines()
    assert [json.loads(line)[key] for key in ("level", "msg")] == ["info", "a detour to a"]
