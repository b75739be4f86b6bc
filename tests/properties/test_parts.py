"""However many windows are worked on at once, and whatever waits in a file, the result is the same."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from sci_batch import ledger, pipeline, spill
from sci_batch.report import Report
from sci_batch.settings import load
from sci_batch.sinks import SinkOptions, csv, json, parquet

NOW_MS = 1_800_000_000_000
CASES: dict[str, dict[str, object]] = {
    "hourly": {},
    "a grid that changes inside the windows": {"window": "4h"},
    "all keys, a choice of namespaces": {
        "group_by": "node,namespace,pod", "namespace": ["sh*", "batch"], "also_intensity": ["380"],
    },
    "dropped": {"unattributed": "drop", "group_by": "namespace"},
}  # fmt: skip


def report(flags: dict[str, object]) -> Report:
    settings = load({"demo": True, **flags}, {}, "compute").settings
    return pipeline.run(settings, now_ms=NOW_MS, progress=lambda _words, _share: None)


@pytest.mark.parametrize("name", CASES)
def test_parts_of_any_size(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    whole = report(CASES[name])
    monkeypatch.setattr(ledger, "ROWS_PER_PART", 500)
    monkeypatch.setattr(ledger, "ROWS_IN_MEMORY", 300)
    monkeypatch.setattr(pipeline, "ROWS_IN_MEMORY", 7)
    monkeypatch.setattr(spill, "ROWS_AT_ONCE", 200)
    cut = report(CASES[name])
    assert len(list(cut.rows.frames())) > 1, "the parts are small enough to show something"
    pd.testing.assert_frame_equal(
        pd.concat(cut.rows.frames(), ignore_index=True), whole.result, check_exact=True
    )
    assert dataclasses.asdict(cut.totals) == dataclasses.asdict(whole.totals)
    assert cut.days == whole.days
    assert (cut.flag_counts, cut.seen_end_ms, cut.provenance) == (
        whole.flag_counts, whole.seen_end_ms, whole.provenance
    )  # fmt: skip
    for sink in (csv, json, parquet):
        sink.write(cut, tmp_path / "cut", SinkOptions())
        sink.write(whole, tmp_path / "whole", SinkOptions())
        if sink is parquet:
            found, wanted = (pq.read_table(tmp_path / of) for of in ("cut", "whole"))
            assert found.equals(wanted, check_metadata=True)
            assert pq.ParquetFile(tmp_path / "cut").num_row_groups > 1
        else:
            assert (tmp_path / "cut").read_bytes() == (tmp_path / "whole").read_bytes()
