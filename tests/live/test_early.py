"""The first questions, asked while pandas is loaded: those of the run, each once, and the same numbers."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from sci_batch import pipeline
from sci_batch.asking import early
from sci_batch.settings import Settings
from tests.bench.recording import recording
from tests.live.cluster import HOUR, served, small
from tests.properties import sources
from tests.simulator import simulate

START = int(small().start)
HOURS = 3
NOW_MS = (START + 30 * HOUR) * 1000


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Both Keplers, one after the other."""
    with served(simulate(small("upgrade", range_seconds=HOURS * HOUR, upgrade_at=1.4 * HOUR))) as address:
        yield address


def settings(url: str, **flags: Any) -> Settings:
    given = {"prometheus_url": url, "start": str(START), "end": str(START + HOURS * HOUR), "intensity": "380"}
    return sources.settings(given | flags)


def sent(url: str, chosen: Settings, *, begin: bool) -> tuple[Counter[tuple[str, bytes]], pd.DataFrame]:
    """What a run sends to the server, and its rows."""
    with recording(url) as kept:
        chosen = replace(chosen, prometheus_url=kept.url)
        with early.begun(chosen, NOW_MS) if begin else nullcontext() as begun:
            assert (begun is not None) == begin
            report = pipeline.run(chosen, now_ms=NOW_MS, progress=lambda _words, _done: None, begun=begun)
        return Counter(kept.requests), report.result


@pytest.mark.live
@pytest.mark.parametrize(
    "flags",
    [
        {"window": "1h"},
        {"window": "1h", "pull": "raw"},
        {"window": "1m"},
        {"window": "1h", "also_intensity": ["zone:FR"]},
        {"window": "1h", "intensity": "zone:FR", "group_by": "label:team"},
    ],
)
def test_each_question_is_sent_once_and_none_in_vain(url: str, flags: dict[str, Any]) -> None:
    chosen = settings(url, **flags)
    plain, expected = sent(url, chosen, begin=False)
    ahead, found = sent(url, chosen, begin=True)
    assert set(ahead.values()) == {1}
    assert ahead == plain
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


@pytest.mark.parametrize(
    "flags",
    [
        {"functional_unit": ["request=file:units.csv"]},
        {"start": "2026-03-01T00:10:00Z", "end": "2026-03-01T00:20:00Z"},
    ],
)
def test_where_the_run_may_refuse_nothing_is_asked(flags: dict[str, Any]) -> None:
    given = {"prometheus_url": "http://127.0.0.1:9", "intensity": "380"}
    with early.begun(sources.settings(given | flags), NOW_MS) as begun:
        assert begun is None


def test_asking_needs_no_pandas() -> None:
    """It would have to wait until that is loaded."""
    code = "import sci_batch.asking.early, sys; print({'pandas', 'pyarrow'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
