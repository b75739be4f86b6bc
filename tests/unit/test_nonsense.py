"""No number out of nonsense: what Python's `float` and `int` take, and no other program does, is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sci_batch import gate, stored
from sci_batch.cli.terminal import now_ms
from sci_batch.embodied import file_rows
from sci_batch.embodied.quantity import number as embodied_number
from sci_batch.errors import UsageError
from sci_batch.intensity.file import read as read_intensity
from sci_batch.intensity.frame import Request
from sci_batch.prometheus.decode import BrokenBodyError, decode
from sci_batch.settings import factors, values, work
from sci_batch.sinks import SINKS, SinkOptions
from sci_batch.source import unit_file
from sci_batch.windows import of_range, parse_duration, parse_lifespan, parse_time
from tests.cli import handmade

ARABIC, WIDE = "\u0661\u0662", "\uff11"  # 12 and 1
NONSENSE = (
    "nan",
    "inf",
    "-Infinity",
    "1_000",
    "0x10",
    ARABIC,
    WIDE,
    "\u00b2",
    "1e400",
    "1.5.2",
    "1e",
    "--1",
    "true",
    "1,5 kg",
    "9" * 400 + "x",
)
READERS: dict[str, Callable[[str], object]] = {
    "whole": values.whole(0),
    "number": values.number(0),
    "intensity": lambda text: factors.intensity(f"constant:{text}"),
    "kg": lambda text: factors.embodied(f"kg:{text}"),
    "embodied": embodied_number,
    "pue": lambda text: factors.pue(text if text[:1].isalpha() is False else f"1{text}"),
    "functional unit": lambda text: work.functional_unit(f"request={text}"),
    "limit": lambda text: gate.parse(f"sci>{text}"),
    "increase": lambda text: gate.parse(f"increase>{text}%"),
    "duration": lambda text: parse_duration(f"{text}h"),
    "lifespan": lambda text: parse_lifespan(f"{text}y"),
    "shift": lambda text: values.shift(f"{text}h"),
    "time": lambda text: parse_time(text, 0),
    "clock": lambda text: now_ms({"SCI_BATCH_NOW": text}),
}


@pytest.mark.parametrize("text", NONSENSE, ids=ascii)
@pytest.mark.parametrize("name", READERS)
def test_flags(name: str, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        READERS[name](text)
    assert caught.value.cure


@pytest.mark.parametrize("text", ["9" * 5_000 + "h", "9" * 5_000, "sci>" + "9" * 5_000])
def test_numbers_of_thousands_of_digits(text: str) -> None:
    """Python itself refuses to read them, with a ValueError."""
    for read in (parse_duration, lambda given: parse_time(given, 0), gate.parse, values.whole(0)):
        with pytest.raises(UsageError):
            read(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-30T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-03-01T25:00:00Z",
        "0000-01-01T00:00:00Z",
        "2026-03-01T00:00:00+99:99",
        f"{ARABIC}26-03-01T00:00:00Z",
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+23:59",
    ],
    ids=ascii,
)
def test_times_that_are_none(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        of_range(since_seconds=None, start="0", end=text, window="1h", tz="UTC", now_ms=10**12)
    assert caught.value.cure


# --- cells of files ---

_DAY = "2026-03-01T00:00:00Z", "2026-03-01T01:00:00Z"
_EDGES_MS = (1_772_323_200_000, 1_772_326_800_000)
CELLS = (*NONSENSE, "-1", "1,5")


@pytest.mark.parametrize("cell", CELLS, ids=ascii)
def test_cells_of_intensity(cell: str, tmp_path: Path) -> None:
    path = tmp_path / "ci.csv"
    path.write_text(f"start_utc;end_utc;gco2e_per_kwh\n{_DAY[0]};{_DAY[1]};{cell}\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"ci\.csv line 2"):
        read_intensity(path, Request(start_ms=0, end_ms=1))


@pytest.mark.parametrize("cell", CELLS, ids=ascii)
def test_cells_of_units(cell: str, tmp_path: Path) -> None:
    path = tmp_path / "units.csv"
    path.write_text(f"start_utc;end_utc;functional_units\n{_DAY[0]};{_DAY[1]};{cell}\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"units\.csv, line 2"):
        unit_file.read(path, _EDGES_MS)


@pytest.mark.parametrize("cell", [cell for cell in CELLS if cell != "1,5"], ids=ascii)
def test_cells_of_embodied(cell: str, tmp_path: Path) -> None:
    path = tmp_path / "nodes.csv"
    path.write_text(f"node;embodied_kgco2e\nworker;{cell}\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"nodes\.csv, line 2"):
        file_rows.read(path)


@pytest.mark.parametrize(
    "moment",
    [
        "2026",
        "20260301",
        "2026-03",
        "2026-02-30",
        f"{ARABIC}26-03-01",
        "1772323200",
        "01.03.2026",
        "03/01/2026 00:00",
    ],
    ids=ascii,
)
def test_times_of_files(moment: str, tmp_path: Path) -> None:
    ci, units = tmp_path / "ci.csv", tmp_path / "units.csv"
    ci.write_text(f"start_utc,end_utc,gco2e_per_kwh\n{moment},2027-01-01,380\n", encoding="utf-8")
    units.write_text(f"start_utc,end_utc,functional_units\n{moment},2027-01-01,380\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"it is no time"):
        read_intensity(ci, Request(start_ms=0, end_ms=1))
    with pytest.raises(UsageError, match=r"is no time"):
        unit_file.read(units, _EDGES_MS)


@pytest.mark.parametrize("cell", ["nan", "inf", "1_000", ARABIC, "0x10", "true"], ids=ascii)
def test_cells_of_a_stored_csv(cell: str, tmp_path: Path) -> None:
    path = tmp_path / "result.csv"
    SINKS["csv"](handmade.report(), path, SinkOptions())
    text = path.read_text(encoding="utf-8")
    assert ",1.0," in text
    path.write_text(text.replace(",1.0,", f",{cell},", 1), encoding="utf-8")
    with pytest.raises(UsageError, match="no result"):
        stored.read(path, "request")


@pytest.mark.parametrize("value", ["1", "1_000", True, [1], {"a": 1}, 10**400, float("inf")], ids=repr)
def test_cells_of_stored_json(value: object, tmp_path: Path) -> None:
    _refused_json(tmp_path, lambda document: document["rows"][0].update(energy_kwh=value))
    _refused_json(tmp_path, lambda document: document["totals"].update(energy_kwh=value))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tz", "Mars/Olympus"),
        ("start", "yesterday"),
        ("end", 5),
        ("group_by", "namespace"),
        ("queries", [1]),
        ("method", []),
        ("functional_unit", 3),
        ("window", None),
    ],
)
def test_provenance_of_another_kind(name: str, value: object, tmp_path: Path) -> None:
    _refused_json(tmp_path, lambda document: document["provenance"].update({name: value}))


def test_a_name_that_is_no_text_and_a_time_that_is_a_number(tmp_path: Path) -> None:
    _refused_json(tmp_path, lambda document: document["rows"][0].update(namespace=5))
    _refused_json(tmp_path, lambda document: document["rows"][0].update(window_start=1_772_323_200))
    _refused_json(tmp_path, lambda document: document["rows"][0].update(window_start="01/03/2026"))


def _refused_json(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "result.json"
    SINKS["json"](handmade.report(), path, SinkOptions())
    document = json.loads(path.read_text(encoding="utf-8"))
    change(document)
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        stored.read(path)
    assert str(path) in caught.value.what or "time" in caught.value.what
    assert caught.value.cure


# --- Prometheus ---


def _matrix(pairs: str, labels: str = '{"a":"b"}') -> bytes:
    return (
        f'{{"status":"success","data":{{"resultType":"matrix","result":[{{"metric":{labels},"values":[{pairs}]}}]}}}}'
    ).encode()


@pytest.mark.parametrize(
    "pairs",
    [
        '[1,"1_000"]',
        f'[1,"{ARABIC}"]',
        '[1," 2"]',
        '[1,"0x10"]',
        "[1,true]",
        "[true,2]",
        "[1,null]",
        "[1,[2]]",
        '[1"7,"2"]',
        '[.5,"2"]',
        '[+1,"2"]',
        '[01,"2"]',
        '[1.,"2"]',
        '[1,2"]',
        '[1,"2]',
        '[1e300,"2"]',
        '[NaN,"2"]',
        '[1e999,"2"]',
        '[1,""]',
        '[-,"2"]',
        '[1,"2"],[3,"4]',
        f'[{"9" * 400},"2"]',
    ],
    ids=ascii,
)
def test_samples_that_are_none(pairs: str) -> None:
    with pytest.raises(BrokenBodyError):
        decode(_matrix(pairs))


@pytest.mark.parametrize("labels", ['{"a":1}', '{"a":null}', '["a"]', '"a"', '{"a":{"b":"c"}}'])
def test_labels_that_are_no_texts(labels: str) -> None:
    with pytest.raises(BrokenBodyError):
        decode(_matrix('[1,"2"]', labels))


def test_series_that_stand_elsewhere_are_none_of_the_answer() -> None:
    series = b'[{"metric":{"a":"b"},"values":[[1,"2"]]}]'
    elsewhere = (
        b'{"status":"success","stats":{"result":' + series + b'},"data":{"resultType":"matrix","result":[]}}'
    )
    twice = b'{"status":"success","data":{"resultType":"matrix","result":' + series + b',"result":[]}}'
    assert len(decode(elsewhere).samples) == len(decode(twice).samples) == 0


def test_numbers_as_numbers_are_taken() -> None:
    samples = decode(_matrix('[1,2],[3.5,-4e1],[0,"5"],[0.25,"6"]')).samples
    assert samples.time_ms.tolist() == [1000, 3500, 0, 250]
    assert samples.value.tolist() == [2.0, -40.0, 5.0, 6.0]


def test_true_is_no_number_in_parquet(tmp_path: Path) -> None:
    path = tmp_path / "ci.parquet"
    pd.DataFrame({"start_utc": [_DAY[0]], "end_utc": [_DAY[1]], "gco2e_per_kwh": [True]}).to_parquet(path)
    with pytest.raises(UsageError, match="line 1: gco2e_per_kwh"):
        read_intensity(path, Request(start_ms=0, end_ms=1))
