"""Manifests of kepler-importer become settings; expected values read off the two fixtures by hand."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from sci_batch.errors import UsageError
from sci_batch.impact.carbon_hack import GENERAL, migrated
from sci_batch.impact.kepler_importer import components
from sci_batch.settings import load
from sci_batch.settings.document import written
from tests.cli.process import ROOT, sci_batch

FIXTURES = ROOT / "fixtures" / "impact_framework"
OLD, NEW = FIXTURES / "kepler-importer-old.yml", FIXTURES / "kepler-importer-new.yml"
Document = dict[str, Any]


def document(path: Path) -> Document:
    found: Document = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def test_the_old_form() -> None:
    made = migrated(components(document(OLD)))
    assert made.values == {
        "prometheus-url": "http://localhost:9090",
        "window": "1h",
        "start": "2024-04-01T00:00:00Z",
        "end": "2024-04-01T03:00:00Z",
        "namespace": ["shop"],
        "group-by": "namespace,workload",
        "intensity": "56",
        "embodied": "kg:550",
        "lifespan": "4y",
        "functional-unit": ["hour=1"],
    }
    assert made.head == list(GENERAL)
    assert any("(frontend)" in words for words in made.reasons["namespace"])


def test_the_new_form() -> None:
    made = migrated(components(document(NEW)))
    assert made.values == {
        "prometheus-url": "https://prometheus.example.org/prom",
        "window": "15m",
        "start": "2024-04-01T00:00:00Z",
        "end": "2024-04-01T03:00:00Z",
        "namespace": ["shop", "pay"],
        "group-by": "namespace,workload",
        "embodied": "kg:1200",
        "lifespan": "5y",
    }
    assert "2 values, 56.5 to 61" in made.reasons["intensity"][0]
    assert "requests=1200, requests=300" in made.reasons["functional-unit"][0]
    assert "Others had 3600 s" in made.reasons["window"][1]
    assert made.head[-1].endswith("teads (TeadsCurve).")


def test_no_login_is_copied() -> None:
    made = migrated(components(document(NEW)))
    text = written(made.head, made.values, made.reasons)
    assert "secret" not in text
    assert "ada" not in text
    assert "The login in prometheus-endpoint is not copied" in " ".join(text.replace("\n# ", " ").split())


def test_what_is_written_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "sci-batch.toml"
    done = sci_batch("import-if", str(OLD), "--out", str(path))
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == [
        f"wrote {path}; its comments say what changes and why",
        f"next: sci-batch compute --config {path}",
    ]
    loaded = load({}, {}, "compute", str(path))
    assert loaded.settings.window == "1h"
    assert str(loaded.settings.intensity) == "constant:56"
    assert loaded.settings.lifespan_seconds == 4 * 365 * 86_400
    assert [str(unit) for unit in loaded.settings.functional_unit] == ["hour=1"]
    assert sci_batch("import-if", str(OLD)).stdout == path.read_text(encoding="utf-8")


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    path = tmp_path / "new.toml"
    done = sci_batch("import-if", str(NEW), "--out", str(path))
    assert done.returncode == 0
    assert "note: intensity is not set, and needed" in done.stderr
    assert '#intensity = ""' in path.read_text(encoding="utf-8")
    again = sci_batch("import-if", str(OLD), "--out", str(path))
    assert again.returncode == 2
    assert f"error: {path} exists" in again.stderr


def of_old(**config: Any) -> Document:
    """The old form with other settings of the importer."""
    found = document(OLD)
    found["tree"]["children"]["frontend"]["config"]["kepler-importer"].update(config)
    return found


@pytest.mark.parametrize(
    ("time", "unit"),
    [
        ("1 hour", "hour=1"),
        ("1 min", "minute=60"),
        ("1 day", "day=0.0416666666667"),
        ("10 mins", "period of 600 s=6"),
        ("day", "day=0.0416666666667"),
    ],
)
def test_a_score_per_time(time: str, unit: str) -> None:
    """Windows of an hour hold 60 minutes, and a 24th of a day."""
    found = document(OLD)
    found["initialize"]["plugins"]["sci"]["global-config"] = {"functional-unit-time": time}
    assert migrated(components(found)).values["functional-unit"] == [unit]


def test_a_score_per_user_and_time() -> None:
    found = document(OLD)
    found["initialize"]["plugins"]["sci"]["global-config"]["functional-unit"] = "users"
    found["tree"]["children"]["frontend"]["defaults"]["users"] = 5
    assert migrated(components(found)).values["functional-unit"] == ["users hour=5"]


def test_settings_of_a_parent_and_of_the_plugin_count_too() -> None:
    found = document(OLD)
    child = found["tree"]["children"]["frontend"]
    found["tree"] |= {name: child.pop(name) for name in ("pipeline", "config", "defaults")}
    assert migrated(components(found)).values == migrated(components(document(OLD))).values
    del found["tree"]["config"]["kepler-importer"]["container-namespace"]
    found["initialize"]["plugins"]["kepler-importer"]["global-config"] = {"container-namespace": "other"}
    assert migrated(components(found)).values["namespace"] == ["other"]


def test_a_manifest_without_times_and_factors() -> None:
    found = document(OLD)
    child = found["tree"]["children"]["frontend"]
    del child["inputs"], child["defaults"]
    found["initialize"]["plugins"] = {"kepler-importer": found["initialize"]["plugins"]["kepler-importer"]}
    made = migrated(components(found))
    assert set(made.values) == {"prometheus-url", "window", "namespace", "group-by"}
    assert {"start", "intensity", "embodied", "functional-unit"} <= set(made.reasons)


def without_plugin(found: Document) -> None:
    del found["initialize"]["plugins"]["kepler-importer"]


def deep(found: Document) -> None:
    for _ in range(30):
        found["tree"] = {"children": {"x": found["tree"]}}


def many(found: Document) -> None:
    child = found["tree"]["children"]["frontend"]
    found["tree"]["children"] = {str(number): copy.copy(child) for number in range(1_002)}


def another_server(found: Document) -> None:
    other = copy.deepcopy(found["tree"]["children"]["frontend"])
    other["config"]["kepler-importer"]["prometheus-endpoint"] = "http://other:9090"
    found["tree"]["children"]["other"] = other


def rows(found: Document, **row: Any) -> None:
    found["tree"]["children"]["frontend"]["inputs"] = [row]


JUNK: list[tuple[Callable[[Document], Any], str]] = [
    (without_plugin, "has no plugin kepler-importer"),
    (lambda m: m["tree"]["children"]["frontend"].update(pipeline=["sci"]), "no component of the manifest"),
    (lambda m: m.update(tree=[1]), "no component of the manifest"),
    (deep, "deeper than 20 levels"),
    (many, "more than 1000 components"),
    (another_server, "names 2 servers: http://localhost:9090, http://other:9090"),
    (lambda m: rows(m, timestamp="yesterday", duration=1), "tree/frontend: timestamp: 'yesterday'"),
    (lambda m: rows(m, timestamp="2024-04-01T00:00:00", duration=1), "has no time zone"),
    (lambda m: rows(m, timestamp="2024-04-01T00:00:00Z", duration=-1), "duration is no number above 0"),
    (lambda m: rows(m, timestamp="2024-04-01T00:00:00Z"), "duration is no number above 0"),
    (lambda m: rows(m, timestamp="2024-04-01T00:00:00Z", duration=10**400), "duration is no number above 0"),
]


@pytest.mark.parametrize(("change", "words"), JUNK, ids=[words for _, words in JUNK])
def test_junk_gets_a_sentence(change: Callable[[Document], Any], words: str) -> None:
    found = document(OLD)
    change(found)
    with pytest.raises(UsageError) as caught:
        migrated(components(found))
    assert words in caught.value.what
    assert caught.value.cure


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("prometheus-endpoint", "prometheus.com"),
        ("prometheus-endpoint", "ftp://x"),
        ("prometheus-endpoint", "http://[1"),
        ("prometheus-endpoint", None),
        ("kepler-observation-window", 0),
        ("kepler-observation-window", "1h"),
        ("kepler-observation-window", True),
        ("kepler-observation-window", 10**400),
        ("container-namespace", "Shop!"),
        ("container-namespace", ["shop"]),
        ("container-name", 'x"} or vector(1)'),
    ],
)
def test_settings_that_the_importer_would_have_refused(name: str, value: object) -> None:
    with pytest.raises(UsageError, match=f"tree/frontend: {name} is no"):
        migrated(components(of_old(**{name: value})))


def test_a_setting_that_is_missing() -> None:
    found = document(OLD)
    del found["tree"]["children"]["frontend"]["config"]["kepler-importer"]["container-name"]
    with pytest.raises(UsageError, match="kepler-importer has no container-name"):
        migrated(components(found))


def test_odd_shapes_do_no_harm() -> None:
    found = document(OLD)
    found["tree"]["children"] |= {"a": None, "b": {"inputs": 5, "pipeline": 7}, "c": {"children": []}}
    found["tree"]["children"]["frontend"]["inputs"].append("x")
    found["initialize"]["plugins"]["junk"] = None
    assert migrated(components(found)).values == migrated(components(document(OLD))).values


def test_no_text_of_the_manifest_ends_a_comment() -> None:
    found = document(OLD)
    plugin = 'evil\nintensity = "1"\r#'
    found["initialize"]["plugins"][plugin] = {"method": 'x\u2028namespace = ["a"]'}
    found["tree"]["children"]["frontend"]["pipeline"].append(plugin)
    made = migrated(components(found))
    lines = written(made.head, made.values, made.reasons).splitlines()
    assert sum(line.startswith("intensity") for line in lines) == 1
    assert [line for line in lines if line.startswith("namespace")] == ['namespace = ["shop"]']


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("- 1", "is no manifest"),
        ("a: b: c", "is not YAML (line 1)"),
        ("name: x", "the manifest has no plugin kepler-importer"),
        ("a: &a [x]\nb: *a", "has aliases"),
    ],
)
def test_2_files_that_are_something_else(content: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "old.yml"
    path.write_text(content, encoding="utf-8")
    done = sci_batch("import-if", str(path))
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_2_no_file(tmp_path: Path) -> None:
    for command in ("import-if", "verify-if"):
        done = sci_batch(command, str(tmp_path / "none.yml"))
        assert done.returncode == 2
        assert "none.yml cannot be read: No such file or directory" in done.stderr


def test_8_no_place_for_the_settings(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    done = sci_batch("import-if", str(OLD), "--out", str(tmp_path / "file" / "x.toml"))
    assert done.returncode == 8
    assert "Check --out" in done.stderr
