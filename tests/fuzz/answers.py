"""What programs write and this tool reads: Prometheus, recordings, state, manifests, HTTP configuration."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from sci_batch import snapshot
from sci_batch.impact import carbon_hack, kepler_importer, verification
from sci_batch.impact.yaml_file import mapping, text_of
from sci_batch.inputs import Kube
from sci_batch.prometheus import http_config, problems
from sci_batch.prometheus.decode import BrokenBodyError, Decoded, decode
from sci_batch.schedule import documents, health, last_run
from sci_batch.snapshot.manifest import sealed
from tests.fuzz.judged import NUMBER, answered, file_of

_YEAR_10000_S = 253_402_300_800


def prometheus_json(data: bytes) -> None:
    """The answer to a query: the same series and samples as a plain reader of JSON finds, or none."""
    try:
        found: Decoded | None = decode(data)
    except BrokenBodyError as error:
        assert str(error)
        found = None
    expected = _plain(data)
    assert (found is None) == (expected is None), "one of the two readers refused it"
    if found is None or expected is None:
        return
    samples = found.samples
    labels = samples.labels.to_dict("records")
    texts = [{name: value for name, value in row.items() if value} for row in labels]
    rows = zip(samples.series.tolist(), samples.time_ms.tolist(), samples.value.tolist(), strict=True)
    assert [(texts[number], time, value) for number, time, value in rows] == expected


def _plain(data: bytes) -> list[tuple[dict[str, str], int, float]] | None:
    """Labels, Unix ms and value of each finite sample, one by one; None where it is no answer."""
    try:
        envelope = json.loads(data)
        body = envelope["data"]
        if envelope["status"] != "success":
            return None
        result: Any = body["result"]
        match body["resultType"]:
            case "matrix":
                series = [(one["metric"], one.get("values", []), one.get("histograms", [])) for one in result]
            case "vector":
                series = [(one["metric"], [one["value"]] if "value" in one else [], []) for one in result]
            case "scalar":
                series = [({}, [result], [])]
            case "string":
                return []
            case _:
                return None
        found = []
        for labels, pairs, histograms in series:
            assert isinstance(labels, dict)
            assert isinstance(pairs, list)
            assert isinstance(histograms, list)
            assert all(isinstance(value, str) for value in labels.values())
            known = {name: value for name, value in labels.items() if value}
            found += [(known, *_sample(pair)) for pair in pairs]
    except (ValueError, KeyError, TypeError, AttributeError, AssertionError, RecursionError):
        return None
    return [sample for sample in found if math.isfinite(sample[2])]


def _sample(pair: Any) -> tuple[int, float]:
    """Time as Unix ms and value, which is a number or the text of one."""
    assert isinstance(pair, list)
    seconds, value = pair
    assert isinstance(seconds, int | float)
    assert not isinstance(seconds, bool)
    assert abs(seconds) < _YEAR_10000_S
    if isinstance(value, str):
        assert NUMBER.fullmatch(value) or value.lower().lstrip("+-") in ("nan", "inf", "infinity")
    else:
        assert isinstance(value, int | float)
        assert not isinstance(value, bool)
    return round(float(seconds) * 1000), float(value)


def refusals(data: bytes) -> None:
    """The body of a failed request, of any status: words fit for a terminal, and a cure."""
    for status in (200, 302, 401, 404, 422, 500, 504):
        headers = {"content-type": "text/html", "location": data[:80].decode("latin-1")}
        for kind in (headers, {}):
            answer = problems.Answer(status, kind, data)
            found = problems.judge(answer, problems.Asked("http://prometheus:9090", "up"))
            if found is not None:
                assert found.error.what.isprintable(), found.error.what
                assert found.error.cure
                assert len(found.error.what) < 5_000
    problems.retry_after_seconds(data.decode("latin-1"))


def recording(data: bytes) -> None:
    """The manifest of a recording, sealed again by whoever changed it, and each table that it names."""
    try:
        facts = json.loads(data)
        text = json.dumps(sealed(facts)).encode() if isinstance(facts, dict) else data
    except (ValueError, RecursionError):
        text = data
    folder = _recording()
    (folder / snapshot.MANIFEST).write_bytes(text)
    opened = answered(lambda: snapshot.open_(folder))
    if opened is not None:
        answered(lambda: snapshot.tables(opened))
        answered(lambda: snapshot.intensities(opened))
        answered(lambda: snapshot.check_range(opened, opened.start_ms, opened.end_ms))


def _recording() -> Path:
    folder = file_of(b"", "of-the-recording").parent / "recording"
    if not folder.is_dir():
        folder.mkdir()
        for name in (*Kube.tables(), "intensity"):
            (folder / f"{name}.parquet").write_bytes((snapshot.DEMO / f"{name}.parquet").read_bytes())
    return folder


def state(data: bytes) -> None:
    """`--state` and `--health-file` of an earlier run."""
    path = file_of(data, "state.json")
    answered(lambda: last_run.read(path, "eu"))
    answered(lambda: documents.read(path, "backfill", "--state"))
    health.write(path, health.Outcome(finished="2026-03-01T00:00:00Z", exit_code=0, message="done"))
    assert documents.read(path, health.KIND, "--health-file")


def manifests(data: bytes) -> None:
    """`import-if` and `verify-if`, up to where if-run would be called."""
    path = file_of(data, "if.yaml")
    found = answered(lambda: mapping(text_of(path, max_bytes=2_000_000), path))
    if found is not None:
        answered(lambda: carbon_hack.migrated(kepler_importer.components(found)))
        answered(lambda: verification.check(found, path))


def http_configuration(data: bytes) -> None:
    """`--http-config-file`."""
    path = file_of(data, "http.yml")
    answered(lambda: http_config.load(str(path)))
