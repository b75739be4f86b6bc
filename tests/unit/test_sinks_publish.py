"""What is published: names, labels and values by hand, texts read by the official parsers."""

from __future__ import annotations

import dataclasses
import itertools
import math
import struct
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics_parser

from sci_batch.errors import SinkError
from sci_batch.report import Report
from sci_batch.sinks import SINKS, SinkOptions
from sci_batch.sinks.access import Push
from sci_batch.sinks.families import count, last_success, newest, of_report
from sci_batch.sinks.protobuf import write_request
from tests.cli import handmade

NOW_MS = 1_772_330_400_000
FIRST, SECOND = 1_772_326_800, 1_772_330_400
"""Ends of the two windows of the report made by hand [s]: 2026-03-01T01:00:00Z and 02:00:00Z."""
parse_plain: Callable[[str], Iterable[Any]] = parser.text_string_to_metric_families
parse_openmetrics: Callable[[str], Iterable[Any]] = openmetrics_parser.text_string_to_metric_families
Values = dict[tuple[str, frozenset[tuple[str, str]], float | None], float]


def written(name: str, folder: Path, report: Report, **push: Any) -> str:
    path = folder / f"result.{'prom' if name == 'textfile' else 'txt'}"
    SINKS[name](report, path, SinkOptions(now_ms=NOW_MS, push=Push(**push)))
    return path.read_bytes().decode()


def values(families: Iterable[Any]) -> Values:
    """By name, labels and time [s]; a second sample of the same would be a mistake."""
    found: Values = {}
    for family in families:
        for sample in family.samples:
            time = None if sample.timestamp is None else float(sample.timestamp)
            key = (sample.name, frozenset(sample.labels.items()), time)
            assert key not in found
            found[key] = sample.value
    return found


def labels(workload: str, **more: str) -> frozenset[tuple[str, str]]:
    kind = {"web": "Deployment", "db": "StatefulSet"}[workload]
    common = {"group": "namespace_workload", "namespace": "shop", "workload": workload, "workload_kind": kind}
    return frozenset({**common, **more}.items())


def changed(report: Report, **provenance: Any) -> Report:
    return dataclasses.replace(report, provenance=dataclasses.replace(report.provenance, **provenance))


def test_the_newest_window_by_hand(tmp_path: Path) -> None:
    found = values(parse_plain(written("textfile", tmp_path, handmade.report())))
    group = frozenset({("group", "namespace_workload")})
    how = frozenset({*group, ("version", "0.0"), ("fingerprint", "0123456789abcdef")})
    scored = {"functional_unit": "request"}
    assert found == {
        ("sci_batch_energy_joules", labels("web"), None): 3.0 * 3.6e6,
        ("sci_batch_energy_joules", labels("db"), None): 0.5 * 3.6e6,
        ("sci_batch_carbon_operational_grams", labels("web"), None): 1140.0,
        ("sci_batch_carbon_operational_grams", labels("db"), None): 190.0,
        ("sci_batch_carbon_embodied_grams", labels("web"), None): 60.0,
        ("sci_batch_carbon_embodied_grams", labels("db"), None): 10.0,
        ("sci_batch_carbon_grams", labels("web"), None): 1200.0,
        ("sci_batch_carbon_grams", labels("db"), None): 200.0,
        ("sci_batch_intensity_grams_per_kwh", labels("web"), None): 380.0,
        ("sci_batch_intensity_grams_per_kwh", labels("db"), None): 380.0,
        ("sci_batch_coverage_ratio", labels("web"), None): 0.5,
        ("sci_batch_coverage_ratio", labels("db"), None): 0.5,
        # The database has no units of work: no R and no score, not 0.
        ("sci_batch_functional_units", labels("web", **scored), None): 1000.0,
        ("sci_batch_sci_grams_per_unit", labels("web", **scored), None): 1.2,
        ("sci_batch_window_start_timestamp_seconds", group, None): FIRST,
        ("sci_batch_window_end_timestamp_seconds", group, None): SECOND,
        ("sci_batch_info", how, None): 1.0,
        ("sci_batch_last_success_timestamp_seconds", group, None): NOW_MS / 1000,
    }


