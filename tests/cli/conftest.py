"""Where the pipeline is a stand-in, no server is asked beforehand."""

from __future__ import annotations

from contextlib import nullcontext

import pytest


@pytest.fixture(autouse=True)
def nothing_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sci_batch.asking.early.begun", lambda _settings, _now_ms: nullcontext())