def test_every_window_with_its_time(tmp_path: Path) -> None:
    text = written("openmetrics", tmp_path, handmade.report())
    assert text.endswith("\n# EOF\n")
    found = values(parse_openmetrics(text))
    job = {"job": "sci_batch"}
    score = {(time, dict(pairs)["workload"]): value for (name, pairs, time), value in found.items()
             if name == "sci_batch_sci_grams_per_unit"}  # fmt: skip
    assert score == {(FIRST, "web"): 0.4, (SECOND, "web"): 1.2}
    assert found["sci_batch_carbon_grams", labels("web", **job), FIRST] == 400.0
    assert found["sci_batch_carbon_grams", labels("db", **job), SECOND] == 200.0
    # 2 windows: 6 measures of 2 workloads, R and SCI of one, start, end and info; no time of a run.
    assert len(found) == 2 * (6 * 2 + 2 + 3)


def test_the_same_result_is_the_same_text(tmp_path: Path) -> None:
    first = written("openmetrics", tmp_path, handmade.report())
    shuffled = handmade.result().sample(frac=1.0, random_state=3).reset_index(drop=True)
    assert values(parse_openmetrics(written("openmetrics", tmp_path, handmade.report(frame=shuffled)))) == (
        values(parse_openmetrics(first))
    )
    assert written("openmetrics", tmp_path, handmade.report()) == first


def test_all_of_a_series_stands_together_and_rises_in_time(tmp_path: Path) -> None:
    shuffled = handmade.result().sample(frac=1.0, random_state=5).reset_index(drop=True)
    lines = [
        line.rsplit(" ", 2)
        for line in written("openmetrics", tmp_path, handmade.report(frame=shuffled)).splitlines()
        if not line.startswith("#")
    ]
    heads = [head for head, _ in itertools.groupby(head for head, _, _ in lines)]
    assert len(heads) == len(set(heads))
    names = [name for name, _ in itertools.groupby(head.partition("{")[0] for head in heads)]
    assert len(names) == len(set(names))
    for _, samples in itertools.groupby(lines, key=lambda line: line[0]):
        times = [float(time) for _, _, time in samples]
        assert times == sorted(set(times))


def test_cluster_and_group_name_a_result(tmp_path: Path) -> None:
    report = changed(handmade.report(), cluster="eu")
    found = values(parse_plain(written("textfile", tmp_path, report, group="hourly")))
    assert {dict(pairs)["group"] for _, pairs, _ in found} == {"hourly"}
    assert {dict(pairs)["cluster"] for _, pairs, _ in found} == {"eu"}


def test_label_keys_are_label_names_and_empty_values_are_absent(tmp_path: Path) -> None:
    keys = ("label:app.kubernetes.io/name", "label:team")
    frame = handmade.result().rename(columns=dict(zip(handmade.GROUP_BY, keys, strict=True)))
    frame["label:team"] = pd.Series(["", "data", "", "data"], dtype="str")
    report = changed(handmade.report(frame=frame), group_by=keys)
    found = values(parse_plain(written("textfile", tmp_path, report)))
    energy = [dict(pairs) for name, pairs, _ in found if name == "sci_batch_energy_joules"]
    group = "label_app_kubernetes_io_name_label_team"
    assert energy == [
        {"group": group, "label_app_kubernetes_io_name": "shop", "workload_kind": "Deployment"},
        {"group": group, "label_app_kubernetes_io_name": "shop", "label_team": "data",
         "workload_kind": "StatefulSet"},
    ]  # fmt: skip


def test_keys_that_become_one_label_are_refused(tmp_path: Path) -> None:
    keys = ("label:a.b", "label:a/b")
    frame = handmade.result().rename(columns=dict(zip(handmade.GROUP_BY, keys, strict=True)))
    with pytest.raises(SinkError, match="two keys of --group-by are the Prometheus label label_a_b"):
        written("openmetrics", tmp_path, changed(handmade.report(frame=frame), group_by=keys))


def test_every_functional_unit_is_a_label(tmp_path: Path) -> None:
    frame = handmade.result()
    place = 1 + list(frame.columns).index("sci_gco2e_per_unit")
    frame.insert(place, "functional_units:user", [10.0, math.nan, 0.0, 20.0])
    frame.insert(place + 1, "sci_gco2e_per_unit:user", [40.0, math.nan, math.nan, 10.0])
    report = changed(handmade.report(frame=frame), further_units=("user",))
    found = values(parse_openmetrics(written("openmetrics", tmp_path, report)))
    scores = {
        (dict(pairs)["functional_unit"], dict(pairs)["workload"], time): value
        for (name, pairs, time), value in found.items()
        if name == "sci_batch_sci_grams_per_unit"
    }
    assert scores == {
        ("request", "web", FIRST): 0.4,
        ("request", "web", SECOND): 1.2,
        ("user", "web", FIRST): 40.0,
        ("user", "db", SECOND): 10.0,
    }
    units = [value for (name, _, _), value in found.items() if name == "sci_batch_functional_units"]
    assert sorted(units) == [0.0, 10.0, 20.0, 1000.0, 1000.0]  # 0 units of work are known


def test_what_is_unknown_everywhere_has_no_metric(tmp_path: Path) -> None:
    frame = handmade.result().assign(embodied_gco2e=math.nan, carbon_gco2e=math.nan)
    text = written("openmetrics", tmp_path, handmade.report(frame=frame, unit=None))
    for name in ("embodied", "sci_batch_carbon_grams", "functional_unit", "sci_grams_per_unit"):
        assert name not in text
    assert "sci_batch_carbon_operational_grams" in text


@settings(max_examples=40, deadline=None)
@given(
    names=st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8), min_size=2,
                   max_size=2, unique=True),
    energy=st.floats(0, allow_infinity=False),
)  # fmt: skip
def test_any_name_and_number_survives_the_texts(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], energy: float
) -> None:
    folder = tmp_path_factory.mktemp("texts")
    frame = handmade.result().assign(
        workload=pd.Series([*names, *names], dtype="str"), energy_kwh=[1.0, 2.0, energy / 3.6e6, 3.0]
    )
    report = handmade.report(frame=frame)
    for name, parse, time in (("textfile", parse_plain, None), ("openmetrics", parse_openmetrics, SECOND)):
        found = values(parse(written(name, folder, report)))
        read = {dict(pairs)["workload"]: value for (metric, pairs, at), value in found.items()
                if metric == "sci_batch_energy_joules" and at == time}  # fmt: skip
        assert read == {names[0]: energy / 3.6e6 * 3_600_000, names[1]: 3.0 * 3_600_000}


def test_more_series_than_wanted_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    found = [*of_report(newest(handmade.report()), {}), last_success({}, NOW_MS)]
    assert count(found) == 6 * 2 + 2 + 3 + 1
    written("textfile", tmp_path, handmade.report(), max_series=18)
    (tmp_path / "result.prom").unlink()
    with pytest.raises(SinkError, match="18 series are more than --push-max-series 17"):
        written("textfile", tmp_path, handmade.report(), max_series=17)
    assert list(tmp_path.iterdir()) == []


def test_a_textfile_that_nobody_would_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match=r"end in \.prom"):
        SINKS["textfile"](handmade.report(), tmp_path / "result.txt", SinkOptions())
    with pytest.raises(SinkError, match=r"end in \.prom"):
        SINKS["textfile"](handmade.report(), None, SinkOptions())


def test_the_protobuf_message_by_hand() -> None:
    one = np.array([0, 0]), np.array([1, 300]), np.array([1.0, -2.5])
    message = write_request([(("__name__", "m"), ("a", "ü"))], *one)
    name = b"\x0a\x08__name__\x12\x01m"
    label = b"\x0a\x01a\x12\x02\xc3\xbc"
    first = b"\x09" + struct.pack("<d", 1.0) + b"\x10\x01"
    second = b"\x09" + struct.pack("<d", -2.5) + b"\x10\xac\x02"  # 300 = 0b10_0101100
    series = b"".join(
        tag + bytes([len(part)]) + part
        for tag, part in ((b"\x0a", name), (b"\x0a", label), (b"\x12", first), (b"\x12", second))
    )
    assert message == b"\x0a" + bytes([len(series)]) + series


def test_samples_of_several_series_go_to_their_own() -> None:
    whole = write_request(
        [(("n", "a"),), (("n", "b"),)], np.array([1, 0, 1]), np.array([5, 6, 7]), np.arange(3.0)
    )
    alone = [
        write_request([(("n", "a"),)], np.zeros(1, int), np.array([6]), np.array([1.0])),
        write_request([(("n", "b"),)], np.zeros(2, int), np.array([5, 7]), np.array([0.0, 2.0])),
    ]
    assert whole == b"".join(alone)


def test_arrow_writes_snappy_blocks_without_a_frame() -> None:
    """By the description of the format: length, then a literal of 5 bytes."""
    assert (
        bytes(pa.compress(b"hello", codec="snappy", asbytes=True))
        == b"\x05" + bytes([(5 - 1) << 2]) + b"hello"
    )
